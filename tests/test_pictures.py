"""Folders of pictures: bad ones are named and left out, odd ones are read."""

import os
import signal
import sys
import types
import zlib
from multiprocessing import get_context
from pathlib import Path
from unittest import mock

import fuzz
import numpy as np
import pytest
from command import accepted, refused
from pictures import (
    PIXELS,
    chunks,
    folder_of,
    forbid,
    loaded,
    photo,
    place,
    png,
    png16,
    saved,
)
from PIL import Image, PngImagePlugin

from vae_nb import load_dataset, load_images, load_own_dataset, load_picture

pytestmark = pytest.mark.usefixtures("here")
CUT_SHORT = saved(Image.effect_noise((300, 300), 99))[:9_000]
CLEAR = Image.new("LA", (10, 12), (0, 128))
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
    "transparency": ("x.png", saved(CLEAR), "transparent parts became white"),
    "an alpha channel that hides nothing": ("x.png", saved(photo("LA")), ""),
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


def test_odd_pictures_are_encoded_and_reconstructed():
    for kind, (name, content, _) in enumerate(ODD.values()):
        place({os.fsdecode(name): content}, f"photos/{kind}")
    accepted("encode", "fashion_mnist", "photos", "--out", "codes.npz")
    with np.load("codes.npz", allow_pickle=False) as codes:
        assert len(codes["names"]) == len(ODD) and np.isfinite(codes["z_mean"]).all()
        names = [f"{name}.png" for name in codes["names"]]
    accepted("reconstruct", "fashion_mnist", "photos", "--out", "again")
    assert sorted(
        str(p.relative_to("again")) for p in Path("again").rglob("*.png")
    ) == (sorted(names))


# What comes in, and the pixels that come out


