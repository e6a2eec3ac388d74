"""Damaged files of every format that is read, by hand, for an hour or a minute.

python tests/fuzz.py --files 300
python tests/fuzz.py --files 10000 --seed 1 --only png,zip --keep damaged

A file may be read, or refused in one line. It is a fault if it crashes Python, if
another error than ValueError or OSError comes, if anything is written to stderr, or if
it takes too long or too much memory. Faulty files are kept, with their reason.
"""

import argparse
import os
import resource
import shutil
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from io import BytesIO
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pictures import PIXELS, chunks, png16, saved
from PIL import Image

SECONDS = 5  # that a file may take
MEGABYTES = 2500  # that Python may have, 300 of them before the first file
IN_A_FOLDER = set(".png .jpg .webp .gif .bmp .tif .ppm .pgm .avif .jp2".split())

# Sound files


def pictures() -> dict[str, list[bytes]]:
    "Pictures by suffix, of all modes, compressions and depths."
    grey = Image.fromarray(PIXELS[0].repeat(4, 0).repeat(4, 1))
    colour = Image.fromarray(PIXELS[:3].transpose(1, 2, 0).repeat(4, 0).repeat(4, 1))
    clear = colour.copy()
    clear.putalpha(grey)
    palette, deep = colour.quantize(16), np.asarray(grey).astype("uint16") * 16
    more: dict[str, Any] = dict(
        save_all=True, append_images=[colour.rotate(90), colour.rotate(180)]
    )
    exif = Image.Exif()
    exif[0x0112] = 6
    levels = [Image.fromarray(deep.astype(kind)) for kind in ("uint16", "int32")]
    every = {
        ".png": [grey, grey.convert("1"), grey.convert("LA"), colour, clear, palette],
        ".jpg": [grey, colour, colour.convert("CMYK")],
        ".webp": [colour, clear],
        ".gif": [palette, grey],
        ".bmp": [grey.convert("1"), grey, colour, palette],
        ".tif": [grey, grey.convert("1"), colour, clear, palette, *levels],
        ".ppm": [colour],
        ".pgm": [grey],
        ".avif": [colour],
        ".jp2": [grey, colour, clear],
    }
    seeds = {}
    for suffix, images in every.items():
        format = Image.registered_extensions()[suffix]
        seeds[suffix] = [saved(image, format) for image in images]
    seeds[".png"] += [
        png16(deep),
        png16(np.dstack([deep] * 3), (0, 16, 160)),
        saved(colour, exif=exif),
        saved(palette, transparency=3),
        saved(colour, **more),
    ]
    seeds[".jpg"] += [saved(colour, "JPEG", progressive=True, exif=exif)]
    seeds[".webp"] += [
        saved(clear, "WEBP", lossless=True),
        saved(colour, "WEBP", **more),
    ]
    seeds[".gif"] += [saved(colour, "GIF", **more)]
    seeds[".tif"] += [saved(colour, "TIFF", **more)]
    for compression in ("tiff_lzw", "tiff_deflate", "packbits", "jpeg"):
        seeds[".tif"].append(saved(colour, "TIFF", compression=compression))
    seeds[".tif"].append(saved(grey.convert("1"), "TIFF", compression="group4"))
    seeds[".pgm"].append(b"P5 40 48 4095\n" + deep.astype(">u2").tobytes())
    return seeds


def zips() -> dict[str, list[bytes]]:
    "Zips of pictures, packed in two ways."
    seeds = []
    for packing in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        file = BytesIO()
        with zipfile.ZipFile(file, "w", packing) as f:
            for name in ("train/cat/a.png", "test/cat/b.png", "train/dog/猫.png"):
                f.writestr(name, saved(Image.fromarray(PIXELS[1])))
        seeds.append(file.getvalue())
    return {".zip": seeds}


SEEDS: list[Callable[[], dict[str, list[bytes]]]] = [pictures, zips]

# Damage

