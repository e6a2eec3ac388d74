"""Full disks, disks without locks, two commands at once: what is there is whole."""

import errno
import json
import os
import resource
import shutil
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from command import PRETRAINED, accepted, one_line, refused, vae_nb
from pictures import PIXELS, folder_of, photo, saved
from runs import edit

import vae_nb as library
from vae_nb.training import Shuffle

pytestmark = pytest.mark.usefixtures("here")


@contextmanager
def no_room(size: int):
    "No file may grow past so many bytes, as on a disk with no more room."
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


WRITING = [
    ["score", "run", "x.npy", "--reference", "no"],
    ["encode", "run", "x.npy"],
    ["encode", "run", "x.npy", "--out", "codes.csv"],
    ["reconstruct", "run", "x.npy"],
    ["reconstruct", "run", "x.npy", "--out", "again"],
    ["sample", "run"],
    ["plot", "run"],
    ["score", "run", "photos", "--reference", "no"],
    ["train", "photos"],
]

MINE = (
    "scores.csv",
    "codes.npz",
    "reconstructed.png",
    "samples.png",
    "history.png",
)


@pytest.mark.parametrize("arguments", WRITING, ids=" ".join)
def test_a_full_disk_leaves_what_was_there(arguments):
    shutil.copytree(PRETRAINED, "run")
    # for plot
    edit("config.json", lambda config: config.update(dataset="digits"))(Path("run"))
    for name in MINE:
        Path("run", name).write_text("mine")
    np.save("x.npy", PIXELS)
    folder_of("x.png", saved(photo()))
    with no_room(100):
        refused(*arguments, words="cannot write")


def test_a_disk_that_fills_up_while_writing_leaves_nothing(here):
    np.save(here / "x.npy", PIXELS)
    with no_room(1_000_000):
        done = vae_nb("train", "x.npy", "--epochs", 1, "--out", "deep/run")
    assert "no room left in deep: nothing was kept" in done.err.splitlines()[-1]
    assert done.status == 2 and os.listdir() == ["x.npy"]


@pytest.fixture
def small_disk(here):
    """What fills a file system of 60 MB in `disk`, if this user may mount one.

    Else what keeps files from growing does as well.
    """
    folder = here / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", folder]
    mounted = subprocess.run(mount, capture_output=True).returncode == 0
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill() -> None:
        if not mounted:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
            return
        with suppress(OSError), open(folder / "filler", "wb", buffering=0) as f:
            while f.write(bytes(1 << 12)):
                pass

    yield fill
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    if mounted:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_run_on_a_disk_that_fills_up_keeps_its_last_whole_epoch(
    small_disk, monkeypatch, no_pictures
):
    np.save("x.npy", PIXELS)
    command = ("train", "x.npy", "--epochs", 4, "--out", "disk/run")
    begin = Shuffle.on_epoch_begin

    def fill_in_the_third(self, epoch, logs=None):
        begin(self, epoch, logs)
        if epoch == 2:
            small_disk()

    with monkeypatch.context() as patch:
        patch.setattr(Shuffle, "on_epoch_begin", fill_in_the_third)
        done = vae_nb(*command)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    Path("disk/filler").unlink(missing_ok=True)
    said = one_line(done)
    assert "no room left in disk" in said
    assert "disk/run.unfinished has the last whole epoch" in said
    resumed = vae_nb(*command, "--resume")
    assert resumed.status == 0, resumed.err
    assert "epoch 2/" not in resumed.out and "epoch 4/4" in resumed.out
    assert os.listdir("disk") == ["run"] and not list(Path("disk").rglob("*new*"))


# Two commands on one run

WRITERS = {
    "scores": (["score", "--reference", "no", "fashion_mnist"], "scores.csv"),
    "codes": (["encode", "fashion_mnist"], "codes.csv"),
    "pictures": (["reconstruct", "fashion_mnist"], "reconstructed.png"),
}


@pytest.mark.parametrize("command, name", WRITERS.values(), ids=WRITERS)
def test_two_commands_that_write_one_file_do_not_mix(monkeypatch, command, name):
    np.save("few.npy", PIXELS[:2])
    np.save("many.npy", PIXELS)
    alone = {}
    for data in ("few.npy", "many.npy"):
        accepted(*command, data, "--out", f"{data}{Path(name).suffix}")
        alone[data] = Path(f"{data}{Path(name).suffix}").read_bytes()
    move, seen = os.replace, []

    def another_comes_between(source, target):
        if not seen:
            seen.append(source)
            accepted(*command, "many.npy", "--out", name)
            assert Path(name).read_bytes() == alone["many.npy"]
        move(source, target)

    monkeypatch.setattr(os, "replace", another_comes_between)
    accepted(*command, "few.npy", "--out", name)
    assert seen and Path(name).read_bytes() == alone["few.npy"]
    assert not list(Path().glob(".*"))


def test_two_cards_of_one_run_do_not_mix(monkeypatch):
    shutil.copytree(PRETRAINED, "run")
    edit("config.json", lambda config: config.update(dataset="digits"))(Path("run"))
    monkeypatch.setattr(library, "evaluate", lambda *some: {"images": some[2]})
    move, seen = os.replace, []

    def another_comes_between(source, target):
        if not seen:
            seen.append(source)
            accepted("evaluate", "run", "--images", 1234567)
        move(source, target)

    monkeypatch.setattr(os, "replace", another_comes_between)
    accepted("evaluate", "run", "--images", 7)
    kept = json.loads(Path("run/metrics.json").read_text())["evaluation"]
    assert seen and kept == {"images": 7}


# File systems without locks, like some network ones


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK], ids=os.strerror)
def test_a_disk_without_locks_is_trained_on_with_a_warning(
    monkeypatch, no_pictures, number
):
    def refuse(*arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)
    np.save("x.npy", PIXELS)
    command = ("train", "x.npy", "--epochs", 1, "--out", "run")
    with monkeypatch.context() as patch:  # the first try ends early
        patch.setattr(library, "train", stopped_in_its_folder)
        assert "stopped" in one_line(without_lock_warning(vae_nb(*command)))
    done = vae_nb(*command)
    assert done.status == 0 and "run.unfinished cannot be locked here" in done.err
    assert os.strerror(number) in done.err and os.listdir("run")


def stopped_in_its_folder(dataset, recipe, *, out, **options):
    "A training that makes its folder, and then ends."
    with library.run_folder(out):
        raise ValueError("stopped")


def without_lock_warning(done):
    said = [line for line in done.err.splitlines(True) if "be locked" not in line]
    assert len(said) == done.err.count("\n") - 1
    return done._replace(err="".join(said))
