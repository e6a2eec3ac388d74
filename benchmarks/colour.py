"""What a folder of pictures becomes: the first default recipe beside today's.

    python benchmarks/colour.py                    # all sets; about half an hour
    python benchmarks/colour.py emoji photos       # these
    python benchmarks/colour.py --quick            # in small; writes nothing

`emoji` are the 64x64 pictures of the npm package emoji-datasource-google (Noto Emoji,
Apache-2.0), which is fetched (73 MB) unless `--emoji` names a folder of them. `photos`
and `large` are crops of two photographs, `grey` is 5,000 images of Fashion-MNIST.
`latents` trains on the emoji with 1 to 64 latents. Each training is a process of its
own. Writes benchmarks/results/colour.json, and of the first three colour.SET.jpg: test
images, what either recipe makes of them, and draws.
"""

import hashlib
import io
import json
import os
import sys
import tarfile
import tempfile
import urllib.request
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np
from harness import RESULTS, alone, peak_memory_mb, provenance, run, timed, write
from own_images import write_colour
from PIL import Image

from vae_nb import (
    RECIPES,
    Recipe,
    active_latents,
    bits_per_pixel,
    fit_density,
    load_dataset,
    load_run,
    make_recipe,
    plot_images,
    train,
)

ADDRESS = (
    "https://registry.npmjs.org/emoji-datasource-google/-/"
    "emoji-datasource-google-15.1.2.tgz"
)
SHA256 = "d44462c604b8b8ddeea1bded87031fe73beadd92b9569d977dbd6224e45dc850"
BEFORE_DECODER = dict(filters=[32, 16], hidden=[256, 256])
BEFORE = Recipe(
    name="before",
    epochs=20,
    batch_size=128,
    learning_rate=5e-3,
    kl_warmup=0.0,
    min_steps=800,
    beta_2=0.99,
    clipnorm=None,
    encoder=dict(filters=[16, 32], hidden=[256, 128]),
    decoder={**BEFORE_DECODER, "fourier_features": 64},
)
TRIED = {"before": BEFORE, "now": RECIPES["default"]}


class Pictures(NamedTuple):
    "A set to train on."

    latents: Sequence[int]
    size: int | None = None  # None: theirs
    images: int | None = None  # None: all
    epochs: int | None = None  # None: the recipe's


SETS = {
    "emoji": Pictures([64]),
    "photos": Pictures([32]),
    "large": Pictures([64], size=128, epochs=8),
    "grey": Pictures([2, 16, 40], images=5_000),
    "latents": Pictures([1, 2, 4, 8, 16, 32, 64], epochs=4),
}


def emoji(place: Path, folder: Path | None) -> Path:
    "The folder of the emoji, fetched if none is given."
    if folder:
        return folder
    with urllib.request.urlopen(ADDRESS) as answer:
        content = answer.read()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise ValueError(f"{ADDRESS} is not the file that was measured")
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        chosen = [m for m in archive if m.name.startswith("package/img/google/64/")]
        archive.extractall(place, chosen, filter="data")
    return place / "package/img/google/64"


def dataset_of(data: str, name: str, quick: bool):
    "The images of a set, fewer in small."
    chosen = SETS[name]
    size = (chosen.size, chosen.size) if chosen.size else None
    dataset = load_dataset(data, image_size=size)
    n = 100 if quick else chosen.images
    if n:
        parts = {}
        for part in ("train_images", "train_labels", "test_images", "test_labels"):
            parts[part] = getattr(dataset, part)[:n]
        dataset = replace(dataset, **parts)
    return dataset


def training(
    data: str, name: str, tried: str, latent_dim: int, out: str, quick: bool
) -> dict:
    "What one recipe makes of a set. To be called alone."
    dataset = dataset_of(data, name, quick)
    epochs = 1 if quick else SETS[name].epochs
    recipe = make_recipe(TRIED[tried], latent_dim=latent_dim, epochs=epochs)
    if tried == "before" and latent_dim > 4:  # it had waves for few latents only
        recipe = replace(recipe, decoder=BEFORE_DECODER)
    trained, clock = timed(train, dataset, recipe, out=out)
    test, vae = np.asarray(dataset.test_images[:]), trained.vae
    bits = bits_per_pixel(trained.metrics["negative_elbo"], vae.image_shape)
    errors = np.square(vae.reconstruct(test) - test).mean((1, 2, 3))
    return {
        "latent_dim": latent_dim,
        "seconds": round(clock["seconds"], 1),
        "peak_memory_mb": peak_memory_mb(),
        "parameters": trained.config["parameters"],
        "epochs": trained.config["epochs_done"],
        "squared_error": round(float(errors.mean()), 5),
        "squared_error_of_the_worst": round(float(errors.max()), 5),
        "bits_per_pixel_value": float(bits) if vae.likelihood.levels else None,
        "active_latents": len(active_latents(vae, test)),
        **trained.metrics,
    }


