"""Trainings that end too early: what is kept, and resumed to the same bits."""

import json
import os
import shutil
import signal
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from subprocess import Popen
from unittest import mock

import numpy as np
import pytest
from command import accepted, ended, one_line, process, vae_nb
from pictures import folder_of, photo, saved
from runs import copy_here, edit

import vae_nb as library
from vae_nb.training import Shuffle

pytestmark = pytest.mark.usefixtures("here")
SIGNALS = {"SIGINT": 2, "SIGTERM": 2, "SIGKILL": -signal.SIGKILL}  # exit status
WHOLE = ("train", "../few.npz", "--epochs", "10", "--batch-size", "32", "--out", "run")
RECORDS = ("config.json", "history.csv", "metrics.json", "manifold.png")


def same_weights(one: library.Run, other: library.Run) -> bool:
    pairs = zip(one.vae.get_weights(), other.vae.get_weights())
    return all(np.array_equal(u, v) for u, v in pairs)


# By a signal, which takes a process


def let_signals_through() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a background job ignores it


def stop(place: Path, kind: str, after: str) -> Popen:
    "A training that is sent a signal once a line begins so."
    place.mkdir()
    started = process(*WHOLE, cwd=place, preexec_fn=let_signals_through)
    assert started.stdout and started.stderr
    while not started.stdout.readline().startswith(after):
        assert started.poll() is None, started.stderr.read()
    started.send_signal(getattr(signal, kind))
    return started


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    "A folder with a few digits, for folders beside them."
    place = tmp_path_factory.mktemp("place")
    digits = library.load_dataset("digits")
    pixels = np.round(255 * digits.train_images[:500]).astype("uint8")
    np.savez(place / "few.npz", images=pixels, labels=digits.train_labels[:500])
    return place


@pytest.fixture(scope="module")
def stopped(place):
    "Trainings that were stopped by a signal, all at once: folder, and what they left."
    cases = {kind: (place / kind, kind, "epoch 2/") for kind in SIGNALS}
    cases["at once"] = (place / "at once", "SIGINT", "few.npz: ")
    with ThreadPoolExecutor(len(cases)) as threads:
        started = [threads.submit(stop, *case) for case in cases.values()]
        left = [ended(one.result()) for one in started]
    return {name: (cases[name][0], one) for name, one in zip(cases, left)}


@pytest.fixture(scope="module")
def whole(place):
    "The same training, which was let alone."
    (place / "whole").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place / "whole")
        accepted(*WHOLE, "--resume")  # nothing to resume: from the start
        return Path("run").resolve()


def test_ctrl_c_in_the_first_epoch_keeps_nothing(stopped):
    place, done = stopped["at once"]
    assert one_line(done) == "vae_nb: interrupted: nothing was kept\n"
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("kind, status", SIGNALS.items(), ids=SIGNALS)
def test_a_stopped_run_is_resumed_to_the_same_bits(
    stopped, whole, monkeypatch, kind, status
):
    place, done = stopped[kind]
    assert done.status == status, done.err
    assert [path.name for path in place.iterdir()] == ["run.unfinished"]
    if status == 2:
        assert "run.unfinished has the last whole epoch" in one_line(done)
    monkeypatch.chdir(place)
    for more, words in (
        ((), "resume it (--resume), or remove it"),
        (("--resume", "--seed", 1), "begun with seed 0 instead of 1"),
    ):
        assert words in one_line(vae_nb(*WHOLE, *more))
    resumed = vae_nb(*WHOLE, "--resume")
    assert resumed.status == 0, resumed.err
    assert "epoch 1/" not in resumed.out and "epoch 10/10" in resumed.out
    for name in RECORDS:
        assert Path("run", name).read_bytes() == (whole / name).read_bytes(), name
    assert same_weights(library.load_run("run"), library.load_run(whole))
    assert sorted(os.listdir("run")) == sorted(os.listdir(whole))
    assert os.listdir() == ["run"]


