"""Images made by class, and between two images, as a user of the command asks for."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from command import PRETRAINED, accepted, refused, vae_nb
from pictures import PIXELS, photo
from PIL import Image
from runs import edit

import vae_nb as library

pytestmark = pytest.mark.usefixtures("here")
FASHION = "fashion_mnist"


@pytest.fixture
def own_run():
    "A run on pictures of three kinds, many, one and none for training."
    for part, kind, count in (
        ("train", "stripes", 40),
        ("train", "one", 1),
        ("test", "stripes", 2),
        ("test", "none", 1),
    ):
        folder = Path("photos", part, kind)
        folder.mkdir(parents=True)
        for i in range(count):
            Image.fromarray(np.roll(PIXELS[0], i, 1)).save(folder / f"{i:02}.png")
    options = ("--epochs", 1, "--latent-dim", 3, "--out", "run")
    assert vae_nb("train", "photos", *options).status == 0


def test_a_class_is_drawn_into_a_folder_that_is_a_data_set():
    command = ("sample", FASHION, "--class", "t-shirt/TOP", "-n", 5, "--out")
    accepted(*command, "shirts")
    names = [str(path) for path in sorted(Path("shirts").rglob("*.png"))]
    assert names == [f"shirts/T-shirt-top/{i:05}.png" for i in range(5)]
    accepted(*command, "again")
    for name in names:
        again = Path(name.replace("shirts/", "again/", 1)).read_bytes()
        assert Path(name).read_bytes() == again
    own = library.load_images("shirts")
    assert own.class_names == ("T-shirt-top",) and own.images.shape == (5, 28, 28, 1)


def test_all_classes_are_drawn_from_codes_into_arrays():
    accepted("sample", FASHION, "--from", "codes", "-n", 40, "--out", "made.npz")
    with np.load("made.npz", allow_pickle=False) as made:
        assert made["images"].shape == (40, 28, 28, 1)
        assert made["images"].dtype == np.uint8 and made["images"].max() > 100
        assert len(set(made["labels"])) > 5 and "Ankle boot" in made["class_names"]
    accepted("sample", FASHION, "-n", 3, "--out", "prior.npz")
    with np.load("prior.npz", allow_pickle=False) as made:
        assert made.files == ["images"]
    accepted("sample", FASHION, "-n", 3, "--out", "prior")
    assert len(list(Path("prior").glob("*.png"))) == 3


def test_the_densities_are_made_once_and_made_anew_for_another_model(own_run):
    said = accepted("sample", "run", "--class", "stripes", "-n", 2, "--out", "a.npz")
    assert "few training images of one (1)" in said
    kept = Path("run/densities.npz").read_bytes()
    shutil.move("photos", "elsewhere")  # they need the pictures no more
    assert accepted("sample", "run", "--class", "one", "--out", "b.png") == ""
    shutil.move("elsewhere", "photos")
    shutil.copytree("run", "other")
    options = ("--epochs", 1, "--latent-dim", 2, "--seed", 3, "--out", "other")
    shutil.rmtree("other")
    assert vae_nb("train", "photos", *options).status == 0
    Path("other/densities.npz").write_bytes(kept)
    assert "few training" in accepted("sample", "other", "--class", "one", "-n", 2)
    assert Path("other/densities.npz").read_bytes() != kept


def test_a_class_without_training_images_is_refused(own_run):
    refused("sample", "run", "--class", "dots", words="choose one of none, one, str")
    accepted("sample", "run", "--from", "codes", "-n", 5)
    refused("sample", "run", "--class", "none", words="none has no training images")


def test_a_folder_that_cannot_be_written_is_said_and_the_images_are_made(
    own_run, monkeypatch
):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vae_nb.synthesis.save_densities", full)
    said = accepted("sample", "run", "--class", "stripes", "--out", "x.png")
    assert "cannot write run/densities.npz (No space left on device)" in said
    assert Path("x.png").exists() and not Path("run/densities.npz").exists()


def test_data_that_changed_is_said(own_run):
    change = edit("config.json", lambda config: config.update(fingerprint="other"))
    change(Path("run"))
    said = accepted("sample", "run", "--from", "codes", "-n", 2)
    assert "is not the data that the run was trained on" in said


SAMPLES = [
    (["--class", "Boot"], "there is no class 'Boot': choose one of T-shirt/top, Tr"),
    (["--class", "Bag", "--from", "prior"], "the prior knows no classes"),
    (["--from", "here"], "--from is 'here': choose codes or prior"),
    (["--class", "Bag", "-n", "0"], "Invalid value for '-n'"),
    (["--class", "Bag", "--out", "photos"], "photos exists already"),
    (["--class", "Bag", "--out", "x.jpg"], "does not end in .png or .npz"),
    (["--class", "Bag", "--out", "no/such"], "there is no folder no"),
    (["--class", "Bag", "--out", "/proc/x.npz"], "cannot write /proc/x.npz"),
    (["--class", "Bag", "--out", "/proc/x"], "cannot write /proc/x"),
]


@pytest.mark.parametrize(
    "options, words", SAMPLES, ids=[" ".join(o) for o, _ in SAMPLES]
)
def test_a_wrong_sample_is_refused(options, words):
    Path("photos").mkdir()
    refused("sample", FASHION, *options, words=words)


def test_between_two_pictures_a_number_and_a_name():
    photo(size=(40, 40)).save("a.png")
    photo("RGB", (30, 50)).save("b.jpg")
    accepted("interpolate", FASHION, "a.png", "b.jpg", "--steps", 4)
    width, height = Image.open(f"{FASHION}/between.png").size
    assert width / height == (6 * 28 + 4) / 28
    np.save("x.npy", np.repeat(PIXELS, 3, axis=0))
    mixed = ("a.png", "7", "--data", "x.npy", "--path", "great-circle")
    said = vae_nb("interpolate", FASHION, *mixed, "--out", "y.png").out
    assert said == "9 images from a.png to 7, great-circle, are in y.png\n"
    np.save("rgb.npy", np.stack([PIXELS] * 3, axis=-1))
    said = accepted("interpolate", FASHION, "1", "2", "--data", "rgb.npy")
    assert "images in colour, taken as grey" in said
    said = vae_nb("interpolate", FASHION, "--data", "digits").out
    assert "from train/0 to train/" in said and "straight" in said


WAYS = [
    (["5"], "one image is named: name two, or none"),
    (["5", "12", "--data", "x.npy"], "there is no image '12' in x.npy"),
    (["5", "no.png", "--data", "x.npy"], "there is no image 'no.png' in x.npy"),
    (["text.png", "text.png"], "text.png cannot be read (it is not a picture)"),
    (["1", "2", "--data", "x.npy", "--path", "round"], "unknown path 'round'"),
    (["1", "2", "--data", "x.npy", "--steps", "1"], "Invalid value for '--steps'"),
    (["1", "2", "--data", "x.npy", "--out", "x"], "does not end in .png"),
    (["1", "2", "--data", "x.npy", "--out", "/proc/x.png"], "cannot write /proc/x"),
]


@pytest.mark.parametrize("options, words", WAYS, ids=[" ".join(o) for o, _ in WAYS])
def test_a_wrong_way_is_refused(options, words):
    np.save("x.npy", np.repeat(PIXELS, 3, axis=0))
    Path("text.png").write_text("hello")
    refused("interpolate", FASHION, *options, words=words)


# that of 8 bits is for files; its densities would take half a megabyte
WITH_DENSITIES = [name for name in library.PRETRAINED if not name.endswith("-8bit")]


@pytest.mark.parametrize("name", WITH_DENSITIES)
def test_a_model_of_the_library_brings_densities_of_its_own_codes(name):
    run = library.load_pretrained(name)
    densities = library.kept_densities(run)
    assert densities, "python benchmarks/pretrained.py --densities"
    assert densities.class_names == library.FASHION_CLASSES
    z, labels = densities.draw(2_000, seed=0)
    right = densities.log_joint(z).argmax(1) == labels
    assert right.mean() > 0.6  # two latents keep some classes apart only
    boots, _ = densities.draw(200, "Ankle boot", seed=0)
    assert (densities.log_joint(boots).argmax(1) == 9).mean() > 0.8
    assert PRETRAINED.parent == run.path.parent
