"""The command line as a user calls it: fresh processes, one without a network."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from command import START, accepted, ended, process

from vae_nb import load_dataset, load_run, train

pytestmark = pytest.mark.usefixtures("here")
HEAVY = "{'tensorflow', 'keras', 'matplotlib', 'sklearn', 'PIL'}"
HELP = "import sys; sys.argv = ['vae_nb', *{}]; {}"
QUICK = {
    "import": "import vae_nb",
    "help": HELP.format(["--help"], START),
    "help on training": HELP.format(["train", "--help"], START),
}


@pytest.mark.parametrize("code", QUICK.values(), ids=QUICK)
def test_help_and_import_are_quick_and_leave_tensorflow_alone(code):
    code += f"; import sys; assert not {HEAVY} & set(sys.modules)"
    seconds = []
    for _ in range(3):  # the best of three: the machine may be busy
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1


def test_the_same_command_gives_the_same_run():
    command = ("train", "digits", "--epochs", 2, "--seed", 5, "--out")
    other = process(*command, "b")  # elsewhere, and at the same time
    accepted(*command, "a")
    done = ended(other)
    assert done.status == 0, done.err
    names = sorted(os.listdir("a"))
    assert names == sorted(os.listdir("b")) and len(names) == 8
    for name in names:
        if name != "model.keras":  # a zip, with times in it
            assert Path("a", name).read_bytes() == Path("b", name).read_bytes(), name
    runs = load_run("a"), load_run("b")
    for u, v in zip(*(run.vae.get_weights() for run in runs)):
        np.testing.assert_array_equal(u, v)


NO_NETWORK = """
import socket, sys
def refuse(*args, **kwargs): raise OSError("Network is unreachable")
socket.socket.connect = socket.getaddrinfo = refuse
from vae_nb.cli import main
main()
print("that was the first", file=sys.stderr)
sys.argv = ["vae_nb", "train", "fashion_mnist"]
main()
"""


def test_without_network_or_data_it_says_so_and_trains_on_digits(here):
    empty = {**os.environ, "KERAS_HOME": str(here / "empty")}
    done = ended(process("train", "--epochs", 1, code=NO_NETWORK, env=empty))
    assert done.status == 2, done.err
    digits, first, refusal = done.err.splitlines()
    assert "Network is unreachable" in digits and "using digits instead" in digits
    assert first == "that was the first" and "could not be downloaded" in refusal
    assert [path.name for path in Path("runs").iterdir()] == ["digits-default"]
    config = json.loads(Path("runs/digits-default/config.json").read_text())
    assert config["dataset"] == "digits"


def test_the_article_recipe_begins_as_the_run_that_page_80_holds_to_the_articles_log():
    if "VAE_NB_REQUIRE_DATA" not in os.environ:
        pytest.skip("needs Fashion-MNIST; set VAE_NB_REQUIRE_DATA=1 to insist")
    results = Path(__file__).parent.parent / "benchmarks" / "results"
    kept = np.genfromtxt(results / "article_history.csv", delimiter=",", names=True)
    assert (kept["seed"][0], kept["epoch"][0]) == (0, 1)
    run = train(load_dataset("fashion_mnist"), recipe="article", epochs=1)
    for name in ("loss", "reconstruction_loss", "kl_loss"):
        assert run.history[name][0] == pytest.approx(kept[name][0], abs=0.2), name
