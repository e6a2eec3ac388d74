"""Make the models that come with the library from finished runs.

    python benchmarks/recipes.py && python benchmarks/truth.py   # leave the runs
    python benchmarks/published.py train
    python benchmarks/pretrained.py fashion_mnist=runs/default-seed0 \\
        fashion_mnist-truth=runs/truth-seed0 fashion_mnist-40d=runs/binarized-seed0
    python benchmarks/pretrained.py fashion_mnist-article   # measures it again

Writes vae_nb/pretrained/NAME for each: a run folder without the optimiser's memory,
with the commit that the training was started at, the data's licence and the model
file's SHA-256 in config.json. Figures and evaluation card in metrics.json, and
densities of the codes of each class in densities.npz, are computed afresh. The
article's run comes from benchmarks/article.py, fashion_mnist-8bit's from
benchmarks/compression.py; the weights of that one are rounded to what compression
takes of them, so that its file is small.

    python benchmarks/pretrained.py --densities  # only these, of all the models
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
from published import protocol

from vae_nb import (
    PRETRAINED,
    VAE,
    Dataset,
    Run,
    class_densities,
    evaluate,
    evaluate_elbo,
    load_dataset,
    load_pretrained,
    load_run,
    round_weights,
    save_densities,
    save_run,
    write_metrics,
)

PLACE = root / "vae_nb" / "pretrained"


def finished(path: Path, dataset: Dataset) -> Run:
    "A run of all its epochs on the dataset or the published part, without optimiser."
    run = load_run(path)
    part = run.config["training_images"] < len(dataset.train_images)
    known = protocol(False)[0] if part else dataset
    same_data = run.config["fingerprint"] == known.fingerprint()
    if not same_data or run.config["epochs_done"] < run.config["epochs"]:
        raise SystemExit(f"{path} is not a finished run on Fashion-MNIST")
    vae = run.vae
    uncompiled = VAE(vae.encoder, vae.decoder, vae.likelihood, vae.beta)
    whole = {**run.config, "fingerprint": dataset.fingerprint()}
    return replace(run, vae=uncompiled, config=whole)


def add_card(name: str, dataset: Dataset) -> None:
    "Figures and card on the test images, as `vae_nb evaluate` has them."
    vae = load_pretrained(name).vae
    figures = evaluate_elbo(vae, dataset.test_images)
    card = evaluate(vae, dataset, exact=True)
    write_metrics({**figures, "evaluation": card}, PLACE / name)
    print(name, card, sep="\n")


def add_densities(name: str, dataset: Dataset) -> None:
    "Densities of the codes, fitted anew, into its folder."
    run = load_pretrained(name)
    fitted = class_densities(replace(run, path=None), dataset)
    save_densities(fitted, PLACE / name / "densities.npz", run, dataset)


def deflate(path: Path) -> None:
    "Write a zip file again, smaller."
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def publish(name: str, run: Run) -> None:
    "A folder in vae_nb/pretrained, whole."
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
        shutil.rmtree(PLACE / name, ignore_errors=True)
        folder.rename(PLACE / name)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="*", metavar="NAME[=RUN]")
    parser.add_argument("--densities", action="store_true")
    dataset, asked = load_dataset("fashion_mnist"), parser.parse_args()
    for chosen in asked.runs:
        name, _, path = chosen.partition("=")
        if path:
            run = finished(Path(path), dataset)
            if name.endswith("-8bit"):
                round_weights(run.vae)
            publish(name, run)
        add_card(name, dataset)
    chosen = (
        PRETRAINED if asked.densities else [run.split("=")[0] for run in asked.runs]
    )
    for name in chosen:
        if not name.endswith("-8bit"):  # that is for files, and must stay small
            add_densities(name, dataset)


if __name__ == "__main__":
    main()
