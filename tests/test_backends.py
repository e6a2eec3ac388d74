"""Every command on TensorFlow, JAX and PyTorch, and runs of each on the others.

A process for each backend that is installed, which sees no other (on_backend.py); what
JAX and PyTorch made and found is kept in made_on/, so that TensorFlow alone is compared
with them, too.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

here = Path(__file__).parent
BACKENDS = ("tensorflow", "jax", "torch")
THERE = [name for name in BACKENDS if find_spec(name)]
ON_EACH = [
    pytest.param(
        name,
        id=name if name in THERE else f"{name}, not installed",
        marks=pytest.mark.skipif(name not in THERE, reason=f"{name} is not installed"),
    )
    for name in BACKENDS
]
COMMANDS = (
    *("train", "resume", "evaluate", "sample", "score", "encode", "reconstruct"),
    *("explore", "interpolate", "compress", "decompress"),
)


class OnBackend:
    "All commands on one backend, in a process and a folder of its own."

    def __init__(self, name: str, folder: Path):
        self.folder = folder / name
        self.errors = open(folder / f"{name}.err", "w+")
        env = {**os.environ, "KERAS_BACKEND": name, "VAE_NB_CACHE": str(folder)}
        env["OMP_NUM_THREADS"] = "1"  # PyTorch's would wait for one another, spinning
        self.process = subprocess.Popen(
            [sys.executable, here / "on_backend.py", self.folder],
            env=env,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
        )

    def made(self) -> None:
        "Wait until it has made its runs."
        assert self.process.stdout
        if "made\n" not in self.process.stdout:  # reads a line at a time, until then
            self.errors.seek(0)
            pytest.fail(self.errors.read()[-3000:])

    def results(self, places: dict[str, str]) -> dict:
        "What it found, once it has opened the runs of others."
        self.process.communicate(json.dumps(places), timeout=300)
        return {**kept(self.folder), **read(self.folder / "results.json")}


def read(file: Path) -> dict:
    return json.loads(file.read_text())


def kept(folder: Path) -> dict:
    "Losses and codes."
    return read(folder / "numbers.json")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    "What each backend that is installed found."
    folder = tmp_path_factory.mktemp("backends")
    started = {name: OnBackend(name, folder) for name in THERE}
    for one in started.values():
        one.made()
    found = {}
    for name, one in started.items():
        places = {f"kept-{other}": str(here / "made_on" / other) for other in BACKENDS}
        places |= {f"new-{other}": str(folder / other) for other in THERE}
        others = {at: places[at] for at in places if not at.endswith(f"-{name}")}
        found[name] = one.results(others)
    return found


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("backend", ON_EACH)
def test_a_command_works(results, backend, command):
    done = results[backend]["commands"][command]
    assert done["status"] == 0 and done["made"], done


@pytest.mark.parametrize("backend", ON_EACH)
def test_it_takes_no_other_backend(results, backend):
    assert results[backend]["imported"] == []


@pytest.mark.parametrize("backend", ON_EACH)
def test_a_stopped_run_is_resumed_to_the_same_bits(results, backend):
    assert results[backend]["same_bits"]


@pytest.mark.parametrize("backend", ON_EACH)
def test_compressed_images_come_back(results, backend):
    assert results[backend]["decompressed"]


@pytest.mark.parametrize("other", BACKENDS)
@pytest.mark.parametrize("backend", ON_EACH)
def test_losses_agree_with_the_same_weights_and_noise(results, backend, other):
    ours, theirs = results[backend]["losses"], kept(here / "made_on" / other)["losses"]
    assert set(ours) == set(theirs)
    for model, steps in ours.items():
        np.testing.assert_allclose(steps, theirs[model], rtol=1e-5, err_msg=model)
        assert abs(steps[2] - steps[0]) > 1e-4 * steps[0]  # it has learnt between


@pytest.mark.parametrize("other", BACKENDS)
@pytest.mark.parametrize("backend", ON_EACH)
def test_it_opens_and_resumes_what_another_made(results, backend, other):
    for place, found in results[backend]["opened"].items():
        when, _, maker = place.partition("-")
        if maker != other:
            continue
        assert found["encode"]["status"] == 0, found["encode"]
        codes = kept(here / "made_on" / other) if when == "kept" else results[other]
        np.testing.assert_allclose(found["codes"], codes["codes"], atol=1e-5)
        resumed = found["resume"]
        assert resumed["status"] == 0, resumed
        assert f"backend {other} (now {backend})" in resumed["err"]
        assert "epoch 2/2" in resumed["out"] and "epoch 1/2" not in resumed["out"]
    assert other == backend or f"kept-{other}" in results[backend]["opened"]


def test_a_backend_that_is_not_installed_is_named_in_a_line(tmp_path):
    code = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == "jax": raise ModuleNotFoundError("No module named 'jax'", name=name)
sys.meta_path.insert(0, Missing())
from vae_nb.cli import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code, "train", "digits", "--likelihood", "gaussian"],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    said = "vae_nb: error: Keras' backend jax is not installed: pip install jax"
    assert done.returncode == 2 and done.stderr.startswith(said), done.stderr
    assert done.stderr.count("\n") == 1 and list(tmp_path.iterdir()) == []
