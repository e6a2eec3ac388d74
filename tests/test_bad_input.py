"""Bad input, tried: every case is one clear line and exit code 2, or is put right and said; nothing is lost or half-written."""

import io
import json
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import warnings
import zipfile
import zlib
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import keras
import numpy as np
import pytest
from PIL import Image

from vae_nb import cli, own_images

PRETRAINED = Path(cli.__file__).parent / "pretrained" / "fashion_mnist"
PIXELS = np.random.default_rng(0).integers(0, 256, (4, 12, 10), dtype="uint8")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch, tmp_path_factory):
    "Every case works in a folder of its own, and decodes into another."
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAE_NB_CACHE", str(tmp_path_factory.mktemp("cache")))
    return tmp_path


def vae_nb(*arguments) -> tuple[int, str, str]:
    "Exit status, stdout and stderr of the command, run in this process, which has TensorFlow already."
    out, err = (
        io.TextIOWrapper(io.BytesIO(), "utf-8", how, write_through=True)
        for how in ("strict", "backslashreplace")
    )
    status = 0
    warnings.simplefilter(
        "ignore", DeprecationWarning
    )  # as Python does, and pytest does not
    with (
        mock.patch.object(sys, "argv", ["vae_nb", *map(str, arguments)]),
        mock.patch("signal.signal"),
        mock.patch("warnings.showwarning"),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            cli.main()
        except SystemExit as e:
            status = e.code
    return status, *(stream.buffer.getvalue().decode() for stream in (out, err))


def files() -> dict:
    "What lies here, and what half-decoded pictures in the cache, to see whether anything came, went or changed."
    return {
        str(p): (p.lstat().st_size, p.lstat().st_mtime_ns)
        for p in (*Path().rglob("*"), *Path(os.environ["VAE_NB_CACHE"]).glob("*.*"))
        if not p.is_dir()
    }


def accepted(*arguments) -> str:
    "What the command says on stderr while it does as it is told."
    status, out, err = vae_nb(*arguments)
    assert status == 0, err
    return err


def refused(*arguments, words: str, start: str = "error: ") -> str:
    "The command ends with one line that says so, and leaves everything as it was."
    before = files()
    status, out, err = vae_nb(*arguments)
    assert (
        status == 2
        and err.startswith(f"vae_nb: {start}")
        and err.count("\n") == 1
        and words in err
    ), err
    assert len(err) < 600 and "epoch 1" not in out and files() == before
    return err


def saved(image: Image.Image, format: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def photo(mode: str = "L", size: tuple[int, int] = (10, 12)) -> Image.Image:
    return Image.fromarray(PIXELS[0]).resize(size).convert(mode)


def folder_of(name: str | bytes, content, among: int = 3) -> None:
    "A folder `photos` with a file, and good pictures beside it."
    Path("photos").mkdir()
    for i in range(among):
        Image.fromarray(PIXELS[i]).save(f"photos/good {i}.png")
    path = os.path.join(b"photos" if isinstance(name, bytes) else "photos", name)
    if callable(content):
        content(Path(path))
    else:
        with open(path, "wb") as f:
            f.write(content)


def png(width: int, height: int) -> bytes:
    "The head of a PNG that says it is so large, and no pixels worth the name."
    chunk = lambda kind, data: (
        struct.pack(">I", len(data))
        + kind
        + data
        + struct.pack(">I", zlib.crc32(kind + data))
    )
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(bytes(10_000)))
        + chunk(b"IEND", b"")
    )


def forbid(path: Path) -> None:
    "A file that cannot be read, by root neither."
    if os.geteuid():
        path.write_bytes(saved(photo()))
        path.chmod(0)
    else:
        path.symlink_to("/proc/self/mem")


