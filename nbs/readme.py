"""Write README.md from index.ipynb: its text, code and saved outputs, with links that work from the project's root.

    python nbs/readme.py            # write it
    python nbs/readme.py --check    # say whether it is up to date
"""

import re
import sys
from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter

nbs = Path(__file__).resolve().parent
readme = nbs.parent / "README.md"


def text() -> str:
    notebook = nbformat.read(nbs / "index.ipynb", as_version=4)
    notebook.cells = [cell for cell in notebook.cells if not re.search(r"^#\| *hide", cell.source, re.M)]
    for cell in notebook.cells:
        if re.search(r"^#\| *echo: *false", cell.source, re.M):
            cell.cell_type, cell.source = "markdown", "".join(o["data"]["text/markdown"] for o in cell.outputs)
        cell.source = re.sub(r"^#\|.*\n", "", cell.source, flags=re.M)
    body, _ = MarkdownExporter().from_notebook_node(notebook)
    body = re.sub(r'(\]\(|src=")(?=(?:images/|\d\d_)[\w./]+)', r"\1nbs/", body)
    return "<!-- made from nbs/index.ipynb by `make readme` -->\n\n" + re.sub(r"\n{3,}", "\n\n", body).strip() + "\n"


if __name__ == "__main__":
    if "--check" not in sys.argv:
        readme.write_text(text(), encoding="utf-8")
    elif readme.read_text(encoding="utf-8") != text():
        sys.exit("README.md is not what nbs/index.ipynb says: run `make readme`")
