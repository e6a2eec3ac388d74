"""Run folders to try the command on."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path


def edit(file: str, change: Callable[[dict], object]) -> Callable[[Path], None]:
    "What changes a JSON file of a run."

    def apply(run: Path) -> None:
        values = json.loads((run / file).read_text())
        change(values)
        (run / file).write_text(json.dumps(values))

    return apply


def copy_here(place: Path) -> None:
    "All that lies in a folder."
    shutil.copytree(place, Path(), dirs_exist_ok=True)
