"""What an author meets: the export, the drift check, help, types."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "nbs"), str(ROOT / "tests")]

import drift  # noqa: E402
import export  # noqa: E402
import lint  # noqa: E402

ONE = {
    "title": "# One\n\n> The first module",
    "module": "#| default_exp one",
    "lesson": "#| exports\ndef first() -> int:\n    return 1",
    "use": "first()",
}
TWO = {
    "module": "#| default_exp two",
    "lesson": "#| export\nfrom vae_nb.one import first\n\nTWO = first() + 1",
}


def cell(name: str, source: str) -> dict:
    "A cell of a notebook; the title is text, all others are code."
    made = {"id": name, "metadata": {}, "source": source.splitlines(keepends=True)}
    if name == "title":
        return {"cell_type": "markdown", **made}
    return {"cell_type": "code", "execution_count": None, "outputs": [], **made}


def write_notebook(path: Path, cells: dict[str, str], *outputs: dict) -> None:
    "A notebook of cells by name; the last one shows the outputs."
    made = [cell(name, source) for name, source in cells.items()]
    if outputs:
        made[-1]["outputs"] = list(outputs)
    kernel = {"display_name": "python3", "language": "python", "name": "python3"}
    content = {
        "cells": made,
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    text = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def exported_project(tmp_path_factory) -> Path:
    "A small project with two notebooks, exported."
    folder = tmp_path_factory.mktemp("exported")
    for part in ("nbs", "vae_nb", "tests"):
        (folder / part).mkdir(parents=True)
    for name in (
        *("settings.ini", "pyproject.toml", "vae_nb/__init__.py", "tests/drift.py"),
        *("nbs/export.py", "nbs/readme.py", "vae_nb/_help.py"),
    ):
        shutil.copy(ROOT / name, folder / name)
    write_notebook(folder / "nbs/index.ipynb", {"title": "# Small\n\n> A project"})
    write_notebook(folder / "nbs/01_one.ipynb", ONE)
    write_notebook(folder / "nbs/02_two.ipynb", TWO)
    done = run(folder, "nbs/export.py")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def project(exported_project, tmp_path) -> Path:
    "A copy of it, to be spoilt."
    return Path(shutil.copytree(exported_project, tmp_path / "project"))


def run(project: Path, *command: str) -> subprocess.CompletedProcess:
    "Run Python in the project, with nothing but the project to import from."
    env = {**os.environ, "PYTHONPATH": str(project)}
    return subprocess.run(
        [sys.executable, *command], cwd=project, env=env, capture_output=True, text=True
    )


def package(project: Path) -> dict[str, str]:
    return {p.name: p.read_text() for p in (project / "vae_nb").glob("*.py*")}


def test_an_export_makes_modules_a_stub_and_a_readme(project):
    made = package(project)
    assert {"one.py", "two.py", "__init__.pyi"} <= set(made)
    assert made["one.py"].startswith('"""The first module"""')
    assert "from .one import first" in made["__init__.pyi"]
    assert "from .one import first" in made["two.py"]
    assert "# Small" in (project / "README.md").read_text()
    done = run(project, "-c", "import vae_nb; print(vae_nb.first(), vae_nb.TWO)")
    assert done.stdout == "1 2\n", done.stderr
    assert run(project, "nbs/export.py").stdout == "vae_nb/ is up to date\n"
    assert run(project, "tests/drift.py").returncode == 0


MISTAKES = {
    "a cell that Python cannot read": (
        "#| export\nx = 1\ndef f(:\n    pass",
        "cell lesson, line 3: invalid syntax\n    def f(:",
    ),
    "a return outside a function": (
        "#| export\nreturn 1",
        "cell lesson, line 2: 'return' outside function",
    ),
    "a misspelt directive": (
        "#| exprot\nx = 1",
        "cell lesson, line 1: `#| exprot` is not a directive: did you mean `#| export`",
    ),
    "a directive below code": (
        "x = 1\n#| export",
        "cell lesson, line 2: `#| export` has no effect below code",
    ),
    "nbdev 1's directive": (
        "# export\nx = 1",
        "cell lesson, line 1: `# export` has no effect: write `#| export`",
    ),
    "an export into another notebook's module": (
        "#| export one\nx = 1",
        "cell lesson, line 1: `#| export one`: a notebook exports to one module",
    ),
    "a second module": (
        "#| default_exp more",
        "cell lesson, line 1: a second `#| default_exp`",
    ),
    "a name that only a cell for show defines": (
        "#| export\ndef f():\n    return shown",
        "cell lesson: no exported cell defines `shown`",
    ),
    "a function written twice": (
        "#| export\ndef f():\n    return 1\n\ndef f():\n    return 2",
        "cell lesson: Redefinition of unused `f`",
    ),
    "a name that another notebook exports": (
        "#| export\ndef first():\n    return 2",
        "vae_nb/one.py and vae_nb/two.py both export first: rename one",
    ),
    "a function called like a module": (
        "#| export\ndef two():\n    return 2",
        "vae_nb/two.py exports two, a module's name: rename one",
    ),
}


@pytest.mark.parametrize("source, said", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_with_its_cell(project, tmp_path, source, said):
    write_notebook(project / "nbs/02_two.ipynb", {**TWO, "lesson": source})
    with pytest.raises(export.Mistakes) as mistakes:
        export.make_package(project, tmp_path / "copy")
    (line,) = mistakes.value.args
    assert said in line
    assert line.startswith(("nbs/02_two.ipynb, cell lesson", "vae_nb/"))


@pytest.mark.parametrize(
    "module, said",
    [
        ("two = 2", "nothing says where to export to: add a cell `#| default_exp"),
        ("#| default_exp one", "nbs/01_one.ipynb exports to `one`, too"),
        ("#| default_exp __init__", "a module cannot be called `__init__`"),
        ("#| default_exp a-b", "a module cannot be called `a-b`"),
    ],
)
def test_a_module_that_cannot_be_is_named(project, module, said):
    write_notebook(project / "nbs/02_two.ipynb", {**TWO, "module": module})
    (line,) = export.find_mistakes(export.exported_notebooks(project))
    assert line.startswith("nbs/02_two.ipynb, cell ") and said in line


def test_a_notebook_with_merge_conflicts_is_named(project):
    path = project / "nbs/02_two.ipynb"
    path.write_text(path.read_text().replace("{", "<<<<<<< HEAD\n{", 1))
    (line,) = export.find_mistakes(export.exported_notebooks(project))
    assert line.startswith("nbs/02_two.ipynb is not a notebook")
    assert "nbdev_fix" in line


def test_every_mistake_is_named_at_once_and_the_package_stays(project):
    before = package(project)
    write_notebook(project / "nbs/01_one.ipynb", {**ONE, "lesson": "#| export\n1 +"})
    write_notebook(project / "nbs/02_two.ipynb", {**TWO, "use": "#| hied\n1"})
    done = run(project, "nbs/export.py")
    assert done.returncode == 1
    first, _, second, last = done.stderr.splitlines()
    assert first.startswith("nbs/01_one.ipynb, cell lesson, line 2")
    assert second.startswith("nbs/02_two.ipynb, cell use, line 1")
    assert last == "vae_nb/ is as it was"
    assert package(project) == before


def test_a_module_goes_with_its_notebook_but_not_one_written_by_hand(project):
    (project / "vae_nb/mine.py").write_text("x = 1\n")
    (project / "nbs/02_two.ipynb").unlink()
    done = run(project, "nbs/export.py")
    assert done.stdout.endswith("removed vae_nb/two.py: no notebook exports it\n")
    assert {"one.py", "mine.py"} <= set(package(project))
    assert "TWO" not in package(project)["__init__.pyi"]
    done = run(project, "tests/drift.py")
    assert "vae_nb/mine.py comes from no notebook" in done.stderr


def test_after_nbdev_export_of_a_broken_cell_the_package_imports(project):
    write_notebook(project / "nbs/02_two.ipynb", {**TWO, "use": "#| export\ndef f(:"})
    nbdev = export.BIN / "nbdev_export"
    done = subprocess.run([nbdev], cwd=project, capture_output=True, text=True)
    assert done.returncode != 0
    done = run(project, "-c", "import vae_nb; print(vae_nb.first())")
    assert done.stdout == "1\n", done.stderr
    done = run(project, "tests/drift.py")
    assert "nbs/02_two.ipynb, cell use, line 2: invalid syntax" in done.stderr


def test_drift_says_what_to_run(project):
    write_notebook(project / "nbs/01_one.ipynb", {**ONE, "new": "#| export\nNEW = 1"})
    done = run(project, "tests/drift.py")
    assert "make: vae_nb/__init__.pyi, vae_nb/one.py" in done.stderr
    assert "run `make export`" in done.stderr
    assert run(project, "nbs/export.py").returncode == 0
    assert run(project, "tests/drift.py").returncode == 0


def test_lint_names_the_cell_of_a_fault():
    lines = (ROOT / "vae_nb/elbo.py").read_text(encoding="utf-8").splitlines()
    number = lines.index("def gaussian_kl(") + 1
    fault = f"vae_nb/elbo.py:{number}: error: no"
    assert lint.with_cell(fault) == f"{fault} (nbs/01_elbo.ipynb, cell gaussian-kl)"
    assert (
        lint.with_cell("tests/test_desk.py:1: error") == "tests/test_desk.py:1: error"
    )


def anchors(notebook: Path) -> set[str]:
    "Where a link into a notebook can lead in JupyterLab and on the site alike."
    found = set()
    for part in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        source = "".join(part["source"])
        if part["cell_type"] == "markdown":
            headings = re.findall(r"^#+ (.*)", source, re.M)
            found |= {re.sub("[`*]", "", head).replace(" ", "-") for head in headings}
            places = re.findall(r'<a id="equation-(\d+)"></a>\n\n\$\$', source)
            found |= {f"equation-{n}" for n in places if rf"\tag{{{n}}}" in source}
    return {anchor for anchor in found if anchor.isascii()}


def test_every_link_from_notebook_to_notebook_lands():
    "On the site Sphinx checks the same; JupyterLab finds only what stands in a cell."
    notebooks = ROOT / "nbs"
    linked, lost = 0, []
    for path in sorted(notebooks.glob("*.ipynb")):
        for part in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(part["source"]) if part["cell_type"] == "markdown" else ""
            for target, anchor in re.findall(r"\]\((\w+\.ipynb)#?([^)\s]*)\)", source):
                linked += 1
                there = (notebooks / target).exists()
                if not there or (anchor and anchor not in anchors(notebooks / target)):
                    lost.append(f"{path.name}, cell {part['id']}: {target}#{anchor}")
    assert linked > 40 and lost == []


GREETINGS = [
    "WARNING: All log messages before absl::InitializeLog() is called are written to",
    "I0000 00:00:1795639665.161247 6912 port.cc:153] oneDNN custom operations are on.",
    "I0000 00:00:1795639665.162407 6912 cudart_stub.cc:31] Could not find cuda drivers",
    "This TensorFlow binary is optimized to use available CPU instructions",
    "E0000 00:00:1795639670.832408 6912 cuda_platform.cc:52] failed call to cuInit",
    "2026-01-02 03:04:05.678901: I tensorflow/core/util/port.cc:153] on",
]


@pytest.mark.parametrize("line", GREETINGS)
@pytest.mark.parametrize("name", ["stderr", "stdout"])
def test_start_up_lines_are_not_saved(project, line, name):
    noise = {"output_type": "stream", "name": name, "text": [line + "\n"]}
    write_notebook(project / "nbs/01_one.ipynb", ONE, noise)
    (fault,) = drift.output_faults(project / "nbs/01_one.ipynb")
    assert "cell use was saved with TensorFlow's start-up lines" in fault
    export.clean(project / "nbs/01_one.ipynb")
    assert len(drift.output_faults(project / "nbs/01_one.ipynb")) == (name != "stderr")


def test_a_bar_of_progress_that_has_gone_is_not_saved(project):
    gone = {"output_type": "stream", "name": "stdout", "text": ["      \r"]}
    write_notebook(project / "nbs/01_one.ipynb", ONE, gone)
    export.clean(project / "nbs/01_one.ipynb")
    saved = json.loads((project / "nbs/01_one.ipynb").read_text())["cells"]
    assert gone not in [o for cell in saved for o in cell.get("outputs", [])]


def test_other_faults_of_saved_outputs_are_named():
    def faults(source, **output):
        outputs = [{"output_type": "stream", "name": "stdout", **output}]
        return [fault for fault, _ in drift.cell_faults(source, outputs)]

    assert faults("print(1)", text=["1\n"]) == []
    assert faults("f()", text="warning", name="stderr") == [
        "with what it wrote to stderr"
    ]
    assert faults("f()", text="not to be had: using digits instead") == [
        "without Fashion-MNIST"
    ]
    assert faults("f()", output_type="error") == ["with an error"]
    for source in (
        "print(1)",
        "#| fig-alt: a dot\ndraw()",
        "for i in j:\n    print(i)",
    ):
        assert drift.cell_faults(source, [])[0][0] == "without its output"
    for source in ("#| hide\nprint(1)", "def f():\n    print(1)", "x = 1"):
        assert drift.cell_faults(source, []) == []


def test_jupyter_opens_a_notebook_as_saved_and_saves_it_clean(project):
    from traitlets.config.loader import PyFileConfigLoader

    folder = ROOT / "nbs" / "_jupyter"
    config = PyFileConfigLoader("jupyter_server_config.py", path=folder).load_config()
    files = config.ServerApp.contents_manager_class(root_dir=str(project / "nbs"))
    before = (project / "nbs/01_one.ipynb").read_text()
    opened = asyncio.run(files.get("01_one.ipynb"))
    metadata = opened["content"]["metadata"]
    assert metadata["kernelspec"]["display_name"].startswith("Python 3")
    assert metadata["language_info"]["version"] == sys.version.split()[0]

    used = opened["content"]["cells"][-1]
    used["execution_count"] = 7
    used["outputs"] = [
        {"output_type": "stream", "name": "stderr", "text": GREETINGS[0]},
        {"output_type": "stream", "name": "stdout", "text": "1\n"},
    ]
    asyncio.run(files.save(opened, "01_one.ipynb"))
    cells = json.loads((project / "nbs/01_one.ipynb").read_text())["cells"]
    assert cells[-1]["execution_count"] is None
    assert [output["name"] for output in cells[-1]["outputs"]] == ["stdout"]
    used["outputs"] = []
    asyncio.run(files.save(opened, "01_one.ipynb"))
    assert (project / "nbs/01_one.ipynb").read_text() == before


def test_what_a_library_writes_below_python_is_not_shown_in_a_notebook(tmp_path):
    from nbclient import NotebookClient
    from nbformat.v4 import new_code_cell, new_notebook

    source = "import os, sys\nos.write(2, b'noise\\n')\nprint('said', file=sys.stderr)"
    notebook = new_notebook(cells=[new_code_cell(source)])
    profile = tmp_path / "profile_default"
    profile.mkdir()
    shutil.copy(ROOT / "nbs/_jupyter/ipython_kernel_config.py", profile)
    NotebookClient(notebook).execute(env={**os.environ, "IPYTHONDIR": str(tmp_path)})
    assert [output["text"] for output in notebook.cells[0].outputs] == ["said\n"]


HELPFUL = """#| export
from dataclasses import dataclass, field


