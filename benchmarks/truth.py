"""The truth as a loss, on Fashion-MNIST: what it takes, and what it gives.

    python benchmarks/truth.py           # about seven minutes
    python benchmarks/truth.py --quick   # one epoch on digits; writes nothing

The decoder is trained on log p(x) with an encoder beside it, which then goes on alone.
For comparison an encoder that never saw that training is fitted to the decoder, too.
Leaves the run in runs/truth-seed0, in place of an earlier one, for pretrained.py.
Writes benchmarks/results/truth.json.
"""

import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from harness import alone, peak_memory_mb, provenance, root, run, timed

from vae_nb import VAE, Run, build_vae, fit_encoder, load_dataset, load_run, train_truth
from vae_nb.runs import recipe_of

DATA = {False: "fashion_mnist", True: "digits"}  # whether it is to be quick


def figures(trained: Run, clock: dict) -> dict:
    return {
        **clock,
        "peak_memory_mb": peak_memory_mb(),
        "config": trained.config,
        "history": trained.history,
        "test": trained.metrics,
    }


def training(quick: bool, folder: str) -> dict:
    "What one training takes, a process of its own."
    epochs = 1 if quick else None
    options = dict(epochs=epochs, out=folder)
    return figures(*timed(train_truth, load_dataset(DATA[quick]), **options))


def afterwards(quick: bool, joint: str, folder: str) -> dict:
    "The encoder of a run goes on alone, in a process of its own."
    options = dict(epochs=1 if quick else 8, out=folder)
    dataset = load_dataset(DATA[quick])
    return figures(*timed(fit_encoder, load_run(joint), dataset, **options))


def from_nothing(quick: bool, joint: str) -> dict:
    "An encoder that has learnt nothing yet, for as long as both stages took."
    trained = load_run(joint)
    dataset = load_dataset(DATA[quick])
    new = build_vae(dataset.image_shape, recipe_of(trained.config), steps=1)
    decoder = trained.vae.decoder
    vae = VAE(new.encoder, decoder, trained.vae.likelihood, trained.vae.beta)
    options = dict(epochs=1 if quick else 20)
    return figures(*timed(fit_encoder, replace(trained, vae=vae), dataset, **options))


def measure(quick: bool) -> dict:
    origin = provenance("vae_nb", "keras", "tensorflow", "numpy")
    with tempfile.TemporaryDirectory() as scratch:
        joint, folder = str(Path(scratch) / "joint"), Path(scratch) / "run"
        found = alone(training, quick, joint)
        found["afterwards"] = alone(afterwards, quick, joint, str(folder))
        found["from_nothing"] = alone(from_nothing, quick, joint)
        if not quick:
            (folder / "provenance.json").write_text(json.dumps(origin, indent=2) + "\n")
            shutil.rmtree(root / "runs" / "truth-seed0", ignore_errors=True)
            shutil.copytree(folder, root / "runs" / "truth-seed0")
    what = "a decoder trained on log p(x), an encoder on its ELBO; nats per image"
    return {"what": what, **origin, **found}


if __name__ == "__main__":
    run(measure)
