"""Pictures to try the command on."""

import io
import os
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from vae_nb import OwnImages, load_images

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 12, 10), dtype="uint8")
Content = bytes | Callable[[Path], object]  # of a file, or what makes the file


def photo(mode: str = "L", size: tuple[int, int] = (10, 12)) -> Image.Image:
    return Image.fromarray(PIXELS[0]).resize(size).convert(mode)


def saved(image: Image.Image, format: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def folder_of(name: str | bytes, content: Content, among: int = 3) -> None:
    "A folder `photos` with a file, and good pictures beside it."
    Path("photos").mkdir()
    for i in range(among):
        Image.fromarray(PIXELS[i]).save(f"photos/good {i}.png")
    path = Path("photos") / os.fsdecode(name)
    if callable(content):
        content(path)
    else:
        path.write_bytes(content)


def png(width: int, height: int) -> bytes:
    "The head of a PNG that says it is so large, and no pixels worth the name."
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return chunks((b"IHDR", head), (b"IDAT", zlib.compress(bytes(10_000))))


def png16(levels: np.ndarray, transparent: tuple[int, ...] = ()) -> bytes:
    "A PNG of 16 bits, (H, W) or (H, W, 3), which Pillow does not write in colour."
    kind = 0 if levels.ndim == 2 else 2
    head = struct.pack(">IIBBBBB", levels.shape[1], len(levels), 16, kind, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    key = struct.pack(f">{len(transparent)}H", *transparent)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(rows))]
    return chunks(*parts[:1], *([(b"tRNS", key)] if key else []), *parts[1:])


def chunks(*parts: tuple[bytes, bytes]) -> bytes:
    "A PNG of these chunks."
    content = b"\x89PNG\r\n\x1a\n"
    for kind, data in (*parts, (b"IEND", b"")):
        check = struct.pack(">I", zlib.crc32(kind + data))
        content += struct.pack(">I", len(data)) + kind + data + check
    return content


def place(files: dict[str, bytes], folder: str = "photos") -> Path:
    "A folder with these files."
    for name, content in files.items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return Path(folder)


def loaded(path, **options) -> tuple[OwnImages, list[str]]:
    "Images of one's own, and what is said of them."
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        own = load_images(path, **options)
    return own, [str(warning.message) for warning in said]


def forbid(path: Path) -> None:
    "A file that cannot be read, by root neither."
    if os.geteuid():
        path.write_bytes(saved(photo()))
        path.chmod(0)
    else:
        path.symlink_to("/proc/self/mem")