BAD = {  # one of them among good pictures is left out and named
    "an empty file": ("x.png", b"", "it is no picture"),
    "text": ("x.png", b"hello", "it is no picture"),
    "another format, called PNG": ("x.png", saved(photo(), "EPS"), "it is no picture"),
    "a PNG cut short": (
        "x.png",
        saved(Image.effect_noise((300, 300), 99))[:9_000],
        "truncated",
    ),
    "a PNG with a wrong bit": ("x.png", saved(photo()).replace(b"IDAT", b"IDAU"), ""),
    "a JPEG cut short": (
        "x.jpg",
        saved(photo("RGB", (300, 300)), "JPEG")[:2_000],
        "truncated",
    ),
    "a GIF cut short": ("x.gif", saved(photo("P"), "GIF")[:-40], ""),
    "a decompression bomb": ("x.png", png(60_000, 60_000), "pixels"),
    "half a decompression bomb": ("x.png", png(10_000, 10_000), "pixels"),
    "a TIFF of floats": (
        "x.tif",
        saved(Image.fromarray(np.ones((9, 9), "float32")), "TIFF"),
        "unknown range",
    ),
    "a broken link": ("x.png", lambda path: path.symlink_to("nowhere"), "No such file"),
    "a link to itself": (
        "x.png",
        lambda path: path.symlink_to("x.png"),
        "Too many levels",
    ),
    "an unreadable file": ("x.png", forbid, "rror" if not os.geteuid() else "denied"),
    "a pipe that nobody writes to": ("x.png", os.mkfifo, "it is no file"),
}


@pytest.mark.parametrize("name, content, words", BAD.values(), ids=BAD)
def test_a_bad_file_among_good_ones_is_named_and_skipped(name, content, words):
    folder_of(name, content)
    err = accepted("score", "fashion_mnist", "photos", "--out", "scores.csv")
    assert (
        err.count("\n") == 1
        and "left out 1 of 4 files" in err
        and f"({name}: " in err
        and words in err
    )
    assert (
        Path("scores.csv").read_text().count("\n") == 4
        and name not in Path("scores.csv").read_text()
    )
    strict = refused(
        "score",
        "fashion_mnist",
        "photos",
        "--out",
        "strict.csv",
        "--strict",
        words="mend or remove them, or go without --strict",
    )
    assert f"({name}: " in strict and words in strict


@pytest.mark.parametrize("name, content, words", BAD.values(), ids=BAD)
def test_nothing_but_a_bad_file_is_refused(name, content, words):
    folder_of(name, content, among=0)
    refused("train", "photos", words="1 of 1 files")


