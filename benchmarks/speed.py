"""How long encoding, decoding, drawing the manifold and starting the command line take.

    python benchmarks/speed.py           # 5 rounds; about a minute
    python benchmarks/speed.py --quick   # 1 round; writes nothing

The manifold is drawn twice from the same pretrained model: all images in one call, and with one call an image, as the article
does. Writes benchmarks/results/speed.json with medians and every measurement.
"""

import argparse
import json
import os
import subprocess
import sys
import time

import numpy as np
from record import provenance, write

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"


def manifold_one_by_one(vae, n: int) -> np.ndarray:
    "The article's way, in our words: the decoder is called for each cell of the grid."
    axis = np.linspace(-2, 2, n)
    return np.array([[vae.decode([(right, up)])[0] for right in axis] for up in axis])


def manifold_at_once(vae, n: int) -> np.ndarray:
    axis = np.linspace(-2, 2, n)
    return vae.decode(np.array([(right, up) for up in axis for right in axis]))


def command_line(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-c", "from vae_nb.cli import main; main()", *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="1 round; writes nothing")
    quick = parser.parse_args().quick
    origin = provenance("keras", "tensorflow", "numpy")
    from vae_nb import load_pretrained

    vae, side = load_pretrained("fashion_mnist").vae, 10 if quick else 30
    random = np.random.default_rng(0)
    images, z = (
        random.random((10_000, 28, 28, 1), "float32"),
        random.standard_normal((10_000, 2), "float32"),
    )
    tasks = {
        "encode_10000": lambda: vae.encode(images),
        "decode_10000": lambda: vae.decode(z),
        "manifold_at_once": lambda: manifold_at_once(vae, side),
        "manifold_one_by_one": lambda: manifold_one_by_one(vae, side),
        "help": lambda: command_line("--help"),
    }
    for name in ("encode_10000", "decode_10000", "manifold_at_once"):
        tasks[name]()  # compiles
    same = np.abs(
        manifold_one_by_one(vae, 3).reshape(-1, 28, 28, 1) - manifold_at_once(vae, 3)
    ).max()
    assert same < 1e-4, same
    seconds = {name: [] for name in tasks}
    for _ in range(1 if quick else 5):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            seconds[name].append(time.perf_counter() - start)
    median = {name: float(np.median(values)) for name, values in seconds.items()}
    results = {
        "what": f"seconds, medians of rounds in turn; the manifold has {side} x {side} images",
        **origin,
        "median_seconds": median,
        "encoded_a_second": round(10_000 / median["encode_10000"]),
        "decoded_a_second": round(10_000 / median["decode_10000"]),
        "manifold_times_faster": round(
            float(
                np.median(
                    np.divide(
                        seconds["manifold_one_by_one"], seconds["manifold_at_once"]
                    )
                )
            ),
            1,
        ),
        "seconds": seconds,
    }
    print(json.dumps(results, indent=2))
    if not quick:
        write("speed", results)


if __name__ == "__main__":
    main()
