"""Run notebooks from top to bottom on Fashion-MNIST and save what they show.

python nbs/run.py              # all of them
python nbs/run.py 05_training  # these
"""

import sys
from pathlib import Path

import nbformat
from export import BIN, clean, exported_notebooks, run, write
from nbclient import NotebookClient

from vae_nb import load_dataset

ROOT = Path(__file__).resolve().parent.parent
# What TensorFlow writes to the terminal when it starts stays there.
KERNEL = ["--IPKernelApp.capture_fd_output=False"]


def run_notebook(path: Path) -> None:
    "Run a notebook; its file changes only if every cell succeeds."
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=None,
        coalesce_streams=True,
        extra_arguments=KERNEL,
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    write(path, nbformat.writes(notebook))
    clean(path)
    run(BIN / "nbdev_clean", "--fname", path, cwd=ROOT)


if __name__ == "__main__":
    load_dataset("fashion_mnist")  # or stop here: what is saved is to show clothes
    named = [ROOT / "nbs" / f"{Path(name).stem}.ipynb" for name in sys.argv[1:]]
    for path in named or exported_notebooks(ROOT):
        print(path.name, flush=True)
        run_notebook(path)
