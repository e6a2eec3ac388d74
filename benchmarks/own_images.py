"""Folders of one's own pictures: trained by one command, killed and resumed, in constant memory, as fast from disk as from memory.

    python benchmarks/own_images.py                # eleven minutes on two cores
    python benchmarks/own_images.py memory disk    # these parts anew, the others as they were
    python benchmarks/own_images.py --quick        # all in small, in a minute or two; writes nothing

grey    10,000 grey PNGs in ten class folders: Fashion-MNIST's test images
colour  2,000 JPEGs of 64 to 200 pixels a side: cuttings of scikit-learn's two photographs
kills   a small run, killed with SIGKILL at 20 moments spread over its time, and resumed: is each the same to the bit?
memory  the peak of `vae_nb train` on 5,000 and on 50,000 pictures
disk    epochs from the disk and from memory in turn

Everything is made in a temporary folder. `--keep FOLDER` makes it there, to look at. Writes benchmarks/results/own_images.json and, of
the colour run, own_images.png: test images, their reconstructions and samples.
"""

import argparse
import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from record import provenance, root, write

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
COMMAND = [sys.executable, "-c", "from vae_nb.cli import main; main()", "train"]
RESULT = root / "benchmarks" / "results" / "own_images"


def trained(*arguments) -> dict:
    "Seconds and peak memory of `vae_nb train`, and what it says of the run."
    start, out = time.perf_counter(), Path(arguments[arguments.index("--out") + 1])
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"vae_nb train {' '.join(map(str, arguments))} failed")
    config, metrics = (
        json.loads((out / f"{name}.json").read_text()) for name in ("config", "metrics")
    )
    scale = (
        1 if sys.platform == "darwin" else 1024
    )  # ru_maxrss is in bytes on macOS, in KiB elsewhere
    return {
        "command": f"vae_nb train {Path(arguments[0]).name} "
        + " ".join(map(str, arguments[1 : arguments.index("--out")])),
        "seconds": round(time.perf_counter() - start, 1),
        "peak_memory_mb": round(usage.ru_maxrss * scale / 1e6),
        **{
            name: config[name]
            for name in (
                "training_images",
                "image_shape",
                "likelihood",
                "latent_dim",
                "epochs",
                "seed",
            )
        },
        **metrics,
    }


def write_grey(folder: Path, n: int) -> str:
    "Fashion-MNIST's test images as PNGs, a folder for each class; digits where they cannot be had. Which they are."
    from vae_nb import load_dataset

    dataset = load_dataset()
    for i, (image, label) in enumerate(
        zip(dataset.test_images[:n, ..., 0], dataset.test_labels)
    ):
        path = folder / dataset.class_names[label].replace("/", " or ") / f"{i:05}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.round(255 * image).astype("uint8")).save(path)
    return dataset.name


def write_colour(folder: Path, n: int, low: int = 64, high: int = 200) -> None:
    "Cuttings of two photographs, of any height and width between, as JPEGs, a folder for each photograph."
    from sklearn.datasets import load_sample_images

    rng, photos = np.random.default_rng(0), load_sample_images().images
    for i in range(n):
        kind = i % 2
        photo, (height, width) = photos[kind], rng.integers(low, high + 1, 2)
        top, left = (
            rng.integers(0, photo.shape[0] - height),
            rng.integers(0, photo.shape[1] - width),
        )
        path = folder / ("temple", "flower")[kind] / f"{i:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo[top : top + height, left : left + width]).save(
            path, quality=92
        )


def grey(place: Path, quick: bool) -> dict:
    kind = write_grey(place / "grey", 300 if quick else 10_000)
    return {
        "pictures": kind,
        **trained(
            place / "grey",
            "--seed",
            0,
            *(["--epochs", 1] if quick else []),
            "--out",
            place / "grey-run",
        ),
    }


def colour(place: Path, quick: bool) -> dict:
    write_colour(place / "colour", 40 if quick else 2_000)
    settings = ["--latent-dim", 32, *(["--epochs", 1] if quick else [])]
    record = trained(
        place / "colour", "--seed", 0, *settings, "--out", place / "colour-run"
    )
    if not quick:
        draw(place, RESULT.with_suffix(".png"))
    return record


def draw(place: Path, path: Path) -> None:
    "Test images, their reconstructions and samples of the colour run, in three rows."
    from vae_nb import load_dataset, load_run, plot_images

    vae, images = (
        load_run(place / "colour-run").vae,
        load_dataset(place / "colour").test_images[:10],
    )
    plot_images(
        np.concatenate([images, vae.reconstruct(images), vae.sample(10, seed=0)]), 10
    ).savefig(path, dpi=110)


def digests(folder: Path) -> dict:
    "SHA-256 of all weights and the optimiser's state, and of every other file."
    from vae_nb import load_run

    vae = load_run(folder).vae
    variables = hashlib.sha256()
    for variable in [*vae.variables, *vae.optimizer.variables]:
        variables.update(np.asarray(variable).tobytes())
    return {"weights": variables.hexdigest()} | {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.iterdir())
        if p.name != "model.keras"
    }  # a zip has the time in it