ROW = np.array([[0, 100, 255]], "uint8")
LEVELS = Image.fromarray(ROW)  # three pixels
COLOURS = np.stack([ROW, ROW // 2, 0 * ROW], axis=-1)
RED = Image.new("LAB", (3, 1), (112, 192, 170))  # as littlecms makes it of a red
DEEP = "pixels of more than 8 bits were taken as 0 to "
WHITE = "transparent parts became white"


def tiff(levels, kind: str, **options) -> bytes:
    return saved(Image.fromarray(np.asarray([levels], kind)), "TIFF", **options)


def keyed(image: Image.Image, transparent, **options) -> bytes:
    return saved(image, transparency=transparent, **options)


def alpha(mode: str, format: str = "PNG") -> bytes:
    "The three levels, the second of them transparent."
    image = LEVELS.convert(mode)
    image.putalpha(Image.fromarray(np.array([[255, 0, 255]], "uint8")))
    return saved(image, format)


def palette(colours: list[int], indices) -> bytes:
    image = Image.fromarray(np.asarray([indices], "uint8"), "P")
    image.putpalette(colours)
    return saved(image)


GREYS = [0, 0, 0, 100, 100, 100, 255, 255, 255]
DEEP_RGB = np.array([[[0, 4095, 2048], [4095, 0, 0], [16, 1, 8]]])
KINDS = {  # the name of a file, its content, its three pixels, and what is said
    "int32 TIFF of 0 to 255": ("x.tif", tiff([0, 100, 255], "int32"), ROW, "0 to 255,"),
    "int32 TIFF of 0 to 20": ("x.tif", tiff([0, 10, 20], "int32"), [0, 10, 20], DEEP),
    "int32 TIFF of 16 bits": (
        "x.tif",
        tiff([0, 257, 65_535], "int32"),
        [0, 1, 255],
        "16 bits became 8",
    ),
    "int16 TIFF of 15 bits": (
        "x.tif",
        tiff([0, 16_384, 32_767], "int16"),
        [0, 128, 255],
        "0 to 32,767, which",
    ),
    "12 bits in a PNG of 16": (
        "x.png",
        png16(np.array([[0, 2048, 4095]])),
        [0, 128, 255],
        DEEP + "4,095, which holds the largest (in 1 of 1 files); convert",
    ),
    "10 bits in a TIFF of 16": (
        "x.tiff",
        tiff([0, 512, 1000], "uint16"),
        [0, 128, 249],
        DEEP + "1,023",
    ),
    "12 bits in colours of 16": (
        "x.png",
        png16(DEEP_RGB),
        [[0, 255, 128], [255, 0, 0], [1, 0, 0]],
        DEEP + "4,095",
    ),
    "a PGM that says 4,095 is white": (
        "x.pgm",
        b"P5 3 1 4095\n" + np.array([0, 1024, 2048], ">u2").tobytes(),
        [0, 64, 128],
        "16 bits became 8",
    ),
    "a mask of 0 and 1": (
        "x.png",
        saved(Image.fromarray(np.array([[0, 1, 1]], "uint8"))),
        [0, 255, 255],
        "pixels of 0 and 1 were taken as black and white (in 1 of 1 files)",
    ),
    "a mask of 0 and 1 in 16 bits": (
        "x.png",
        png16(np.array([[0, 1, 1]])),
        [0, 255, 255],
        DEEP + "1, which",
    ),
    "black alone": ("x.png", saved(Image.new("L", (3, 1))), [0, 0, 0], ""),
    "a grey palette": ("x.png", palette(GREYS, [0, 1, 2]), ROW, ""),
    "a palette whose colours are not in use": (
        "x.png",
        palette([*GREYS, 255, 0, 0], [0, 1, 2]),
        ROW,
        "",
    ),
    "a palette of colours": (
        "x.png",
        palette([*GREYS, 255, 0, 0], [0, 3, 2]),
        [[0, 0, 0], [255, 0, 0], [255, 255, 255]],
        "",
    ),
    "LAB": ("x.tif", saved(RED, "TIFF"), [[200, 28, 39]] * 3, ""),
    "RGBA": ("x.png", alpha("RGB"), [[level] * 3 for level in (0, 255, 255)], WHITE),
    "LA": ("x.png", alpha("L"), [0, 255, 255], WHITE),
    "PA": ("x.tif", alpha("P", "TIFF"), [0, 255, 255], WHITE),
    "a transparent level": ("x.png", keyed(LEVELS, 100), [0, 255, 255], WHITE),
    "a transparent level of 4 bits": (
        "x.png",
        chunks(
            (b"IHDR", bytes([0, 0, 0, 3, 0, 0, 0, 1, 4, 0, 0, 0, 0])),
            (b"tRNS", bytes([0, 5])),
            (b"IDAT", zlib.compress(bytes([0, 0x05, 0xF0]))),
        ),
        [0, 255, 255],
        WHITE,
    ),
    "a transparent level of 16 bits": (
        "x.png",
        png16(np.array([[0, 300, 4095]]), (300,)),
        [0, 255, 255],
        WHITE,
    ),
    "a transparent colour": (
        "x.png",
        keyed(LEVELS.convert("RGB"), (100, 100, 100)),
        [[level] * 3 for level in (0, 255, 255)],
        WHITE,
    ),
    "a transparent colour of 16 bits": (
        "x.png",
        png16(DEEP_RGB, (16, 1, 8)),
        [[0, 255, 128], [255, 0, 0], [255, 255, 255]],
        WHITE,
    ),
    "a transparent entry of a palette": (
        "x.gif",
        saved(LEVELS.convert("P"), "GIF", transparency=100),
        [0, 255, 255],
        WHITE,
    ),
    "an opaque alpha channel": (
        "x.png",
        saved(Image.fromarray(COLOURS).convert("RGBA")),
        COLOURS,
        "",
    ),
    "JPEG 2000": (
        "x.jp2",
        saved(Image.fromarray(COLOURS), "JPEG2000", irreversible=False),
        COLOURS,
        "",
    ),
    "a bitmap without its file's head": ("x.dib", saved(LEVELS, "DIB"), ROW, ""),
    "BMP in capitals": ("x.BMP", saved(LEVELS, "BMP"), ROW, ""),
    "colours that are all grey": (
        "x.png",
        saved(LEVELS.convert("RGB")),
        [[level] * 3 for level in ROW[0]],
        "no file shows a colour: channels=1, or --channels 1, takes all as grey",
    ),
    "several pages": (
        "x.tif",
        saved(LEVELS, "TIFF", save_all=True, append_images=[LEVELS]),
        ROW,
        "of several pages only the first was taken (in 1 of 1 files); #pages behind",
    ),
}


@pytest.mark.parametrize("name, content, pixels, words", KINDS.values(), ids=KINDS)
def test_the_pixels_of_every_kind_of_picture(name, content, pixels, words):
    own, said = loaded(place({name: content}))
    expected = np.reshape(pixels, (1, 3, -1)).astype(int)
    assert own.images.shape[1:] == expected.shape
    assert np.abs(255 * own.images[0] - expected).max() < 1
    assert bool(words) == bool(said) and words in "; ".join(said)
    alone = load_picture(Path("photos", name), own.images.shape[1:])
    assert np.array_equal(alone, own.images[0])  # one picture alone is read as well


@pytest.mark.parametrize("suffix", ["jpg", "jpeg", "jpe", "jfif", "JPG", "JFIF", "mpo"])
def test_a_jpeg_is_read_whatever_its_suffix(suffix):
    own, said = loaded(
        place({f"x.{suffix}": saved(Image.new("L", (8, 8), 90), "JPEG")})
    )
    assert own.images.shape == (1, 8, 8, 1) and not said
    assert np.allclose(255 * own.images[:], 90)


SCALES = {  # of a whole folder
    "12 bits": ((4000, 200), "taken as 0 to 4,095, which holds the largest (in 2 of 2"),
    "one of 16 bits": ((65_000, 20_000), "16 bits became 8 (in 2 of 2 files)"),
    "8 bits in 16": ((250, 2), "taken as 0 to 255"),
}


@pytest.mark.parametrize("tops, words", SCALES.values(), ids=SCALES)
def test_all_files_have_one_scale(tops, words):
    files = {f"{i}.png": png16(np.full((3, 3), top)) for i, top in enumerate(tops)}
    own, said = loaded(place(files))
    first, second = 255 * own.images[:][:, 0, 0, 0]
    assert abs(first / second - tops[0] / tops[1]) < 0.2 * tops[0] / tops[1]
    assert len(said) == 1 and words in said[0]


def test_a_file_of_0_and_1_beside_a_photograph_is_no_mask():
    mask = Image.fromarray(PIXELS[0] % 2)
    own, said = loaded(place({"a.png": saved(mask), "b.png": saved(photo())}))
    assert own.images[0].max() < 0.01 and not said


NOISE = saved(Image.effect_noise((90, 90), 99), "TIFF", compression="tiff_lzw")
TORN = NOISE[:2_000] + bytes(900) + NOISE[2_900:]
REFUSED = {
    "negative": (tiff([-5, 7], "int32"), "pixels lie in -5 to 7, expected 0 to 65,535"),
    "beyond 16 bits": (tiff([0, 70_000], "int32"), "expected 0 to 65,535: scale them"),
    "8 bits with a sign": (tiff([7, 200], "uint8", tiffinfo={339: 2}), "in -56 to 7"),
    "floats": (tiff([0, 0.5], "float32"), "32-bit floats of unknown range"),
    "damaged, as libtiff says": (TORN, "LZWDecode"),
}


@pytest.mark.parametrize("content, words", REFUSED.values(), ids=REFUSED)
def test_a_picture_of_unknown_scale_is_named_and_libraries_are_silent(
    content, words, capfd
):
    place({"x.tif": content, "good.png": saved(photo())})
    own, said = loaded("photos", image_size=(9, 9))
    assert own.names == ["good.png"] and len(said) == 1
    assert said[0].startswith("left out 1 of 2 files in") and words in said[0]
    assert capfd.readouterr() == ("", "")


def test_picture_files_that_are_not_read_are_counted_and_named():
    odd = ("a.HEIC", "b.heif", "c.svg", "d.psd", "e.dng", "f.PSD")
    folder = place({"x.png": saved(photo())} | dict.fromkeys(odd, b"hello"))
    _, said = loaded(folder)
    assert len(said) == 1 and said[0].startswith("left out 6 files in")
    assert "(1 .dng, 1 .heic, 1 .heif, 2 .psd, 1 .svg): convert them to" in said[0]
    assert "pip install pillow-heif" in said[0]
    refused(*SCORE, "--strict", words="or go without --strict")
    (folder / "x.png").unlink()
    refused("train", "photos", words="has no pictures but 6 files that cannot be read")


def test_heic_is_read_where_its_reader_is_installed(monkeypatch):
    class Reader(PngImagePlugin.PngImageFile):
        "Reads PNG, and calls it HEIF."

        format = "HEIF"

    def register():
        Image.register_open("HEIF", Reader, lambda start: start.startswith(b"\x89PNG"))

    module = types.ModuleType("pillow_heif")
    monkeypatch.setattr(module, "register_heif_opener", register, raising=False)
    monkeypatch.setitem(sys.modules, "pillow_heif", module)
    monkeypatch.setattr(Image, "OPEN", dict(Image.OPEN))
    own, said = loaded(place({"x.HEIC": saved(LEVELS)}))
    assert np.allclose(255 * own.images[0][0, :, 0], ROW) and not said


def stack(count: int) -> bytes:
    pages = [Image.new("L", (9, 9), 10 * i) for i in range(count)]
    return saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])


