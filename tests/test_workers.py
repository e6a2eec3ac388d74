"""Several workers on this machine train as one, are refused, killed and resumed."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
from crew import Crew, Ended, configs
from PIL import Image

# 11 steps an epoch, the last with 4 images
SETTINGS = dict(recipe="dense", epochs=5, batch_size=129, patience=4, seed=3)
OPTIONS = "--recipe dense --epochs 5 --batch-size 129 --patience 4 --seed 3"
BEGIN = """
import os
from dataclasses import replace
import numpy as np
import keras
import vae_nb
import vae_nb.workers

small = dict(filters=[], hidden=[32])
dense = replace(vae_nb.Recipe(), name="dense", encoder=small, decoder=small)
vae_nb.RECIPES["dense"] = dense
"""
JOIN = f"""{BEGIN}
team = vae_nb.join_workers()
dataset, settings = vae_nb.load_dataset("digits"), {SETTINGS}
"""
KEEP = """
run = vae_nb.train(dataset, **settings, team=team)
name = str(getattr(team, "number", "alone"))
np.savez(settings.get("out", "whole") + name, *run.vae.get_weights())
"""
DIE = """
class Die(keras.callbacks.Callback):
    def on_train_batch_begin(self, step, logs=None):
        if self.model.optimizer.iterations == 22:  # as the chief waits in epoch 3
            os.kill(os.getpid(), 9)


settings["callbacks"] = [Die()]
"""


def command(*options: str, data: str = "digits") -> str:
    "The command, whose pictures are not the point here."
    arguments = ["vae_nb", "train", data, *" ".join(options).split()]
    return f"""{BEGIN}
import sys
sys.argv = {arguments}
vae_nb.save_pictures = lambda run, dataset, folder: []
from vae_nb.cli import main
main()
"""


@pytest.fixture(scope="module")
def crew():
    with Crew() as crew:
        yield crew


@pytest.fixture(scope="module")
def whole(crew, tmp_path_factory):
    "A training by two workers, and the same by one process."
    here = tmp_path_factory.mktemp("whole")
    chief = f"{JOIN}settings['out'] = 'run'{KEEP}"
    alone = crew.start(f"{JOIN}settings['out'] = 'one'{KEEP}", here)
    for done in crew.together(chief, chief, here=here):
        assert done.status == 0, done.err
    assert crew.ended(alone).status == 0
    return here


def weights(path: Path) -> list[np.ndarray]:
    with np.load(path) as saved:
        return [saved[name] for name in saved.files]


def same(one: Path, other: Path) -> bool:
    pairs = zip(weights(one), weights(other), strict=True)
    return all(np.array_equal(u, v) for u, v in pairs)


def one_line(done: Ended) -> str:
    "What the command says of what is wrong."
    assert done.status == 2 and "Traceback" not in done.err, done
    said = [line for line in done.err.splitlines() if line.startswith("vae_nb: ")]
    assert len(said) == 1, done.err
    return said[0]


def test_two_workers_train_as_one_process_does(whole):
    assert same(whole / "run0.npz", whole / "run1.npz")
    assert not same(whole / "run0.npz", whole / "onealone.npz")  # noise of their own
    columns = dict(delimiter=",", names=True)
    one, two = (
        np.genfromtxt(whole / name / "history.csv", **columns)
        for name in ("one", "run")
    )
    assert len(one) == len(two) == SETTINGS["epochs"]
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(two[name], one[name], rtol=0.01)


def test_only_the_chief_writes_and_the_folder_is_whole(whole):
    folders = {path.name for path in whole.iterdir() if path.is_dir()}
    assert folders == {"run", "one"}
    assert {p.name for p in (whole / "run").iterdir()} == {
        p.name for p in (whole / "one").iterdir()
    }


def test_a_worker_is_killed_and_all_resume_to_the_bit(crew, whole, tmp_path):
    begun = time.monotonic()
    chief, other = command(OPTIONS, "--out run"), JOIN + DIE + KEEP
    chief_done, other_done = crew.together(chief, other, here=tmp_path)
    assert other_done.status == -9
    line = one_line(chief_done)
    assert line.startswith("vae_nb: error: worker 1 (127.0.0.1:") and "--resume" in line
    assert "epoch 2/5" in chief_done.out and "epoch 3/5" not in chief_done.out
    assert time.monotonic() - begun < 60
    assert not (tmp_path / "run").exists()

    again = f"{JOIN}settings |= dict(out='run', resume=True){KEEP}"
    for done in crew.together(again, again, here=tmp_path):
        assert done.status == 0, done.err
    for name in ("run0.npz", "run1.npz"):
        assert same(tmp_path / name, whole / "run0.npz")
    for name in ("history.csv", "metrics.json", "config.json"):
        assert (tmp_path / "run" / name).read_text() == (
            whole / "run" / name
        ).read_text()


# Three workers, of which one is killed at the meeting, and steps of two images

KILLED = """
vae_nb.workers.Wire.keep = lambda wire: os.kill(os.getpid(), 9)  # once it is welcome
"""
EVENTS = """
class Events(keras.callbacks.Callback):  # as TensorBoard, which may not be installed
    def __init__(self, folder, write_graph):
        folder.mkdir()
        (folder / f"events.out.{os.getpid()}").touch()


