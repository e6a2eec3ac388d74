"""Make the models that come with the library from finished runs.

    python benchmarks/recipes.py && python benchmarks/truth.py   # leave the runs
    python benchmarks/pretrained.py fashion_mnist=runs/default-seed0 \\
        fashion_mnist-truth=runs/truth-seed0

Writes vae_nb/pretrained/NAME for each: a run folder without the optimiser's memory,
with the commit that the training was started at, the data's licence and the model
file's SHA-256 in config.json. The figures in metrics.json are computed afresh. The
article's run comes from benchmarks/article.py, fashion_mnist-8bit's from
benchmarks/compression.py; the weights of that one are rounded to what compression
takes of them, so that its file is small.
"""

import argparse
import hashlib
import json
import shutil
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

from harness import root

from vae_nb import VAE, Dataset, Run, evaluate_elbo, load_dataset, load_run, save_run
from vae_nb.exact import FINE, whole


def finished(path: Path, dataset: Dataset) -> Run:
    "A run of all its epochs on the dataset, without optimiser, measured again."
    run = load_run(path)
    same_data = run.config["fingerprint"] == dataset.fingerprint()
    if not same_data or run.config["epochs_done"] < run.config["epochs"]:
        raise SystemExit(f"{path} is not a finished run on Fashion-MNIST")
    vae = run.vae
    uncompiled = VAE(vae.encoder, vae.decoder, vae.likelihood, vae.beta)
    return replace(run, vae=uncompiled, metrics=evaluate_elbo(vae, dataset.test_images))


def as_the_coder_takes_it(run: Run, dataset: Dataset) -> Run:
    "The same run with weights of few digits, measured again."
    for weight in run.vae.weights:
        if len(weight.shape) > 1:
            weight.assign(whole(weight, FINE) / FINE)
    return replace(run, metrics=evaluate_elbo(run.vae, dataset.test_images))


def deflate(path: Path) -> None:
    "Write a zip file again, smaller."
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def publish(name: str, run: Run) -> None:
    assert run.path
    origin = json.loads((run.path / "provenance.json").read_text())
    with tempfile.TemporaryDirectory(dir=root / "vae_nb") as scratch:
        folder = Path(scratch) / name
        folder.mkdir()
        save_run(run, folder)
        if name.endswith("-8bit"):
            deflate(folder / "model.keras")
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
    parser.add_argument("runs", nargs="+", metavar="NAME=RUN")
    dataset = load_dataset("fashion_mnist")
    for chosen in parser.parse_args().runs:
        name, _, path = chosen.partition("=")
        run = finished(Path(path), dataset)
        if name.endswith("-8bit"):
            run = as_the_coder_takes_it(run, dataset)
        publish(name, run)


if __name__ == "__main__":
    main()
