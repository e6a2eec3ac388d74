"""Train both recipes on Fashion-MNIST by the command line, as a user would, and record what it gives and takes.

    python benchmarks/recipes.py            # the default recipe in full, the article's for 3 epochs
    python benchmarks/recipes.py --quick    # one epoch of each on digits, to see that it works; writes nothing

Writes benchmarks/results/recipes.json and, from the default run, nbs/images/{manifold,label_clusters}.png. The default run
stays in runs/default-seed0, in place of an earlier one.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from record import provenance, root, write


def train(folder: Path, *arguments: str) -> dict:
    "Run `vae_nb train` in a process of its own: seconds from start to end, and its peak memory."
    start = time.perf_counter()
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from vae_nb.cli import main; main()",
            "train",
            *arguments,
            "--out",
            str(folder),
        ]
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"vae_nb train {' '.join(arguments)} failed")
    scale = (
        1 if sys.platform == "darwin" else 1024
    )  # ru_maxrss is in bytes on macOS, in KiB elsewhere
    return {
        "command": f"vae_nb train {' '.join(arguments)}",
        "seconds": round(time.perf_counter() - start, 1),
        "peak_memory_mb": round(usage.ru_maxrss * scale / 1e6),
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="one epoch of each on digits; writes nothing",
    )
    quick = parser.parse_args().quick
    data, default_epochs, article_epochs = (
        ("digits", ["--epochs", "1"], "1") if quick else ("fashion_mnist", [], "3")
    )

    origin = provenance("vae_nb", "keras", "tensorflow", "numpy")
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        default = train(scratch / "default", data, *default_epochs)
        article = train(
            scratch / "article", data, "--recipe", "article", "--epochs", article_epochs
        )

        from vae_nb import evaluate_elbo, load_dataset, load_run

        dataset = load_dataset(data)
        everything = np.concatenate([dataset.train_images, dataset.test_images])
        runs = {
            "default": load_run(scratch / "default"),
            "article": load_run(scratch / "article"),
        }
        bound = evaluate_elbo(runs["default"].vae, everything)
        published = np.genfromtxt(
            root / "nbs" / "article_history.csv", delimiter=",", names=True
        )
        objective = bound["reconstruction_loss"] + 0.5 * bound["kl_loss"]
        reached = published["epoch"][published["loss"] <= objective]
        results = {
            "what": "both recipes by the command line, seed 0; nats an image",
            **origin,
            "default": {
                **default,
                "config": runs["default"].config,
                "history": runs["default"].history,
                "test": runs["default"].metrics,
                "article_objective_on_all_images": round(objective, 4),
                "article_epoch_with_that_loss": int(reached[0])
                if len(reached)
                else None,
            },
            "article": {
                **article,
                "config": runs["article"].config,
                "history": runs["article"].history,
                "test_images_were_trained_on": runs["article"].metrics,
            },
        }
        if quick:
            return print(json.dumps(results, indent=2))
        write("recipes", results)
        shutil.rmtree(root / "runs" / "default-seed0", ignore_errors=True)
        (scratch / "default" / "provenance.json").write_text(
            json.dumps(origin, indent=2) + "\n"
        )
        shutil.copytree(scratch / "default", root / "runs" / "default-seed0")
        for name in ("manifold.png", "label_clusters.png"):
            (root / "nbs" / "images").mkdir(exist_ok=True)
            shutil.copy(scratch / "default" / name, root / "nbs" / "images" / name)


if __name__ == "__main__":
    main()
