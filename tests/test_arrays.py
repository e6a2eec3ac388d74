"""Images in .npy and .npz files: how they are read, and what is said of others."""

import os
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from command import accepted, refused
from pictures import PIXELS
from PIL import Image

from vae_nb import Dataset, OwnImages, StoredImages, load_images

pytestmark = pytest.mark.usefixtures("here")
FLOATS = PIXELS / 255
ONE = PIXELS == PIXELS[1, 2, 3]

ARRAYS = {  # what an .npz may hold: refused, each with these words
    "NaN": (dict(images=np.where(ONE, np.nan, FLOATS)), "NaN or infinite"),
    "inf": (dict(images=np.where(ONE, np.inf, FLOATS)), "NaN or infinite"),
    "negative": (dict(images=FLOATS - 0.5), "pixels lie in [-0.5"),
    "bytes as floats, made darker": (
        dict(images=PIXELS * 0.9),
        "divide 8-bit images by 255",
    ),
    "integers below 0": (
        dict(images=PIXELS.astype(int) - 9),
        "pixels lie in [-9, 246]",
    ),
    "integers of 17 bits": (
        dict(images=PIXELS.astype(int) * 500),
        "undo how they were",
    ),
    "standardized": (dict(images=FLOATS * 4 - 2), "undo how they were scaled"),
    "a little too bright": (dict(images=FLOATS * 1.05), "np.clip(images, 0, 1)"),
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
    "one image or many": (
        dict(images=np.zeros((64, 64))),
        "one image or 64 of 8x8: write it as (1, 64, 64) or (64, 8, 8)",
    ),
    "four channels": (
        dict(images=np.stack([PIXELS] * 4, axis=-1)),
        "leave out the fourth channel",
    ),
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
    "other names": (
        dict(left=PIXELS, right=PIXELS),
        "has left (4, 12, 10), right (4, 12, 10): name the arrays x_train and x_test",
    ),
    "no array of images": (
        dict(weights=FLOATS[0, 0]),
        "name the arrays x_train and x_test, or images",
    ),
    "nothing": ({}, "has nothing"),
}


@pytest.mark.parametrize("arrays, words", ARRAYS.values(), ids=ARRAYS)
def test_an_array_that_is_no_images_is_refused(arrays, words):
    np.savez("x.npz", **arrays)
    refused("train", "x.npz", words=words)


ROWS = PIXELS[:, :8, :8].reshape(4, -1)
COLOUR = np.random.default_rng(1).integers(0, 256, (5, 9, 9, 3), dtype="uint8")
PLANES = np.moveaxis(COLOUR, 3, 1)  # red, green and blue one after another
SQUARES = ROWS.reshape(4, 8, 8)
Y = np.arange(4) % 2
WORDS = ["cat", "dog", "cat", "dog"]

SHAPES = {  # arrays, the images in them as bytes, and words of what is said, or ""
    "(N, D)": (dict(images=ROWS), SQUARES, "read as 4 images of 8x8x1"),
    "(D, N)": (dict(images=ROWS.T, labels=Y), SQUARES, "read as 4 images of 8x8x1"),
    "(N, 3 D)": (
        dict(images=PLANES.reshape(5, -1)),
        COLOUR,
        "read as 5 images of 9x9x3",
    ),
    "(N, 3, H, W)": (dict(images=PLANES), COLOUR, "read as 5 images of 9x9x3"),
    "(N, 1, H, W)": (
        dict(images=PIXELS[:, None]),
        PIXELS,
        "read as 4 images of 12x10x1",
    ),
    "(H, W, 3, N)": (dict(X=np.moveaxis(COLOUR, 0, 3)), COLOUR, "read as 5 images of"),
    "(H, W, N)": (
        dict(X=np.moveaxis(PIXELS, 0, 2), y=Y),
        PIXELS,
        "read as 4 images of 12x10x1",
    ),
    "(H, W, 3)": (dict(images=COLOUR[0]), COLOUR[:1], "read as 1 image of 9x9x3"),
    "columns first": (dict(images=np.asfortranarray(COLOUR)), COLOUR, ""),
}