def files_bits(images: np.ndarray) -> dict:
    "Mean bits per pixel value of the images as files, their headers counted."
    sizes = {"png": 0, "webp": 0}
    for image in np.round(255 * images).astype("uint8"):
        picture = Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image)
        for kind, options in (
            ("png", {"optimize": True}),
            ("webp", {"lossless": True}),
        ):
            file = io.BytesIO()
            picture.save(file, kind, **options)
            sizes[kind] += len(file.getvalue())
    return {kind: round(8 * size / images.size, 3) for kind, size in sizes.items()}


def draw(place: Path, dataset, path: Path) -> None:
    """Test images, both recipes' reconstructions, draws from the prior.

    Below these, draws from a density fitted to the codes.
    """
    test = np.asarray(dataset.test_images[:24])
    n = len(test) // 2
    before, now = (load_run(place / tried).vae for tried in TRIED)
    rows = []
    for start in (0, n):
        some = test[start : start + n]
        rows += [some, before.reconstruct(some), now.reconstruct(some)]
    drawn = fit_density(*now.encode(dataset.train_images)).draw(n, seed=0)
    rows += [before.sample(n, seed=0), now.sample(n, seed=0), now.decode(drawn)]
    plot_images(np.concatenate(rows), n).savefig(
        path, dpi=130, pil_kwargs={"quality": 88}
    )


def measured(place: Path, name: str, data: Path | str, quick: bool) -> dict:
    "Both recipes on a set; today's alone for the table of latents."
    dataset, runs = dataset_of(str(data), name, quick), []
    tried = ("now",) if name == "latents" else tuple(TRIED)
    for latent_dim in SETS[name].latents:
        for which in tried:
            out = place / f"{name}-{latent_dim}" / which
            call = (str(data), name, which, latent_dim, str(out), quick)
            runs.append({"recipe": which, **alone(training, *call)})
            print(name, runs[-1], file=sys.stderr)
    test = np.asarray(dataset.test_images[:])
    mean = np.mean(dataset.train_images[:], axis=0)
    if name in ("emoji", "photos", "large"):
        to = place if quick else RESULTS
        draw(out.parent, dataset, to / f"colour.{name}.jpg")
    return {
        "training_images": len(dataset.train_images),
        "test_images": len(test),
        "image_shape": list(dataset.image_shape),
        "squared_error_of_the_mean_image": float(np.square(test - mean).mean()),
        "files_bits_per_pixel_value": files_bits(test),
        "runs": runs,
    }


def measure(
    quick: bool, sets: Sequence[str] = ("all",), emoji_folder: Path | None = None
) -> dict:
    origin = provenance("vae_nb", "keras", "tensorflow", "numpy", "pillow")
    path, known = RESULTS / "colour.json", {}
    chosen = tuple(SETS) if "all" in sets else sets
    if quick:
        chosen = ("photos",)
    elif path.exists():
        known = json.loads(path.read_text())
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        with mock.patch.dict(os.environ, VAE_NB_CACHE=str(place / "cache")):
            for name in chosen:
                data: Path | str = "fashion_mnist"
                if name in ("emoji", "latents"):
                    data = emoji(place, emoji_folder)
                elif name in ("photos", "large"):
                    data = place / name
                    large, n = name == "large", 40 if quick else 2_000
                    write_colour(data, n, *((128, 250) if large else (64, 200)))
                known[name] = {**origin, **measured(place, name, data, quick)}
                if not quick:
                    write("colour", known)
    return known


if __name__ == "__main__":
    run(
        measure,
        ("sets", dict(nargs="*", choices=("all", *SETS), default="all")),
        (
            "--emoji",
            dict(type=Path, dest="emoji_folder", help="a folder of the emoji"),
        ),
    )