ODD = {  # unusual, and yet pictures: read, with a word if something was lost
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
    err = accepted("score", "fashion_mnist", "photos", "--out", "scores.csv")
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
    folder_of(
        f"turned.{format.lower()}",
        saved(Image.fromarray(left_half_white).convert("RGB"), format, exif=exif),
        among=0,
    )
    images = own_images.load_images("photos", channels=1).images[:]
    assert (
        images.shape == (1, 60, 40, 1)
        and images[0, :25].mean() > 0.9
        and images[0, 35:].mean() < 0.1
    )


def test_a_run_that_is_not_finished_is_named_where_a_finished_one_is_asked_for():
    Path("runs/x.unfinished").mkdir(parents=True)
    refused(
        "score",
        "runs/x",
        "digits",
        words="runs/x.unfinished: let training go on with it (--resume)",
    )


def test_an_early_end_is_said():
    np.save("x.npy", np.repeat(PIXELS, 10, axis=0))
    status, out, err = vae_nb(
        "train", "x.npy", "--epochs", 2, "--validation", "0.2", "--out", "run"
    )
    assert (
        status == 0 and "kept epoch " in out and " of " in out.split("kept epoch ")[1]
    )


def test_what_lies_beside_train_and_test_is_named(capsys):
    for name in ("train/a", "test/a", "preview"):
        Path("photos", name).mkdir(parents=True)
        photo().save(Path("photos", name, "x.png"))
    assert own_images.load_images("photos").testing is None
    assert (
        "preview in" in (said := capsys.readouterr().err)
        and "no split but classes" in said
    )


def test_own_images_come_in_an_order_of_all_classes():
    for name in "abcd":
        Path("photos", name).mkdir(parents=True)
        for i in range(20):
            photo().save(Path("photos", name, f"{i}.png"))
    dataset = own_images.load_own_dataset("photos")
    assert set(dataset.train_labels[:20]) == set(range(4)) and (
        len(dataset.train_images),
        len(dataset.test_images),
    ) == (72, 8)
    again = own_images.load_own_dataset("photos")
    assert (
        np.array_equal(dataset.train_labels, again.train_labels)
        and dataset.fingerprint() == again.fingerprint()
    )


def test_the_cache_clears_away_nothing_but_its_own():
    cache = Path(os.environ["VAE_NB_CACHE"])
    for name in (".keep", "photos.2020", "0123456789abcdef01234567.left"):
        (cache / name).mkdir()
        (cache / name / "file").touch()
        for path in (cache / name / "file", cache / name):
            os.utime(path, (0, 0))
    folder_of("x.png", saved(photo()))
    own_images.load_images("photos")
    assert (
        (cache / ".keep/file").exists()
        and (cache / "photos.2020/file").exists()
        and not (cache / "0123456789abcdef01234567.left").exists()
    )


def test_a_file_of_the_right_size_is_evaluated_as_it_is():
    grey = np.random.default_rng(0).uniform(size=(12, 28, 28)).astype("float32")
    np.save("grey.npy", grey)
    assert np.array_equal(
        own_images.load_images("grey.npy", [28, 28]).images[:][..., 0], grey
    )


def test_a_name_is_the_data_set_although_a_folder_is_called_so(here):
    (here / "digits").mkdir()
    photo().save(here / "digits/x.png")
    accepted("encode", PRETRAINED, "digits", "--out", "codes.npz")
    accepted("encode", PRETRAINED, "./digits", "--out", "few.npz")
    assert [len(np.load(name)["labels"]) for name in ("codes.npz", "few.npz")] == [
        1797,
        1,
    ]


def test_the_card_of_tossed_pixels_is_of_the_same_tosses_throughout():
    from vae_nb import BinarizedBernoulli, Dataset, build_vae, evaluate, recipe_settings

    images, labels = (
        np.random.default_rng(0).uniform(size=(30, 8, 8, 1)).astype("float32"),
        np.arange(30) % 2,
    )
    dataset = Dataset("grey", images, labels, images, labels, ("a", "b"))
    vae = build_vae((8, 8, 1), recipe_settings(likelihood="binarized_bernoulli"), 10)
    assert isinstance(vae.likelihood, BinarizedBernoulli)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it was never trained
        card = evaluate(vae, dataset, images=30, k=50)
        density = evaluate(
            build_vae((8, 8, 1), recipe_settings(likelihood="gaussian"), 10),
            dataset,
            images=2,
            k=2,
        )
    assert (
        card["pixels"] == "black and white"
        and card["entropy_floor"] == 0
        and not any("no code length" in note for note in card["notes"])
    )
    assert (
        card["negative_exact"]
        < card["negative_iwae"] + 0.1
        < card["negative_elbo"] + 0.2
    )
    assert (
        abs(card["negative_elbo"] - card["negative_exact"]) < 3
    )  # of the same pixels: an untrained q is near the prior, and p(x|z) near p(x)
    assert (
        density["bits_a_pixel"] is None
        and "density" in " ".join(density["notes"])
        and "bits" not in str(density).replace("no bits", "")
    )


def test_pictures_of_mixed_sizes_and_modes_and_foreign_names_train_to_a_whole_run():
    for kind in ("猫", "a b", os.fsdecode(b"caf\xe9")):
        Path("photos", kind).mkdir(parents=True)
        for i, mode in enumerate(("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK")):
            photo(mode, (5 + 4 * i, 7)).save(
                f"photos/{kind}/{i} 图.{'jpg' if mode == 'CMYK' else 'png'}"
            )
    err = accepted("train", "photos", "--epochs", 1, "--out", "run")
    assert (
        "images have 8 sizes" in err and err.count("\n") == 5
    )  # sizes, colour among grey, alpha, 16 bits, collapse
    assert sorted(p.suffix for p in Path("run").iterdir()) == [
        ".csv",
        ".json",
        ".json",
        ".keras",
        *[".png"] * 4,
    ]


@pytest.mark.parametrize("size", [(1, 1), (5000, 1)], ids=str)
def test_pictures_of_an_extreme_size_alone_train(size):
    for name in ("a", "b"):
        folder_of("x.png", saved(photo(size=size)), among=0) if name == "a" else photo(
            size=size
        ).save("photos/y.png")
    accepted("train", "photos", "--epochs", 1, "--out", "run")
    assert Path("run/metrics.json").exists()


def link_round(path: Path) -> None:
    path.mkdir()
    (path / "again").symlink_to("..")


PLACES = {  # what stands where a folder of pictures should
    "an empty folder": (
        lambda path: path.mkdir(),
        "has no pictures: files that end in .avif",
    ),
    "a folder of texts": (
        lambda path: (path.mkdir(), (path / "x.txt").write_text("hello")),
        "has no pictures",
    ),
    "a folder that holds itself": (link_round, "has no pictures"),
    "one image only": (
        lambda path: (path.mkdir(), photo().save(path / "x.png")),
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


FLOATS = PIXELS / 255
ARRAYS = {  # what an .npz may hold: refused, each with these words
    "NaN": (
        dict(images=np.where(PIXELS == PIXELS[1, 2, 3], np.nan, FLOATS)),
        "NaN or infinite",
    ),
    "inf": (
        dict(images=np.where(PIXELS == PIXELS[1, 2, 3], np.inf, FLOATS)),
        "NaN or infinite",
    ),
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


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"hello"),
        lambda path: path.write_bytes(Path("good.npz").read_bytes()[:300]),
        lambda path: path.write_bytes(bytes(300) + Path("good.npz").read_bytes()[300:]),
        lambda path: zipfile.ZipFile(path, "w").writestr("images.npy", b"hello"),
        lambda path: path.mkdir(),
    ],
    ids=["empty", "text", "cut short", "overwritten", "a zip of text", "a folder"],
)
def test_a_damaged_npz_is_refused(write):
    np.savez("good.npz", images=PIXELS)
    write(Path("x.npz"))
    refused("train", "x.npz", words="x.npz")


@pytest.mark.parametrize(
    "array",
    [
        PIXELS.astype("uint16") * 257,
        PIXELS > 127,
        FLOATS.astype("float16"),
        np.asfortranarray(PIXELS),
    ],
    ids=lambda a: a.dtype.name,
)
def test_an_array_of_another_kind_of_numbers_is_read(array):
    np.save("x.npy", array)
    assert accepted("score", "fashion_mnist", "x.npy", "--out", "scores.csv") == ""


def foreign(run: Path) -> None:
    keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x + 1)]).save(
        run / "model.keras"
    )


