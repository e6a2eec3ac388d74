"""How time and memory grow with the number of images: an epoch of the default recipe on 1x, 4x and 16x as many.

    python benchmarks/scaling.py           # 7,500 to 120,000 images; about 6 minutes
    python benchmarks/scaling.py --quick   # 500 to 8,000; writes nothing

Each size is trained in a process of its own, for one epoch and then anew for two: the difference is an epoch without
compilation. Writes benchmarks/results/scaling.json.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time

import numpy as np
from record import provenance, write

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"


def measure(images: int) -> dict:
    "Train in this process; the time is that of a second epoch, the memory the peak of the whole process."
    from vae_nb import Dataset, train

    pixels = np.random.default_rng(0).random((images, 28, 28, 1), "float32")
    labels = np.zeros(images, "int32")
    dataset = Dataset("random", pixels, labels, pixels[:100], labels[:100], ["none"])
    start = time.perf_counter()
    train(dataset, epochs=1)
    middle = time.perf_counter()
    train(dataset, epochs=2)
    seconds = time.perf_counter() - middle - (middle - start)
    scale = (
        1 if sys.platform == "darwin" else 1024
    )  # ru_maxrss is in bytes on macOS, in KiB elsewhere
    return {
        "images": images,
        "data_mb": round(pixels.nbytes / 1e6),
        "seconds": seconds,
        "seconds_of_training_one_epoch": middle - start,
        "peak_memory_mb": round(
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6
        ),
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="500 to 8,000 images; writes nothing"
    )
    parser.add_argument(
        "--images", type=int, help=argparse.SUPPRESS
    )  # what the processes it starts are told
    options = parser.parse_args()
    if options.images:
        return print(json.dumps(measure(options.images)))
    origin = provenance("keras", "tensorflow", "numpy")
    sizes = [(500 if options.quick else 7_500) * times for times in (1, 4, 16)]
    lines = [
        subprocess.check_output(
            [sys.executable, __file__, "--images", str(n)], text=True
        ).splitlines()[-1]
        for n in sizes
    ]
    results = {
        "what": "an epoch of the default recipe on random images, a process each",
        **origin,
        "sizes": [json.loads(line) for line in lines],
    }
    print(json.dumps(results, indent=2))
    if not options.quick:
        write("scaling", results)


if __name__ == "__main__":
    main()
