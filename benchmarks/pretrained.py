"""Make the models that come with the library from two finished runs.

    python benchmarks/recipes.py && python benchmarks/article.py   # leave the runs
    python benchmarks/pretrained.py runs/default-seed0 runs/article-seed0

Writes vae_nb/pretrained/{fashion_mnist,fashion_mnist-article}: run folders without the optimiser's memory, with the commit that
the training was started at, the data's licence and the model file's SHA-256 in config.json. The figures in metrics.json are
computed afresh.
"""

import argparse
import hashlib
import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from record import root

from vae_nb import VAE, evaluate_elbo, load_dataset, load_run, save_run


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("default", type=Path)
    parser.add_argument("article", type=Path)
    options = parser.parse_args()
    dataset = load_dataset("fashion_mnist")
    for name, path in (
        ("fashion_mnist", options.default),
        ("fashion_mnist-article", options.article),
    ):
        run = load_run(path)
        if (
            run.config["fingerprint"] != dataset.fingerprint()
            or run.config["epochs_done"] < run.config["epochs"]
        ):
            parser.error(f"{path} is no finished run on Fashion-MNIST")
        uncompiled = VAE(
            run.vae.encoder, run.vae.decoder, run.vae.likelihood, run.vae.beta
        )  # no optimiser to keep
        run = replace(
            run, vae=uncompiled, metrics=evaluate_elbo(run.vae, dataset.test_images)
        )
        commit = json.loads((path / "provenance.json").read_text())["commit"]
        with tempfile.TemporaryDirectory(dir=root / "vae_nb") as scratch:
            folder = Path(scratch) / name
            folder.mkdir()
            save_run(run, folder)
            run.config |= {
                "commit": commit,
                "data_licence": "Fashion-MNIST, (c) Zalando SE, MIT License",
                "sha256": hashlib.sha256(
                    (folder / "model.keras").read_bytes()
                ).hexdigest(),
            }
            (folder / "config.json").write_text(json.dumps(run.config, indent=2) + "\n")
            shutil.rmtree(root / "vae_nb" / "pretrained" / name, ignore_errors=True)
            folder.rename(root / "vae_nb" / "pretrained" / name)


if __name__ == "__main__":
    main()