FIELDS = [0, 1, 255, 2**15, 2**16 - 1, 2**24, 2**31 - 1, 2**32 - 1]


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    "A file with one to three things done to it."
    for _ in range(rng.integers(1, 4)):
        content = DAMAGES[rng.integers(len(DAMAGES))](content, rng)
    return content


def with_wrong_bits(content: bytes, rng: np.random.Generator) -> bytes:
    data = bytearray(content)
    for _ in range(rng.integers(1, 20) if data else 0):
        data[rng.integers(len(data))] ^= 1 << rng.integers(8)
    return bytes(data)


def with_a_wrong_field(content: bytes, rng: np.random.Generator) -> bytes:
    "A number in the head, or in the tail of a zip, replaced by an odd one."
    size, order = int(rng.choice([1, 2, 4])), str(rng.choice(["big", "little"]))
    field = (int(rng.choice(FIELDS)) % 256**size).to_bytes(size, order)
    reach = min(len(content), int(rng.choice([64, 512])))
    at = int(rng.integers(reach)) if reach else 0
    if rng.random() < 0.25:
        at = len(content) - reach + at
    return content[:at] + field + content[at + size :]


def cut_short(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: rng.integers(len(content) + 1)]


def with_more(content: bytes, rng: np.random.Generator) -> bytes:
    at = rng.integers(len(content) + 1)
    return content[:at] + rng.bytes(int(rng.integers(1, 50))) + content[at:]


def with_less(content: bytes, rng: np.random.Generator) -> bytes:
    at = rng.integers(len(content) + 1)
    return content[:at] + content[at + rng.integers(1, 50) :]


def with_a_part_twice(content: bytes, rng: np.random.Generator) -> bytes:
    start, end = sorted(rng.integers(len(content) + 1, size=2))
    return content[:end] + content[start:]


DAMAGES = [
    with_wrong_bits,
    with_a_wrong_field,
    cut_short,
    with_more,
    with_less,
    with_a_part_twice,
]


class Case(NamedTuple):
    number: int
    suffix: str
    content: bytes


def cases(seeds: dict[str, list[bytes]], seed: int, numbers: range) -> Iterator[Case]:
    "Damaged files, each the same whichever come before it."
    suffixes = sorted(seeds)
    for number in numbers:
        rng = np.random.default_rng((seed, number))
        suffix = suffixes[number % len(suffixes)]
        chosen = seeds[suffix][rng.integers(len(seeds[suffix]))]
        yield Case(number, suffix, with_checks(suffix, damaged(chosen, rng), rng))


def with_checks(suffix: str, content: bytes, rng: np.random.Generator) -> bytes:
    "Half of the PNGs get right checksums, or all that is damaged would end there."
    if suffix != ".png" or rng.random() < 0.5:
        return content
    parts: list[tuple[bytes, bytes]] = []
    at = 8
    while at + 8 <= len(content) and len(parts) < 50:
        size = int.from_bytes(content[at : at + 4], "big")
        parts.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + size]))
        at += 12 + size
    return chunks(*parts)


# Reading


def read(path: Path) -> str:
    "What becomes of a file: read, left out of a folder, or refused."
    from vae_nb import load_images

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            images = load_images(path).images[:]
        except (ValueError, OSError) as e:
            if "\n" in str(e) or not str(e) or len(str(e)) > 800:
                raise RuntimeError(f"no good line: {e!r}") from e
            return "left out" if "cannot be read (" in str(e) else "refused"
    if images.ndim != 4 or not (images.min() >= 0 and images.max() <= 1):
        raise RuntimeError(f"not images: shape {images.shape}")
    return "read"


