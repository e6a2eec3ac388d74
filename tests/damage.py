"""Files gone wrong."""

import zlib

import numpy as np


def changed(data: bytes, seed: int) -> bytes:
    "A byte changed, a piece cut out, doubled or overwritten, or the end lost."
    rng = np.random.default_rng(seed)
    start, length = int(rng.integers(len(data))), int(rng.integers(1, 40))
    before, piece = data[:start], data[start : start + length]
    after = data[start + length :]
    new = rng.bytes(length)
    flipped = bytes([piece[0] ^ (1 << int(rng.integers(8)))]) + piece[1:]
    return (
        before + flipped + after,
        before + after,
        before + 2 * piece + after,
        before + new + after,
        before,
    )[seed % 5]


def resealed(data: bytes) -> bytes:
    "With the checksum that a .vae file has at its end, and that is right."
    return data[:-4] + zlib.crc32(data[:-4]).to_bytes(4, "little")