keras.callbacks.TensorBoard = Events
vae_nb.training.find_spec = lambda name: True
"""
PHOTOS = f"""{BEGIN}{EVENTS}
team = vae_nb.join_workers()
dataset = vae_nb.load_dataset("photos")
settings = dict(recipe="dense", epochs=1, batch_size=2, out="run", tensorboard=True)
{KEEP}"""
FROM = """
train = vae_nb.train


def train_and_keep(*arguments, team, **settings):
    run = train(*arguments, team=team, **settings)
    np.savez(f"two{team.number}", *run.vae.get_weights())
    return run


vae_nb.train = train_and_keep
"""


def make_photos(here: Path) -> np.ndarray:
    images = np.arange(9 * 64, dtype="uint8").reshape(9, 8, 8)
    (here / "photos").mkdir()
    for number, pixels in enumerate(images):
        Image.fromarray(pixels).save(here / "photos" / f"{number}.png")
    return images


def test_three_train_on_a_folder_and_two_go_on_from_it_with_an_array(crew, tmp_path):
    np.save(tmp_path / "array.npy", make_photos(tmp_path))
    env = dict(here=tmp_path, VAE_NB_CACHE=str(tmp_path / "cache"))
    places = [dict(TF_CONFIG=config, **env) for config in configs(3)]
    chief = crew.start(PHOTOS, **places[0])
    assert crew.ended(crew.start(f"{BEGIN}{KILLED}{PHOTOS}", **places[1])).status == -9
    others = [crew.start(PHOTOS, **place) for place in places[1:]]
    for started in (chief, *others):
        done = crew.ended(started)
        assert done.status == 0, done.err
    for other in ("run1.npz", "run2.npz"):
        assert same(tmp_path / "run0.npz", tmp_path / other)
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (config["workers"], config["devices"]) == (3, 1)
    assert len(list(tmp_path.rglob("events.out.*"))) == 1

    options = "--from run --epochs 1 --batch-size 4 --out two"
    go_on = BEGIN + FROM + command(options, data="array.npy")
    for done in crew.together(go_on, go_on, **env):
        assert done.status == 0, done.err
    assert same(tmp_path / "two0.npz", tmp_path / "two1.npz")
    assert not same(tmp_path / "two0.npz", tmp_path / "run0.npz")
    config = json.loads((tmp_path / "two" / "config.json").read_text())
    assert config["workers"] == 2
    assert config["started_from"]["dataset"].endswith("photos")


# Refused before training

OTHER_DATA = """
dataset = replace(dataset, test_images=dataset.test_images[::-1])
"""
OTHER_VERSIONS = """
here = vae_nb.workers.environment(2)
here["versions"]["keras"] = "3.0.0"
vae_nb.workers.environment = lambda *_: here
"""
DIFFERENT = {
    "epochs 6 instead of 5": f"{JOIN}settings['epochs'] = 6{KEEP}",
    "other images": f"{JOIN}{OTHER_DATA}{KEEP}",
    "keras 3.0.0 instead of": f"{BEGIN}{OTHER_VERSIONS}{JOIN}{KEEP}",
}


def test_workers_that_differ_are_refused_by_name(crew, tmp_path):
    pairs = {}
    for words, other in DIFFERENT.items():
        here = tmp_path / words.split()[0]
        here.mkdir()
        pairs[words] = crew.cluster(command(OPTIONS, "--out run"), other, here=here)
    for words, (chief, other) in pairs.items():
        done = crew.ended(chief)
        line = one_line(done)
        assert f" has {words}" in line and line.startswith("vae_nb: error: worker 1 (")
        assert "epoch 1" not in done.out and not list(tmp_path.glob("*/run*"))
        done = crew.ended(other)
        assert done.status == 1 and f"has {words}" in done.err


def test_a_worker_that_never_comes_is_named(crew, tmp_path):
    train = command("--epochs 1 --out run")
    alone = [
        (crew.cluster(train, None, here=tmp_path, VAE_NB_WAIT="1"), "worker 1 (127."),
        (crew.cluster(None, train, here=tmp_path, VAE_NB_WAIT="1"), "worker 0 (127."),
    ]
    for (started,), who in alone:
        done = crew.ended(started)
        line = one_line(done)
        assert f"error: {who}" in line and "did not come within 1 seconds" in line
        assert f"waiting up to 1 seconds until all are there: {who}" in done.err
    assert not list(tmp_path.glob("run*"))


def test_what_cannot_be_is_refused(crew, tmp_path):
    bad = configs(2)[0].replace('"index": 0', '"index": 2')
    started = crew.start(command("--epochs 1"), tmp_path, TF_CONFIG=bad)
    assert "TF_CONFIG is not like" in one_line(crew.ended(started))
    devices = command("--epochs 1 --devices 2")
    for (started,) in (crew.cluster(devices, None, here=tmp_path),):
        assert "this machine has no GPU" in one_line(crew.ended(started))
    (started,) = crew.cluster(f"{BEGIN}vae_nb.train(None)", None, here=tmp_path)
    assert "begin with team = join_workers()" in crew.ended(started).err


# Two that decode the same folder

DECODE = """
import os
import time
from pathlib import Path
import numpy as np
import vae_nb
from vae_nb import own_images

