"""CSV, idx, HDF5 and MATLAB files, and folders of arrays: how they are read."""

import gzip
import os
import struct
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.datasets
from array_files import (
    COLOUR,
    FLOATS,
    IMAGES,
    LABELS,
    hdf5,
    idx,
    mat,
    mat73,
    npy,
    npz,
    packed_hdf5,
    table,
)
from command import accepted, refused

from vae_nb import StoredImages, arrays, formats, load_dataset, load_images

pytestmark = pytest.mark.usefixtures("here")
ROWS = IMAGES.reshape(6, -1)
DIGITS = tuple("012459")  # the classes of LABELS
NUMBERED = "".join(f"{i},{row}\n" for i, row in enumerate(table(names=False).split()))
NAMES = table().partition("\n")[0]
WORDS = ["cat", "dog", "cat", "dog", "cat", "dog"]
SVHN: dict[str, Any] = dict(X=np.moveaxis(COLOUR, 0, 3), y=LABELS[:, None])


def fer2013() -> str:
    "A table with all pixels of an image in a cell, and the split in another."
    usage = ["Training"] * 3 + ["PublicTest", "PublicTest", "PrivateTest"]
    rows = [" ".join(map(str, row)) for row in ROWS.tolist()]
    lines = [f"{label},{row},{u}\n" for label, row, u in zip(LABELS, rows, usage)]
    return "emotion,pixels,Usage\n" + "".join(lines)


FILES = {  # a file's name, its content, the images in it as bytes, the classes
    "Kaggle's table": ("x.csv", table(), IMAGES, DIGITS),
    "without names": ("x.csv", table(names=False), IMAGES, DIGITS),
    "without labels": ("x.csv", table(labels=None), IMAGES, ("images",)),
    "pixels only": ("x.csv", table(labels=None, names=False), IMAGES, ("images",)),
    "labels of text": ("x.csv", table(labels=WORDS), IMAGES, ("cat", "dog")),
    "labels past 9": ("x.csv", table(labels=[9, 10] * 3), IMAGES, ("9", "10")),
    "pandas' numbers of rows": ("x.csv", f",{NAMES}\n{NUMBERED}", IMAGES, DIGITS),
    "semicolons": ("x.csv", table(between=";"), IMAGES, DIGITS),
    "tabs": ("x.csv", table(between="\t"), IMAGES, DIGITS),
    "lines of Windows": ("x.csv", table().replace("\n", "\r\n"), IMAGES, DIGITS),
    "a mark at the front": ("x.csv", "\ufeff" + table(), IMAGES, DIGITS),
    "colour": ("x.csv", table(np.moveaxis(COLOUR, 3, 1)), COLOUR, DIGITS),
    "in capitals": ("X.CSV", table(), IMAGES, DIGITS),
    "compressed": ("x.csv.gz", gzip.compress(table().encode()), IMAGES, DIGITS),
    "FER2013": ("fer2013.csv", fer2013(), IMAGES, DIGITS),
    "idx": ("train-images-idx3-ubyte", idx(IMAGES), IMAGES, ("images",)),
    "idx as Kaggle has it": (
        "t10k-images.idx3-ubyte",
        idx(IMAGES),
        IMAGES,
        ("images",),
    ),
    "idx, compressed": (
        "train-images-idx3-ubyte.gz",
        gzip.compress(idx(IMAGES)),
        IMAGES,
        ("images",),
    ),
    "HDF5": ("x.h5", hdf5(images=IMAGES, labels=LABELS), IMAGES, DIGITS),
    "HDF5, packed": ("x.hdf5", packed_hdf5(x=IMAGES, y=LABELS), IMAGES, DIGITS),
    "HDF5, names of classes": (
        "cats.h5",
        hdf5(train_set_x=IMAGES, train_set_y=LABELS % 2, list_classes=[b"no", b"cat"]),
        IMAGES,
        ("no", "cat"),
    ),
    "HDF5, text": ("x.h5", hdf5(x=IMAGES, y=WORDS), IMAGES, ("cat", "dog")),
    "HDF5, floats": ("x.h5", hdf5(x=FLOATS), IMAGES, ("images",)),
    "MATLAB, SVHN": ("train_32x32.mat", mat(**SVHN), COLOUR, DIGITS),
    "MATLAB, packed": ("x.mat", mat(packed=True, **SVHN), COLOUR, DIGITS),
    "MATLAB 7.3": ("x.mat", mat73(**SVHN), COLOUR, DIGITS),
    "MATLAB, doubles": (
        "x.mat",
        mat(data=ROWS.T * 1.0, label=LABELS * 1.0),
        IMAGES,
        DIGITS,
    ),
    "MATLAB, structures": (
        "emnist.mat",
        mat(dataset={"train": {"images": ROWS, "labels": LABELS[:, None]}}),
        IMAGES,
        DIGITS,
    ),
}