def kills(place: Path, quick: bool) -> dict:
    n, epochs = (1, 4) if quick else (20, 20)
    write_grey(place / "few", 400)
    arguments = [
        *COMMAND,
        place / "few",
        "--epochs",
        str(epochs),
        "--validation",
        "0.2",
        "--out",
    ]

    def begin(name: str):
        process = subprocess.Popen(
            [*arguments, place / name], stdout=subprocess.PIPE, text=True
        )
        process.stdout.readline()  # how many images there are: from here on it builds, trains and draws
        return process

    pair = begin("whole"), begin("whole-2")  # attempts run in pairs, too
    start = time.perf_counter()
    for process in pair:
        process.communicate()
    duration, whole = time.perf_counter() - start, digests(place / "whole")
    assert digests(place / "whole-2") == whole

    def attempt(i: int, share: float) -> dict:
        name = f"killed-{i}"
        process = begin(name)
        try:
            process.communicate(timeout=share * duration)
        except subprocess.TimeoutExpired:
            process.kill()
        killed = process.wait() == -9
        history = place / f"{name}.unfinished" / "history.csv"
        done = len(list(csv.reader(history.open()))) - 1 if history.exists() else 0
        if (
            killed and not (place / name).exists()
        ):  # else it was killed when all was done
            subprocess.run(
                [*arguments, place / name, "--resume"],
                check=True,
                stdout=subprocess.DEVNULL,
            )
        return {
            "after_seconds": round(share * duration, 2),
            "killed": killed,
            "epochs_done": done,
        }

    shares = (np.arange(n) + np.random.default_rng(0).random(n)) / n
    with ThreadPoolExecutor(2) as both:
        attempts = list(both.map(attempt, range(n), shares))
    for i, record in enumerate(attempts):
        record["identical"] = digests(place / f"killed-{i}") == whole
    return {
        "runs": n,
        "epochs": epochs,
        "seconds_uninterrupted": round(duration, 2),
        "killed": sum(a["killed"] for a in attempts),
        "killed_after_the_last_epoch": sum(
            a["killed"] and a["epochs_done"] == epochs for a in attempts
        ),
        "identical": sum(a["identical"] for a in attempts),
        "compared": sorted(whole),
        "attempts": attempts,
    }


def memory(place: Path, quick: bool) -> dict:
    sizes, pixels = (50, 500) if quick else (5_000, 50_000), np.random.default_rng(0)
    records = []
    for n in sizes:
        folder = place / f"memory-{n}"
        folder.mkdir()
        for i in range(n):
            Image.fromarray(pixels.integers(0, 256, (4, 4, 3), dtype="uint8")).resize(
                (32, 32)
            ).save(folder / f"{i:05}.jpg")
        record = trained(folder, "--epochs", 1, "--out", place / f"memory-run-{n}")
        records.append(
            {
                "pictures": n,
                "peak_memory_mb": record["peak_memory_mb"],
                "seconds": record["seconds"],
                "image_shape": record["image_shape"],
            }
        )
        shutil.rmtree(folder)
    return {
        "sizes": records,
        "ratio": round(records[1]["peak_memory_mb"] / records[0]["peak_memory_mb"], 3),
    }


def disk(place: Path, quick: bool) -> dict:
    from vae_nb import build_vae, load_dataset, recipe_settings
    from vae_nb.training import _Batches

    if not (place / "grey").exists():
        write_grey(place / "grey", 300 if quick else 10_000)
    stored, rounds = load_dataset(place / "grey").train_images, 1 if quick else 9
    sources = {"disk": stored, "memory": stored[:]}
    settings = recipe_settings()
    vaes = {name: build_vae(stored.shape[1:], settings, 1000) for name in sources}
    batches = {
        name: _Batches(images, settings["batch_size"], seed=0)
        for name, images in sources.items()
    }
    seconds = {name: [] for name in sources}
    for epoch in range(rounds + 1):
        for name in (*sources,) if epoch % 2 else (*reversed(sources),):
            batches[name].shuffle(epoch)
            start = time.perf_counter()
            vaes[name].fit(batches[name], shuffle=False, verbose=0)
            if epoch:  # the first compiles, and reads the disk for the first time
                seconds[name].append(time.perf_counter() - start)
    speed = {
        name: round(len(stored) / float(np.median(values)))
        for name, values in seconds.items()
    }
    same = all(
        np.array_equal(a, b)
        for a, b in zip(*(vae.get_weights() for vae in vaes.values()))
    )
    return {
        "images": len(stored),
        "images_a_second": speed,
        "ratio": round(
            float(np.median(np.divide(seconds["memory"], seconds["disk"]))), 3
        ),
        "same_weights": same,
        "seconds": seconds,
    }


PARTS = {part.__name__: part for part in (grey, colour, kills, memory, disk)}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "parts", nargs="*", choices=[*PARTS, []], help="which parts; none: all"
    )
    parser.add_argument(
        "--quick", action="store_true", help="all in small; writes nothing"
    )
    parser.add_argument(
        "--keep", type=Path, help="where to make everything, to look at; must not exist"
    )
    options = parser.parse_args()
    origin = provenance("keras", "tensorflow", "numpy", "pillow")
    place = options.keep or Path(tempfile.mkdtemp())
    place.mkdir(exist_ok=not options.keep)
    os.environ["VAE_NB_CACHE"] = str(place / "cache")
    results = (
        json.loads(RESULT.with_suffix(".json").read_text())
        if options.parts and RESULT.with_suffix(".json").exists()
        else {}
    )
    try:
        for name in options.parts or PARTS:
            start = time.perf_counter()
            results[name] = {**origin, **PARTS[name](place, options.quick)}
            if not options.quick:
                write(
                    "own_images",
                    {name: results[name] for name in PARTS if name in results},
                )
            print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    finally:
        if not options.keep:
            shutil.rmtree(place)
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
