"""The command line as a user calls it: processes, signals, full disks, the machine without a network."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

COMMAND = [sys.executable, "-c", "from vae_nb.cli import main; main()"]
NO_NETWORK = """
import socket
def refuse(*args, **kwargs): raise OSError("Network is unreachable")
socket.socket.connect = socket.getaddrinfo = refuse
from vae_nb.cli import main; main()
"""


def vae_nb(*arguments, cwd, code=0, command=COMMAND, **options):
    done = subprocess.run(
        [*command, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        **options,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def one_line(done) -> str:
    assert (
        done.stderr.startswith("vae_nb: ")
        and done.stderr.count("\n") == 1
        and "Traceback" not in done.stderr
    ), done.stderr
    return done.stderr


def test_help_and_import_are_quick_and_leave_tensorflow_alone():
    for code in (
        "import vae_nb",
        "import sys; sys.argv = ['vae_nb', '--help']; from vae_nb.cli import main; main()",
    ):
        code += "; import sys; assert not {'tensorflow', 'keras', 'matplotlib', 'sklearn'} & set(sys.modules)"
        seconds = []
        for _ in range(3):  # the best of three: the machine may be busy
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, "-c", code], check=True, capture_output=True
            )
            seconds.append(time.perf_counter() - start)
        assert min(seconds) < 1


def test_every_exported_name_is_in_the_package():
    import importlib

    import vae_nb

    assert not {"main", "app", "plot"} & set(
        vae_nb.__all__
    )  # the command line's own functions
    modules = (
        "data",
        "elbo",
        "likelihoods",
        "own_images",
        "sampling",
        "encoder",
        "decoder",
        "training",
        "visualization",
        "evaluation",
        "audit",
        "cli",
    )
    for module in modules:
        for name in importlib.import_module(f"vae_nb.{module}").__all__:
            if (
                callable(getattr(importlib.import_module(f"vae_nb.{module}"), name))
                and module != "cli"
            ):
                assert (
                    name in vae_nb.__all__
                    and getattr(vae_nb, name).__module__ == f"vae_nb.{module}"
                )
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        vae_nb.nothing


def test_the_same_command_gives_the_same_run(tmp_path):
    for name in ("a", "b"):
        vae_nb(
            "train", "digits", "--epochs", 2, "--seed", 5, "--out", name, cwd=tmp_path
        )
    for file in (
        "config.json",
        "history.csv",
        "metrics.json",
        "manifold.png",
        "label_clusters.png",
        "reconstructions.png",
        "history.png",
    ):
        assert (tmp_path / "a" / file).read_bytes() == (
            tmp_path / "b" / file
        ).read_bytes(), file
    from vae_nb import load_run

    for u, v in zip(
        load_run(tmp_path / "a").vae.get_weights(),
        load_run(tmp_path / "b").vae.get_weights(),
    ):
        np.testing.assert_array_equal(u, v)


def test_without_network_or_data_it_says_so_and_trains_on_digits(tmp_path):
    options = dict(
        cwd=tmp_path,
        command=[sys.executable, "-c", NO_NETWORK],
        env={**os.environ, "KERAS_HOME": str(tmp_path / "empty")},
    )
    done = vae_nb(
        "train", **options
    )  # the whole recipe: one epoch would be too short to use both latents, and say so
    assert (
        "Network is unreachable" in one_line(done)
        and "using digits instead" in done.stderr
    )
    config = json.loads(
        (tmp_path / "runs" / "digits-default" / "config.json").read_text()
    )
    assert config["dataset"] == "digits"
    assert "could not be downloaded" in one_line(
        vae_nb("train", "fashion_mnist", code=2, **options)
    )
    assert [p.name for p in (tmp_path / "runs").iterdir()] == ["digits-default"]


def test_the_article_recipe_follows_the_articles_log():
    if "VAE_NB_REQUIRE_DATA" not in os.environ:
        pytest.skip("needs Fashion-MNIST; set VAE_NB_REQUIRE_DATA=1 to insist")
    from vae_nb import load_dataset, train

    published = np.genfromtxt(
        Path(__file__).parent.parent / "nbs" / "article_history.csv",
        delimiter=",",
        names=True,
    )
    run = train(load_dataset("fashion_mnist"), recipe="article", epochs=2)
    assert abs(run.history["loss"][1] - published["loss"][1]) < 2
    assert (
        abs(run.history["kl_loss"][1] / 2 - published["kl_loss"][1]) < 1
    )  # its KL is the mean over two latents


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["digits", "--recipe", "best"], "unknown recipe 'best'"),
        (["digits", "--batch-size", "0"], "batch_size is 0"),
        (["digits", "--seed", "-1"], "seed is -1"),
        (["digits", "--beta", "-1"], "beta is -1"),
        (["digits", "--learning-rate", "nan"], "learning_rate is nan"),
        (
            ["digits", "--epochs", "1", "--learning-rate", "1e30"],
            "smaller learning rate",
        ),
        (["no/such/folder"], "unknown dataset 'no/such/folder'"),
        (["digits", "--out", "/proc/here"], "cannot write to /proc"),
        (["digits", "--out", "file/run"], "cannot write to file (Not a directory)"),
        (["digits", "--out", "file"], "file exists already"),
    ],
)
def test_bad_input_is_one_line(tmp_path, arguments, words):
    (tmp_path / "file").write_text("mine")
    done = vae_nb("train", *arguments, cwd=tmp_path, code=2)
    assert words in one_line(done)
    assert [p.name for p in tmp_path.iterdir()] == ["file"] and (
        tmp_path / "file"
    ).read_text() == "mine"


def test_a_disk_that_fills_up_while_writing_leaves_nothing(tmp_path):
    def small_files():  # no file may grow past a megabyte, as on a disk with no more room
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    done = vae_nb(
        "train",
        "digits",
        "--epochs",
        1,
        "--out",
        "deep/run",
        cwd=tmp_path,
        code=2,
        preexec_fn=small_files,
    )
    assert "no room left in deep: nothing was kept" in one_line(done)
    assert list(tmp_path.iterdir()) == []


def interrupt(signal_, after, *arguments, cwd):
    "Train, send a signal once a line begins with `after`; exit status and what it complained about."
    process = subprocess.Popen(
        [*COMMAND, "train", *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # a background job ignores it
    while not process.stdout.readline().startswith(after):
        assert process.poll() is None
    process.send_signal(signal_)
    return process.communicate(timeout=120)[1], process.returncode


def test_ctrl_c_in_the_first_epoch_keeps_nothing(tmp_path):
    complaint, code = interrupt(
        signal.SIGINT,
        "digits: ",
        "digits",
        "--epochs",
        "300",
        "--out",
        "deep/run",
        cwd=tmp_path,
    )
    assert (
        code == 2
        and complaint == "vae_nb: interrupted: nothing was kept\n"
        and list(tmp_path.iterdir()) == []
    )


@pytest.mark.parametrize("signal_, code", [(signal.SIGINT, 2), (signal.SIGKILL, -9)])
def test_a_stopped_run_is_resumed_to_the_same_bits(tmp_path, signal_, code):
    arguments = ["digits", "--epochs", "30", "--out"]
    complaint, status = interrupt(signal_, "epoch 2/", *arguments, "run", cwd=tmp_path)
    assert status == code and [p.name for p in tmp_path.iterdir()] == ["run.unfinished"]
    if signal_ == signal.SIGINT:
        assert (
            complaint.count("\n") == 1
            and "run.unfinished has the last whole epoch" in complaint
        )
    assert "go on with it (--resume), or remove it" in one_line(
        vae_nb("train", *arguments, "run", cwd=tmp_path, code=2)
    )
    assert "begun with seed 0 instead of 1" in one_line(
        vae_nb(
            "train", *arguments, "run", "--resume", "--seed", 1, cwd=tmp_path, code=2
        )
    )
    done = vae_nb("train", *arguments, "run", "--resume", cwd=tmp_path)
    assert "epoch 1/" not in done.stdout and "epoch 30/30" in done.stdout
    vae_nb(
        "train", *arguments, "whole", "--resume", cwd=tmp_path
    )  # nothing to go on with: from the start
    for file in ("config.json", "history.csv", "metrics.json", "manifold.png"):
        assert (tmp_path / "run" / file).read_bytes() == (
            tmp_path / "whole" / file
        ).read_bytes(), file
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == sorted(
        p.name for p in (tmp_path / "whole").iterdir()
    )


def test_a_foreign_class_in_a_model_file_is_refused(tmp_path):
    vae_nb("train", "digits", "--epochs", 1, "--out", "run", cwd=tmp_path)
    net = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x + 1)])
    net.save(tmp_path / "run" / "model.keras")
    assert "cannot be read" in one_line(vae_nb("sample", "run", cwd=tmp_path, code=2))
