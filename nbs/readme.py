"""Write README.md from index.ipynb: its text, code and saved outputs, with links that work from the project's root."""

import re
from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter

nbs = Path(__file__).resolve().parent
notebook = nbformat.read(nbs / "index.ipynb", as_version=4)
notebook.metadata["language_info"] = {"name": "python"}
notebook.cells = [
    cell for cell in notebook.cells if not re.search(r"^#\| *hide", cell.source, re.M)
]
for cell in notebook.cells:
    if re.search(r"^#\| *echo: *false", cell.source, re.M):
        cell.cell_type, cell.source = (
            "markdown",
            "".join(o["data"]["text/markdown"] for o in cell.outputs),
        )
    if re.search(r"^#\| *output: *false", cell.source, re.M):
        cell.outputs = []
    cell.source = re.sub(r"^#\|.*\n", "", cell.source, flags=re.M)

body, _ = MarkdownExporter().from_notebook_node(notebook)
body = re.sub(
    r"```\n+```python\n", "\n", body
)  # neighbouring cells of code are one example
body = re.sub(r'(\]\(|src=")(?=(?:images/|\d\d[a-z]?_)[\w./]+)', r"\1nbs/", body)
text = (
    "<!-- made from nbs/index.ipynb by `make readme` -->\n\n"
    + re.sub(r"\n{3,}", "\n\n", body).strip()
    + "\n"
)
(nbs.parent / "README.md").write_text(text, encoding="utf-8")
