"""Both recipes by the command line, as a user would: what it gives and takes.

    python benchmarks/recipes.py          # the default in full, the article's 3 epochs
    python benchmarks/recipes.py --quick  # one epoch of each on digits; writes nothing

Writes benchmarks/results/recipes.json and, from the default run,
nbs/images/{manifold,label_clusters}.png. The default run stays in runs/default-seed0,
in place of an earlier one.
"""

import json
import shutil
import tempfile
from pathlib import Path

from article import published_log
from harness import provenance, root, run, trained

from vae_nb import evaluate_elbo, join, load_dataset, load_run


def article_objective(vae, dataset) -> dict:
    "That of a model on all images, and which epoch of the article's is as good."
    bound = evaluate_elbo(vae, join(dataset.train_images, dataset.test_images))
    objective = bound["reconstruction_loss"] + 0.5 * bound["kl_loss"]
    published = published_log()
    reached = published["epoch"][published["loss"] <= objective]
    return {
        "article_objective_on_all_images": round(objective, 4),
        "article_epoch_with_that_loss": int(reached[0]) if len(reached) else None,
    }


def keep(folder: Path, origin: dict, place: Path) -> None:
    "The default run, and its pictures for the first page."
    runs, images = place / "runs", place / "nbs" / "images"
    (folder / "provenance.json").write_text(json.dumps(origin, indent=2) + "\n")
    shutil.rmtree(runs / "default-seed0", ignore_errors=True)
    shutil.copytree(folder, runs / "default-seed0")
    images.mkdir(parents=True, exist_ok=True)
    for name in ("manifold.png", "label_clusters.png"):
        shutil.copy(folder / name, images / name)


def measure(quick: bool) -> dict:
    origin = provenance("vae_nb", "keras", "tensorflow", "numpy")
    data = "digits" if quick else "fashion_mnist"
    options: dict[str, list] = {
        "default": ["--epochs", 1] if quick else [],
        "article": ["--recipe", "article", "--epochs", 1 if quick else 3],
    }
    with tempfile.TemporaryDirectory() as scratch:
        recipes, runs = {}, {}
        for name, chosen in options.items():
            folder = Path(scratch) / name
            recipes[name] = trained(data, *chosen, out=folder)
            runs[name] = load_run(folder)
            recipes[name] |= {
                "config": runs[name].config,
                "history": runs[name].history,
            }
        place = Path(scratch) / "kept" if quick else root
        keep(Path(scratch) / "default", origin, place)
    recipes["default"]["test"] = runs["default"].metrics
    recipes["default"] |= article_objective(runs["default"].vae, load_dataset(data))
    recipes["article"]["test_images_were_trained_on"] = runs["article"].metrics
    what = "both recipes by the command line, seed 0; nats per image"
    return {"what": what, **origin, **recipes}


if __name__ == "__main__":
    run(measure)