def plain(x: int, y: str = "  # no comment", *, z=1.0) -> int:
    "Nothing is said of its parameters."


def double(
    x: int,  # what to double
    # how often,
    # at most ten times
    times: int
    | None = None,
    *rest: float,
    silent: str = "  # a string",
    **changes: object,  # fields of Box
) -> int:
    \"\"\"Twice `x`.

    Longer.
    \"\"\"


double.__parameter_help__ = {"size": "of the box"}


def setting(default, help, least):
    return field(default=default, metadata={"help": help, "least": least})


@dataclass(frozen=True)
class Box:
    size: int = field(
        default=1,
        metadata={"help": "in centimetres, " "outside"},
    )
    name: str = ""  # written on it
    weight: float = setting(1.0, "In kilograms.", least=0)

    @staticmethod
    def open(
        how: str,  # gently
    ):
        "Look inside."


class Thing:
    "Made of something."

    def __init__(self, of: str):  # wood
        self.of = of

    @classmethod
    def make(cls, what: str):  # the name
        "Make one."
"""
SHOW_HELP = """
import inspect, json, pickle, vae_nb
from vae_nb import double, Box, Thing
assert pickle.loads(pickle.dumps(double)) is double
assert pickle.loads(pickle.dumps(Box(3))) == Box(3)
assert list(inspect.signature(Box).parameters) == ["size", "name", "weight"]
things = (vae_nb.plain, double, Box.open, Thing, Thing.make)
print(json.dumps([inspect.getdoc(thing) for thing in things] + [Box.__doc__]))
"""


def test_help_explains_parameters_by_their_comments(project):
    write_notebook(project / "nbs/02_two.ipynb", {**TWO, "lesson": HELPFUL})
    assert run(project, "nbs/export.py").returncode == 0
    done = run(project, "-c", SHOW_HELP)
    assert done.returncode == 0, done.stderr
    plain, double, opened, thing, make, box = json.loads(done.stdout)
    title = "\n\nParameters\n----------\n"
    assert plain == "Nothing is said of its parameters."
    assert double == (
        f"Twice `x`.\n\nLonger.{title}x\n    what to double\n"
        "times\n    how often, at most ten times\n"
        "changes\n    fields of Box\nsize\n    of the box"
    )
    assert opened == f"Look inside.{title}how\n    gently"
    assert thing == f"Made of something.{title}of\n    wood"
    assert make == f"Make one.{title}what\n    the name"
    assert box.endswith(
        f"{title}size\n    in centimetres, outside\n"
        "name\n    written on it\nweight\n    In kilograms."
    )


def test_a_module_may_use_the_package_while_it_is_imported(project):
    early = "#| export\nimport vae_nb\n\nONE = vae_nb.first()\n\n\n"
    late = 'def late(\n    x,  # said\n):\n    "Later."'
    write_notebook(project / "nbs/02_two.ipynb", {**TWO, "lesson": early + late})
    assert run(project, "nbs/export.py").returncode == 0
    done = run(project, "-c", "import vae_nb; print(vae_nb.late.__doc__)")
    assert done.returncode == 0 and "x\n    said" in done.stdout, done.stderr


def test_help_does_without_the_sources(project):
    compiled = run(project, "-m", "compileall", "-b", "-q", "vae_nb")
    assert compiled.returncode == 0
    for path in (project / "vae_nb").glob("*.py"):
        path.unlink()
    done = run(
        project, "-c", "import vae_nb; print(vae_nb.first(), vae_nb.__version__)"
    )
    assert done.stdout.startswith("1 "), done.stderr


def test_help_of_the_package_explains_parameters():
    import vae_nb

    assert "z_mean\n    mu, shape (batch, latent_dim)" in vae_nb.gaussian_kl.__doc__


USER = """
from vae_nb import gaussian_kl, load_dataset, train
reveal_type(train(load_dataset("digits")).vae)
reveal_type(gaussian_kl)
load_dataset(3)
"""


def test_a_users_type_checker_sees_the_real_types(tmp_path):
    (tmp_path / "user.py").write_text(USER)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "user.py"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    vae, kl, wrong, _ = done.stdout.splitlines()
    assert 'Revealed type is "vae_nb.' in vae and vae.endswith('.VAE"')
    assert "z_mean" in kl
    assert wrong.startswith("user.py:5: error: Argument 1 to")
