"""Pictures to try the command on."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

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
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(10_000))), (b"IEND", b""))
    content = b"\x89PNG\r\n\x1a\n"
    for kind, data in chunks:
        check = struct.pack(">I", zlib.crc32(kind + data))
        content += struct.pack(">I", len(data)) + kind + data + check
    return content


def forbid(path: Path) -> None:
    "A file that cannot be read, by root neither."
    if os.geteuid():
        path.write_bytes(saved(photo()))
        path.chmod(0)
    else:
        path.symlink_to("/proc/self/mem")