def read(arrays: dict) -> tuple[OwnImages, list[str]]:
    "What is read of these arrays in a file, and what is said of them."
    np.savez("x.npz", **arrays)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        own = load_images("x.npz")
    return own, [str(warning.message) for warning in said]


def told(said: list[str], words: str) -> bool:
    "Whether this is said and nothing else."
    return len(said) == bool(words) and words in "".join(said)


@pytest.mark.parametrize("arrays, pixels, words", SHAPES.values(), ids=SHAPES)
def test_a_shape_of_one_meaning_is_read(arrays, pixels, words):
    own, said = read(arrays)
    wanted = pixels / np.float32(255)
    wanted = wanted if wanted.ndim == 4 else wanted[..., None]
    assert np.array_equal(own.images, wanted) and told(said, words), said


BITS = PIXELS // 128
NUMBERS = {  # pixels, what they become, and words of what is said, or ""
    "64-bit integers": (PIXELS.astype("int64"), FLOATS, "divided by 255"),
    "32-bit integers": (PIXELS.astype("int32"), FLOATS, "divided by 255"),
    "bytes as floats": (PIXELS.astype("float32"), FLOATS, "divided by 255"),
    "bytes as 16 bits": (PIXELS.astype("uint16"), FLOATS, "divided by 255"),
    "10 bits": (
        PIXELS.astype("uint16") * 4,
        FLOATS * 255 * 4 / 1023,
        "divided by 1023",
    ),
    "12 bits": (
        PIXELS.astype("uint16") * 16,
        FLOATS * 255 * 16 / 4095,
        "divided by 4095",
    ),
    "14 bits": (
        PIXELS.astype("int32") * 64,
        FLOATS * 255 * 64 / 16383,
        "divided by 16383",
    ),
    "16 bits": (PIXELS.astype("uint16") * 257, FLOATS, ""),
    "16 bits, big end first": (PIXELS.astype(">u2") * 257, FLOATS, ""),
    "a mask of bytes": (BITS, BITS, "taken as black and white"),
    "a mask of integers": (BITS.astype(int), BITS, "taken as black and white"),
    "a mask of bools": (BITS > 0, BITS, ""),
    "a mask of floats": (BITS * 1.0, BITS, ""),
    "all black": (BITS * 0, BITS * 0, ""),
    "17 levels": (PIXELS // 15, PIXELS // 15 / 255, "if 17 is white, divide by it"),
    "from -1 to 1": (2 * FLOATS - 1, FLOATS, "moved to [0, 1]"),
    "rounding": (FLOATS * 1.0000001 - 1e-8, FLOATS, ""),
}


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
@pytest.mark.parametrize("pixels, wanted, words", NUMBERS.values(), ids=NUMBERS)
def test_the_numbers_tell_what_white_is(pixels, wanted, words, suffix):
    np.save("x.npy", pixels)
    np.savez("x.npz", pixels)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        images = load_images(f"x{suffix}").images
    assert np.allclose(images[:][..., 0], wanted, atol=2e-7)
    assert told([str(warning.message) for warning in said], words), said
    assert isinstance(images, StoredImages) == (suffix == ".npy")  # stay in the file


MARKS = {  # labels of four images, the names of their classes, the number of each
    "a column": (Y[:, None], ("0", "1"), [0, 1, 0, 1]),
    "a row": (Y[None], ("0", "1"), [0, 1, 0, 1]),
    "a cube, as some MedMNIST files": (Y[:, None, None], ("0", "1"), [0, 1, 0, 1]),
    "one-hot floats": (np.eye(3)[[2, 0, 2, 0]], ("0", "2"), [1, 0, 1, 0]),
    "one-hot integers": (np.eye(2, dtype=int)[Y], ("0", "1"), [0, 1, 0, 1]),
    "one-hot bools": (np.eye(2, dtype=bool)[Y], ("0", "1"), [0, 1, 0, 1]),
    "text": (WORDS, ("cat", "dog"), [0, 1, 0, 1]),
    "bytes": (np.array(WORDS, "S"), ("cat", "dog"), [0, 1, 0, 1]),
    "floats": ([9.0, 10.0, 9.0, 10.0], ("9", "10"), [0, 1, 0, 1]),
    "bools": (Y > 0, ("False", "True"), [0, 1, 0, 1]),
    "several per image": ([[1, 1], [0, 1], [0, 0], [1, 0]], ("images",), [0] * 4),
    "measurements": ([0.1, 0.2, 0.3, 0.4], ("images",), [0] * 4),
}


@pytest.mark.parametrize("labels, names, numbers", MARKS.values(), ids=MARKS)
def test_labels_are_read_in_every_usual_form(labels, names, numbers):
    own, said = read(dict(images=PIXELS, labels=labels))
    assert (own.class_names, own.labels.tolist()) == (names, numbers)
    assert told(said, "so all images are of one class" if names == ("images",) else "")


HALF = dict(train_images=PIXELS, test_images=PIXELS[:2])
NAMES = {  # arrays, how many images are for testing, and words of what is said, or ""
    "as Keras": (
        dict(x_train=PIXELS, y_train=Y, x_test=PIXELS[:2], y_test=Y[:2]),
        2,
        "",
    ),
    "in capitals": (dict(X_TRAIN=PIXELS, X_TEST=PIXELS[:2]), 2, ""),
    "run together": (dict(Xtrain=PIXELS, Xtest=PIXELS[:1]), 1, ""),
    "as MedMNIST": (
        HALF | dict(val_images=PIXELS[:1], val_labels=Y[:1]),
        2,
        "read as images: train_images, test_images; not used: val_images (1, 12, 10), ",
    ),
    "training and validation": (dict(x_train=PIXELS, x_val=PIXELS[:3]), 3, ""),
    "training only": (dict(x_train=PIXELS, y_train=Y), 0, ""),
    "X and y": (dict(X=PIXELS, y=Y), 0, ""),
    "as scikit-learn": (dict(data=ROWS, images=SQUARES, target=Y), 0, "not used: data"),
    "none": (dict(arr_0=PIXELS, arr_1=Y), 0, ""),
    "any": (dict(scans=PIXELS), 0, "read as images: scans"),
    "any, with labels": (
        dict(scans=PIXELS, y=Y),
        0,
        "read as images: scans; as labels: y",
    ),
    "as dSprites": (
        dict(imgs=PIXELS, latents=FLOATS[:, 0], metadata=np.array({}, object)),
        0,
        "not used: latents (4, 10), metadata (Python objects)",
    ),
}


@pytest.mark.parametrize("arrays, testing, words", NAMES.values(), ids=NAMES)
def test_names_say_what_is_for_training_and_for_testing(arrays, testing, words):
    own, said = read(arrays)
    count = 0 if own.testing is None else own.testing.sum()
    assert count == testing and len(own.images) == 4 + testing and told(said, words)
    assert np.array_equal(own.images[:1, :8, :8, 0], SQUARES[:1] / np.float32(255))


def test_names_of_the_images_are_not_names_of_classes():
    own, said = read(dict(images=PIXELS, labels=Y, names=list("abcd")))
    assert own.class_names == ("0", "1") and told(said, "not used: names (4)")


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_grey_and_colour_are_had_as_they_are_asked_for(suffix):
    np.save("rgb.npy", COLOUR)
    np.savez("rgb.npz", COLOUR)
    np.save("grey.npy", PIXELS)
    np.savez("grey.npz", PIXELS)
    for name, channels in (("rgb", 1), ("grey", 3)):
        assert load_images(f"{name}{suffix}", channels=4 - channels).images.ndim == 4
        with pytest.warns(UserWarning, match=r" in \w+, taken as (grey|colour)$"):
            own = load_images(f"{name}{suffix}", channels=channels)
        assert own.images.shape[3] == channels
    picture = np.asarray(Image.fromarray(COLOUR[2]).convert("L"))  # as Pillow has it
    with pytest.warns(UserWarning, match="images in colour, taken as grey"):
        grey = load_images("rgb.npy", channels=1).images
    assert np.abs(255 * grey[2, ..., 0] - picture).max() <= 1


def test_arrays_in_colour_are_grey_to_a_grey_model():
    colour = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 3), dtype="uint8")
    np.save("rgb.npy", colour)
    said = accepted("score", "fashion_mnist", "rgb.npy", *NO_P_VALUES)
    assert said.count("\n") == 1 and "images in colour, taken as grey" in said


