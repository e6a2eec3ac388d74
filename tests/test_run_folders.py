"""Run folders: what may be wrong with one, and those that other versions wrote."""

import json
import shutil
import zipfile
from pathlib import Path

import keras
import pytest
from command import PRETRAINED, accepted, refused
from runs import edit

pytestmark = pytest.mark.usefixtures("here")


def cut_short(run: Path) -> None:
    model = run / "model.keras"
    model.write_bytes(model.read_bytes()[:5000])


def foreign(run: Path) -> None:
    layer = keras.layers.Lambda(lambda x: x + 1)
    keras.Sequential([keras.Input((2,)), layer]).save(run / "model.keras")


def another_version(run: Path) -> None:
    "What a later version might write: a likelihood that is not known here."
    edit("config.json", lambda config: config["versions"].update(vae_nb="9.9"))(run)
    with zipfile.ZipFile(run / "model.keras") as z:
        parts = {name: z.read(name) for name in z.namelist()}
    parts["config.json"] = parts["config.json"].replace(b"Bernoulli", b"Poisson")
    with zipfile.ZipFile(run / "model.keras", "w") as z:
        for name, data in parts.items():
            z.writestr(name, data)


def file_instead(run: Path) -> None:
    shutil.rmtree(run)
    run.write_text("mine")


def write(name: str, content: str):
    return lambda run: (run / name).write_text(content)


def without(name: str):
    return lambda run: (run / name).unlink()


RUNS = {  # what may be wrong with a run folder
    "a model cut short": (cut_short, "model.keras is cut short"),
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
    "no model": (without("model.keras"), "has no model.keras"),
    "no metrics": (without("metrics.json"), "has no metrics.json"),
    "a config that is no JSON": (write("config.json", "{"), "cannot be read"),
    "a config that is a list": (write("config.json", "[]"), "cannot be read"),
    "a config without data": (
        edit("config.json", lambda config: config.pop("dataset")),
        "lacks dataset",
    ),
    "a history of words": (
        write("history.csv", "epoch,loss\n1,low\n"),
        "cannot be read",
    ),
    "an empty history": (write("history.csv", ""), "cannot be read"),
    "a history without its end": (
        write("history.csv", "epoch,loss,reconstruction_loss,kl_loss\n1,1,1,1\n"),
        "1 epochs of",
    ),
    "a file": (file_instead, "not a run folder"),
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


def test_a_run_that_is_not_finished_is_named_where_a_finished_one_is_asked_for():
    Path("runs/x.unfinished").mkdir(parents=True)
    words = "runs/x.unfinished: let training resume it (--resume)"
    refused("score", "runs/x", "digits", words=words)


def test_a_folder_called_like_a_pretrained_model_holds_its_pictures_or_is_a_run():
    accepted("sample", "-n", 4)
    assert [path.name for path in Path("fashion_mnist").iterdir()] == ["samples.png"]
    accepted("sample", "-n", 4)  # it is not taken for a run for that
    metrics = (PRETRAINED / "metrics.json").read_text()
    Path("fashion_mnist/metrics.json").write_text(metrics)
    refused("sample", "-n", 4, words="is not a run folder: it has no model.keras")


def test_a_card_is_kept_in_the_run_only_if_it_is_of_its_own_data(monkeypatch):
    monkeypatch.setattr("vae_nb.evaluate", lambda *arguments: {"of": "the first"})
    shutil.copytree(PRETRAINED, "run")
    edit("config.json", lambda config: config.update(dataset="digits"))(Path("run"))
    before = Path("run/metrics.json").read_bytes()
    accepted("evaluate", "run", "digits")
    assert Path("run/metrics.json").read_bytes() == before
    assert "is not the data that run was trained on" in accepted("evaluate", "run")
    metrics = json.loads(Path("run/metrics.json").read_text())
    assert metrics.pop("evaluation") == {"of": "the first"}
    had = json.loads(before)
    del had["evaluation"]
    assert metrics == had