def edit(file: str, change) -> None:
    "Change a JSON file of a run."

    def apply(run: Path) -> None:
        values = json.loads((run / file).read_text())
        change(values)
        (run / file).write_text(json.dumps(values))

    return apply


def another_version(run: Path) -> None:
    "What a later version might write: a likelihood that is not known here."
    edit("config.json", lambda config: config["versions"].update(vae_nb="9.9"))(run)
    with zipfile.ZipFile(run / "model.keras") as z:
        parts = {name: z.read(name) for name in z.namelist()}
    parts["config.json"] = parts["config.json"].replace(b"Bernoulli", b"Poisson")
    with zipfile.ZipFile(run / "model.keras", "w") as z:
        for name, data in parts.items():
            z.writestr(name, data)


RUNS = {  # what may be wrong with a run folder
    "a model cut short": (
        lambda run: (run / "model.keras").write_bytes(
            (run / "model.keras").read_bytes()[:5000]
        ),
        "model.keras is cut short",
    ),
    "a model of zeros": (
        lambda run: (run / "model.keras").write_bytes(bytes(5000)),
        "model.keras is cut short",
    ),
    "a model with a foreign class": (foreign, "cannot be read"),
    "a network that is no VAE": (
        lambda run: keras.Sequential([keras.Input((2,))]).save(run / "model.keras"),
        "holds no VAE",
    ),
    "of another version": (another_version, "written by vae_nb 9.9, this is"),
    "no model": (lambda run: (run / "model.keras").unlink(), "has no model.keras"),
    "no metrics": (lambda run: (run / "metrics.json").unlink(), "has no metrics.json"),
    "a config that is no JSON": (
        lambda run: (run / "config.json").write_text("{"),
        "cannot be read",
    ),
    "a config that is a list": (
        lambda run: (run / "config.json").write_text("[]"),
        "cannot be read",
    ),
    "a config without data": (
        edit("config.json", lambda config: config.pop("dataset")),
        "lacks dataset",
    ),
    "a history of words": (
        lambda run: (run / "history.csv").write_text("epoch,loss\n1,low\n"),
        "cannot be read",
    ),
    "an empty history": (
        lambda run: (run / "history.csv").write_text(""),
        "cannot be read",
    ),
    "a history without its end": (
        lambda run: (run / "history.csv").write_text(
            "epoch,loss,reconstruction_loss,kl_loss\n1,1,1,1\n"
        ),
        "1 epochs of",
    ),
    "a file": (
        lambda run: (shutil.rmtree(run), run.write_text("mine")),
        "no run folder",
    ),
    "nothing": (shutil.rmtree, "no run folder"),
}


