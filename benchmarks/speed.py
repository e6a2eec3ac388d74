"""How long encoding, decoding, drawing the manifold and starting the command line take.

    python benchmarks/speed.py           # 5 rounds; about a minute
    python benchmarks/speed.py --quick   # 1 round; writes nothing

The manifold is drawn twice from the same pretrained model: all images in one call, and
with one call per image, as the article does. Writes benchmarks/results/speed.json with
medians and every measurement.
"""

import subprocess
from statistics import median

import numpy as np
from harness import VAE_NB, in_turn, provenance, run

from vae_nb import load_pretrained


def manifold_one_by_one(vae, n: int) -> np.ndarray:
    "The article's way, in our words: the decoder is called for each cell of the grid."
    axis = np.linspace(-2, 2, n)
    return np.array([vae.decode([(right, up)])[0] for up in axis for right in axis])


def manifold_at_once(vae, n: int) -> np.ndarray:
    axis = np.linspace(-2, 2, n)
    return vae.decode(np.array([(right, up) for up in axis for right in axis]))


def measure(quick: bool) -> dict:
    origin = provenance("keras", "tensorflow", "numpy")
    rounds, n, side = (1, 1_000, 5) if quick else (5, 10_000, 30)
    vae, random = load_pretrained("fashion_mnist").vae, np.random.default_rng(0)
    images = random.random((n, 28, 28, 1), "float32")
    z = random.standard_normal((n, 2), "float32")
    help_command = [*VAE_NB, "--help"]
    tasks = {
        "encode_10000": lambda: vae.encode(images),
        "decode_10000": lambda: vae.decode(z),
        "manifold_at_once": lambda: manifold_at_once(vae, side),
        "manifold_one_by_one": lambda: manifold_one_by_one(vae, side),
        "help": lambda: subprocess.check_output(help_command),
    }
    for name in ("encode_10000", "decode_10000", "manifold_at_once"):
        tasks[name]()  # compiles
    drawn = manifold_one_by_one(vae, 3), manifold_at_once(vae, 3)
    np.testing.assert_allclose(*drawn, rtol=0, atol=1e-4)

    seconds = in_turn(tasks, rounds)
    medians = {name: median(values) for name, values in seconds.items()}
    pairs = zip(seconds["manifold_one_by_one"], seconds["manifold_at_once"])
    return {
        "what": "seconds, medians of rounds in turn; "
        f"the manifold has {side} x {side} images",
        **origin,
        "median_seconds": medians,
        "encoded_a_second": round(n / medians["encode_10000"]),
        "decoded_a_second": round(n / medians["decode_10000"]),
        "manifold_times_faster": round(median(slow / fast for slow, fast in pairs), 1),
        "seconds": seconds,
    }


if __name__ == "__main__":
    run(measure)
