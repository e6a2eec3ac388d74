"""The bound that papers report: 40 latents, tossed pixels, 5,000 draws an image.

    python benchmarks/published.py train      # to runs/binarized-seed0; --seed
    python benchmarks/published.py tried      # what else was tried, validated
    python benchmarks/published.py measure    # 1,000 validation images, all test images
    python benchmarks/published.py --quick    # in small; writes nothing

The protocol of Norouzi et al. (2020), table 1: the first 50,000 training images of
Fashion-MNIST train, tossed anew in every batch; the last 10,000 validate and the test
images test, both tossed once with NumPy's seed 777. Choices are made on the validation
images. Writes benchmarks/results/published.json, where `earlier` has the figures of
the recipe before, with two dense layers for a decoder.
"""

import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from harness import RESULTS, alone, peak_memory_mb, provenance, root, run, timed, write

from vae_nb import (
    Dataset,
    evaluate_elbo,
    importance_weighted_log_likelihood,
    load_dataset,
    load_run,
    make_recipe,
    train,
)

DRAWS, TEST_BITS = 5000, "25f0d69b40ae46a7"  # how the digest of the tosses begins
SHORT = 8  # epochs, of what was tried
DENSE = dict(filters=[], hidden=[512, 512], activation="silu")
DOUBLED = dict(filters=[32, 16], kernel_size=4, hidden=[512], activation="silu")
REFINED = dict(filters=[40], hidden=[256], activation="silu")
TRIED: dict[str, dict] = {
    "kept": {},
    "no KL warm-up": dict(kl_warmup=0.0),
    "KL warm-up over half": dict(kl_warmup=0.5),
    "rate 1e-3": dict(learning_rate=1e-3),
    "rate 4e-3": dict(learning_rate=4e-3),
    "batches of 256": dict(batch_size=256),
    "a dense encoder": dict(encoder={**DENSE, "bounded": True}),
    "a dense decoder": dict(decoder=DENSE),
    "a decoder that doubles": dict(decoder=DOUBLED),
    "one residual block": dict(decoder={**REFINED, "blocks": 1}),
}


def tossed(validation: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    "Both as the published protocol tosses them, black and white."
    rng, tosses = np.random.RandomState(777), []
    for images in (validation, test):
        pixels = np.round(255 * np.asarray(images, "float64")) / 255
        tosses.append(rng.binomial(1, pixels).astype("float32"))
    return tosses[0], tosses[1]


def protocol(quick: bool) -> tuple[Dataset, np.ndarray]:
    """Fashion-MNIST with its last training images, tossed, to validate on.

    They are in place of the test images, which come tossed beside it.
    """
    whole = load_dataset("digits" if quick else "fashion_mnist")
    images, labels = np.asarray(whole.train_images[:]), whole.train_labels
    n = len(images) * 5 // 6
    validation, test = tossed(images[n:], whole.test_images[:])
    if not quick:
        digest = hashlib.sha256(np.packbits(test.astype("uint8")).tobytes()).hexdigest()
        assert digest.startswith(TEST_BITS), digest
    dataset = replace(
        whole,
        train_images=images[:n],
        train_labels=labels[:n],
        test_images=validation,
        test_labels=labels[n:],
    )
    return dataset, test


def training(quick: bool, folder: str | None, changes: dict) -> dict:
    "What one training takes and gives, a process of its own."
    if quick:
        changes = {**changes, "epochs": 1, "min_steps": 0}
    recipe = replace(make_recipe("binarized"), **changes)
    trained, clock = timed(train, protocol(quick)[0], recipe, out=folder)
    return {
        **clock,
        "peak_memory_mb": peak_memory_mb(),
        "parameters": trained.config["parameters"],
        "validation": trained.metrics,
    }


def bounds(images: np.ndarray, vae, draws: int) -> dict:
    "-ELBO and the importance-weighted bound, nats per image."
    values, clock = timed(importance_weighted_log_likelihood, vae, images, draws)
    per_image = values[0]
    return {
        **evaluate_elbo(vae, images),
        "draws": draws,
        "negative_iwae": float(-per_image.mean()),
        "negative_iwae_se": float(per_image.std(ddof=1) / np.sqrt(len(images))),
        **clock,
    }


def kept(seed: int) -> Path:
    return root / "runs" / f"binarized-seed{seed}"


def train_and_keep(seed: int, origin: dict) -> dict:
    "A run of the recipe in runs/, in place of an earlier one."
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        figures = alone(training, False, str(folder), {"seed": seed})
        (folder / "provenance.json").write_text(json.dumps(origin, indent=2) + "\n")
        shutil.rmtree(kept(seed), ignore_errors=True)
        shutil.copytree(folder, kept(seed))
    return {"seed": seed, **figures, "config": load_run(kept(seed)).config}


def measured(seed: int) -> dict:
    "Validation and test of a run that was kept."
    dataset, test = protocol(False)
    vae = load_run(kept(seed)).vae
    return {
        "validation": bounds(dataset.test_images[:1000], vae, DRAWS),
        "test": bounds(test, vae, DRAWS),
    }


def measure(quick: bool, work: Sequence[str] = "train", seed: int = 0) -> dict:
    origin = provenance("vae_nb", "keras", "tensorflow", "numpy")
    path = RESULTS / "published.json"
    if quick:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "run"
            figures = alone(training, True, str(folder), {})
            vae = load_run(folder).vae
        some = protocol(True)[1][:5]
        return {"tried": {"kept": figures}, "measured": bounds(some, vae, 50)}
    known = json.loads(path.read_text()) if path.exists() else {}
    if "train" in work:
        known["trained"] = {**origin, **train_and_keep(seed, origin)}
    if "tried" in work:
        known["tried"] = {**origin, "epochs": SHORT, "runs": {}}
        for name, changes in TRIED.items():
            figures = alone(training, False, None, {**changes, "epochs": SHORT})
            known["tried"]["runs"][name] = figures
            print(name, figures, file=sys.stderr)
            write("published", known)
    if "measure" in work:
        known["measured"] = {**origin, "seed": seed, **measured(seed)}
    write("published", known)
    return known


if __name__ == "__main__":
    works = dict(nargs="*", choices=("train", "tried", "measure"), default="train")
    run(
        measure,
        ("work", works),
        ("--seed", dict(type=int, default=0, help="of the training")),
    )
