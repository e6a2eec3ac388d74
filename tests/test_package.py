"""What a user installs, what the README promises, and training on several devices."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

import vae_nb

root = Path(__file__).resolve().parent.parent
python = [sys.executable, "-c"]
parser = ConfigParser()
parser.read(root / "settings.ini", encoding="utf-8")
settings = parser["DEFAULT"]
text = {"check": True, "capture_output": True, "text": True}


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    "A folder with the source distribution and, built from it, the wheel, as released."
    folder = tmp_path_factory.mktemp("dist")
    copy = folder / "project"  # a build writes beside the sources
    ours = ("vae_nb", "nbs", "tests", "benchmarks", ".github")
    copy.mkdir()
    for path in root.iterdir():
        if path.is_file():
            shutil.copy2(path, copy)
        elif path.name in ours:
            unwanted = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
            shutil.copytree(path, copy / path.name, ignore=unwanted)
    build = f"from setuptools.build_meta import build_sdist as b; b({str(folder)!r})"
    subprocess.run([*python, build], cwd=copy, **text)
    shutil.rmtree(copy)  # the wheel is made from the source distribution alone
    (sdist,) = folder.glob("*.tar.gz")
    offline = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    pip = [sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", folder, sdist]
    subprocess.run(pip, **text)
    return folder


@pytest.fixture(scope="module")
def installed(dist, tmp_path_factory):
    "Runs Python somewhere else, where the wheel is installed and no project is around."
    site, elsewhere = (tmp_path_factory.mktemp(name) for name in ("site", "elsewhere"))
    offline = ["--quiet", "--no-deps", "--no-index", "--target", site]
    (wheel,) = dist.glob("*.whl")
    subprocess.run([sys.executable, "-m", "pip", "install", *offline, wheel], **text)

    def run(*arguments):
        env = {**os.environ, "PYTHONPATH": str(site)}
        return subprocess.run(
            [sys.executable, *arguments], cwd=elsewhere, env=env, **text
        )

    run.site = site
    return run


def test_the_wheel_holds_the_library_and_nothing_else(dist):
    (wheel,) = dist.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    modules = {
        f"vae_nb/{p.name}"
        for p in (root / "vae_nb").iterdir()
        if p.suffix in (".py", ".pyi", ".typed")
    }
    models = {
        f"vae_nb/pretrained/{name}/{file}"
        for name in vae_nb.PRETRAINED
        for file in ("model.keras", "config.json", "history.csv", "metrics.json")
    }
    models |= {
        f"vae_nb/pretrained/{path.parent.name}/{path.name}"
        for path in root.glob("vae_nb/pretrained/*/densities.npz")
    }
    pages = {f"vae_nb/{p.parent.name}/{p.name}" for p in root.glob("vae_nb/*_js/*")}
    assert len(pages) > 10
    assert {n for n in names if ".dist-info/" not in n} == modules | models | pages
    assert sum(zipfile.ZipFile(wheel).getinfo(n).file_size for n in models) < 20_000_000
    assert any(n.endswith("LICENSE") for n in names)
    (about,) = (n for n in names if n.endswith(".dist-info/METADATA"))
    page = zipfile.ZipFile(wheel).read(about).decode()
    links = re.findall(r"""(?:\]\(|src=")([^)"]+)""", page)
    assert len(links) > 10 and all(link.startswith("https://") for link in links)


def test_the_source_distribution_holds_what_the_library_is_made_from(dist):
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    # the site makes the pages of commands and modules
    made = "__pycache__", ".ipynb_checkpoints", "commands", "modules"
    for folder in ("nbs", "tests"):
        ours = {
            path.relative_to(root).as_posix()
            for path in (root / folder).rglob("*")
            if path.is_file() and not {*made} & {*path.parts}
        }
        assert ours - names == set()
    assert {"settings.ini", "LICENSE", "README.md", "Makefile"} <= names
    assert not [name for name in names if name.endswith(".pyc")]


def test_the_wheel_works_with_no_project_around(installed):
    code = """
