"""Long work is not silent, quick work is, and nothing done is lost by what is said."""

import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from command import PRETRAINED, accepted, vae_nb
from pictures import PIXELS

import vae_nb as library
from vae_nb import log_likelihood, recipes, time_left

pytestmark = pytest.mark.usefixtures("here")
FASHION = "fashion_mnist"


@pytest.fixture
def hasty(monkeypatch):
    "A log gets a line for each step, as if ten seconds were none."
    real = time_left.tqdm.__init__

    def init(self, *args, **options):
        options |= dict(delay=0, mininterval=0)
        real(self, *args, **options)

    monkeypatch.setattr(time_left.tqdm, "__init__", init)


def some_images(n=3):
    "A file of images as the pretrained model takes them."
    images = np.zeros((n, 28, 28), "uint8")
    images[:, 4:16, 4:14] = PIXELS[0]
    np.save("x.npy", images)
    return "x.npy"


@pytest.mark.parametrize(
    "command, words",
    [
        (["encode", FASHION, "x.npy", "--out", "c.npz"], "encoding images: "),
        (["reconstruct", FASHION, "x.npy", "--out", "r"], "reconstructing images: "),
        (["sample", FASHION, "-n", "2", "--out", "s.png"], "decoding images: "),
        (["evaluate", FASHION, "x.npy", "-k", "3", "--exact"], "log p(x) of 1 image"),
        (["evaluate", FASHION, "x.npy", "-k", "3", "--no-exact"], "3 draws for each"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else value,
)
def test_every_command_tells_how_far_it_is(hasty, command, words):
    some_images()
    lines = accepted(*command).splitlines()
    assert any(line.startswith(words) for line in lines), lines
    told = [line for line in lines if line.startswith(words)]
    assert all(line.endswith(" left") and "%, " in line for line in told)


def test_quick_work_says_nothing():
    some_images()
    assert accepted("encode", FASHION, "x.npy", "--out", "x.npz") == ""
    score = ("score", FASHION, "x.npy", "--out", "x.csv", "--reference", "no")
    assert accepted(*score) == ""


def test_a_long_epoch_is_told(monkeypatch, no_pictures):
    np.save("x.npy", np.repeat(PIXELS, 40, axis=0))
    small = dict(filters=[], hidden=[4])
    monkeypatch.setattr(
        recipes, "networks", lambda *_: dict(encoder=small, decoder=small)
    )
    now = time.perf_counter
    monkeypatch.setattr(time, "perf_counter", lambda: 60 * now())  # a minute a second
    done = vae_nb(
        *("train", "x.npy", "--epochs", "2", "--batch-size", "1", "--out", "run")
    )
    assert done.status == 0, done.err
    told = [line for line in done.err.splitlines() if " of epoch 1/2, " in line]
    assert told and all(line.endswith(" left") for line in told)
    assert done.out.count("epoch 2/2 ") == 1


@pytest.mark.parametrize(
    "seconds, words",
    [(1, "1 second"), (89, "89 seconds"), (300, "5 minutes"), (36_000, "10 hours")],
)
def test_times_are_said_in_words(seconds, words):
    assert time_left.in_words(seconds) == f"about {words}"


@pytest.mark.parametrize(
    "flags, grid, expected",
    [
        ([], 766, "left out: it would take about 13 minutes"),
        (["--exact"], 766, "will take about 13 minutes"),
        (["--no-exact"], 766, ""),
        ([], 2, ""),
    ],
)
def test_the_exact_part_is_left_out_where_it_takes_long(
    monkeypatch, flags, grid, expected
):
    some_images()
    found = (np.zeros(2), np.zeros(2))
    monkeypatch.setattr(log_likelihood, "expected_seconds", lambda *_: (0, grid))
    monkeypatch.setattr(log_likelihood, "exact_log_likelihood", lambda *_: found)
    done = vae_nb("evaluate", FASHION, "x.npy", "-k", 3, *flags)
    assert done.status == 0 and expected in done.err, done.err
    assert bool(done.err) == bool(expected)
    has_it = "on a grid, first" in done.out
    assert has_it == ("left out" not in expected and "--no-exact" not in flags)


def test_the_estimate_is_of_the_right_size():
    vae = library.load_pretrained().vae
    images = np.random.default_rng(0).uniform(size=(40, 28, 28, 1)).astype("float32")
    draws, grid = log_likelihood.expected_seconds(vae, images, 1000)
    start = time.perf_counter()
    library.elbo_draws(vae, images, 1000)
    took = time.perf_counter() - start
    assert took / 8 < draws < 8 * took and 0 < grid < 600


# Work is kept, whatever becomes of what is said


def test_the_card_is_kept_although_it_cannot_be_said(monkeypatch):
    shutil.copytree(PRETRAINED, "run")

    class Card(dict):
        def __str__(self):
            raise OSError("no place to write to")

    monkeypatch.setattr(library, "evaluate", lambda *_: Card(negative_elbo=1.5))
    assert vae_nb("evaluate", "run").status == 2
    kept = json.loads(Path("run/metrics.json").read_text())
    assert kept["evaluation"] == {"negative_elbo": 1.5}


def test_a_closed_pipe_loses_no_work():
    some_images(12)
    read, write = os.pipe()
    os.close(read)  # as `| head` does when it has had enough
    score = ("score", FASHION, "x.npy", "--out", "x.csv", "--reference", "no")
    with open(write, "w") as pipe:  # to close it is no error either
        assert vae_nb(*score, to=pipe) == (1, "", "")  # as Typer has it
    assert Path("x.csv").read_text().count("\n") == 13


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_what_cannot_be_shown_is_replaced_on_both_streams(encoding, monkeypatch):
    def load(*arguments):
        raise ValueError("数字 is no class")

    monkeypatch.setattr(library, "load_dataset", load)
    done = vae_nb("train", "digits", encoding=encoding)
    assert done.status == 2 and "is no class" in done.err and done.err.isascii()
