"""The bound, its tighter relatives and the truth on test images, for both models.

    python benchmarks/evaluation.py          # log p(x) of 10,000 and 200; ten minutes
    python benchmarks/evaluation.py --quick  # 1 latent, untrained; writes nothing

Each model that comes with the library is measured in a process of its own; the
article's on fewer images, as its decoder takes four times as long. The table of bounds
is on the same 200 images for both. The stated errors are held against finer grids on
some images. The ELBO of an image is a mean over draws, with a standard error; the KL
divergence from q(z|x) to p(z|x) comes from a grid that is not the one of log p(x), for
some images. Writes benchmarks/results/evaluation.json.
"""

import math
from typing import NamedTuple

import numpy as np
from harness import alone, peak_memory_mb, provenance, run, timed

from vae_nb import (
    VAE,
    build_vae,
    elbo_draws,
    exact_log_likelihood,
    importance_weighted_log_likelihood,
    load_dataset,
    load_pretrained,
    make_recipe,
    posterior_kl,
)


class Sizes(NamedTuple):
    exact: int  # images whose log p(x) is found
    iwae: int  # of these, those with a bound from the most draws
    table: int  # of these, those with all bounds
    kl: int  # of these, those with a KL on a grid
    draws: tuple[int, ...]  # of the bounds
    elbo_draws: int
    kl_draws: int
    tolerance: float  # of log p(x), nats
    finer: float  # of the finer grids


FULL = Sizes(10_000, 1_000, 200, 8, (1, 10, 100, 1000), 30, 1000, 0.01, 0.0025)
SIZES = {
    "fashion_mnist": FULL,
    # its posteriors are narrower than the narrowest cells for a few images
    "fashion_mnist-truth": FULL._replace(tolerance=0.05, finer=0.0125),
    "fashion_mnist-article": FULL._replace(exact=200, iwae=200, kl=3),
}
QUICK = Sizes(4, 3, 2, 1, (1, 4), 4, 4, 0.1, 0.05)


def mean(values: np.ndarray) -> dict:
    "Mean over images and its standard error, nats."
    error = values.std(ddof=1) / math.sqrt(len(values))
    return {"mean": float(values.mean()), "se": float(error)}


def elbo(vae: VAE, images: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    "Of each image: its mean over k draws, and the standard error."
    log_w = elbo_draws(vae, images, k, seed=1)
    return log_w.mean(1), log_w.std(1, ddof=1) / math.sqrt(k)


def exactly(
    vae: VAE, images: np.ndarray, tolerance: float
) -> tuple[np.ndarray, np.ndarray, dict]:
    (exact, errors), clock = timed(exact_log_likelihood, vae, images, tolerance)
    return (
        exact,
        errors,
        {
            "images": len(images),
            **mean(exact),
            "largest_stated_error": float(errors.max()),
            **clock,
            "peak_memory_mb": peak_memory_mb(),
        },
    )


def finer(vae: VAE, images: np.ndarray, exact, errors, tolerance: float) -> dict:
    "A finer grid's log p(x), beside that of the usual one."
    truer, doubts = exact_log_likelihood(vae, images, tolerance)
    off = np.abs(truer - exact)
    return {
        "images": len(images),
        "largest_stated_error": float(doubts.max()),
        "largest_difference": float(off.max()),
        "beyond_both_stated_errors": int((off > errors + doubts).sum()),
    }


def iwae(vae: VAE, images: np.ndarray, exact, k: int) -> dict:
    "The bound from k draws, and how far below log p(x) it is."
    (values, spread), clock = timed(importance_weighted_log_likelihood, vae, images, k)
    record = {**mean(values), "below_exact": mean(exact - values), **clock}
    if k > 1:
        record["mean_stated_error"] = float(spread.mean())
    return record


def gap_below(exact, errors, values, spread) -> dict:
    "KL(q(z|x) || p(z|x)), which is log p(x) minus the ELBO: at least 0."
    gap, doubt = exact - values, np.hypot(spread, errors)
    quantiles = np.quantile(gap, [0.05, 0.25, 0.5, 0.75, 0.95])
    return {
        "images": len(gap),
        **mean(gap),
        "quantiles_5_25_50_75_95": quantiles.tolist(),
        "smallest": float(gap.min()),
        "smallest_in_its_errors": float((gap / doubt).min()),
    }


def kl_on_grid(vae: VAE, images: np.ndarray, exact, errors, k: int) -> list[dict]:
    "The same for some images, from many draws and from a grid of the posterior."
    values, spread = elbo(vae, images, k)
    rows = []
    for i, image in enumerate(images):
        rows.append(
            {
                "exact_minus_elbo": float(exact[i] - values[i]),
                "draws_error": float(spread[i]),
                "exact_error": float(errors[i]),
                "kl_on_grid": float(posterior_kl(vae, image)),
            }
        )
    return rows


def of_model(name: str, quick: bool) -> dict:
    "Every figure of one model."
    if quick:
        n, vae = QUICK, build_vae((8, 8, 1), make_recipe(latent_dim=1), steps=1)
        images = vae.sample(n.exact, seed=0)
    else:
        n, vae = SIZES[name], load_pretrained(name).vae
        images = load_dataset("fashion_mnist").test_images[: n.exact]
    table = images[: n.table]
    exact, errors, record = exactly(vae, images, n.tolerance)
    shown, doubts = exact[: n.table], errors[: n.table]
    values, spread = elbo(vae, images, n.elbo_draws)
    results = {
        "exact": record,
        "images": len(table),
        "exact_of_these": mean(shown),
        "iwae": {str(k): iwae(vae, table, shown, k) for k in n.draws},
        "elbo": mean(values[: n.table]),
        "elbo_below_exact": mean(shown - values[: n.table]),
        "gap": gap_below(exact, errors, values, spread),
        "kl": kl_on_grid(vae, images[: n.kl], exact, errors, n.kl_draws),
    }
    if n.exact > n.table:
        results["finer"] = finer(vae, table, shown, doubts, n.finer)
    if n.iwae > n.table:
        k, many = max(n.draws), images[: n.iwae]
        bound = iwae(vae, many, exact[: n.iwae], k)
        results["iwae_of_more"] = {"images": len(many), "k": k, **bound}
    return results


def measure(quick: bool) -> dict:
    return {
        "what": "log p(x) and bounds below it on Fashion-MNIST's first test images, "
        "nats per image; se is over images",
        **provenance("vae_nb", "keras", "tensorflow", "numpy"),
        "models": {
            name: alone(of_model, name, quick)
            for name in (["fashion_mnist"] if quick else SIZES)
        },
    }


if __name__ == "__main__":
    run(measure)
