"""Files of images by bits back, beside what one would use instead.

    python benchmarks/compression.py train    # the model, to runs/8bit-seed0
    python benchmarks/compression.py measure  # files of the test images; five minutes
    python benchmarks/compression.py damage   # 2,000 files gone wrong
    python benchmarks/compression.py elsewhere  # the same bytes on other backends
    python benchmarks/compression.py --quick  # in small; writes nothing

All 60,000 training images of Fashion-MNIST train; what is compressed are the test
images. `python benchmarks/pretrained.py fashion_mnist-8bit=runs/8bit-seed0`, before
`measure`, makes the run the model that comes with the library. JPEG XL needs the
package pillow-jxl-plugin. Writes benchmarks/results/compression.json.
"""

import hashlib
import io
import json
import lzma
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from unittest import mock

import numpy as np
from harness import RESULTS, alone, peak_memory_mb, provenance, root, run, timed, write
from PIL import Image

from vae_nb import (
    bits_per_pixel,
    compress,
    decompress,
    evaluate_elbo,
    load_dataset,
    load_pretrained,
    load_run,
    train,
)

sys.path.append(str(root / "tests"))

from damage import changed, resealed

KEPT, NAME = root / "runs" / "8bit-seed0", "fashion_mnist-8bit"


def training(quick: bool, folder: str) -> dict:
    "What the training takes and gives, a process of its own."
    data = load_dataset("digits" if quick else "fashion_mnist")
    settings: dict = {"epochs": 1} if quick else {}
    trained, clock = timed(train, data, "8bit", seed=0, out=folder, **settings)
    return {
        **clock,
        "peak_memory_mb": peak_memory_mb(),
        "parameters": trained.config["parameters"],
        "test": trained.metrics,
    }


def train_and_keep(origin: dict) -> dict:
    "A run of the recipe in runs/, in place of an earlier one."
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        figures = alone(training, False, str(folder))
        (folder / "provenance.json").write_text(json.dumps(origin, indent=2) + "\n")
        shutil.rmtree(KEPT, ignore_errors=True)
        shutil.copytree(folder, KEPT)
    return {**figures, "config": load_run(KEPT).config}


def picture(format: str, **options) -> Callable[[np.ndarray], int]:
    "How many bytes a grey picture takes in a format."

    def size(pixels: np.ndarray) -> int:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, format, **options)
        return file.getbuffer().nbytes

    return size


def others() -> dict[str, tuple[str, Callable[[np.ndarray], int]]]:
    "Formats of single pictures: a title, and how many bytes one takes."
    formats = {
        "png": ("PNG", picture("PNG", optimize=True)),
        "webp": ("lossless WebP", picture("WEBP", lossless=True, quality=100)),
    }
    if find_spec("pillow_jxl"):
        import pillow_jxl  # noqa: F401

        formats["jxl"] = ("JPEG XL", picture("JXL", lossless=True, effort=9))
    return formats


