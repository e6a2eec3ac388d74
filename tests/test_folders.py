"""Folders as people have them, and zip files as they are downloaded."""

import io
import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from command import accepted, refused
from pictures import loaded, photo, place, saved

from vae_nb import load_dataset, load_own_dataset

pytestmark = pytest.mark.usefixtures("here")
PICTURE = saved(photo())
SPLIT = " has a split: "
LAYOUTS = {  # the files; the class of each; which are for testing; what is said
    "one folder": (["a.png", "b.png"], ["images", "images"], None, ""),
    "classes": (["cat/a.png", "dog/x/b.png"], ["cat", "dog"], None, ""),
    "train and test": (["test/a.png", "train/b.png"], ["images"] * 2, "a", ""),
    "Training and Testing": (
        ["Testing/cat/a.png", "Training/cat/b.png", "Training/dog/c.png"],
        ["cat", "cat", "dog"],
        "a",
        SPLIT + "Training to train on, Testing to test on; rename the folders",
    ),
    "Train and Test": (["Test/a.png", "Train/b.png"], ["images"] * 2, "a", SPLIT),
    "TRAIN and Val": (["TRAIN/c/a.png", "Val/c/b.png"], ["c", "c"], "b", SPLIT),
    "three parts": (
        ["test/c/a.png", "train/c/b.png", "val/c/d.png"],
        ["c", "c", "c"],
        "ad",
        "",
    ),
    "names that differ in a word": (
        ["seg_test/seg_test/c/a.png", "seg_train/seg_train/c/b.png"],
        ["c", "c"],
        "a",
        SPLIT,
    ),
    "a split one level down": (
        ["archive/test/c/a.png", "archive/train/c/b.png"],
        ["c", "c"],
        "a",
        "",
    ),
    "a split two levels down": (
        ["x/archive/Testing/a.png", "x/archive/Training/b.png"],
        ["images", "images"],
        "a",
        SPLIT,
    ),
    "classes one level down": (
        ["archive/cat/a.png", "archive/dog/b.png"],
        ["cat", "dog"],
        None,
        "lie in archive, so the folders in that are taken as the classes: put the",
    ),
    "train alone": (
        ["train/cat/a.png", "train/dog/b.png"],
        ["cat", "dog"],
        None,
        "lie in train, so",
    ),
    "one class": (["cat/2019/a.png", "cat/2019/b.png"], ["cat", "cat"], None, ""),
    "one class and its parts": (["cat/a.png", "cat/x/b.png"], ["cat"] * 2, None, ""),
    "test without classes": (
        ["test/a.png", "train/cat/b.png", "train/dog/c.png"],
        ["images", "cat", "dog"],
        "a",
        "train in {} has classes and test has none: its pictures are of a class of",
    ),
    "something beside a split": (
        ["Test/a.png", "Train/b.png", "old/c.png"],
        ["Test", "Train", "old"],
        None,
        "old in {} lies beside train and test, so all are taken as classes",
    ),
    "classes that sound like a split": (
        ["test tube/a.png", "train station/b.png"],
        ["test tube", "train station"],
        None,
        "",
    ),
    "what macOS leaves": (
        ["__MACOSX/cat/._a.png", "cat/._a.png", "cat/a.png", "cat/.DS_Store"],
        ["cat"],
        None,
        "",
    ),
}


def zipped(files: dict[str, bytes], path: str = "photos.zip", **options) -> Path:
    with zipfile.ZipFile(path, "w", **options) as f:
        for name, content in files.items():
            f.writestr(name, content)
    return Path(path)


@pytest.mark.parametrize("make", [place, zipped])
@pytest.mark.parametrize("names, classes, tests, words", LAYOUTS.values(), ids=LAYOUTS)
def test_what_the_folders_say(make, names, classes, tests, words):
    path = make(dict.fromkeys(names, PICTURE))
    own, said = loaded(path)
    assert [own.class_names[label] for label in own.labels] == classes
    testing = "" if own.testing is None else own.testing
    found = [name for name, test in zip(own.names, testing) if test]
    assert [Path(name).stem for name in found] == list(tests or "")
    assert (own.testing is None) == (tests is None)
    assert bool(words) == bool(said)
    assert words.format(path.resolve()) in "; ".join(said)


# Zip files


def flowers() -> dict[str, bytes]:
    "Two classes, in a split, of pictures that differ."
    files = {}
    for split, count in (("Training", 4), ("Testing", 2)):
        for kind in ("rose", "tulip"):
            for i in range(count):
                picture = photo().rotate(7 * i + len(kind) + count)
                files[f"{split}/{kind}/{i}.png"] = saved(picture)
    return files


def test_a_zip_is_the_same_data_set_as_its_folder():
    place(flowers(), "photos")
    zipped(flowers(), "photos.zip", compression=zipfile.ZIP_DEFLATED)
    with pytest.warns(UserWarning, match="has a split"):
        folder, archive = load_own_dataset("photos"), load_dataset("photos.zip")
    assert archive.fingerprint() == folder.fingerprint()
    assert (len(archive.train_images), len(archive.test_images)) == (8, 4)
    assert archive.class_names == ("rose", "tulip")
    assert archive.name == str(Path("photos.zip").resolve())
    assert not list(Path(os.environ["VAE_NB_CACHE"]).rglob("*.png"))  # not unpacked


