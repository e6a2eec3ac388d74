"""Fail if vae_nb/, the notebooks or README.md are not what `nbdev_export`, `nbdev_clean` and `make readme` make of nbs/,
or if a notebook's saved outputs are missing, or not of Fashion-MNIST.

Works on a copy: the working tree stays as it is.
"""

import filecmp
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

root = Path(__file__).resolve().parent.parent
bin = Path(sys.executable).parent
parts = ("nbs", "vae_nb", "settings.ini", "README.md")


def files(folder: Path) -> set[Path]:
    return {
        p.relative_to(folder)
        for part in parts
        for p in (folder / part, *(folder / part).rglob("*"))
        if p.is_file()
        and "__pycache__" not in p.parts
        and ".ipynb_checkpoints" not in p.parts
    }


with tempfile.TemporaryDirectory() as copy:
    copy = Path(copy)
    for path in files(root):
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / path, copy / path)
    for path in (copy / "vae_nb").glob("*.py"):
        if path.name != "__init__.py":
            path.unlink()  # a module without a notebook must not survive
    for command in (
        [bin / "nbdev_export"],
        [bin / "nbdev_clean"],
        [sys.executable, "nbs/readme.py"],
    ):
        subprocess.run(command, cwd=copy, check=True)
    drifted = sorted(
        str(p)
        for p in files(root) | files(copy)
        if not (
            (root / p).is_file()
            and (copy / p).is_file()
            and filecmp.cmp(root / p, copy / p, shallow=False)
        )
    )
for path in sorted((root / "nbs").glob("*.ipynb")):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    if any(
        "using digits instead" in json.dumps(cell.get("outputs", [])) for cell in cells
    ):
        sys.exit(
            f"{path.name} was saved without Fashion-MNIST: run `make notebooks` where it can be had"
        )
    for cell in cells:
        source = "".join(cell["source"])
        shows = (
            re.search(r"^(    )?(print|display|Markdown|plot_\w+)\(", source, re.M)
            and not re.search(
                r"^(#\| ?(hide|export|output: false)|def |class )", source, re.M
            )
            or "#| fig-alt:" in source
        )
        if cell["cell_type"] == "code" and shows and not cell["outputs"]:
            sys.exit(
                f"{path.name} was saved without the output of cell {cell['id']}: run it with nbs/run.py"
            )
if drifted:
    sys.exit(
        f"not what the notebooks make: {', '.join(drifted)}\nrun nbdev_export, nbdev_clean and `make readme`, and commit what changes"
    )
print("No drift: the modules, the notebooks and README.md agree.")