def test_an_unused_member_is_never_loaded():
    class Trap:
        def __reduce__(self):
            return os.mkdir, ("trapped",)

    read(dict(images=PIXELS, trap=np.array([Trap()], object)))
    np.savez("y.npz", images=np.array([Trap()] * 4, object))
    refused("train", "y.npz", words="Python objects")
    assert not Path("trapped").exists()


def test_a_head_that_promises_too_much_is_refused_before_anything_is_allocated():
    head = {"descr": "<f8", "fortran_order": False, "shape": (10**12, 28, 28)}
    with zipfile.ZipFile("x.npz", "w", zipfile.ZIP_DEFLATED) as members:
        with members.open("images.npy", "w") as f:
            np.lib.format.write_array_header_1_0(f, head)
    refused("train", "x.npz", words="its head promises 6,272,000,000,000,000 bytes")
    with zipfile.ZipFile("x.npz", "w", zipfile.ZIP_DEFLATED) as members:
        with members.open("images.npy", "w") as f:
            head["shape"] = (2100, 64, 64)
            np.lib.format.write_array_header_1_0(f, head)
            f.write(bytes(2100 * 64 * 64 * 8))
    images = load_images("x.npz").images  # zeros, which nothing compresses better
    assert images.shape == (2100, 64, 64, 1) and not images.any()


