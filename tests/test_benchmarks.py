"""The scripts in benchmarks/ work, in small; nbs/80 to 82 check their figures."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

root = Path(__file__).resolve().parent.parent
results = root / "benchmarks" / "results"
SCRIPTS = ("article", "throughput", "bound_over_time", "speed", "evaluation")


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


def test_the_peak_memory_of_a_command_is_not_that_of_who_started_it(monkeypatch):
    monkeypatch.syspath_prepend(root / "benchmarks")
    import harness

    ours = np.ones(50_000_000)  # 400 MB
    taken = harness.alone(harness._command, "--help")
    assert 5 < taken["peak_memory_mb"] < ours.nbytes / 2e6
    assert harness.peak_memory_mb() > ours.nbytes / 1e6
