"""Files of images by bits back, beside what one would use instead.

    python benchmarks/compression.py train    # the model, to runs/8bit-seed0
    python benchmarks/compression.py measure  # its files and those of others
    python benchmarks/compression.py --quick  # in small; writes nothing

All 60,000 training images train; the test images are what is compressed. Writes
benchmarks/results/compression.json.
"""

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness import RESULTS, alone, peak_memory_mb, provenance, root, run, timed, write

from vae_nb import load_dataset, load_run, train

KEPT = root / "runs" / "8bit-seed0"


def training(quick: bool, folder: str) -> dict:
    "What the training takes and gives, a process of its own."
    data = load_dataset("digits" if quick else "fashion_mnist")
    settings: dict = {"epochs": 1} if quick else {}
    trained, clock = timed(train, data, "8bit", seed=0, out=folder, **settings)
    return {
        **clock,
        "peak_memory_mb": peak_memory_mb(),
        "parameters": trained.config["parameters"],
        "test": trained.metrics,
    }


def train_and_keep(origin: dict) -> dict:
    "A run of the recipe in runs/, in place of an earlier one."
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        figures = alone(training, False, str(folder))
        (folder / "provenance.json").write_text(json.dumps(origin, indent=2) + "\n")
        shutil.rmtree(KEPT, ignore_errors=True)
        shutil.copytree(folder, KEPT)
    return {**figures, "config": load_run(KEPT).config}


def measure(quick: bool, work: Sequence[str] = "train") -> dict:
    origin = provenance("vae_nb", "keras", "tensorflow", "numpy", "constriction")
    path = RESULTS / "compression.json"
    if quick:
        with tempfile.TemporaryDirectory() as scratch:
            return {"trained": alone(training, True, str(Path(scratch) / "run"))}
    known = json.loads(path.read_text()) if path.exists() else {}
    if "train" in work:
        known["trained"] = {**origin, **train_and_keep(origin)}
    write("compression", known)
    return known


if __name__ == "__main__":
    works = dict(nargs="*", choices=("train", "measure"), default="train")
    run(measure, ("work", works))