# With what it was begun


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    "A run on pictures that was stopped after its epoch, while its pictures were drawn."
    place = tmp_path_factory.mktemp("begun")
    stop_here = mock.patch(
        "vae_nb.visualization.plot_history", side_effect=KeyboardInterrupt
    )
    with pytest.MonkeyPatch.context() as patch, stop_here:
        patch.chdir(place)
        patch.setenv("VAE_NB_CACHE", str(place / "cache"))
        folder_of("x.png", saved(photo()))
        done = vae_nb("train", "photos", "--epochs", 1, "--out", "run")
    said = done.err.splitlines()[-1]
    assert done.status == 2
    assert said.startswith("vae_nb: interrupted: run.unfinished has the last whole")
    return place


def cut_short(run: Path) -> None:
    model = run / "model.keras"
    model.write_bytes(model.read_bytes()[:5000])


def nothing(run: Path) -> None:
    pass


UNFINISHED = {  # what may be otherwise when a run is resumed
    "without --resume": (nothing, [], "resume it (--resume), or remove it"),
    "other settings": (
        nothing,
        ["--resume", "--seed", "1"],
        "begun with seed 0 instead of 1",
    ),
    "another recipe": (nothing, ["--resume", "--recipe", "article"], "begun with"),
    "other images": (
        lambda run: photo(size=(12, 10)).save("photos/x.png"),
        ["--resume"],
        "begun with other images",
    ),
    "more images": (
        lambda run: photo().save("photos/y.png"),
        ["--resume"],
        "begun with other images",
    ),
    "a model cut short": (cut_short, ["--resume"], "cannot be read"),
    "no config": (
        lambda run: (run / "config.json").unlink(),
        ["--resume"],
        "cannot be read",
    ),
}


@pytest.mark.parametrize("change, more, words", UNFINISHED.values(), ids=UNFINISHED)
def test_an_unfinished_run_goes_on_with_what_it_was_begun_with_only(
    begun, change, more, words
):
    copy_here(begun)
    change(Path("run.unfinished"))
    done = vae_nb("train", "photos", "--out", "run", "--epochs", 1, *more)
    said = done.err.splitlines()[-1]
    assert done.status == 2 and words in said and len(said) < 800, done
    assert Path("run.unfinished/model.keras").exists() and not Path("run").exists()


VERSIONS = {
    "nothing": (lambda config: None, None),
    "other versions": (
        lambda config: config["versions"].update(keras="2.0"),
        "keras 2.0 (now ",
    ),
    "another backend": (
        lambda config: config.update(backend="jax"),
        "backend jax (now ",
    ),
    "more workers": (lambda config: config.update(workers=2), "workers 2 (now 1)"),
    "a version that did not count workers": (
        lambda config: [config.pop(name) for name in ("workers", "devices")],
        None,
    ),
}


@pytest.mark.parametrize("change, words", VERSIONS.values(), ids=VERSIONS)
def test_an_unfinished_run_of_other_versions_goes_on_and_says_so(
    begun, no_pictures, change, words
):
    copy_here(begun)
    edit("config.json", change)(Path("run.unfinished"))
    begun_with = json.loads(Path("run.unfinished/config.json").read_text())
    err = accepted("train", "photos", "--out", "run", "--epochs", 1, "--resume")
    assert ("may not end with the same bits" in err) == bool(words)
    assert (words or "") in err
    assert not Path("run.unfinished").exists()
    # what began it is kept, and what resumed it stands beside it
    config = json.loads(Path("run/config.json").read_text())
    here = library.environment()
    was = {name: begun_with.get(name, here[name]) for name in here}
    assert {name: config[name] for name in here} == was
    assert config.get("resumed") == ([here] if words else None)


def test_a_run_goes_on_where_its_pictures_have_been_moved_to(begun):
    copy_here(begun)
    Path("photos").rename("elsewhere")
    err = accepted("train", "elsewhere", "--out", "run", "--epochs", 1, "--resume")
    assert "begun with" not in err and not Path("run.unfinished").exists()
    assert Path("run/history.png").exists()  # which was being drawn
    config = json.loads(Path("run/config.json").read_text())
    assert config["dataset"] == str(Path("elsewhere").resolve())  # for `plot`


# Without a name, runs are numbered


