"""Make the models that come with the library from two finished runs.

    python benchmarks/recipes.py && python benchmarks/article.py   # leave the runs
    python benchmarks/pretrained.py runs/default-seed0 runs/article-seed0

Writes vae_nb/pretrained/{fashion_mnist,fashion_mnist-article}: run folders without the optimiser's memory, with the commit,
the data's licence and the model file's SHA-256 in config.json. The figures in metrics.json are computed afresh.
"""

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import keras
from record import provenance, root

from vae_nb import evaluate_elbo, load_dataset, load_run, save_run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("default", type=Path)
    parser.add_argument("article", type=Path)
    options = parser.parse_args()
    dataset = load_dataset("fashion_mnist")
    for name, path in (("fashion_mnist", options.default), ("fashion_mnist-article", options.article)):
        run, folder = load_run(path), root / "vae_nb" / "pretrained" / name
        if run.config["fingerprint"] != dataset.fingerprint() or run.config["epochs_done"] < run.config["epochs"]:
            parser.error(f"{path} is no finished run on Fashion-MNIST")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        run.vae.compile(keras.optimizers.SGD())  # keeps nothing for each weight
        run.metrics = evaluate_elbo(run.vae, dataset.test_images)
        save_run(run, folder)
        run.config |= {"commit": provenance()["commit"], "data_licence": "Fashion-MNIST, (c) Zalando SE, MIT License",
                       "sha256": hashlib.sha256((folder / "model.keras").read_bytes()).hexdigest()}
        (folder / "config.json").write_text(json.dumps(run.config, indent=2) + "\n")


if __name__ == "__main__":
    main()
