"""What every benchmark says of itself: machine, versions, commit; and where its figures go."""

import json
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

root = Path(__file__).resolve().parent.parent


def processor() -> str:
    "The processor's name, where Linux tells it."
    info = Path("/proc/cpuinfo")
    names = (
        [
            line.split(":")[1].strip()
            for line in info.read_text().splitlines()
            if line.startswith("model name")
        ]
        if info.exists()
        else []
    )
    return names[0] if names else platform.processor()


def provenance(*packages: str) -> dict:
    "Commit, machine and versions, to be asked before the work; `commit` ends in + if code was changed or added since."
    git = lambda *arguments: subprocess.check_output(
        ["git", *arguments], cwd=root, text=True
    ).strip()
    changed = git("status", "--porcelain", "--", "vae_nb", "benchmarks/*.py")
    return {
        "commit": git("rev-parse", "HEAD") + ("+" if changed else ""),
        "machine": {
            "processor": processor(),
            "cores": os.cpu_count(),
            "system": platform.system(),
            "scheduling": "real-time"
            if getattr(os, "sched_getscheduler", lambda pid: 0)(0) in (1, 2)
            else "usual",
        },
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in packages},
        },
    }


def write(name: str, results: dict) -> None:
    "Write benchmarks/results/`name`.json."
    (root / "benchmarks" / "results" / f"{name}.json").write_text(
        json.dumps(results, indent=2) + "\n"
    )