@pytest.mark.usefixtures("no_pictures", "eager")
def test_a_zip_is_data_to_every_command():
    zipped(dict.fromkeys(("a.png", "b.png", "c/d.png"), PICTURE))
    score = accepted("score", "fashion_mnist", "photos.zip", "--out", "scores.csv")
    assert score == "" and Path("scores.csv").read_text().count("\n") == 4
    accepted("encode", "fashion_mnist", "photos.zip", "--out", "codes.npz")
    assert np.load("codes.npz")["names"].tolist() == ["a.png", "b.png", "c/d.png"]
    accepted("reconstruct", "fashion_mnist", "photos.zip", "--out", "again")
    assert Path("again/c/d.png.png").exists()
    accepted("train", "photos.zip", "--epochs", 1, "--out", "run")
    accepted("evaluate", "run", "--no-exact", "-k", 2, "--images", 1)


def changed(at: int, new: bytes):
    "A change of the list at the end of a zip, whose first entry starts with PK 1 2."

    def change(content: bytes) -> bytes:
        start = content.index(b"PK\1\2") + at
        return content[:start] + new + content[start + len(new) :]

    return change


ONE = {"a.png": PICTURE}
DAMAGED = {  # a zip that is refused, what is done to it, and what is said
    "nothing": (ONE, lambda content: b"", "is not a zip file, or is damaged"),
    "text": (ONE, lambda content: b"hello", "is not a zip file, or is damaged"),
    "cut short": (ONE, lambda content: content[:-30], "is not a zip file"),
    "encrypted": (ONE, changed(8, b"\1"), "is encrypted: unpack it with its password"),
    "a bomb": (
        ONE,
        changed(24, struct.pack("<I", 2**31)),
        "would unpack to 2.1 GB, 200 times its size and more",
    ),
    "a large file": (
        ONE,
        changed(24, struct.pack("<I", 2**29)),
        "a.png: it has more than 134 MB: unpack it",
    ),
    "a way of packing that Python lacks": (
        ONE,
        changed(10, b"\x09"),
        "a.png: That compression method is not supported",
    ),
    "no pictures": ({"a.txt": b"hello"}, lambda content: content, "has no pictures"),
    "arrays": (
        {"train.csv": b"label,a\n1,2"},
        lambda content: content,
        "; if it holds arrays, unpack it",
    ),
    "pictures in a zip in it": (
        {"train.zip": b"PK"},
        lambda content: content,
        "has no pictures but 1 file that cannot be read here (1 .zip): unpack it",
    ),
    "a file without a name": (
        {"a.txt": b"hello"},
        lambda content: content.replace(b"a.txt", b"\0.txt"),
        "has no pictures",
    ),
    "names that lead out of it": (
        {"../a.png": PICTURE, "/b.png": PICTURE, "C:\\c.png": PICTURE},
        lambda content: content,
        "(3 whose names lead out of it): unpack the zip yourself if you trust it",
    ),
}


@pytest.mark.parametrize("files, change, words", DAMAGED.values(), ids=DAMAGED)
def test_a_zip_that_cannot_be_read_is_refused(files, change, words):
    path = zipped(files)
    path.write_bytes(change(path.read_bytes()))
    refused("train", "photos.zip", words=words)
    assert not Path("../a.png").exists() and not Path("a.png").exists()


def test_a_damaged_picture_in_a_zip_is_named_and_skipped():
    path = zipped({"a.png": PICTURE, "b.png": PICTURE, "c.png": b"hello"})
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 9] ^= 1
    path.write_bytes(content)
    own, said = loaded(path)
    assert own.names == ["b.png"] and len(said) == 1
    assert "a.png: Bad CRC-32" in said[0] and "c.png: it is not a picture" in said[0]


def test_names_in_a_zip_are_read_as_they_were_meant():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as f:
        f.writestr("AAAAAAAAA/a.png", PICTURE)
        f.writestr("win\\b.png", PICTURE)
        f.writestr("./win/./c.png", PICTURE)  # as tar packs ./win
    utf8 = "猫é".encode() + b"/a/"  # as many letters, and the zip does not say so
    content = file.getvalue().replace(b"AAAAAAAAA/a.png", utf8 + b"AA/a.png"[1:])
    Path("photos.zip").write_bytes(content)
    own, _ = loaded("photos.zip")
    assert own.class_names == ("win", "猫é")
    assert own.names[:2] == ["win/b.png", "win/c.png"]


def test_a_zip_that_is_written_again_is_read_again():
    zipped({"a.png": PICTURE})
    first = loaded("photos.zip")[0].images[:]
    zipped({"a.png": saved(photo().rotate(180))})
    again = loaded("photos.zip")[0].images[:]
    assert np.array_equal(again, first[:, ::-1, ::-1])
