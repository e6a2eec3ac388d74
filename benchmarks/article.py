"""The article's recipe in full, 100 epochs on all 70,000 images, beside its log.

    python benchmarks/article.py                # seed 0; about 40 minutes on two cores
    python benchmarks/article.py --seeds 0 1 2  # more seeds: one after the other
    python benchmarks/article.py --quick        # one epoch on digits; writes nothing

Stopped and called again, it resumes. The runs stay in runs/article-seed*. Writes
benchmarks/results/article.json and article_history.csv (every epoch of every seed).
"""

import csv
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from harness import RESULTS, provenance, root, run

from vae_nb import (
    Dataset,
    Run,
    evaluate_elbo,
    join,
    load_dataset,
    load_run,
    save_pictures,
    train,
)

TERMS = ("loss", "reconstruction_loss", "kl_loss")


def published_log() -> np.ndarray:
    "What the article logged: epoch, loss, reconstruction_loss, kl_loss."
    path = root / "nbs" / "article_history.csv"
    return np.genfromtxt(path, delimiter=",", names=True)


def run_of(seed: int, dataset: Dataset, epochs: int | None, folder: Path) -> Run:
    "The finished run: loaded, resumed, or trained from the start."
    if folder.exists():
        return load_run(folder)
    origin = provenance("vae_nb", "keras", "tensorflow", "numpy")  # of its beginning

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


def summary(run: Run, dataset: Dataset) -> dict:
    "Its last epoch beside the article's; the finished model on all images."
    assert run.path
    everything = join(dataset.train_images, dataset.test_images)
    loss = np.array(run.history["loss"])
    difference = loss - published_log()["loss"][: len(loss)]
    return {
        "seed": run.config["seed"],
        **json.loads((run.path / "provenance.json").read_text()),
        "epochs": len(loss),
        "last": {name: values[-1] for name, values in run.history.items()},
        "difference_of_last_loss": difference[-1],
        "largest_difference_from_epoch_2": np.abs(difference[1:]).max(initial=0),
        "finished_model_on_its_training_data": evaluate_elbo(run.vae, everything),
        "finished_model_on_test_images": run.metrics,
        "parameters": run.config["parameters"],
        "config": run.config,
    }


def write_history(runs: list[Run], folder: Path) -> None:
    with open(folder / "article_history.csv", "w", newline="") as f:
        rows = csv.writer(f)
        rows.writerow(["seed", "epoch", *runs[0].history])
        for run in runs:
            epochs = zip(*run.history.values())
            for epoch, values in enumerate(epochs, start=1):
                rows.writerow([run.config["seed"], epoch, *values])


def measure(quick: bool, seeds: Sequence[int] = (0,)) -> dict:
    dataset = load_dataset("digits" if quick else "fashion_mnist")
    epochs, last = 1 if quick else None, published_log()[-1]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if quick else root / "runs"
        runs = []
        for seed in seeds:
            runs.append(run_of(seed, dataset, epochs, folder / f"article-seed{seed}"))
        write_history(runs, folder if quick else RESULTS)
        return {
            "what": "the article's recipe in full; nats per image",
            "article": {name: last[name] for name in TERMS},
            "runs": [summary(run, dataset) for run in runs],
        }


if __name__ == "__main__":
    run(measure, ("--seeds", dict(type=int, nargs="+", default=[0])))
