"""Run notebooks from top to bottom on Fashion-MNIST and save what they show.

python nbs/run.py              # all of them
python nbs/run.py 05_training  # these
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from vae_nb import load_dataset

nbs = Path(__file__).resolve().parent


def run(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=None,
        coalesce_streams=True,
        resources={"metadata": {"path": str(nbs)}},
    ).execute()
    for cell in notebook.cells:
        if (
            cell.cell_type == "code"
        ):  # TensorFlow greets on stderr, which no reader wants to see
            cell.outputs = [
                o
                for o in cell.outputs
                if not (o.get("name") == "stderr" and "absl::InitializeLog" in o.text)
            ]
    nbformat.write(notebook, path)


if __name__ == "__main__":
    load_dataset("fashion_mnist")  # or stop here: what is saved is to show clothes
    for path in [nbs / f"{name}.ipynb" for name in sys.argv[1:]] or sorted(
        nbs.glob("*.ipynb")
    ):
        print(path.name, flush=True)
        run(path)
