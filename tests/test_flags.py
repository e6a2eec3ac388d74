"""Arguments and settings, wrong ones above all; what goes to stdout and to stderr."""

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from command import PRETRAINED, accepted, refused, vae_nb
from pictures import PIXELS, folder_of, photo, saved
from runs import edit

import vae_nb as library

pytestmark = pytest.mark.usefixtures("here")
FASHION = "fashion_mnist"

FLAGS = [
    (["fly"], "No such command"),
    (["train", "digits", "--epoch", "3"], "--epochs"),
    (["train", "digits", "mnist"], "unexpected extra argument"),
    (["train", "digits", "--epochs", "1.5"], "Invalid value for '--epochs'"),
    (["train", "digits", "--epochs"], "requires an argument"),
    (["train", "digits", "--validation", "1"], "validation is 1.0"),
    (["train", "digits", "--patience", "0"], "patience is 0"),
    (["train", "digits", "--recipe", "best"], "unknown recipe 'best'"),
    (["train", "digits", "--batch-size", "0"], "batch_size is 0"),
    (["train", "digits", "--seed", "-1"], "seed is -1"),
    (["train", "digits", "--beta", "-1"], "beta is -1"),
    (["train", "digits", "--learning-rate", "nan"], "learning_rate is nan"),
    (
        ["train", "digits", "--likelihood", "gauss"],
        "unknown likelihood 'gauss': choose bernoulli",
    ),
    (["train", "digits", "--image-size", "32"], "a size of its own"),
    (["train", "x.npy", "--image-size", "0"], "each from 1 to 1024"),
    (["train", "x.npy", "--image-size", "9x9x9"], "height x width"),
    (["train", "digits", "--grey"], "digits is grey"),
    (["train", "--channels", "3"], "fashion_mnist is grey"),
    (["train", "rgb.npy", "--channels", "2"], "expected 1 for grey, 3 for colour"),
    (["train", "rgb.npy", "--grey", "--channels", "3"], "choose one of them"),
    (["train", "rgb.npy", "--grey", "--from", FASHION], "leave them out"),
    (["evaluate", "x.npy"], "x.npy is a file, not a run folder"),
    (["train", "digits", "--kl-warmup", "1.5"], "kl_warmup is 1.5, expected a share"),
    (["train", "digits", "--from", "nowhere"], "there is no run folder nowhere"),
    (["train", "--from", FASHION, "--latent-dim", "3"], "has 2: leave it out"),
    (["train", "x.npy", "--from", FASHION, "--image-size", "9"], "leave it out"),
    (["train", ""], "unknown dataset ''"),
    (["train", "no/such/folder"], "unknown dataset 'no/such/folder'"),
    (["train", "digits", "--out", "/proc/here"], "cannot write to /proc"),
    (["train", "digits", "--out", "file/run"], "cannot write to file (Not a directory"),
    (["train", "digits", "--out", "file"], "file exists already"),
    (["score", FASHION], "Missing argument"),
    (["score", FASHION, "nowhere"], "unknown dataset 'nowhere'"),
    (["score", FASHION, "x.npy", "--out", "x.txt"], "does not end in .csv"),
    (["score", FASHION, "x.npy", "--reference", "cats"], "unknown dataset 'cats'"),
    (["score", FASHION, "x.npy", "--false-alarms", "1.5"], "Invalid value for"),
    (
        ["score", FASHION, "x.npy", "--reference", "x.npy", "--false-alarms", "0"],
        "false_alarms is 0.0, expected a share between 0 and 1",
    ),
    (["score", FASHION, "x.npy", "--out", "no/such/x.csv"], "there is no folder no/"),
    (["encode", FASHION, "x.npy", "--out", "codes"], "does not end in .npz or .csv"),
    (["reconstruct", FASHION, "x.npy", "--out", "photos"], "exists already"),
    (["evaluate", FASHION, "x.npy", "-k", "0"], "Invalid value for '-k'"),
    (["sample", FASHION, "--out", "/proc/x.png"], "cannot write /proc/x.png"),
    (["plot", "nowhere"], "there is no run folder nowhere"),
]


@pytest.mark.parametrize("arguments, words", FLAGS, ids=[" ".join(a) for a, _ in FLAGS])
def test_a_wrong_flag_is_refused(arguments, words):
    folder_of("x.png", saved(photo()))
    np.save("x.npy", PIXELS)
    np.save("rgb.npy", np.stack([PIXELS] * 3, axis=-1))
    Path("file").write_text("mine")
    refused(*arguments, words=words)


def test_a_loss_that_is_not_finite_from_the_start_leaves_nothing():
    np.save("x.npy", np.repeat(PIXELS, 40, axis=0))
    few = ("--epochs", 1, "--batch-size", 16)
    words = "smaller learning rate"
    refused("train", "x.npy", *few, "--learning-rate", "1e30", words=words)


@pytest.mark.usefixtures("no_pictures", "eager")
def test_training_goes_on_from_a_model():
    np.save("x.npy", np.repeat(PIXELS, 40, axis=0))
    done = vae_nb("train", "x.npy", "--from", FASHION, "--epochs", 1, "--out", "run")
    assert f"going on from {FASHION}" in done.out
    run = library.load_run("run")
    began = library.load_pretrained(FASHION).config
    assert run.config["started_from"]["fingerprint"] == began["fingerprint"]
    assert run.config["epochs"] == 1 and run.config["encoder"] == began["encoder"]


