"""Write vae_nb/ from the notebooks, all of it or, if a cell is wrong, nothing of it.

    python nbs/export.py
"""

import ast
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
WRITTEN_BY_HAND = ("__init__.py",)


def check_syntax(notebook: Path) -> None:
    "Stop with notebook, cell and line if Python cannot read a cell that is exported."
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and re.search(r"^#\| *exporti?s?\b", source, re.M):
            try:
                ast.parse(source)
            except SyntaxError as e:
                sys.exit(
                    f"{notebook.name}, cell {cell['id']}, line {e.lineno}: {e.msg}\n"
                    f"    {(e.text or '').strip()}\nvae_nb/ is as it was"
                )


def stub(package: Path) -> str:
    "`__init__.pyi`: every exported name and its module, for type checkers and for the lazy imports."
    names = {}
    for path in sorted(package.glob("[!_]*.py")):
        if path.stem != "cli":  # for the shell alone
            names[path.stem] = exported(path)
    lines = ["# Written by nbs/export.py from what the notebooks export."]
    for module, exports in names.items():
        if exports:
            lines.append(f"from .{module} import {', '.join(exports)}")
    everything = sorted(sum(names.values(), []))
    lines.append(f"\n__version__: str\n__all__ = {everything!r}")
    return "\n".join(lines) + "\n"


def exported(module: Path) -> list[str]:
    "The names in a module's `__all__`."
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return sorted(ast.literal_eval(node.value))
    return []


def export(copy: Path) -> None:
    "Make the package anew in `copy`, a folder that shall hold what nbdev needs."
    (copy / "nbs").mkdir()
    (copy / "vae_nb").mkdir()
    for path in [*root.glob("nbs/*.ipynb"), root / "settings.ini"]:
        shutil.copy2(path, copy / path.relative_to(root))
    for name in WRITTEN_BY_HAND:
        shutil.copy2(root / "vae_nb" / name, copy / "vae_nb" / name)
    for notebook in sorted(copy.glob("nbs/*.ipynb")):
        check_syntax(notebook)
    subprocess.run([bin / "nbdev_export"], cwd=copy, check=True)
    (copy / "vae_nb" / "__init__.pyi").write_text(stub(copy / "vae_nb"))
    modules = [p for p in copy.glob("vae_nb/*.py*") if p.name != "_modidx.py"]
    tidy = [bin / "ruff", "format", "--quiet", "--config", root / "pyproject.toml"]
    subprocess.run([*tidy, *modules], cwd=copy, check=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as copy:
        export(Path(copy))
        made = {path.name: path for path in Path(copy, "vae_nb").glob("*.py*")}
        for path in (root / "vae_nb").glob("*.py*"):
            if path.name not in made:
                path.unlink()  # its notebook is gone
                print(f"removed vae_nb/{path.name}")
        for name, path in sorted(made.items()):
            old = root / "vae_nb" / name
            if not (old.exists() and filecmp.cmp(path, old, shallow=False)):
                shutil.copy2(path, old)
                print(f"wrote vae_nb/{name}")


if __name__ == "__main__":
    main()