def work(
    to_parent: Connection, seeds: dict[str, list[bytes]], seed: int, numbers: range
) -> None:
    "In a process of its own: read file after file, and tell what became of each."
    os.fsync = lambda fd: None
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as err:
        os.dup2(err.fileno(), 2)
        os.environ["VAE_NB_CACHE"] = f"{folder}/cache"
        for case in cases(seeds, seed, numbers):
            here = Path(folder, "files")
            here.mkdir()
            path = here / f"x{case.suffix}"
            path.write_bytes(case.content)
            to_parent.send((case.number, None, 0.0, 0))
            start = time.monotonic()
            try:
                outcome = read(here if case.suffix in IN_A_FOLDER else path)
            except BaseException as e:
                outcome = f"fault: {type(e).__name__}: {e}"
            seconds = time.monotonic() - start
            if said := err.seek(0, 2):
                err.seek(0)
                outcome = f"fault: wrote to stderr: {err.read(min(said, 300))!r}"
                err.seek(0)
                err.truncate()
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            to_parent.send((case.number, outcome, seconds, peak))
            shutil.rmtree(here)
            shutil.rmtree(f"{folder}/cache", ignore_errors=True)


class Result(NamedTuple):
    number: int
    outcome: str
    seconds: float
    peak: int  # megabytes that the process ever had


def results(seeds: dict[str, list[bytes]], seed: int, files: int) -> Iterator[Result]:
    "What became of each file; a process that dies or hangs is replaced."
    number = 0
    while number < files:
        ours, theirs = Pipe(duplex=False)
        numbers = range(number, min(files, number + 500))
        process = get_context("fork").Process(
            target=work, args=(theirs, seeds, seed, numbers)
        )
        process.start()
        theirs.close()
        begun, ended = None, False
        while number < numbers.stop and not ended:
            try:
                if not ours.poll(3 * SECONDS):
                    yield Result(number, "fault: it hangs", 3.0 * SECONDS, 0)
                    number, ended = number + 1, True
                    continue
                begun, outcome, seconds, peak = ours.recv()
            except EOFError:
                process.join()
                reason = f"fault: it ended Python, {process.exitcode}"
                yield Result(number if begun is None else begun, reason, 0.0, 0)
                number, ended = number + 1, True
                continue
            if outcome is not None:
                yield Result(begun, outcome, seconds, peak)
                number = begun + 1
        if ended:
            process.kill()
        process.join()
        ours.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="suffixes, like png,zip; none: all")
    parser.add_argument("--keep", type=Path, help="folder for the files of faults")
    options = parser.parse_args()
    import vae_nb.datasets  # noqa: F401  # once, for all processes

    seeds = {suffix: files for made in SEEDS for suffix, files in made().items()}
    if options.only:
        chosen = {f".{name.strip('.')}" for name in options.only.split(",")}
        seeds = {suffix: seeds[suffix] for suffix in sorted(chosen)}
    counts, slowest, peak, faults = Counter[str](), Result(0, "", 0.0, 0), 0, 0
    start = time.monotonic()
    for result in results(seeds, options.seed, options.files):
        outcome = result.outcome
        if result.seconds > SECONDS and not outcome.startswith("fault"):
            outcome = f"fault: it took {result.seconds:.1f} s"
        if result.peak > max(MEGABYTES, peak):
            outcome = f"fault: it took {result.peak:,} MB"
        counts[outcome.split(":")[0]] += 1
        slowest, peak = (
            max(slowest, result, key=lambda r: r.seconds),
            max(peak, result.peak),
        )
        if outcome.startswith("fault"):
            faults += 1
            (case,) = cases(
                seeds, options.seed, range(result.number, result.number + 1)
            )
            print(f"{case.number}{case.suffix}: {outcome}", flush=True)
            if options.keep:
                options.keep.mkdir(exist_ok=True)
                name = f"{options.seed}-{case.number}{case.suffix}"
                (options.keep / name).write_bytes(case.content)
    said = ", ".join(f"{count:,} {what}" for what, count in sorted(counts.items()))
    print(
        f"{counts.total():,} files of {len(seeds)} kinds, seed {options.seed}: {said}; "
        f"slowest {slowest.seconds:.1f} s (number {slowest.number}), peak {peak:,} MB, "
        f"{time.monotonic() - start:.0f} s in all"
    )
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
