"""The truth as a loss, on Fashion-MNIST: what it takes, and what it gives.

    python benchmarks/truth.py           # about five minutes
    python benchmarks/truth.py --quick   # one epoch on digits; writes nothing

Leaves the run in runs/truth-seed0, in place of an earlier one, for pretrained.py.
Writes benchmarks/results/truth.json.
"""

import json
import shutil
import tempfile
from pathlib import Path

from harness import alone, peak_memory_mb, provenance, root, run, timed

from vae_nb import load_dataset, train_truth


def training(quick: bool, folder: str) -> dict:
    "What one training takes, a process of its own."
    dataset = load_dataset("digits" if quick else "fashion_mnist")
    trained, clock = timed(
        train_truth, dataset, epochs=1 if quick else None, out=folder
    )
    return {
        **clock,
        "peak_memory_mb": peak_memory_mb(),
        "config": trained.config,
        "history": trained.history,
        "test": trained.metrics,
    }


def measure(quick: bool) -> dict:
    origin = provenance("vae_nb", "keras", "tensorflow", "numpy")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        figures = alone(training, quick, str(folder))
        if not quick:
            (folder / "provenance.json").write_text(json.dumps(origin, indent=2) + "\n")
            shutil.rmtree(root / "runs" / "truth-seed0", ignore_errors=True)
            shutil.copytree(folder, root / "runs" / "truth-seed0")
    what = "a decoder trained on log p(x), an encoder on its ELBO; nats per image"
    return {"what": what, **origin, **figures}


if __name__ == "__main__":
    run(measure)
