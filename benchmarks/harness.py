"""What the benchmarks share: command line, provenance, clocks, memory, processes."""

import argparse
import inspect
import json
import os
import platform
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

root = Path(__file__).resolve().parent.parent
RESULTS = root / "benchmarks" / "results"
VAE_NB = [sys.executable, "-m", "vae_nb"]
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"


def run(
    measure: Callable[..., dict],  # takes `quick`, and its own arguments by name
    *arguments: tuple[str, dict],  # these, for `ArgumentParser.add_argument`
) -> None:
    "Print what a script measures; without --quick, write it to results/SCRIPT.json."
    parser = argparse.ArgumentParser(
        description=sys.modules[measure.__module__].__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--quick", action="store_true", help="in small, to see that it works"
    )
    for name, options in arguments:
        parser.add_argument(name, **options)
    chosen = parser.parse_args()
    results = measure(**vars(chosen))
    print(json.dumps(results, indent=2))
    if not chosen.quick:
        write(Path(inspect.getfile(measure)).stem, results)


def write(script: str, results: dict) -> None:
    (RESULTS / f"{script}.json").write_text(json.dumps(results, indent=2) + "\n")


def provenance(*packages: str) -> dict:
    """Commit, machine and versions, to be asked before the work.

    `commit` ends in + if code was changed or added since.
    """
    changed = _git("status", "--porcelain", "--", "vae_nb", "benchmarks/*.py")
    policy = getattr(os, "sched_getscheduler", lambda pid: 0)(0)
    return {
        "commit": _git("rev-parse", "HEAD") + ("+" if changed else ""),
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "system": platform.system(),
            "scheduling": "real-time" if policy in (1, 2) else "usual",
        },
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in packages},
        },
    }


def _git(*arguments: str) -> str:
    return subprocess.check_output(["git", *arguments], cwd=root, text=True).strip()


def _processor() -> str:
    "The processor's name, where Linux tells it."
    info = Path("/proc/cpuinfo")
    named = info.exists() and re.search(r"model name\s*: (.*)", info.read_text())
    return named[1] if named else platform.processor()


def timed(work: Callable, *arguments, **options) -> tuple[Any, dict[str, float]]:
    "What the work returns, and its seconds: by the clock, and of all cores together."
    start, processor = time.perf_counter(), time.process_time()
    result = work(*arguments, **options)
    return result, {
        "seconds": time.perf_counter() - start,
        "processor_seconds": time.process_time() - processor,
    }


def in_turn(
    tasks: Mapping[str, Callable[[], Any]], rounds: int
) -> dict[str, list[float]]:
    "Seconds of each task in each round; each round begins with another task."
    names = list(tasks)
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            seconds[name].append(timed(tasks[name])[1]["seconds"])
    return seconds


def peak_memory_mb(whose: int = resource.RUSAGE_SELF) -> int:
    """Of this process, or of the largest that it has waited for (RUSAGE_CHILDREN).

    On Linux it is at least what the process that started it held at that time: measure
    what a small process starts.
    """
    scale = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, KiB elsewhere
    return round(resource.getrusage(whose).ru_maxrss * scale / 1e6)


def alone(
    function: Callable[..., Any],
    *arguments: Any,
    python: str = sys.executable,  # another interpreter needs no vae_nb
) -> Any:
    "What a script's function returns in a process of its own. All values go as JSON."
    module = Path(inspect.getfile(function)).stem
    call = [module, function.__name__, json.dumps(arguments)]
    said = subprocess.check_output([python, __file__, *call], text=True)
    return json.loads(said.splitlines()[-1])


def trained(data: str | Path, *options: Any, out: Path) -> dict:
    "What `vae_nb train` takes from start to end, a process of its own."
    options = tuple(map(str, options))
    command = f"vae_nb train {Path(data).name} {' '.join(options)}".strip()
    return {
        "command": command,
        **alone(_command, "train", str(data), *options, "--out", str(out)),
    }


def _command(*arguments: str) -> dict:
    # to be called alone: a process that holds little, so that the peak is the command's
    command = [*VAE_NB, *arguments]
    _, clock = timed(subprocess.run, command, check=True, stdout=sys.stderr)
    return {
        "seconds": round(clock["seconds"], 1),
        "peak_memory_mb": peak_memory_mb(resource.RUSAGE_CHILDREN),
    }


if __name__ == "__main__":  # what `alone` starts
    module, function, arguments = sys.argv[1:]
    print(json.dumps(getattr(import_module(module), function)(*json.loads(arguments))))