@pytest.mark.parametrize("spoil, words", RUNS.values(), ids=RUNS)
def test_a_spoilt_run_folder_is_refused(spoil, words):
    shutil.copytree(PRETRAINED, "run")
    spoil(Path("run"))
    refused("sample", "run", words=words)


def test_a_run_folder_of_another_version_that_can_be_read_is_read():
    shutil.copytree(PRETRAINED, "run")
    edit("config.json", lambda config: config["versions"].update(vae_nb="9.9"))(
        Path("run")
    )
    assert accepted("sample", "run", "-n", 4) == ""


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["fly"], "No such command"),
        (["train", "digits", "--epoch", "3"], "--epochs"),
        (["train", "digits", "mnist"], "unexpected extra argument"),
        (["train", "digits", "--epochs", "1.5"], "Invalid value for '--epochs'"),
        (["train", "digits", "--epochs"], "requires an argument"),
        (["train", "digits", "--validation", "1"], "validation is 1.0"),
        (["train", "digits", "--patience", "0"], "patience is 0"),
        (
            ["train", "digits", "--likelihood", "gauss"],
            "unknown likelihood 'gauss': choose bernoulli",
        ),
        (["train", "digits", "--image-size", "32"], "a size of its own"),
        (["train", "x.npy", "--image-size", "0"], "each from 1 to 1024"),
        (["train", "x.npy", "--image-size", "9x9x9"], "height x width"),
        (["train", ""], "unknown dataset ''"),
        (["score", "fashion_mnist"], "Missing argument"),
        (["score", "fashion_mnist", "nowhere"], "unknown dataset 'nowhere'"),
        (["score", "fashion_mnist", "rgb.npy"], "3 channels, expected 1"),
        (["score", "fashion_mnist", "x.npy", "--out", "x.txt"], "does not end in .csv"),
        (
            ["score", "fashion_mnist", "x.npy", "--out", "no/such/x.csv"],
            "there is no folder no/such",
        ),
        (
            ["encode", "fashion_mnist", "x.npy", "--out", "codes"],
            "does not end in .npz or .csv",
        ),
        (
            ["reconstruct", "fashion_mnist", "x.npy", "--out", "photos"],
            "exists already",
        ),
        (["evaluate", "fashion_mnist", "x.npy", "-k", "0"], "Invalid value for '-k'"),
        (["evaluate", "x.npy"], "no run folder"),
        (
            ["sample", "fashion_mnist", "--out", "/proc/x.png"],
            "cannot write /proc/x.png",
        ),
        (["plot", "nowhere"], "there is no run folder nowhere"),
    ],
    ids=" ".join,
)
def test_a_wrong_flag_is_refused(arguments, words):
    folder_of("x.png", saved(photo()))
    np.save("x.npy", PIXELS)
    np.save("rgb.npy", np.stack([PIXELS] * 3, axis=-1))
    refused(*arguments, words=words)


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    "A run on pictures that was stopped after its epoch, while its pictures were drawn."
    place = tmp_path_factory.mktemp("begun")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setenv("VAE_NB_CACHE", str(place / "cache"))
        folder_of("x.png", saved(photo()))
        with mock.patch(
            "vae_nb.visualization.plot_history", side_effect=KeyboardInterrupt
        ):
            status, _, err = vae_nb("train", "photos", "--epochs", 1, "--out", "run")
    assert status == 2 and err.splitlines()[-1].startswith(
        "vae_nb: interrupted: run.unfinished has the last whole epoch"
    )
    return place