def test_every_setting_of_a_recipe_is_an_option_of_train_with_its_defaults():
    told = " ".join(vae_nb("train", "--help").out.split())
    for name, declared in library.settings().items():
        if "help" in declared.metadata:
            option = f"--{name.replace('_', '-')} "
            assert option in told and declared.metadata["help"] in told, name
    assert "[default: 40; article: 100; binarized: 150]" in told
    assert "[default: 2; binarized: 40; 8bit: 40]" in told
    assert (
        "[article: 64; binarized: 128; 8bit: 256]" in told
    )  # of the default it follows


def test_settings_reach_the_training(monkeypatch):
    np.save("x.npy", PIXELS)
    asked = {
        "epochs": 3,
        "batch_size": 7,
        "latent_dim": 5,
        "beta": 0.25,
        "kl_warmup": 0.5,
        "learning_rate": 0.125,
        "likelihood": "gaussian",
        "validation": 0.5,
        "patience": 4,
        "seed": 6,
    }
    explained = {n for n, one in library.settings().items() if "help" in one.metadata}
    assert set(asked) == explained  # a new setting is to be tried here, too
    seen = {}

    def train(dataset, recipe, **options):
        seen.update(options, recipe=recipe, images=dataset.image_shape)
        raise ValueError("that is enough")

    monkeypatch.setattr(library, "train", train)
    flags = []
    for name, value in asked.items():
        flags += [f"--{name.replace('_', '-')}", value]
    others = ["--out", "run", "--resume", "--tensorboard", "--image-size", "6x8"]
    vae_nb("train", "x.npy", "--recipe", "article", *flags, *others)
    assert {name: seen[name] for name in asked} == asked
    assert seen["recipe"] == "article" and seen["images"] == (6, 8, 1)
    assert seen["out"] == Path("run") and seen["resume"] and seen["tensorboard"]


@pytest.mark.parametrize(
    "flags, channels",
    [([], 3), (["--grey"], 1), (["--channels", "1"], 1), (["--channels", "3"], 3)],
)
def test_colours_are_taken_as_they_are_asked_for(monkeypatch, flags, channels):
    folder_of("colour.png", saved(photo("RGB")))
    seen = []

    def train(dataset, *_, **__):
        seen.append(dataset.image_shape[2])
        raise ValueError("that is enough")

    monkeypatch.setattr(library, "train", train)
    vae_nb("train", "photos", *flags, "--out", "run")
    assert seen == [channels]


def test_the_card_can_be_had_without_the_exact_part(monkeypatch):
    seen = []

    def card(vae, dataset, *some, **options):
        seen.append((some, options))
        return {}

    monkeypatch.setattr(library, "evaluate", card)
    accepted("evaluate", FASHION, "digits")
    accepted("evaluate", FASHION, "digits", "--images", 7, "-k", 3, "--no-exact")
    accepted("evaluate", FASHION, "digits", "--exact")
    assert [options for _, options in seen] == [{}, {"exact": False}, {"exact": True}]
    assert [some for some, _ in seen] == [(1000, 100), (7, 3), (1000, 100)]


@pytest.mark.usefixtures("no_pictures", "eager")
def test_an_early_end_is_said():
    np.save("x.npy", np.repeat(PIXELS, 10, axis=0))
    options = ("--epochs", 2, "--validation", "0.2", "--out", "run")
    done = vae_nb("train", "x.npy", *options)
    assert done.status == 0, done.err
    kept = done.out.split("kept epoch ")[1]
    assert " of 2, the best on the images held out" in kept


# What is written where


def test_letters_that_standard_output_cannot_show_are_replaced():
    Path("photos/猫").mkdir(parents=True)
    photo().save("photos/猫/ü.png")
    photo().save(Path("photos/猫/" + "caf\udce9.png"))
    options = ("--out", "scores.csv", "--reference", "no")
    done = vae_nb("score", FASHION, "photos", *options, encoding="ascii")
    assert done.status == 0 and done.err == "", done.err
    assert "?/?.png" in done.out and "?/caf?.png" in done.out
    assert "猫/ü.png" in Path("scores.csv").read_text(errors="surrogateescape")


def test_the_card_is_printed_although_its_signs_cannot_be_shown(monkeypatch):
    monkeypatch.setattr(library, "evaluate", lambda *arguments: "test −ELBO, β = 1")
    done = vae_nb("evaluate", FASHION, "digits", encoding="ascii")
    assert (done.status, done.out) == (0, "test -ELBO, beta = 1\n"), done
    assert vae_nb("evaluate", FASHION, "digits").out == "test −ELBO, β = 1\n"


def test_a_warning_is_one_line_and_comes_once(monkeypatch):
    def load(*arguments):
        for text in ("first\nwith more", "second", "first\nwith more"):
            warnings.warn(text, stacklevel=1)
        warnings.warn("unseen", DeprecationWarning, stacklevel=1)
        raise ValueError("no data")

    monkeypatch.setattr(library, "load_dataset", load)
    assert vae_nb("train", "digits").err.splitlines() == [
        "vae_nb: warning: first with more",
        "vae_nb: warning: second",
        "vae_nb: error: no data",
    ]


def test_a_defect_is_not_dressed_as_bad_input(monkeypatch):
    def defect(*arguments):
        raise KeyError("a defect")

    monkeypatch.setattr(library, "load_dataset", defect)
    with pytest.raises(KeyError):
        vae_nb("train", "digits")


@pytest.mark.parametrize("data", [None, "digits"])
def test_other_data_than_a_run_was_trained_on_is_said(monkeypatch, data):
    monkeypatch.setattr(library, "evaluate", lambda *arguments: {})
    shutil.copytree(PRETRAINED, "run")
    edit("config.json", lambda config: config.update(dataset="digits"))(Path("run"))
    said = "note: this digits is not the data" in accepted(
        "evaluate", "run", *([data] if data else [])
    )
    assert said == (data is None)