DAMAGES = {  # from the bytes of a good file
    "empty": lambda good, path: path.write_bytes(b""),
    "text": lambda good, path: path.write_bytes(b"hello"),
    "cut short": lambda good, path: path.write_bytes(good[:300]),
    "overwritten": lambda good, path: path.write_bytes(bytes(300) + good[300:]),
    "a zip of text": lambda good, path: zipfile.ZipFile(path, "w").writestr(
        "images.npy", b"hello"
    ),
    "a folder": lambda good, path: path.mkdir(),
    "a web page": lambda good, path: path.write_text("<!DOCTYPE html><html></html>"),
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


GIVEN = {  # labels that a data set of one's own is made of: None, or any form
    "none": (None, [0, 0, 0, 0]),
    "a list": ([0, 1, 0, 1], [0, 1, 0, 1]),
    "a column": (Y[:, None], [0, 1, 0, 1]),
    "one-hot": (np.eye(2)[Y], [0, 1, 0, 1]),
    "names": (WORDS, [0, 1, 0, 1]),
    "names as objects": (np.array(WORDS, object), [0, 1, 0, 1]),
}


@pytest.mark.parametrize("labels, numbers", GIVEN.values(), ids=GIVEN)
def test_a_data_set_takes_labels_in_every_usual_form(labels, numbers):
    images = FLOATS[..., None].astype("float32")
    dataset = Dataset("mine", images, labels, images[:1], None, ("cat", "dog"))
    assert dataset.train_labels.tolist() == numbers
    assert dataset.test_labels.tolist() == [0] and "4 of 12×10×1" in repr(dataset)


def test_labels_that_are_not_one_per_image_are_refused():
    images = FLOATS[..., None]
    with pytest.raises(
        ValueError, match=r"test_labels: they have shape \(3,\), expect"
    ):
        Dataset("mine", images, None, images, [1, 2, 3], ("a", "b"))
