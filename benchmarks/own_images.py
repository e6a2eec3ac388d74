"""Folders of one's own pictures: one command, killed and resumed, memory, speed.

    python benchmarks/own_images.py              # eleven minutes on two cores
    python benchmarks/own_images.py memory disk  # these parts, the others as they were
    python benchmarks/own_images.py --quick      # all in small; writes nothing

grey    10,000 grey PNGs in ten class folders: Fashion-MNIST's test images
colour  2,000 JPEGs, 64 to 200 pixels a side: crops of scikit-learn's two photographs
kills   a small run, killed with SIGKILL at 20 moments spread over its time, and
        resumed: is each the same to the bit? Of other recipes, at 4 moments
memory  the peak of `vae_nb train` on 5,000 and on 50,000 pictures
disk    epochs from the disk and from memory in turn

Everything is made in a temporary folder. `--keep FOLDER` makes it there, to look at.
Writes benchmarks/results/own_images.json.
"""

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from unittest import mock

import numpy as np
from harness import RESULTS, VAE_NB, in_turn, provenance, run, timed, trained, write
from PIL import Image

from vae_nb import (
    Batches,
    build_vae,
    load_dataset,
    load_run,
    make_recipe,
    unfinished,
)

SETTINGS = (
    "training_images",
    "image_shape",
    "likelihood",
    "latent_dim",
    "epochs",
    "seed",
)


def training(folder: Path, *options) -> dict:
    "What `vae_nb train` on a folder takes and gives."
    out = folder.with_name(f"{folder.name}-run")
    record = trained(folder, *options, out=out)
    config, metrics = (
        json.loads((out / f"{name}.json").read_text()) for name in ("config", "metrics")
    )
    return {**record, **{name: config[name] for name in SETTINGS}, **metrics}


def write_grey(folder: Path, n: int) -> str:
    """Fashion-MNIST's test images as PNGs, a folder for each class; what they are.

    Digits where they cannot be had.
    """
    dataset = load_dataset()
    images, labels = dataset.test_images[:n, ..., 0], dataset.test_labels[:n]
    for i, (image, label) in enumerate(zip(images, labels)):
        kind = dataset.class_names[label].replace("/", " or ")
        save(image * 255, folder / kind / f"{i:05}.png")
    return dataset.name


def write_colour(folder: Path, n: int, least: int = 64, most: int = 200) -> None:
    "Crops of two photographs, least to most pixels a side, JPEGs, a folder for each."
    from sklearn.datasets import load_sample_images

    rng, photos = np.random.default_rng(0), load_sample_images().images
    for i in range(n):
        kind, photo = i % 2, photos[i % 2]
        height, width = rng.integers(least, most + 1, 2)
        top = rng.integers(0, photo.shape[0] - height)
        left = rng.integers(0, photo.shape[1] - width)
        crop = photo[top : top + height, left : left + width]
        save(crop, folder / ("temple", "flower")[kind] / f"{i:05}.jpg")


def save(pixels: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.round(pixels).astype("uint8")).save(path, quality=92)


def grey(place: Path, quick: bool) -> dict:
    pictures = write_grey(place / "grey", 40 if quick else 10_000)
    epochs = ["--epochs", 1] if quick else []
    return {"pictures": pictures, **training(place / "grey", "--seed", 0, *epochs)}


def colour(place: Path, quick: bool) -> dict:
    write_colour(place / "colour", 40 if quick else 2_000)
    settings = ["--latent-dim", 32, *(["--epochs", 1] if quick else [])]
    return training(place / "colour", "--seed", 0, *settings)


