"""Folders of pictures: bad ones are named and left out, odd ones are read."""

import os
import signal
from multiprocessing import get_context
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from command import accepted, refused
from pictures import PIXELS, folder_of, forbid, photo, png, saved
from PIL import Image

from vae_nb import load_images, load_own_dataset

pytestmark = pytest.mark.usefixtures("here")
CUT_SHORT = saved(Image.effect_noise((300, 300), 99))[:9_000]
FLOATS = Image.fromarray(np.ones((9, 9), "float32"))
TO = ("--out", "scores.csv", "--reference", "no")  # p-values take long
SCORE = ("score", "fashion_mnist", "photos", *TO)

BAD = {  # one of them among good pictures is left out and named
    "an empty file": ("x.png", b"", "it is not a picture"),
    "text": ("x.png", b"hello", "it is not a picture"),
    "another format, called PNG": (
        "x.png",
        saved(photo(), "EPS"),
        "it is not a picture",
    ),
    "a PNG cut short": ("x.png", CUT_SHORT, "truncated"),
    "a PNG with a wrong bit": ("x.png", saved(photo()).replace(b"IDAT", b"IDAU"), ""),
    "a JPEG cut short": (
        "x.jpg",
        saved(photo("RGB", (300, 300)), "JPEG")[:2_000],
        "truncated",
    ),
    "a GIF cut short": ("x.gif", saved(photo("P"), "GIF")[:-40], ""),
    "a decompression bomb": ("x.png", png(60_000, 60_000), "pixels"),
    "half a decompression bomb": ("x.png", png(10_000, 10_000), "pixels"),
    "a TIFF of floats": ("x.tif", saved(FLOATS, "TIFF"), "unknown range"),
    "a broken link": ("x.png", lambda path: path.symlink_to("nowhere"), "No such file"),
    "a link to itself": (
        "x.png",
        lambda path: path.symlink_to("x.png"),
        "Too many levels",
    ),
    "an unreadable file": ("x.png", forbid, "rror" if not os.geteuid() else "denied"),
    "a pipe that nobody writes to": ("x.png", os.mkfifo, "it is not a file"),
}


@pytest.mark.parametrize("name, content, words", BAD.values(), ids=BAD)
def test_a_bad_file_among_good_ones_is_named_and_skipped(name, content, words):
    folder_of(name, content)
    err = accepted(*SCORE)
    assert err.count("\n") == 1 and "left out 1 of 4 files" in err
    assert f"({name}: " in err and words in err
    table = Path("scores.csv").read_text()
    assert table.count("\n") == 4 and name not in table
    strict = refused(
        *SCORE, "--strict", words="fix or remove them, or go without --strict"
    )
    assert f"({name}: " in strict and words in strict


@pytest.mark.parametrize("name, content, words", BAD.values(), ids=BAD)
def test_nothing_but_a_bad_file_is_refused(name, content, words):
    folder_of(name, content, among=0)
    assert words in refused("train", "photos", words="1 of 1 files")


ODD = {  # unusual, and yet pictures
    "one pixel": ("x.png", saved(photo(size=(1, 1))), ""),
    "a row of 5,000 pixels": ("x.png", saved(photo(size=(5000, 1))), ""),
    "a column of 5,000 pixels": ("x.png", saved(photo(size=(1, 5000))), ""),
    "CMYK": ("x.jpg", saved(photo("CMYK"), "JPEG"), ""),
    "a palette": ("x.png", saved(photo("P")), ""),
    "black and white": ("x.png", saved(photo("1")), ""),
    "colour among grey": ("x.webp", saved(photo("RGB"), "WEBP"), ""),
    "an animated GIF": (
        "x.gif",
        saved(photo(), "GIF", save_all=True, append_images=[photo("1")]),
        "only the first frame was taken (in 1 of 4 files)",
    ),
    "16 bits": (
        "x.png",
        saved(Image.fromarray(PIXELS[0].astype("uint16") * 257)),
        "16 bits became 8",
    ),
    "transparency": ("x.png", saved(photo("LA")), "transparent parts became white"),
    "a JPEG called PNG": ("x.png", saved(photo(), "JPEG"), ""),
    "capitals in the suffix": ("X.PNG", saved(photo()), ""),
    "spaces and Chinese characters": ("我的 图片 1.png", saved(photo()), ""),
    "a name that is no UTF-8": (b"caf\xe9.png", saved(photo()), ""),
}