mine, both = Path(os.environ["TURN"]), [Path("0"), Path("1")]
decode_all, remove = own_images._decode_all, own_images.remove


def at_once(*arguments):
    index = decode_all(*arguments)
    mine.touch()
    end = time.monotonic() + 60
    while not all(one.exists() for one in both) and time.monotonic() < end:
        time.sleep(0.01)
    return index


def slow(folder):  # so that the other has a folder by now
    time.sleep(0.3 * int(mine.name))
    remove(folder)
    time.sleep(0.3 * int(mine.name))


own_images._decode_all, own_images.remove = at_once, slow
images, end = vae_nb.load_dataset("photos").train_images, time.monotonic() + 1
while time.monotonic() < end:
    (pixels,) = Path(os.environ["VAE_NB_CACHE"]).glob("[!.]*/images.npy")
    time.sleep(0.02)
assert np.asarray(images[:2]).shape == (2, 8, 8, 1)
"""


def test_two_decode_a_folder_at_once(crew, tmp_path):
    make_photos(tmp_path)
    cache = tmp_path / "cache"

    def decode_twice():
        env = [dict(VAE_NB_CACHE=str(cache), TURN=turn) for turn in "01"]
        for started in [crew.start(DECODE, tmp_path, **one) for one in env]:
            done = crew.ended(started)
            assert done.status == 0, done.err

    decode_twice()
    (index,) = cache.glob("*/index.json")
    whole = index.read_text()
    index.write_text(whole[:-9])  # damaged
    (tmp_path / "0").unlink()
    (tmp_path / "1").unlink()
    decode_twice()
    assert index.read_text() == whole


# Devices of one machine

NO_NOISE = """
def zeros(shape, dtype=None, **_):
    return keras.ops.zeros(shape, dtype)