def take_up(begun: Path, here: Path, change) -> None:
    "That unfinished run and its pictures, here, with a change."
    shutil.copytree(begun, here, dirs_exist_ok=True)
    edit("config.json", lambda config: config.update(dataset=str(here / "photos")))(
        Path("run.unfinished")
    )
    change(Path("run.unfinished"))


UNFINISHED = {  # what may be otherwise when a run is taken up again
    "without --resume": (
        lambda run: None,
        ["--epochs", "1"],
        "go on with it (--resume), or remove it",
    ),
    "other settings": (
        lambda run: None,
        ["--epochs", "1", "--resume", "--seed", "1"],
        "begun with seed 0 instead of 1",
    ),
    "another recipe": (
        lambda run: None,
        ["--epochs", "1", "--resume", "--recipe", "article"],
        "begun with",
    ),
    "other images": (
        lambda run: photo(size=(12, 10)).save("photos/x.png"),
        ["--epochs", "1", "--resume"],
        "begun with other images",
    ),
    "more images": (
        lambda run: photo().save("photos/y.png"),
        ["--epochs", "1", "--resume"],
        "begun with other images",
    ),
    "a model cut short": (
        RUNS["a model cut short"][0],
        ["--epochs", "1", "--resume"],
        "cannot be read",
    ),
    "no config": (
        lambda run: (run / "config.json").unlink(),
        ["--epochs", "1", "--resume"],
        "cannot be read",
    ),
}


@pytest.mark.parametrize(
    "change, arguments, words", UNFINISHED.values(), ids=UNFINISHED
)
def test_an_unfinished_run_goes_on_with_what_it_was_begun_with_only(
    begun, here, change, arguments, words
):
    take_up(begun, here, change)
    status, out, err = vae_nb("train", "photos", "--out", "run", *arguments)
    assert (
        status == 2
        and words in err.splitlines()[-1]
        and len(err.splitlines()[-1]) < 800
    ), err
    assert Path("run.unfinished/model.keras").exists() and not Path("run").exists()


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda run: None, None),
        (
            edit("config.json", lambda config: config["versions"].update(keras="2.0")),
            "keras 2.0 (now ",
        ),
        (
            edit("config.json", lambda config: config.update(backend="jax")),
            "backend jax (now ",
        ),
    ],
    ids=["nothing", "other versions", "another backend"],
)
def test_an_unfinished_run_of_other_versions_goes_on_and_says_so(
    begun, here, change, words
):
    take_up(begun, here, change)
    err = accepted("train", "photos", "--out", "run", "--epochs", 1, "--resume")
    assert ("may not end with the same bits" in err) == bool(words) and (
        words or ""
    ) in err
    assert Path("run/history.png").exists() and not Path("run.unfinished").exists()


@contextmanager
def no_room(size: int):
    "No file may grow past so many bytes, as on a disk with no more room."
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