class Training:
    "`vae_nb train` on a few pictures, a process that can be killed."

    def __init__(self, data: Path, epochs: int, name: str, options: Sequence[str]):
        self.out = data.with_name(f"{data.name}-{name}")
        paths = [str(data), "--out", str(self.out)]
        settings = ["--epochs", str(epochs), "--validation", "0.2", *options]
        self.command = [*VAE_NB, "train", *paths, *settings]

    def begin(self) -> subprocess.Popen:
        "From here on it builds, trains and draws: the pictures are read."
        process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL)
        while process.poll() is None and not unfinished(self.out).exists():
            time.sleep(0.01)
        return process

    def killed_and_resumed(self, seconds: float) -> dict:
        process = self.begin()
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        killed = process.wait() == -9
        history = unfinished(self.out) / "history.csv"
        done = len(list(csv.reader(history.open()))) - 1 if history.exists() else 0
        if killed and not self.out.exists():  # else it was killed when all was done
            resume = [*self.command, "--resume"]
            subprocess.run(resume, check=True, stdout=subprocess.DEVNULL)
        return {
            "after_seconds": round(seconds, 2),
            "killed": killed,
            "epochs_done": done,
        }

    def digests(self) -> dict:
        "SHA-256 of all weights and the optimiser's state, and of every other file."
        vae, weights = load_run(self.out).vae, hashlib.sha256()
        for variable in [*vae.variables, *vae.optimizer.variables]:
            weights.update(np.asarray(variable).tobytes())
        found = {"weights": weights.hexdigest()}
        for path in sorted(self.out.iterdir()):
            if path.name != "model.keras":  # a zip has the time in it
                found[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found


def killed(data: Path, n: int, epochs: int, options: Sequence[str] = ()) -> dict:
    "n trainings killed at moments spread over their time, resumed, and compared."
    pair = [Training(data, epochs, f"whole-{i}", options) for i in range(2)]
    begun = [one.begin() for one in pair]  # attempts run in pairs, too
    _, clock = timed(lambda: [process.wait() for process in begun])
    duration, whole = clock["seconds"], pair[0].digests()
    assert pair[1].digests() == whole

    runs = [Training(data, epochs, f"killed-{i}", options) for i in range(n)]
    moments = (np.arange(n) + np.random.default_rng(0).random(n)) / n * duration
    with ThreadPoolExecutor(2) as both:
        attempts = list(both.map(Training.killed_and_resumed, runs, moments.tolist()))
    late = 0
    for one, record in zip(runs, attempts):
        record["identical"] = one.digests() == whole
        late += record["killed"] and record["epochs_done"] == epochs
    return {
        "command": " ".join(["vae_nb", "train", *options]),
        "runs": n,
        "epochs": epochs,
        "seconds_uninterrupted": round(duration, 2),
        "killed": sum(record["killed"] for record in attempts),
        "killed_after_the_last_epoch": late,
        "identical": sum(record["identical"] for record in attempts),
        "compared": sorted(whole),
        "attempts": attempts,
    }


def kills(place: Path, quick: bool) -> dict:
    "Of the default recipe on grey pictures; of the others, fewer."
    n, epochs, pictures = (1, 4, 100) if quick else (20, 20, 400)
    write_grey(place / "few", pictures)
    record = killed(place / "few", n, epochs)
    if not quick:
        write_grey(place / "black-and-white", pictures)
        write_colour(place / "few-colour", 200)
        record["others"] = [
            killed(place / "black-and-white", 4, 8, ["--recipe", "binarized"]),
            killed(place / "few-colour", 4, 8, ["--latent-dim", "16"]),
        ]
    return record


def memory(place: Path, quick: bool) -> dict:
    rng, sizes = np.random.default_rng(0), []
    for n in (20, 40) if quick else (5_000, 50_000):
        folder = place / f"memory-{n}"
        folder.mkdir()
        for i in range(n):
            pixels = rng.integers(0, 256, (4, 4, 3), dtype="uint8")
            Image.fromarray(pixels).resize((32, 32)).save(folder / f"{i:05}.jpg")
        record = training(folder, "--epochs", 1)
        shown = ("peak_memory_mb", "seconds", "image_shape")
        sizes.append({"pictures": n, **{name: record[name] for name in shown}})
        shutil.rmtree(folder)
    few, many = (size["peak_memory_mb"] for size in sizes)
    return {"sizes": sizes, "ratio": round(many / few, 3)}


def disk(place: Path, quick: bool) -> dict:
    if not (place / "grey").exists():
        write_grey(place / "grey", 40 if quick else 10_000)
    stored, rounds = load_dataset(place / "grey").train_images, 1 if quick else 9
    recipe, tasks, vaes = make_recipe(), {}, []
    for name, images in (("disk", stored), ("memory", stored[:])):
        vae = build_vae(stored.shape[1:], recipe, 1000)
        batches = Batches(images, 256, seed=0)
        tasks[name] = partial(vae.fit, batches, shuffle=False, verbose=0)
        vaes.append(vae)
    # the first round compiles, and reads the disk for the first time
    seconds = {name: s[1:] for name, s in in_turn(tasks, rounds + 1).items()}
    weights = zip(*(vae.get_weights() for vae in vaes))
    ratios = [m / d for m, d in zip(seconds["memory"], seconds["disk"])]
    return {
        "images": len(stored),
        "images_a_second": {
            name: round(len(stored) / median(s)) for name, s in seconds.items()
        },
        "ratio": round(median(ratios), 3),
        "same_weights": all(np.array_equal(a, b) for a, b in weights),
        "seconds": seconds,
    }


PARTS = {part.__name__: part for part in (grey, colour, kills, memory, disk)}


def measure(
    quick: bool, parts: Sequence[str] = ("all",), keep: Path | None = None
) -> dict:
    origin = provenance("keras", "tensorflow", "numpy", "pillow")
    place = keep or Path(tempfile.mkdtemp())
    place.mkdir(exist_ok=not keep)
    known, path = {}, RESULTS / "own_images.json"
    chosen = tuple(PARTS) if "all" in parts else parts
    if path.exists() and not quick:
        known = json.loads(path.read_text())
    try:
        with mock.patch.dict(os.environ, VAE_NB_CACHE=str(place / "cache")):
            for name in chosen:
                figures, clock = timed(PARTS[name], place, quick)
                known[name] = {**origin, **figures}
                known = {name: known[name] for name in PARTS if name in known}
                if not quick:
                    write("own_images", known)
                print(f"{name}: {clock['seconds']:.0f} s", file=sys.stderr)
    finally:
        if not keep:
            shutil.rmtree(place)
    return known


if __name__ == "__main__":
    run(
        measure,
        ("parts", dict(nargs="*", choices=("all", *PARTS), default="all")),
        ("--keep", dict(type=Path, help="where to make everything; must not exist")),
    )
