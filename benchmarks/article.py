"""Train the article's recipe in full, 100 epochs on all 70,000 images, and set its curve beside the published log.

    python benchmarks/article.py                # seed 0; about 40 minutes on two cores; stopped and called again, it goes on
    python benchmarks/article.py --seeds 0 1 2  # more seeds: one after the other
    python benchmarks/article.py --quick        # one epoch on digits, to see that it works; writes nothing

The runs stay in runs/article-seed*. Writes benchmarks/results/article.json and article_history.csv (every epoch of every seed).
"""

import argparse
import csv
import json
import tempfile
from pathlib import Path

import numpy as np
from record import provenance, root, write

from vae_nb import evaluate_elbo, load_dataset, load_run, save_pictures, train


def run_of(seed: int, dataset, epochs: int | None, folder: Path):
    "The finished run: loaded, gone on with, or trained from the start."
    if folder.exists():
        return load_run(folder)
    origin = provenance(
        "vae_nb", "keras", "tensorflow", "numpy"
    )  # of now, not of when it ends

    def finish(run, folder):
        save_pictures(run, dataset, folder)
        (folder / "provenance.json").write_text(json.dumps(origin, indent=2) + "\n")

    return train(
        dataset,
        "article",
        epochs=epochs,
        seed=seed,
        out=folder,
        resume=True,
        finish=finish,
    )


def summary(run, dataset, published) -> dict:
    "Last epoch beside the article's, and the finished model on its own data and on the test images alone."
    everything = np.concatenate([dataset.train_images, dataset.test_images])
    loss = np.array(run.history["loss"])
    difference = loss - published["loss"][: len(loss)]
    origin = json.loads((run.path / "provenance.json").read_text())
    return {
        "seed": run.config["seed"],
        **origin,
        "epochs": len(loss),
        "last": {name: values[-1] for name, values in run.history.items()},
        "difference_of_last_loss": difference[-1],
        "largest_difference_from_epoch_2": np.abs(difference[1:]).max(initial=0),
        "finished_model_on_its_training_data": evaluate_elbo(run.vae, everything),
        "finished_model_on_test_images": run.metrics,
        "parameters": run.config["parameters"],
        "config": run.config,
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument(
        "--quick", action="store_true", help="one epoch on digits; writes nothing"
    )
    options = parser.parse_args()
    dataset = load_dataset("digits" if options.quick else "fashion_mnist")
    published = np.genfromtxt(
        root / "nbs" / "article_history.csv", delimiter=",", names=True
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if options.quick else root / "runs"
        runs = [
            run_of(
                seed,
                dataset,
                1 if options.quick else None,
                folder / f"article-seed{seed}",
            )
            for seed in options.seeds
        ]
        results = {
            "what": "the article's recipe in full; nats an image",
            "article": {
                name: published[name][-1]
                for name in ("loss", "reconstruction_loss", "kl_loss")
            },
            "runs": [summary(run, dataset, published) for run in runs],
        }
    if options.quick:
        return print(json.dumps(results, indent=2))
    write("article", results)
    with open(
        root / "benchmarks" / "results" / "article_history.csv", "w", newline=""
    ) as f:
        rows = csv.writer(f)
        rows.writerow(["seed", "epoch", *runs[0].history])
        for run in runs:
            rows.writerows(
                (run.config["seed"], epoch, *values)
                for epoch, values in enumerate(zip(*run.history.values()), start=1)
            )


if __name__ == "__main__":
    main()