keras.random.normal = zeros
"""
TWO_DEVICES = f"""{BEGIN}{NO_NOISE}
team = vae_nb.join_workers(2)
dataset = vae_nb.load_dataset("digits")
# of 1438 images the last batch has one, which one device has to itself
settings = dict(recipe="dense", epochs=2, batch_size=479, kl_warmup=0.6, seed=1)
settings |= dict(clipnorm=0.5)
two = vae_nb.train(dataset, **settings, team=team)
one = vae_nb.train(dataset, **settings)
assert two.vae.optimizer.global_clipnorm == 0.5
assert len(vae_nb.workers.Mirrored(two.vae, team).vae.weights[0].value.values) == 2
for name in one.history:
    np.testing.assert_allclose(two.history[name], one.history[name], rtol=1e-5)
for u, v in zip(one.vae.get_weights(), two.vae.get_weights()):
    np.testing.assert_allclose(u, v, atol=1e-4)
"""


def test_two_devices_make_the_steps_of_one(crew, tmp_path):
    done = crew.ended(crew.start(TWO_DEVICES, tmp_path))
    assert done.status == 0, done.err


KEPT_BY_TWO = f"""{BEGIN}
team = vae_nb.join_workers(2)
dataset = vae_nb.load_dataset("digits")
settings = dict(recipe="dense", epochs=2, batch_size=479, out=OUT, resume=True)


class Die(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if DIE and epoch == 1:
            os.kill(os.getpid(), 9)


{KEEP.replace("team=team", "team=team, callbacks=[Die()]")}
"""
NORMS = f"""{BEGIN}
import math

team = vae_nb.join_workers(2)
dataset = vae_nb.load_dataset("digits")


def train(synchronized, batch_size):
    norm = keras.layers.BatchNormalization(synchronized=synchronized, name="norm")
    images, z = keras.Input(dataset.image_shape), keras.Input((2,))
    h = norm(keras.layers.Flatten()(images))
    codes = [keras.layers.Dense(2)(h), keras.layers.Dense(2)(h)]
    encoder = keras.Model(images, [*codes, vae_nb.Sampling(seed=0)(codes)])
    decoded = keras.layers.Dense(784)(z)
    decoder = keras.Model(z, keras.layers.Reshape(dataset.image_shape)(decoded))
    options = dict(start=vae_nb.VAE(encoder, decoder), epochs=1, team=team)
    run = vae_nb.train(dataset, batch_size=batch_size, **options)
    return run.history["loss"][0]


try:
    train(False, 479)  # the last batch has one image
    raise AssertionError("accepted what gives NaN")
except ValueError as e:
    line = str(e)
assert "(1) than replicas (2), and the BatchNormalization norm needs" in line, line
assert math.isfinite(train(True, 479))
"""


def test_two_devices_are_killed_and_resume_to_the_bit(crew, tmp_path):
    norms = crew.start(NORMS, tmp_path)
    whole, killed, again = (
        f"OUT, DIE = {out!r}, {die}{KEPT_BY_TWO}"
        for out, die in (("whole", False), ("run", True), ("run", False))
    )
    started = crew.start(whole, tmp_path)
    assert crew.ended(crew.start(killed, tmp_path)).status == -9
    kept = (tmp_path / "run.unfinished" / "history.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in kept] == ["epoch", "1"]
    for one in (started, crew.start(again, tmp_path), norms):
        done = crew.ended(one)
        assert done.status == 0, done.err
    assert same(tmp_path / "whole0.npz", tmp_path / "run0.npz")
