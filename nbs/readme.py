"""Write README.md from index.ipynb: its text, code and saved outputs.

Links are changed so that they work from the project's root.
"""

import re
from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter


def readable(cells: list) -> list:
    "The cells to show, as nbdev's directives have it."
    shown = [cell for cell in cells if not re.search(r"^#\| *hide", cell.source, re.M)]
    for cell in shown:
        if re.search(r"^#\| *echo: *false", cell.source, re.M):
            cell.source = "".join(o["data"]["text/markdown"] for o in cell.outputs)
            cell.cell_type = "markdown"
        if re.search(r"^#\| *output: *false", cell.source, re.M):
            cell.outputs = []
        cell.source = re.sub(r"^#\|.*\n", "", cell.source, flags=re.M)
    return shown


def write_readme(project: Path) -> None:
    notebook = nbformat.read(project / "nbs" / "index.ipynb", as_version=4)
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.cells = readable(notebook.cells)
    body, _ = MarkdownExporter().from_notebook_node(notebook)
    body = re.sub(r"```\n+```python\n", "\n", body)  # neighbouring cells: one example
    body = re.sub(r'(\]\(|src=")(?=(?:images/|\d\d[a-z]?_)[\w./]+)', r"\1nbs/", body)
    body = re.sub(r"\n{3,}", "\n\n", body).strip()
    note = "<!-- made from nbs/index.ipynb by `make export` -->"
    (project / "README.md").write_text(f"{note}\n\n{body}\n", encoding="utf-8")


if __name__ == "__main__":
    write_readme(Path(__file__).resolve().parent.parent)