def test_pages_of_a_tiff_are_images_where_they_are_asked_for():
    place({"stack.tif": stack(20), "x.png": saved(Image.new("L", (9, 9), 255))})
    names = [*(f"stack.tif#{i}" for i in range(1, 21)), "x.png"]
    for own, said in (loaded("photos", pages=True), loaded("photos#pages")):
        assert own.names == names and not said
        assert np.allclose(255 * own.images[:][:20, 0, 0, 0], 10 * np.arange(20))
        assert own.images[20].min() == 1
    assert loaded("photos/stack.tif#pages")[0].names == names[:20]
    assert len(load_dataset("photos", pages=True).train_images) == 19
    assert load_dataset("photos#pages").name == str(Path("photos").resolve()) + "#pages"
    assert accepted("encode", "fashion_mnist", "photos#pages", "--out", "c.npz") == ""
    assert np.load("c.npz")["names"].tolist() == names
    refused("train", "photos/stack.tif", words="or stack.tif#pages for its pages")
    refused("train", "nowhere#pages", words="unknown dataset 'nowhere#pages'")


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
    assert "preview in" in err and "so all are taken as classes" in err
    with pytest.warns(UserWarning, match="all are taken as classes"):
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


@pytest.mark.usefixtures("eager")
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


@pytest.mark.usefixtures("eager")
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
    "an empty folder": (os.mkdir, "has no pictures: files that end in .apng"),
    "a folder of texts": (folder_with("x.txt", b"hello"), "has no pictures"),
    "a folder that holds itself": (link_round, "has no pictures"),
    "one image only": (
        folder_with("x.png", saved(photo())),
        "one image, expected at least two",
    ),
    "a picture": (
        lambda path: path.write_bytes(saved(photo())),
        "neither a folder nor a .npy or .npz file",
    ),
    "a broken link": (lambda path: path.symlink_to("nowhere"), "photos does not exist"),
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
    kill = mock.Mock(side_effect=lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
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


def test_damaged_files_of_every_format_are_read_or_refused_in_a_line():
    for result in fuzz.results(fuzz.all_seeds(), seed=0, files=66):
        assert not result.outcome.startswith("fault"), result
        assert result.seconds < fuzz.SECONDS and result.peak < 2 * fuzz.MEGABYTES