def write(name: str, content: bytes | str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    data = content if isinstance(content, bytes) else content.encode()
    Path(name).write_bytes(data)


# each reader that may crash is tried once in a process of its own, which takes long
TRIED = ("HDF5, packed", "MATLAB, structures")


@pytest.fixture
def trusted(request, monkeypatch):
    "Files that no process tries first."
    if request.node.callspec.id not in TRIED:
        monkeypatch.setattr(formats, "_try", lambda *_: None)


@pytest.mark.usefixtures("trusted")
@pytest.mark.filterwarnings("ignore::UserWarning")  # they are the subject elsewhere
@pytest.mark.parametrize("name, content, pixels, classes", FILES.values(), ids=FILES)
def test_a_file_of_arrays_is_read(name, content, pixels, classes):
    write(name, content)
    own = load_images(name)
    wanted = pixels / np.float32(255)
    wanted = wanted if wanted.ndim == 4 else wanted[..., None]
    assert np.array_equal(own.images[:], wanted) and own.class_names == classes
    named = [own.class_names[label] for label in own.labels]
    if classes == DIGITS:
        assert named == list(map(str, LABELS))
    if classes == ("cat", "dog"):
        assert named == WORDS


def test_a_real_table_with_labels_in_its_last_column():
    file = Path(sklearn.__file__).parent / "datasets/data/digits.csv.gz"
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        own = load_images(file)
    digits = sklearn.datasets.load_digits()
    assert np.allclose(own.images[..., 0], digits.images / 255)
    assert own.labels.tolist() == digits.target.tolist()
    notes = "\n".join(str(warning.message) for warning in said)
    assert "columns have no names, the last was taken as labels" in notes
    assert "if 16 is white, divide by it before" in notes


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_usage_of_fer2013_is_its_split():
    write("fer2013.csv", fer2013())
    assert len(load_dataset("fer2013.csv").test_images) == 3


def test_labels_beside_an_idx_file_are_its_labels():
    write("train-images-idx3-ubyte", idx(IMAGES))
    write("train-labels-idx1-ubyte.gz", gzip.compress(idx(LABELS)))
    own = load_images("train-images-idx3-ubyte")
    assert [own.class_names[label] for label in own.labels] == list(map(str, LABELS))


FOUR = {
    f"{part}-{what}-ubyte": idx(array)
    for part in ("train", "t10k")
    for what, array in (("images-idx3", IMAGES), ("labels-idx1", LABELS))
}
FOLDERS = {  # files, the training and the test images in them, the classes
    "idx": (FOUR, 6, 6, DIGITS),
    "idx, below": ({f"MNIST/raw/{name}": FOUR[name] for name in FOUR}, 6, 6, DIGITS),
    "idx, packed too": (
        FOUR | {f"{name}.gz": gzip.compress(FOUR[name]) for name in FOUR},
        6,
        6,
        DIGITS,
    ),
    ".npy": (
        {"x_train.npy": npy(IMAGES), "x_test.npy": npy(IMAGES[:2])}
        | {"y_train.npy": npy(LABELS), "y_test.npy": npy(LABELS[:2])},
        6,
        2,
        DIGITS,
    ),
    "images.npy and labels.npy": (
        {"images.npy": npy(IMAGES), "labels.npy": npy(LABELS), "notes.txt": b"hello"},
        5,
        1,
        DIGITS,
    ),
    "tables": (
        {"mnist_train.csv": table(), "mnist_test.csv": table(IMAGES[:2])},
        6,
        2,
        DIGITS,
    ),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("files, train, test, classes", FOLDERS.values(), ids=FOLDERS)
def test_a_folder_of_arrays_is_read(files, train, test, classes):
    for name, content in files.items():
        write(f"folder/{name}", content)
    dataset = load_dataset("folder")
    counts = (len(dataset.train_images), len(dataset.test_images))
    assert (*counts, dataset.class_names) == (train, test, classes)
    own = load_images("folder")
    assert np.array_equal(own.images[:][:6, ..., 0], IMAGES / np.float32(255))
    in_files = isinstance(own.images, StoredImages)
    assert in_files == any(name.endswith(".npy") for name in files)


def test_a_folder_with_pictures_is_a_folder_of_pictures():
    from PIL import Image

    for row, pixels in enumerate(IMAGES):
        Path("photos/deep/down/below").mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(f"photos/deep/down/below/{row}.png")
    write("photos/train.csv", "id,label\n1,cat\n")
    write("photos/x_train.npy", npy(FLOATS))
    assert load_images("photos").names[0].endswith(".png")


HUGE = struct.pack(">HBB3I", 0, 8, 3, *[2**20] * 3)
BARE = {"train.csv": table(), "test.csv": table(labels=None)}
REFUSED: dict[str, tuple[dict[str, bytes | str], str]] = {  # the first is named
    "an empty table": ({"x.csv": ""}, "its rows have no pixels"),
    "a table of names": ({"x.csv": NAMES}, "it has no rows"),
    "a table of measurements": ({"x.csv": "a,b\n1,2\n3,4\n"}, "expected (N, H, W)"),
    "text among pixels": (
        {"x.csv": table().replace(",", ",x", 70)},
        "could not convert string",
    ),
    "a short row": ({"x.csv": table() + "7,8\n"}, "row 7"),
    "fractions": (
        {"x.csv": table(FLOATS * 200)},
        "divide 8-bit images by 255",
    ),
    "a web page": ({"x.csv": "\n<!DOCTYPE html>\n<html>"}, "it is a web page"),
    "a web page for HDF5": ({"x.h5": "<html></html>"}, "it is a web page"),
    "a picture for HDF5": ({"x.h5": b"\x89PNG"}, "x.h5 cannot be read ("),
    "HDF5 of other things": ({"x.h5": hdf5(weights=FLOATS[0, 0])}, "has weights (8)"),
    "HDF5 of two": ({"x.h5": hdf5(a=FLOATS, b=FLOATS)}, "name the arrays x_train"),
    "a cut HDF5": ({"x.h5": hdf5(x=IMAGES)[:-400]}, "x.h5 cannot be read ("),
    "MATLAB's text": ({"x.mat": b"hello" * 99}, "x.mat cannot be read ("),
    "a cut MATLAB": ({"x.mat": mat(**SVHN)[:-99]}, "x.mat cannot be read ("),
    "cells": ({"x.mat": mat(images=np.array([[1], "a"], object))}, "is a cell array"),
    "a cut idx": (
        {"train-images-idx3-ubyte": idx(IMAGES)[:-1]},
        "it has 383 of 384 bytes",
    ),
    "an idx that promises too much": ({"x-idx3-ubyte": HUGE}, "it is damaged, get it"),
    "an idx of labels": (
        {"train-labels-idx1-ubyte": idx(LABELS)},
        "name the file of the images",
    ),
    "an idx that is none": ({"x-idx3-ubyte": b"hello"}, "it is not an idx file"),
    "a gz that is none": ({"x.csv.gz": b"hello"}, "x.csv.gz cannot be read ("),
    "no labels for testing": (
        {f"folder/{name}": BARE[name] for name in BARE},
        "test.csv has no labels, unlike train.csv: name ",
    ),
    "two collections": (
        {f"folder/{place}/{name}": FOUR[name] for place in "ab" for name in FOUR},
        "name the file of one, or its folder",
    ),
    "another suffix": ({"x.pkl": b"hello"}, "neither a folder nor a .npy or .npz file"),
    "an archive": ({"cifar-10.tar.gz": b"hello"}, "unpack it, and name the folder"),
}


@pytest.mark.parametrize("files, words", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_in_a_line(files, words):
    for name, content in files.items():
        write(name, content)
    first = next(iter(files)).partition("/")[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy's and NumPy's, of damaged files
        refused("train", first, words=words)


@pytest.mark.parametrize("name, library", [("x.h5", "h5py"), ("x.mat", "scipy")])
def test_a_library_that_is_not_there_is_named(name, library, monkeypatch):
    write(name, mat(**SVHN))
    missing = "scipy.io" if library == "scipy" else library
    monkeypatch.setitem(sys.modules, missing, None)
    words = f"is read with {library}, which is not installed: pip install {library}"
    refused("train", name, words=words)


def test_links_to_other_files_are_not_followed():
    import h5py

    write("secret.h5", hdf5(x=IMAGES))
    with h5py.File("x.h5", "w") as file:
        file["x"] = h5py.ExternalLink("secret.h5", "x")
    refused("train", "x.h5", words="x.h5 has nothing")


def test_files_of_arrays_go_wherever_data_goes():
    rows = np.random.default_rng(0).integers(0, 256, (4, 28, 28), dtype="uint8")
    write("x.csv", table(rows, labels=[0, 1, 0, 1]))
    said = accepted("score", "fashion_mnist", "x.csv", "--out", "scores.csv")
    assert said.count("\n") == 1 and "read as 4 images of 28x28x1" in said
    assert len(Path("scores.csv").read_text().splitlines()) == 5
    accepted("encode", "fashion_mnist", "x.csv", "--out", "codes.npz")
    with np.load("codes.npz", allow_pickle=False) as codes:
        assert codes["labels"].tolist() == [0, 1, 0, 1]
    accepted("reconstruct", "fashion_mnist", "x.csv", "--out", "again")
    assert len(os.listdir("again")) == 4


MEMORY = {
    "x.npz": npz(x=IMAGES),
    "x.h5": hdf5(x=IMAGES),
    "x.mat": mat(x=np.moveaxis(COLOUR, 0, 3)),
}


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("name, content", MEMORY.items(), ids=MEMORY)
def test_more_than_the_memory_holds_is_refused(name, content, monkeypatch):
    write(name, content)
    monkeypatch.setattr(arrays, "_memory", lambda: 1000)
    with pytest.raises(OSError, match=r"save the images as a \.npy file"):
        load_images(name)