import vae_nb
assert vae_nb.load_pretrained().vae.sample(3, seed=0).shape == (3, 28, 28, 1)
print(vae_nb.__file__)
"""
    assert installed("-c", code).stdout.startswith(str(installed.site))


def test_python_m_vae_nb_is_the_command_and_its_help_leaves_tensorflow_alone(installed):
    done = installed("-X", "importtime", "-m", "vae_nb", "--help")
    assert done.stdout.startswith("Usage: vae_nb ") and "\n  train " in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "vae_nb.cli" in imported
    assert not {"tensorflow", "keras", "matplotlib", "sklearn"} & imported
    command = subprocess.run(
        [installed.site / "bin" / "vae_nb", "--help"],
        env={**os.environ, "PYTHONPATH": str(installed.site)},
        **text,
    )
    assert command.stdout == done.stdout


def test_settings_package_citation_and_changelog_name_one_version():
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    latest = re.search(r"^## ([\d.]+)", changelog, re.M)[1]
    named = {settings["version"], citation["version"], latest}
    assert named == {vae_nb.__version__}
    assert citation["repository-code"] == settings["git_url"]
    page = (root / "nbs" / "references.md").read_text(encoding="utf-8")
    entry = dict(re.findall(r"^  (\w+) = \{(.*?)\},?$", page, re.M))
    assert entry["version"] == citation["version"] and entry["url"] == citation["url"]
    assert entry["title"].replace("\\", "") == citation["title"]
    assert entry["author"] == f"{{{citation['authors'][0]['name']}}}"


def test_constraints_are_the_lower_bounds_of_the_requirements():
    oldest = subprocess.run([sys.executable, root / ".github" / "oldest.py"], **text)
    assert re.search(r"^keras==3\.\d+$", oldest.stdout, re.M)
    lines = oldest.stdout.splitlines()
    assert len(lines) == len(settings["requirements"].split())
    for line in lines:
        assert line.replace("==", ">=") in settings["requirements"]


def test_workflows_may_write_only_where_they_publish():
    workflows = {
        path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in (root / ".github" / "workflows").iterdir()
    }
    granted = {
        (name, job): content["permissions"]
        for name, workflow in workflows.items()
        for job, content in workflow["jobs"].items()
        if "permissions" in content
    }
    for workflow in workflows.values():
        assert workflow["permissions"] == {"contents": "read"}
    assert granted == {
        ("deploy", "deploy"): {"pages": "write", "id-token": "write"},
        ("release", "publish"): {"id-token": "write"},
    }


def test_what_contributing_names_is_there():
    page = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)\)", page)
    folders = "nbs|vae_nb|tests|benchmarks|.github"
    named = re.findall(rf"`((?:{folders})/[\w./]*|\w+\.(?:md|ini|toml))`", page)
    missing = [name for name in {*links, *named} if not (root / name).exists()]
    missing.remove("nbs/18_my_page.ipynb")  # the reader is to make it
    assert len(links) > 10 and missing == []
    targets = set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text(), re.M))
    assert set(re.findall(r"\bmake ([a-z]+)", page)) - targets == set()


def test_the_rooms_of_contributing_are_those_of_the_notebooks():
    page = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rooms = re.findall(r"\]\((nbs/\w+\.ipynb)\) \| `(\w+)\.py` \|", page)
    assert len(rooms) > 10
    for notebook, module in rooms:
        cells = json.loads((root / notebook).read_text(encoding="utf-8"))["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells)
        assert re.findall(r"^#\| *default_exp +(\w+)", code, re.M) == [module], notebook


def test_the_python_example_of_the_readme_runs(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", (root / "README.md").read_text(), re.S)
    assert blocks
    # for one epoch: index.ipynb, which the README is written from, trains to the end
    shorter = "vae_nb.train = functools.partial(vae_nb.train, epochs=1)"
    code = "\n".join(["import functools, vae_nb", shorter, *blocks])
    assert "\nplot_manifold(run.vae)" in code
    code = code.replace("\nplot_manifold", "\nfigure = plot_manifold")
    code += '\nfigure.savefig("manifold.png")'
    subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True
    )
    assert (tmp_path / "manifold.png").stat().st_size > 10_000


def test_every_link_of_the_readme_leads_somewhere():
    links = re.findall(
        r"""(?:\]\(|src=")(?!https?:|#)([^)"#]+)""", (root / "README.md").read_text()
    )
    assert (
        len(links) > 10 and [link for link in links if not (root / link).exists()] == []
    )


def test_a_step_on_two_replicas_is_a_step_on_one():
    code = """
import numpy as np, tensorflow as tf, keras
cpu = tf.config.list_physical_devices("CPU")[0]
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, two)
from vae_nb import VAE, build_decoder, build_encoder
images = np.random.default_rng(0).uniform(size=(64, 28, 28, 1)).astype("float32")

def step():
    vae = VAE(build_encoder(seed=0), build_decoder(seed=0))
    bias = vae.encoder.get_layer("z_log_var").bias
    bias.assign(np.full(2, -40.0))  # hardly any noise: replicas draw different noise
    vae.compile(keras.optimizers.SGD(1e-3))
    history = vae.fit(images, batch_size=64, epochs=2, shuffle=False, verbose=0).history
    return vae.get_weights(), history

one, h1 = step()
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope(): two, h2 = step()
start = VAE(build_encoder(seed=0), build_decoder(seed=0)).get_weights()
assert max(np.abs(u - v).max() for u, v in zip(one, start)) > 1e-3
for u, v in zip(one, two): np.testing.assert_allclose(u, v, atol=2e-5)
for name in h1: np.testing.assert_allclose(h1[name], h2[name], rtol=1e-4)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


def test_the_readme_lists_every_page_as_it_is_called():
    readme = (root / "README.md").read_text(encoding="utf-8")
    for path in sorted((root / "nbs").glob("[0-9]*.ipynb")):
        first = json.loads(path.read_text(encoding="utf-8"))["cells"][0]
        title, _, subtitle = "".join(first["source"]).partition("\n\n> ")
        number = path.name.partition("_")[0]
        name = f"[{number} {title.removeprefix('# ')}](nbs/{path.name})"
        row = f"| {name} | " + subtitle.replace("|", "\\|")
        there = f"{row} |" in readme or f"{row}<br>`" in readme
        assert there, f"run `python nbs/run.py index` and `make export`: {row}"