def side_by_side(images: np.ndarray) -> np.ndarray:
    "All images (n, H, W) as one picture, in rows of 100."
    across = min(100, len(images))
    rows = images[: len(images) // across * across]
    rows = rows.reshape(-1, across, *images.shape[1:])
    return rows.transpose(0, 2, 1, 3).reshape(-1, across * images.shape[2])


def sizes(images: np.ndarray) -> list[tuple[str, str, int]]:
    "Bytes of grey images (n, H, W) by what one would use: key, title, size."
    found = []
    for key, (title, size) in others().items():
        each = sum(size(image) for image in images)
        found.append((key, f"{title}, a file for each", each))
        together = size(side_by_side(images))
        found.append((f"{key}-one", f"{title}, all in one picture", together))
    packed = lzma.compress(images.tobytes(), preset=9 | lzma.PRESET_EXTREME)
    return [*found, ("lzma", "lzma, all in one file", len(packed))]


def measured(vae, images: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> dict:
    "Our file of images (n, H, W, 1), uint8, its speed, and those of others."
    compress(vae, images[:100])  # tables are made once
    data, writing = timed(compress, vae, images)
    back, reading = timed(decompress, vae, data)
    assert np.array_equal(back, images)
    numbered = [f"test/{i}" for i in range(len(images))]
    named = compress(vae, images, numbered, labels, names, NAME)
    found = [
        ("vae", f"`vae_nb compress`, {NAME}", len(data)),
        ("named", "the same with names and classes", len(named)),
        *sizes(images[..., 0]),
    ]
    rows = []
    for key, what, size in found:
        bits = 8 * size / images.size
        ours = key in ("vae", "named")
        rows.append(
            dict(key=key, what=what, bytes=size, bits_per_pixel=bits, ours=ours)
        )
    nats = evaluate_elbo(vae, images / np.float32(255))["negative_elbo"]
    return {
        "images": len(images),
        "sha256": hashlib.sha256(data).hexdigest(),
        "bound_nats": nats,
        "bound_bits_per_pixel": float(bits_per_pixel(nats, vae.image_shape)),
        "files": rows,
        "images_per_second": {
            "compress": len(images) / writing["seconds"],
            "decompress": len(images) / reading["seconds"],
        },
        "processor_seconds": {
            "compress": writing["processor_seconds"],
            "decompress": reading["processor_seconds"],
        },
        "one_image_bytes": len(compress(vae, images[:1])),
    }


def pays(figures: dict, model_bytes: int) -> dict:
    "From how many images on file and model together are smaller than others' files."
    size = {one["key"]: one["bytes"] / figures["images"] for one in figures["files"]}
    gains = {key: size[key] - size["vae"] for key in ("png", "lzma")}
    return {key: math.ceil(model_bytes / gain) for key, gain in gains.items()}


def damaged(vae, images: np.ndarray, files: int) -> dict:
    "What becomes of files gone wrong: as they are, and with a checksum that is right."
    data = compress(vae, images, names=[str(i) for i in range(len(images))])
    counts = {"refused": 0, "unchanged images": 0}
    for seed in range(files):
        wrong = changed(data, seed)
        wrong = resealed(wrong) if seed % 2 else wrong
        if wrong == data:
            continue
        try:
            back = decompress(vae, wrong)
        except ValueError:
            counts["refused"] += 1
        else:  # a name was changed; anything else is an error here
            assert seed % 2 and np.array_equal(back, images)
            counts["unchanged images"] += 1
    return counts


def digest(images: int) -> dict:
    "The SHA-256 of a file of test images, and of what comes back; to be called alone."
    pixels = load_dataset("fashion_mnist").test_images[:images]
    vae = load_pretrained(NAME).vae
    data = compress(vae, pixels)
    back = decompress(vae, data)
    assert np.array_equal(back, np.round(255 * pixels))
    return {"sha256": hashlib.sha256(data).hexdigest()}


def elsewhere(images: int) -> dict:
    "The same on each backend that is here, with one thread and with two."
    found = {}
    backends = [name for name in ("tensorflow", "jax", "torch") if find_spec(name)]
    for backend in backends:
        for threads in ("1", "2"):
            names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
            here = dict.fromkeys(names, threads) | {"KERAS_BACKEND": backend}
            with mock.patch.dict(os.environ, here):
                sha256 = alone(digest, images)["sha256"]
            found[f"{backend}, {threads} threads"] = sha256
    return {"images": images, "files": found, "distinct": len(set(found.values()))}


def in_small() -> dict:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        figures = alone(training, True, str(folder))
        vae = load_run(folder).vae
    dataset = load_dataset("digits")
    images = np.round(255 * dataset.test_images[:20]).astype("uint8")
    found = measured(vae, images, dataset.test_labels[:20], dataset.class_names)
    return {"trained": figures, "measured": found, "damage": damaged(vae, images, 20)}


def measure(quick: bool, work: Sequence[str] = "train") -> dict:
    if quick:
        return in_small()
    origin = provenance("vae_nb", "keras", "tensorflow", "numpy", "constriction")
    path = RESULTS / "compression.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    dataset = load_dataset("fashion_mnist")
    images = np.round(255 * np.asarray(dataset.test_images[:])).astype("uint8")
    if "train" in work:
        known["trained"] = {**origin, **train_and_keep(origin)}
    if "measure" in work:
        vae = load_pretrained(NAME).vae
        figures = measured(vae, images, dataset.test_labels, dataset.class_names)
        model = files("vae_nb") / "pretrained" / NAME / "model.keras"
        size = len(model.read_bytes())
        figures |= {"model_bytes": size, "pays_from_images": pays(figures, size)}
        known["measured"] = {**origin, **figures}
    if "damage" in work:
        vae = load_pretrained(NAME).vae
        counts = damaged(vae, images[:5], 2000)
        known["damage"] = {**origin, "files": 2000, **counts}
    if "elsewhere" in work:
        known["elsewhere"] = {**origin, **elsewhere(500)}
    write("compression", known)
    return known


if __name__ == "__main__":
    choices = ("train", "measure", "damage", "elsewhere")
    run(measure, ("work", dict(nargs="*", choices=choices, default="train")))
