"""Scores of what does not belong, and what the command makes of them."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from command import PRETRAINED, vae_nb
from runs import edit

from vae_nb import build_vae, find_oddities, load_pretrained, make_recipe, p_values

pytestmark = pytest.mark.usefixtures("here")


def scores() -> list[dict[str, str]]:
    with open("scores.csv", newline="") as f:
        return list(csv.DictReader(f))


def usual(n: int) -> np.ndarray:
    "Images that the pretrained model draws well."
    return load_pretrained("fashion_mnist").vae.sample(n, seed=0)


def test_the_command_flags_what_does_not_belong():
    drawn = usual(160)
    np.save("usual.npy", drawn[:120])
    odd = np.random.default_rng(0).random((2, 28, 28, 1)).astype("float32")
    np.save("mixed.npy", np.concatenate([drawn[120:], odd]))
    options = ("--reference", "usual.npy", "--false-alarms", "0.02")
    done = vae_nb(
        "score", "fashion_mnist", "mixed.npy", "--out", "scores.csv", *options
    )
    assert (done.status, done.err) == (0, ""), done.err
    first, *lines = done.out.splitlines()
    rows = scores()
    assert "score of 42 images" in first and len(rows) == 42
    assert [float(row["p_value"]) for row in rows[40:]] == [1 / 121, 1 / 121]
    assert {line.split()[-1] for line in lines[:2]} == {r["name"] for r in rows[40:]}
    alarms = sum(float(row["p_value"]) <= 0.02 for row in rows)
    assert lines[10].startswith(f"{alarms} of 42 are above ")
    for row in rows:
        total = float(row["reconstruction_loss"]) + float(row["kl_loss"])
        assert abs(total - float(row["negative_elbo"])) < 1e-3
        assert float(row["kl_loss"]) - 1e-3 < float(row["score"]) <= total + 1e-3


def test_one_reference_image_gives_p_values_and_no_threshold():
    np.save("one.npy", usual(1))
    options = ("--reference", "one.npy", "--out", "scores.csv")
    done = vae_nb("score", "fashion_mnist", "one.npy", *options)
    assert done.status == 0 and done.err.count("\n") == 1
    assert "at least 99 reference images, there are 1" in done.err
    assert "above" not in done.out
    assert [float(row["p_value"]) for row in scores()] == [1.0]


def test_data_that_cannot_be_had_is_one_note_and_no_p_value():
    shutil.copytree(PRETRAINED, "run")
    gone = edit("config.json", lambda config: config.update(dataset="no/such"))
    gone(Path("run"))
    np.save("x.npy", usual(3))
    done = vae_nb("score", "run", "x.npy", "--out", "scores.csv")
    assert done.status == 0 and done.err.count("\n") == 1, done.err
    assert "no p_value, as the data of run cannot be had" in done.err
    assert list(scores()[0])[-1] == "score"


def test_p_values_of_held_out_halves_are_uniform_under_every_kind_of_score():
    rng = np.random.default_rng(0)
    for values in (rng.normal(size=4000), rng.integers(0, 5, 4000)):
        p = p_values(values[:2000], values[2000:])
        for alpha in (0.01, 0.1, 0.5):
            error = np.sqrt(2 * alpha * (1 - alpha) / 2000)
            assert np.mean(p <= alpha) < alpha + 4 * error
    assert p_values([0.0], []).tolist() == [1.0]


@pytest.mark.parametrize("name", ["gaussian", "discretized_logistic"])
def test_colour_is_scored_at_the_scale_of_the_model(name):
    vae = build_vae((8, 8, 3), make_recipe(likelihood=name), steps=1)
    images = np.random.default_rng(0).random((4, 8, 8, 3)).astype("float32")
    found = find_oddities(vae, images)
    assert found.score.shape == (4,) and (found.score > found.kl_loss).all()
