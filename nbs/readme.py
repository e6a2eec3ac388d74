"""Write README.md from index.ipynb: its text, code and what it prints.

Links are changed so that they work from the project's root.
"""

import json
import re
from pathlib import Path
from textwrap import indent


def written(output: dict) -> str:
    "What an output says in Markdown or in plain text."
    return "".join(output.get("data", {}).get("text/markdown", output.get("text", "")))


def as_markdown(cell: dict) -> str:
    "A cell as nbdev's directives have it shown."
    source, outputs = "".join(cell["source"]), cell.get("outputs", [])
    if cell["cell_type"] == "markdown":
        return source
    if re.search(r"^#\| *hide", source, re.M):
        return ""
    if re.search(r"^#\| *echo: *false", source, re.M):
        return "".join(map(written, outputs))
    printed = "".join("".join(o.get("text", [])) for o in outputs)
    if re.search(r"^#\| *output: *false", source, re.M):
        printed = ""
    source = re.sub(r"^#\|.*\n", "", source, flags=re.M)
    return f"```python\n{source}\n```\n\n{indent(printed, '    ')}"


def as_page(notebook: str) -> str:
    "The text of a notebook as one page of Markdown, without what only exports."
    cells = []
    for cell in json.loads(notebook)["cells"]:
        source = "".join(cell["source"])
        if not re.search(r"^#\| *(default_exp|exporti?$|exporti? )", source, re.M):
            cells.append(as_markdown(cell))
    return re.sub(r"\n{3,}", "\n\n", "\n\n".join(cells)).strip() + "\n"


def write_readme(project: Path) -> None:
    path = project / "nbs" / "index.ipynb"
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    body = "\n\n".join(map(as_markdown, cells))
    body = re.sub(r"```\n+```python\n", "\n", body)  # neighbouring cells: one example
    body = re.sub(
        r'(\]\(|src=")(?=(?:images/|notation|\d\d[a-z]?_)[\w./]+)', r"\1nbs/", body
    )
    body = re.sub(r"\n{3,}", "\n\n", body).strip()
    note = "<!-- made from nbs/index.ipynb by `make export` -->"
    (project / "README.md").write_text(f"{note}\n\n{body}\n", encoding="utf-8")


if __name__ == "__main__":
    write_readme(Path(__file__).resolve().parent.parent)