def test_without_a_name_the_run_that_was_last_written_to_is_resumed(begun, no_pictures):
    copy_here(begun)
    Path("runs").mkdir()
    for number in ("", "-2", "-x"):
        shutil.copytree("run.unfinished", f"runs/photos-default{number}.unfinished")
    shutil.rmtree("run.unfinished")
    os.utime("runs/photos-default.unfinished", (0, 0))
    Path("runs/photos-default-3").mkdir()
    command = ("train", "photos", "--epochs", 1)
    done = vae_nb(*command)
    assert done.status == 0 and "in runs/photos-default-4" in done.out
    note = "runs/photos-default-2.unfinished is an unfinished run, --resume would"
    assert note in done.err
    assert "in runs/photos-default-2\n" in vae_nb(*command, "--resume").out
    assert Path("runs/photos-default.unfinished").exists()


# When the loss is not finite any more


def test_a_training_that_diverges_keeps_what_it_had(monkeypatch, no_pictures):
    begin = Shuffle.on_epoch_begin

    def spoil(self, epoch, logs=None):
        begin(self, epoch, logs)
        if epoch == 3:
            weights = self.model.trainable_variables[0]
            weights.assign(np.full(weights.shape, np.nan))

    monkeypatch.setattr(Shuffle, "on_epoch_begin", spoil)
    folder_of("x.png", saved(photo()))
    done = vae_nb("train", "photos", "--epochs", 5, "--out", "run")
    assert done.status == 2
    said = done.err.splitlines()[-1]
    assert said.startswith("vae_nb: error: the loss became NaN in epoch 4"), said
    assert said.endswith("run has the run as it was after epoch 3"), said
    run = library.load_run("run")
    assert len(run.history["loss"]) == run.config["epochs_done"] == 3
    assert all(np.isfinite(weights).all() for weights in run.vae.get_weights())
    assert "samples are in" in vae_nb("sample", "run", "-n", 4).out


# By the version that landed before training was split up


LANDED = Path(__file__).parent / "landed"


def processor() -> str:
    "The machine's, as Linux calls it: others may round otherwise."
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return "unknown"


def few_digits() -> library.Dataset:
    digits = library.load_dataset("digits")
    return replace(
        digits,
        train_images=digits.train_images[:600],
        train_labels=digits.train_labels[:600],
        test_images=digits.test_images[:100],
        test_labels=digits.test_labels[:100],
    )


@pytest.mark.skipif(sys.platform != "linux", reason="it was begun on Linux")
def test_a_run_that_an_older_version_began_ends_as_it_would_have_there():
    shutil.copytree(LANDED / "patience.unfinished", "run.unfinished")
    begun = json.loads(Path("run.unfinished/config.json").read_text())
    assert "beta_2" not in begun and "schedule" not in begun  # settings newer than it
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "run.unfinished was begun with")
        run = library.train(
            few_digits(),
            recipe="article",
            epochs=5,
            seed=5,
            patience=2,
            learning_rate=0.003,
            out="run",
            resume=True,
        )
    expected = json.loads((LANDED / "reference.json").read_text())
    alike = "resumed" not in run.config and processor() == expected["processor"]
    tolerance = 0 if alike else 1e-2
    for name, values in expected["history"].items():
        np.testing.assert_allclose(run.history[name], values, rtol=tolerance)
    for name, value in expected["metrics"].items():
        np.testing.assert_allclose(run.metrics[name], value, rtol=tolerance)
    assert library.load_run("run").config["best_epoch"] == 5


def test_a_run_folder_without_the_newer_settings_loads():
    shutil.copytree(LANDED / "patience.unfinished", "run")
    config = Path("run/config.json")
    config.write_text(json.dumps({**json.loads(config.read_text()), "epochs_done": 2}))
    metrics = json.loads((LANDED / "reference.json").read_text())["metrics"]
    Path("run/metrics.json").write_text(json.dumps(metrics))
    run = library.load_run("run")
    assert "schedule" not in run.config and "β = 0.5" in repr(run)
    assert run.vae.beta == 0.5 and len(run.history["val_loss"]) == 2
    assert "samples are in" in vae_nb("sample", "run", "-n", 4).out