@pytest.mark.parametrize("name, content, words", ODD.values(), ids=ODD)
def test_an_odd_picture_is_read(name, content, words):
    folder_of(name, content)
    err = accepted(*SCORE)
    assert words in err and err.count("\n") == bool(words)
    table = Path("scores.csv").read_bytes()
    assert table.count(b"\n") == 5 and os.fsencode(name) in table
    accepted("encode", "fashion_mnist", "photos", "--out", "codes.npz")
    assert len(np.load("codes.npz", allow_pickle=False)["names"]) == 4
    accepted("reconstruct", "fashion_mnist", "photos", "--out", "again")
    assert len(os.listdir("again")) == 4


@pytest.mark.parametrize("format", ["PNG", "WEBP", "JPEG", "TIFF"])
def test_a_turned_picture_stands_upright(format):
    left_half_white = np.zeros((40, 60), "uint8")
    left_half_white[:, :30] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    turned = Image.fromarray(left_half_white).convert("RGB")
    folder_of(f"turned.{format.lower()}", saved(turned, format, exif=exif), among=0)
    images = load_images("photos", channels=1).images[:]
    assert images.shape == (1, 60, 40, 1)
    assert images[0, :25].mean() > 0.9 and images[0, 35:].mean() < 0.1


def test_what_lies_beside_train_and_test_is_named():
    for name in ("train/a", "test/a", "preview"):
        Path("photos", name).mkdir(parents=True)
        photo().save(Path("photos", name, "x.png"))
    err = accepted(*SCORE)
    assert "preview in" in err and "no split but classes" in err
    with pytest.warns(UserWarning, match="no split but classes"):
        assert load_images("photos").testing is None


def test_own_images_come_in_an_order_of_all_classes():
    for name in "abcd":
        Path("photos", name).mkdir(parents=True)
        for i in range(20):
            photo().save(Path("photos", name, f"{i}.png"))
    dataset = load_own_dataset("photos")
    assert set(dataset.train_labels[:20]) == set(range(4))
    assert (len(dataset.train_images), len(dataset.test_images)) == (72, 8)
    again = load_own_dataset("photos")
    assert np.array_equal(dataset.train_labels, again.train_labels)
    assert dataset.fingerprint() == again.fingerprint()


def test_a_name_is_the_data_set_although_a_folder_is_called_so(here):
    (here / "digits").mkdir()
    photo().save(here / "digits/x.png")
    accepted("encode", "fashion_mnist", "digits", "--out", "codes.npz")
    accepted("encode", "fashion_mnist", "./digits", "--out", "few.npz")
    assert len(np.load("codes.npz")["labels"]) == 1797
    assert len(np.load("few.npz")["labels"]) == 1


def test_pictures_of_mixed_sizes_and_modes_and_foreign_names_train_to_a_whole_run():
    for kind in ("猫", "a b", os.fsdecode(b"caf\xe9")):
        Path("photos", kind).mkdir(parents=True)
        for i, mode in enumerate(("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK")):
            suffix = "jpg" if mode == "CMYK" else "png"
            photo(mode, (5 + 4 * i, 7)).save(f"photos/{kind}/{i} 图.{suffix}")
    err = accepted("train", "photos", "--epochs", 1, "--out", "run")
    assert "images have 8 sizes" in err
    assert err.count("\n") == 5  # sizes, colour among grey, alpha, 16 bits, collapse
    kinds = sorted(path.suffix for path in Path("run").iterdir())
    assert kinds == [".csv", ".json", ".json", ".keras", *[".png"] * 4]