@pytest.mark.parametrize(
    "arguments",
    [
        ["score", "run", "x.npy"],
        ["encode", "run", "x.npy"],
        ["encode", "run", "x.npy", "--out", "codes.csv"],
        ["reconstruct", "run", "x.npy"],
        ["reconstruct", "run", "x.npy", "--out", "again"],
        ["sample", "run"],
        ["plot", "run"],
        ["score", "run", "photos"],
        ["train", "photos"],
    ],
    ids=" ".join,
)
def test_a_full_disk_leaves_what_was_there(arguments):
    shutil.copytree(PRETRAINED, "run")
    edit("config.json", lambda config: config.update(dataset="digits"))(
        Path("run")
    )  # for plot
    for name in (
        "scores.csv",
        "codes.npz",
        "reconstructed.png",
        "samples.png",
        "history.png",
    ):
        (Path("run") / name).write_text("mine")
    np.save("x.npy", PIXELS)
    folder_of("x.png", saved(photo()))
    with no_room(100):
        refused(*arguments, words="cannot write")


def test_a_decoding_that_is_interrupted_leaves_nothing_in_the_cache():
    folder_of("x.png", saved(photo()))
    with mock.patch.object(own_images, "_decode", side_effect=KeyboardInterrupt):
        refused("train", "photos", start="interrupted: ", words="nothing was kept")


def test_a_picture_that_is_mended_is_read_although_the_rest_is_cached():
    folder_of("x.png", lambda path: path.symlink_to("../elsewhere.png"))
    assert "left out 1 of 4" in accepted(
        "score", "fashion_mnist", "photos", "--out", "scores.csv"
    )
    photo().save("elsewhere.png")
    assert accepted("score", "fashion_mnist", "photos", "--out", "scores.csv") == ""


START = "from vae_nb.cli import main; main()"
KILLED = (
    "import os, vae_nb.own_images as o; o._decode = lambda *a: os.kill(os.getpid(), 9); "
    + START
)


def test_a_decoding_that_is_killed_is_done_anew_and_cleared_away():
    folder_of("x.png", saved(photo()))
    assert (
        subprocess.run(
            [sys.executable, "-c", KILLED, "score", "fashion_mnist", "photos"],
            capture_output=True,
        ).returncode
        == -signal.SIGKILL
    )
    cache = Path(os.environ["VAE_NB_CACHE"])
    (left,) = cache.iterdir()
    for path in (left, *left.iterdir()):
        os.utime(path, (0, 0))  # long ago
    assert accepted("score", "fashion_mnist", "photos", "--out", "scores.csv") == ""
    assert Path("scores.csv").read_text().count("\n") == 5 and not left.exists()


@contextmanager
def small_disk(folder: Path):
    "A file system of 60 MB if this user may mount one; yields how to fill it. Else a limit for the process does as well."
    folder.mkdir()
    mounted = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", folder],
            capture_output=True,
        ).returncode
        == 0
    )

    def fill(process):
        if not mounted:
            return resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1000, 1000))
        with open(folder / "filler", "wb", buffering=0) as f:
            try:
                while f.write(bytes(1 << 12)):
                    pass
            except OSError:
                pass

    try:
        yield fill
    finally:
        if mounted:
            subprocess.run(
                ["umount", "--lazy", folder], check=True
            )  # if a test failed, its process may still write there


@pytest.mark.parametrize("stop", ["a full disk", "SIGTERM"])
def test_a_run_that_is_stopped_keeps_its_last_whole_epoch(here, stop):
    arguments = [
        sys.executable,
        "-c",
        START,
        "train",
        "digits",
        "--epochs",
        "8",
        "--out",
        "disk/run",
    ]
    with small_disk(here / "disk") as fill:
        process = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        while not process.stdout.readline().startswith("epoch 2/"):
            assert process.poll() is None, process.stderr.read()
        fill(process) if stop == "a full disk" else process.terminate()
        _, err = process.communicate(timeout=300)
        assert process.returncode == 2 and err.count("\n") == 1, err
        assert "disk/run.unfinished has the last whole epoch" in err and (
            "no room left in disk" in err
        ) == (stop == "a full disk")
        Path("disk/filler").unlink(missing_ok=True)
        status, out, err = vae_nb(*arguments[3:], "--resume")
        assert status == 0 and "epoch 2/" not in out and "epoch 8/8" in out, err
        assert [p.name for p in Path("disk").iterdir()] == ["run"] and not list(
            Path("disk").rglob("*new*")
        )
