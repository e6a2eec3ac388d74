"""How time and memory grow with the number of images: on 1x, 4x and 16x as many.

    python benchmarks/scaling.py           # 7,500 to 120,000 images; about 6 minutes
    python benchmarks/scaling.py --quick   # 500 images; writes nothing

Each size is trained in a process of its own by the default recipe, for one epoch and
then anew for two: the difference is an epoch without compilation. Writes
benchmarks/results/scaling.json.
"""

import numpy as np
from harness import alone, peak_memory_mb, provenance, run, timed

from vae_nb import Dataset, train


def an_epoch(images: int) -> dict:
    "Seconds of a second epoch; the memory is the peak of the whole process."
    pixels = np.random.default_rng(0).random((images, 28, 28, 1), "float32")
    labels = np.zeros(images, "int32")
    dataset = Dataset("random", pixels, labels, pixels[:100], labels[:100], ("none",))
    one, two = (timed(train, dataset, epochs=n)[1] for n in (1, 2))
    return {
        "images": images,
        "data_mb": round(pixels.nbytes / 1e6),
        "seconds": two["seconds"] - one["seconds"],
        "seconds_of_training_one_epoch": one["seconds"],
        "peak_memory_mb": peak_memory_mb(),
    }


def measure(quick: bool) -> dict:
    return {
        "what": "an epoch of the default recipe on random images, a process each",
        **provenance("keras", "tensorflow", "numpy"),
        "sizes": [
            alone(an_epoch, n) for n in ([500] if quick else [7_500, 30_000, 120_000])
        ],
    }


if __name__ == "__main__":
    run(measure)