@pytest.mark.parametrize("size", [(1, 1), (5000, 1)], ids=str)
def test_pictures_of_an_extreme_size_alone_train(size):
    folder_of("x.png", saved(photo(size=size)), among=0)
    photo(size=size).save("photos/y.png")
    accepted("train", "photos", "--epochs", 1, "--out", "run")
    assert Path("run/metrics.json").exists()


def link_round(path: Path) -> None:
    path.mkdir()
    (path / "again").symlink_to("..")


def folder_with(name: str, content: bytes):
    def make(path: Path) -> None:
        path.mkdir()
        (path / name).write_bytes(content)

    return make


PLACES = {  # what stands where a folder of pictures should
    "an empty folder": (os.mkdir, "has no pictures: files that end in .avif"),
    "a folder of texts": (folder_with("x.txt", b"hello"), "has no pictures"),
    "a folder that holds itself": (link_round, "has no pictures"),
    "one image only": (
        folder_with("x.png", saved(photo())),
        "one image, expected two at least",
    ),
    "a picture": (
        lambda path: path.write_bytes(saved(photo())),
        "neither a folder nor a .npy or .npz file",
    ),
    "a broken link": (lambda path: path.symlink_to("nowhere"), "photos leads nowhere"),
    "a pipe": (os.mkfifo, "neither a folder nor"),
    "nothing": (lambda path: None, "unknown dataset 'photos'"),
}


@pytest.mark.parametrize("make, words", PLACES.values(), ids=PLACES)
def test_what_is_no_folder_of_pictures_is_refused(make, words):
    make(Path("photos"))
    refused("train", "photos", words=words)


# The cache of decoded pictures


def test_the_cache_clears_away_nothing_but_its_own():
    cache = Path(os.environ["VAE_NB_CACHE"])
    for name in (".keep", "photos.2020", "0123456789abcdef01234567.left"):
        (cache / name).mkdir()
        (cache / name / "file").touch()
        for path in (cache / name / "file", cache / name):
            os.utime(path, (0, 0))
    folder_of("x.png", saved(photo()))
    load_images("photos")
    assert (cache / ".keep/file").exists() and (cache / "photos.2020/file").exists()
    assert not (cache / "0123456789abcdef01234567.left").exists()


def test_a_picture_that_is_repaired_is_read_although_the_rest_is_cached():
    folder_of("x.png", lambda path: path.symlink_to("../elsewhere.png"))
    assert "left out 1 of 4" in accepted(*SCORE)
    photo().save("elsewhere.png")
    assert accepted(*SCORE) == ""


def test_a_decoding_that_is_interrupted_leaves_nothing_in_the_cache():
    folder_of("x.png", saved(photo()))
    with mock.patch("PIL.ImageOps.exif_transpose", side_effect=KeyboardInterrupt):
        refused("train", "photos", start="interrupted: ", words="nothing was kept")


def decode_until_killed() -> None:
    "In a process of its own, which is killed over the first picture."
    kill = mock.Mock(side_effect=lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    with mock.patch("PIL.ImageOps.exif_transpose", kill):
        load_images("photos")


def test_a_decoding_that_is_killed_is_done_anew_and_cleared_away():
    folder_of("x.png", saved(photo()))
    killed = get_context("fork").Process(target=decode_until_killed)
    killed.start()
    killed.join(60)
    assert killed.exitcode == -signal.SIGKILL
    cache = Path(os.environ["VAE_NB_CACHE"])
    (left,) = cache.iterdir()
    for path in (*left.iterdir(), left):
        os.utime(path, (0, 0))  # long ago
    assert accepted(*SCORE) == ""
    assert Path("scores.csv").read_text().count("\n") == 5 and not left.exists()
