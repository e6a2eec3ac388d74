"""The scripts in benchmarks/ work, in small. Their figures are checked where they are shown, in nbs/80 to 82."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

root = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("script", ["article", "throughput", "speed", "evaluation"])
def test_a_benchmark_runs_in_small_and_writes_nothing(script):
    results = root / "benchmarks" / "results"
    before = {p: p.read_bytes() for p in results.iterdir()}
    done = subprocess.run(
        [sys.executable, f"benchmarks/{script}.py", "--quick"],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    record = json.loads(done.stdout[done.stdout.index("{") :])
    record = record["runs"][0] if "runs" in record else record
    assert (
        len(record["commit"].rstrip("+")) == 40
        and record["machine"]["cores"]
        and record["versions"]["tensorflow"]
    )
    assert {p: p.read_bytes() for p in results.iterdir()} == before
