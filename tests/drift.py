"""Are vae_nb/, the notebooks and README.md what `make export` makes of nbs/?

Also: does every cell that shows something carry its output, of Fashion-MNIST, and
nothing of the machine it ran on? The working tree stays as it is.
"""

import filecmp
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "nbs"))

import export  # noqa: E402

SHOWS = re.compile(r"^(    )?(print|display|Markdown|plot_\w+)\(", re.M)
QUIET = re.compile(r"^(#\| ?(hide|export|output: false)|def |class )", re.M)
GREETING = re.compile(  # what TensorFlow writes when it starts
    r"absl::InitializeLog|oneDNN custom operations|cudart_stub|cuda drivers"
    r"|cpu_feature_guard|TensorFlow binary is optimized|computation_placer"
    r"|cuda_platform|^[IWEF]\d{4} \d\d:|Unable to register cu"
    r"|^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWEF] ",
    re.M,
)


def files(project: Path) -> set[Path]:
    "What the check looks at, relative to the project."
    found = {
        path.relative_to(project)
        for part in ("nbs", "vae_nb")
        for path in (project / part).rglob("*")
        if path.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & {*path.parts}
    }
    return found | {Path("settings.ini"), Path("README.md")}


def drifted(project: Path, copy: Path) -> list[str]:
    "The files that `make export` would change, tried in the empty folder `copy`."
    for path in files(project):
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(project / path, copy / path)
    export.export(copy)
    return sorted(
        str(path)
        for path in files(project) | files(copy)
        if not same(project / path, copy / path)
    )


def same(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and filecmp.cmp(one, other, shallow=False)


def strangers(project: Path) -> list[str]:
    "Modules that no notebook made and that are not known to be written by hand."
    return [
        f"vae_nb/{path.name} comes from no notebook: export it from one, or name it in "
        "WRITTEN_BY_HAND of nbs/export.py"
        for path in sorted((project / "vae_nb").glob("*.py"))
        if path.name not in (*export.WRITTEN_BY_HAND, "_modidx.py")
        and export.MADE not in path.read_text(encoding="utf-8")
    ]


def output_faults(notebook: Path) -> list[str]:
    "What is wrong with the saved outputs of a notebook, and what to do."
    found = []
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            place = f"nbs/{notebook.name}, cell {cell['id']}"
            source = "".join(cell["source"])
            for fault, cure in cell_faults(source, cell["outputs"]):
                cure = cure.format(name=notebook.stem)
                found.append(f"{place} was saved {fault}: run `{cure}`")
    return found


def cell_faults(source: str, outputs: list[dict]) -> list[tuple[str, str]]:
    "(What is wrong, which command cures it)."
    again, tidy = "python nbs/run.py {name}", "make export"
    said = "\n".join(text_of(output) for output in outputs)
    lesson = SHOWS.search(source) and not QUIET.search(source)
    faults = {
        ("without its output", again): not outputs
        and (lesson or "#| fig-alt:" in source),
        ("without Fashion-MNIST", again): "using digits instead" in said,
        ("with an error", again): any(o["output_type"] == "error" for o in outputs),
        ("with TensorFlow's start-up lines", tidy): GREETING.search(said),
        ("with what it wrote to stderr", tidy): not GREETING.search(said)
        and any(o.get("name") == "stderr" for o in outputs),
    }
    return [fault for fault, found in faults.items() if found]


def text_of(output: dict) -> str:
    "The words of an output, pictures left out."
    data = output.get("data", {})
    words = [data[kind] for kind in data if kind.startswith("text/")]
    return "\n".join("".join(part) for part in [output.get("text", ""), *words])


def main() -> None:
    with tempfile.TemporaryDirectory() as copy:
        try:
            changed = drifted(ROOT, Path(copy))
        except export.Mistakes as mistakes:
            sys.exit("\n".join(mistakes.args))
    found = strangers(ROOT)
    for notebook in sorted((ROOT / "nbs").glob("*.ipynb")):
        found += output_faults(notebook)
    if changed:
        found.append(
            f"not what the notebooks make: {', '.join(changed)}\n"
            "run `make export`, and commit what changes"
        )
    if found:
        sys.exit("\n".join(found))
    print("No drift: the modules, the notebooks and README.md agree.")


if __name__ == "__main__":
    main()
