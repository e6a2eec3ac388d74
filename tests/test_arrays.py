"""Images in .npy and .npz files: what they may be, and what is said of others."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from command import accepted, refused
from pictures import PIXELS

from vae_nb import load_images

pytestmark = pytest.mark.usefixtures("here")
FLOATS = PIXELS / 255
ONE = PIXELS == PIXELS[1, 2, 3]

ARRAYS = {  # what an .npz may hold: refused, each with these words
    "NaN": (dict(images=np.where(ONE, np.nan, FLOATS)), "NaN or infinite"),
    "inf": (dict(images=np.where(ONE, np.inf, FLOATS)), "NaN or infinite"),
    "negative": (dict(images=FLOATS - 0.5), "pixels lie in [-0.5"),
    "bytes as floats": (dict(images=PIXELS * 1.0), "divide 8-bit images by 255"),
    "64-bit integers": (dict(images=PIXELS.astype(int)), "dtype int64"),
    "complex numbers": (dict(images=PIXELS * 1j), "dtype complex128"),
    "text": (dict(images=PIXELS.astype(str)), "expected uint8"),
    "objects": (dict(images=np.array([None, {}, []], object)), "Python objects"),
    "objects for labels": (
        dict(images=PIXELS, labels=np.array([None] * 4, object)),
        "Python objects",
    ),
    "too few labels": (dict(images=PIXELS, labels=np.arange(3)), "expected (4,)"),
    "labels in two columns": (
        dict(images=PIXELS, labels=np.zeros((4, 2))),
        "expected (4,)",
    ),
    "labels for training only": (
        dict(x_train=PIXELS, y_train=np.arange(4), x_test=PIXELS),
        "has y_train and no y_test",
    ),
    "a flat array": (dict(images=PIXELS.reshape(4, -1)), "expected (N, H, W)"),
    "a single number": (dict(images=np.float32(1)), "expected (N, H, W)"),
    "two channels": (
        dict(images=np.stack([PIXELS, PIXELS], axis=-1)),
        "expected (N, H, W)",
    ),
    "images of no pixels": (dict(images=PIXELS[:, :0]), "nothing empty"),
    "no images": (dict(images=PIXELS[:0]), "nothing empty"),
    "one image": (dict(images=PIXELS[:1]), "has one image"),
    "other sizes for testing": (
        dict(x_train=PIXELS, x_test=PIXELS[:, :5]),
        "expected the same",
    ),
    "another name": (
        dict(pictures=PIXELS),
        "name the arrays x_train and x_test, or images",
    ),
    "nothing": ({}, "has nothing"),
}


@pytest.mark.parametrize("arrays, words", ARRAYS.values(), ids=ARRAYS)
def test_an_array_that_is_no_images_is_refused(arrays, words):
    np.savez("x.npz", **arrays)
    refused("train", "x.npz", words=words)


DAMAGES = {  # from the bytes of a good file
    "empty": lambda good, path: path.write_bytes(b""),
    "text": lambda good, path: path.write_bytes(b"hello"),
    "cut short": lambda good, path: path.write_bytes(good[:300]),
    "overwritten": lambda good, path: path.write_bytes(bytes(300) + good[300:]),
    "a zip of text": lambda good, path: zipfile.ZipFile(path, "w").writestr(
        "images.npy", b"hello"
    ),
    "a folder": lambda good, path: path.mkdir(),
}


@pytest.mark.parametrize("write", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_npz_is_refused(write):
    np.savez("good.npz", images=PIXELS)
    write(Path("good.npz").read_bytes(), Path("x.npz"))
    refused("train", "x.npz", words="x.npz")


NO_P_VALUES = ("--out", "scores.csv", "--reference", "no")
KINDS = [
    PIXELS.astype("uint16") * 257,
    PIXELS > 127,
    FLOATS.astype("float16"),
    np.asfortranarray(PIXELS),
]


@pytest.mark.parametrize("array", KINDS, ids=lambda array: array.dtype.name)
def test_an_array_of_another_kind_of_numbers_is_read(array):
    np.save("x.npy", array)
    assert accepted("score", "fashion_mnist", "x.npy", *NO_P_VALUES) == ""


def test_a_file_of_the_right_size_is_evaluated_as_it_is():
    grey = np.random.default_rng(0).uniform(size=(12, 28, 28)).astype("float32")
    np.save("grey.npy", grey)
    images = load_images("grey.npy", (28, 28)).images
    assert np.array_equal(images[:][..., 0], grey)
