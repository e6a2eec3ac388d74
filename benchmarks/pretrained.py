"""Make the models that come with the library from finished runs.

    python benchmarks/recipes.py && python benchmarks/truth.py   # leave the runs
    python benchmarks/pretrained.py fashion_mnist=runs/default-seed0 \\
        fashion_mnist-truth=runs/truth-seed0

Writes vae_nb/pretrained/NAME for each: a run folder without the optimiser's memory,
with the commit that the training was started at, the data's licence and the model
file's SHA-256 in config.json, and densities of the codes of each class. The figures in
metrics.json are computed afresh. The article's run comes from benchmarks/article.py.

    python benchmarks/pretrained.py --densities  # of the models that there are, anew
"""

import argparse
import hashlib
import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from harness import root

from vae_nb import (
    PRETRAINED,
    VAE,
    Dataset,
    Run,
    class_densities,
    evaluate_elbo,
    load_dataset,
    load_pretrained,
    load_run,
    save_densities,
    save_run,
)


def finished(path: Path, dataset: Dataset) -> Run:
    "A run of all its epochs on the dataset, without optimiser, measured again."
    run = load_run(path)
    same_data = run.config["fingerprint"] == dataset.fingerprint()
    if not same_data or run.config["epochs_done"] < run.config["epochs"]:
        raise SystemExit(f"{path} is not a finished run on Fashion-MNIST")
    vae = run.vae
    uncompiled = VAE(vae.encoder, vae.decoder, vae.likelihood, vae.beta)
    return replace(run, vae=uncompiled, metrics=evaluate_elbo(vae, dataset.test_images))


def add_densities(run: Run, dataset: Dataset, folder: Path) -> None:
    "Fitted anew, whatever the run has."
    fitted = class_densities(replace(run, path=None), dataset)
    save_densities(fitted, folder / "densities.npz", run, dataset)


def publish(name: str, run: Run, dataset: Dataset) -> None:
    assert run.path
    origin = json.loads((run.path / "provenance.json").read_text())
    with tempfile.TemporaryDirectory(dir=root / "vae_nb") as scratch:
        folder = Path(scratch) / name
        folder.mkdir()
        save_run(run, folder)
        add_densities(run, dataset, folder)
        model = (folder / "model.keras").read_bytes()
        config = {
            **run.config,
            "commit": origin["commit"],
            "data_licence": "Fashion-MNIST, (c) Zalando SE, MIT License",
            "sha256": hashlib.sha256(model).hexdigest(),
        }
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        shutil.rmtree(root / "vae_nb" / "pretrained" / name, ignore_errors=True)
        folder.rename(root / "vae_nb" / "pretrained" / name)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="*", metavar="NAME=RUN")
    parser.add_argument("--densities", action="store_true")
    dataset = load_dataset("fashion_mnist")
    chosen = parser.parse_args()
    for one in chosen.runs:
        name, _, path = one.partition("=")
        publish(name, finished(Path(path), dataset), dataset)
    for name in PRETRAINED if chosen.densities else ():
        made = load_pretrained(name)
        assert made.path
        add_densities(made, dataset, made.path)


if __name__ == "__main__":
    main()
