"""The bound, its tighter relatives and the truth on test images, for both models that come with the library.

    python benchmarks/evaluation.py           # log p(x) of 10,000 and 200 images; ten minutes on two cores
    python benchmarks/evaluation.py --quick   # 4 images of the model's own; writes nothing

Each model is measured in a process of its own; the article's on fewer images, as its decoder takes four times as long.
The table of bounds is on the same 200 images for both. The stated errors are held against finer grids on some images. The
ELBO of an image is a mean over draws, with a standard error; the KL divergence from q(z|x) to p(z|x) comes from a grid
that is not the one of log p(x), for some images. Writes benchmarks/results/evaluation.json.
"""

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import time

import numpy as np
from record import provenance, write

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"


def mean(values: np.ndarray) -> dict:
    "Mean over images and its standard error, nats."
    return {
        "mean": float(values.mean()),
        "se": float(values.std(ddof=1) / math.sqrt(len(values))),
    }


def measure(name: str, quick: bool) -> dict:
    "Every figure of one model, in this process."
    from vae_nb import (
        exact_log_likelihood,
        importance_weighted_log_likelihood,
        load_dataset,
        load_pretrained,
        posterior_kl,
    )
    from vae_nb.evaluation import _draws

    vae = load_pretrained(name).vae
    images = (
        vae.sample(4, seed=0) if quick else load_dataset("fashion_mnist").test_images
    )
    sizes = {
        "fashion_mnist": (10_000, 1_000, 200, 8),
        "fashion_mnist-article": (200, 200, 200, 3),
    }[name]
    images, many, some, few = (images[:n] for n in ((4, 3, 2, 1) if quick else sizes))
    start, processor = time.perf_counter(), time.process_time()
    exact, errors = exact_log_likelihood(vae, images)
    scale = (
        1 if sys.platform == "darwin" else 1024
    )  # ru_maxrss is in bytes on macOS, in KiB elsewhere
    results = {
        "exact": {
            "images": len(images),
            **mean(exact),
            "largest_stated_error": float(errors.max()),
            "seconds": time.perf_counter() - start,
            "processor_seconds": time.process_time() - processor,
            "peak_memory_mb": round(
                resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6
            ),
        },
        "images": len(some),
        "exact_of_these": mean(exact[: len(some)]),
        "iwae": {},
    }
    if len(images) > len(some):
        finer, doubts = exact_log_likelihood(
            vae, some, tolerance=0.005 if quick else 0.0025
        )
        off = np.abs(finer - exact[: len(some)])
        results["finer"] = {
            "images": len(some),
            "largest_stated_error": float(doubts.max()),
            "largest_difference": float(off.max()),
            "beyond_both_stated_errors": int(
                (off > errors[: len(some)] + doubts).sum()
            ),
        }
    for k in (1, 10) if quick else (1, 10, 100, 1000):
        start, processor = time.perf_counter(), time.process_time()
        values, spread = importance_weighted_log_likelihood(vae, some, k)
        results["iwae"][str(k)] = {
            **mean(values),
            "below_exact": mean(exact[: len(some)] - values),
            "seconds": time.perf_counter() - start,
            "processor_seconds": time.process_time() - processor,
        }
        if k > 1:
            results["iwae"][str(k)]["mean_stated_error"] = float(spread.mean())

    def elbo(images, k):  # of each image: mean over draws of log w, and standard error
        log_w = np.concatenate(
            [
                np.concatenate([a + b for a, b in blocks], axis=1)
                for _, blocks in _draws(vae, images, k, seed=1)
            ]
        )
        return log_w.mean(1), log_w.std(1, ddof=1) / math.sqrt(k)

    values, spread = elbo(images, 10 if quick else 30)
    gap = exact - values  # KL(q(z|x) || p(z|x)), at least 0
    results |= {
        "elbo": mean(values[: len(some)]),
        "elbo_below_exact": mean(gap[: len(some)]),
        "gap": {
            "images": len(images),
            **mean(gap),
            "quantiles_5_25_50_75_95": np.quantile(
                gap, [0.05, 0.25, 0.5, 0.75, 0.95]
            ).tolist(),
            "smallest": float(gap.min()),
            "smallest_in_its_errors": float((gap / np.hypot(spread, errors)).min()),
        },
    }
    if len(many) > len(some):
        start, processor = time.perf_counter(), time.process_time()
        values, spread = importance_weighted_log_likelihood(
            vae, many, 10 if quick else 1000
        )
        results["iwae_of_more"] = {
            "images": len(many),
            "k": 10 if quick else 1000,
            **mean(values),
            "below_exact": mean(exact[: len(many)] - values),
            "mean_stated_error": float(spread.mean()),
            "seconds": time.perf_counter() - start,
            "processor_seconds": time.process_time() - processor,
        }
    values, spread = elbo(few, 10 if quick else 1000)
    kl = np.array([posterior_kl(vae, image) for image in few])
    return results | {
        "kl": [
            {
                "exact_minus_elbo": float(exact[i] - values[i]),
                "draws_error": float(spread[i]),
                "exact_error": float(errors[i]),
                "kl_on_grid": float(kl[i]),
            }
            for i in range(len(few))
        ]
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="4 images of the model's own; writes nothing",
    )
    parser.add_argument(
        "--model", help=argparse.SUPPRESS
    )  # what the processes it starts are told
    options = parser.parse_args()
    if options.model:
        return print(json.dumps(measure(options.model, options.quick)))
    results = {
        "what": "log p(x) and bounds below it on Fashion-MNIST's first test images, nats an image; se is over images",
        **provenance("vae_nb", "keras", "tensorflow", "numpy"),
        "models": {},
    }
    for name in ("fashion_mnist", "fashion_mnist-article"):
        command = [
            sys.executable,
            __file__,
            "--model",
            name,
            *(["--quick"] if options.quick else []),
        ]
        results["models"][name] = json.loads(
            subprocess.check_output(command, text=True).splitlines()[-1]
        )
    print(json.dumps(results, indent=2))
    if not options.quick:
        write("evaluation", results)


if __name__ == "__main__":
    main()
