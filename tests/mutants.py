"""One-line breaks of the library, each of which a notebook or a test must notice.

    python tests/mutants.py            # all of tests/mutants.toml, about half an hour
    python tests/mutants.py elbo runs  # those of these modules

Each is made in a copy of the project, exported, and run against what owns it. Prints
which survived, and fails if one did that is not named there with a reason.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

root = Path(__file__).resolve().parent.parent
bin = Path(sys.executable).parent
FOLDERS = ("nbs", "vae_nb", "tests", "benchmarks")
FILES = ("settings.ini", "setup.py", "pyproject.toml", "README.md", "Makefile")


def break_it(project: Path, mutant: dict) -> None:
    "Put the wrong line in place of the right one, which must be there once."
    notebook = project / "nbs" / f"{mutant['notebook']}.ipynb"
    content, found = json.loads(notebook.read_text(encoding="utf-8")), 0
    for cell in content["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and source.startswith("#| export"):
            found += source.count(mutant["old"])
            cell["source"] = source.replace(mutant["old"], mutant["new"])
    if found != 1:
        raise ValueError(f"{mutant['old']!r} is {found} times in {notebook.name}")
    notebook.write_text(json.dumps(content), encoding="utf-8")


def survives(mutant: dict, place: Path) -> bool:
    "Whether the owners of a mutant pass all the same."
    with tempfile.TemporaryDirectory(dir=place) as folder:
        project = Path(folder)
        for name in FOLDERS:
            ignored = shutil.ignore_patterns("__pycache__", "results.bak")
            shutil.copytree(root / name, project / name, ignore=ignored)
        for name in FILES:
            shutil.copy(root / name, project / name)
        break_it(project, mutant)
        environment = {**os.environ, "PYTHONPATH": str(project)}
        run = partial(subprocess.run, cwd=project, env=environment, capture_output=True)
        run([sys.executable, "nbs/export.py"], check=True)
        for owner in mutant.get("owners", [f"nbs/{mutant['notebook']}.ipynb"]):
            command = [bin / "pytest", "-x", "-q", *owner.split(" ")]
            if owner.endswith(".ipynb"):
                command = [bin / "nbdev_test", "--path", owner, "--n_workers", "1"]
            status = run(command, timeout=1200).returncode
            if status == pytest.ExitCode.NO_TESTS_COLLECTED:
                raise ValueError(f"{owner} is no test: name another owner")
            if status:
                return False
    return True


def main() -> None:
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    mutants = tomllib.loads(text)["mutant"]
    if sys.argv[1:]:
        wanted = sys.argv[1:]
        mutants = [m for m in mutants if m["notebook"].partition("_")[2] in wanted]
    start, survivors = time.perf_counter(), []
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(2) as both:
        outcomes = both.map(lambda mutant: survives(mutant, Path(place)), mutants)
        for mutant, survived in zip(mutants, outcomes):
            how = "SURVIVED" if survived else "caught"
            print(f"{how:8}  {mutant['notebook']}: {mutant['what']}", flush=True)
            if survived:
                survivors.append(mutant)
    minutes = (time.perf_counter() - start) / 60
    caught = len(mutants) - len(survivors)
    print(f"{caught} of {len(mutants)} caught in {minutes:.0f} minutes")
    for mutant in survivors:
        reason = mutant.get("survives", "no reason is known: add a check")
        print(f"survived: {mutant['notebook']}, {mutant['what']}: {reason}")
    sys.exit(any("survives" not in mutant for mutant in survivors))


if __name__ == "__main__":
    main()
