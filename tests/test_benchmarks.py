"""The scripts in benchmarks/ work, in small; nbs/80 to 82 check their figures.

Some are run here; `make benchmark` runs them all.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

root = Path(__file__).resolve().parent.parent
results = root / "benchmarks" / "results"
SCRIPTS = ("article", "speed", "evaluation")


@pytest.fixture(scope="module")
def records() -> dict:
    "What they measure in small, all in one process."
    before = {p: p.read_bytes() for p in results.iterdir()}
    done = subprocess.run(
        [sys.executable, "benchmarks/all.py", "--quick", *SCRIPTS],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert {p: p.read_bytes() for p in results.iterdir()} == before  # writes nothing
    return json.loads(done.stdout[done.stdout.index("\n{\n") :])


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_benchmark_runs_in_small_and_has_what_the_pages_read(script, records):
    record = records[script]
    written = json.loads((results / f"{script}.json").read_text())
    assert set(written) <= set(record)
    record = record["runs"][0] if "runs" in record else record
    assert len(record["commit"].rstrip("+")) == 40
    assert record["machine"]["cores"]
    assert record["versions"]["tensorflow"]


def test_make_benchmark_runs_every_script_that_measures(monkeypatch):
    monkeypatch.syspath_prepend(root / "benchmarks")
    import all as every

    measures = set()
    for file in (root / "benchmarks").glob("*.py"):
        if "\ndef measure(" in file.read_text():
            measures.add(file.stem)
    assert set(every.SCRIPTS) == measures


def test_the_peak_memory_of_a_command_is_not_that_of_who_started_it(monkeypatch):
    monkeypatch.syspath_prepend(root / "benchmarks")
    import harness

    ours = np.ones(50_000_000)  # 400 MB
    taken = harness.alone(harness._command, "--help")
    assert 5 < taken["peak_memory_mb"] < ours.nbytes / 2e6
    assert harness.peak_memory_mb() > ours.nbytes / 1e6


@pytest.fixture
def others(monkeypatch):
    monkeypatch.syspath_prepend(root / "benchmarks")
    import others

    return others


@pytest.mark.parametrize(("z_mean", "kl"), [(0, 0), (1, 1), (2, 4)])
def test_the_measure_for_all_is_the_negative_elbo(others, z_mean, kl):
    images = np.random.default_rng(0).random((700, 28, 28))

    def encode(x):
        return np.full((len(x), 2), z_mean), np.zeros((len(x), 2))

    bound = others.negative_elbo(images, encode, lambda z: np.full((len(z), 784), 0.5))
    assert bound == pytest.approx(784 * np.log(2) + kl)


def test_the_stopwatch_stands_still_while_it_measures(others):
    watch = others.Stopwatch([0, 0.05], lambda: time.sleep(0.3) or 1.0)
    watch.start()
    with pytest.raises(others.TimeIsUp):
        while True:
            time.sleep(0.01)
            watch.step()
    seconds = [point["seconds"] for point in watch.curve]
    assert seconds[0] < 0.05 <= seconds[1] < 0.3


def test_another_version_of_an_example_is_refused(others, tmp_path):
    (tmp_path / "keras_vae.py").write_text("import keras")
    with pytest.raises(ValueError, match=r"another version .*: get https://raw.github"):
        others.source("keras", tmp_path)
