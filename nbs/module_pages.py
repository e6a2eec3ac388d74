"""A page for each module of the library, made from its source: none is imported."""

import ast
import re
from pathlib import Path

from vae_nb._help import comments_of, parameters

Definition = ast.FunctionDef | ast.ClassDef


def pages(package: Path) -> dict[str, str]:
    "The page of each module that exports names, in the order of the notebooks."
    made = {}
    for path in package.glob("[!_]*.py"):
        source = path.read_text(encoding="utf-8")
        written = re.search(r"File to edit: ../nbs/(\S+ipynb)", source)
        if not written or path.stem == "cli":  # the command line is not Python
            continue
        if exported(ast.parse(source)):
            text = page(package.name, path.stem, written[1], source)
            made[written[1], path.stem] = text
    return {module: made[key, module] for key, module in sorted(made)}


def exported(tree: ast.Module) -> list[str]:
    "The names in `__all__`."
    for node in tree.body:
        if isinstance(node, ast.Assign) and assigned(node) == ["__all__"]:
            return ast.literal_eval(node.value)
    return []


def page(package: str, module: str, notebook: str, source: str) -> str:
    "What a module is for, and every name it exports."
    tree = ast.parse(source)
    defined: dict[str, ast.stmt] = {}
    for node in tree.body:
        names = [node.name] if isinstance(node, Definition) else assigned(node)
        defined |= dict.fromkeys(names, node)
    about = f"Explained in [](../{notebook})."
    head = f"# {package}.{module}\n\n> {ast.get_docstring(tree)}\n\n{about}\n"
    return head + "".join(
        entry(defined[name], f"{package}.", name, source) for name in exported(tree)
    )


def assigned(node: ast.AST) -> list[str]:
    return [
        part.id
        for part in ast.walk(node)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    ]


def entry(node: ast.stmt, where: str, name: str, source: str) -> str:
    """What there is to know of a name, in MyST. `where` is empty for a method.

    Signature, docstring, parameters, source, and the documented methods of a class.
    """
    if not isinstance(node, Definition):  # a constant
        return directive("data", where + name, "", folded(node, source))
    text = f"{ast.get_docstring(node) or ''}\n\n"
    if isinstance(node, ast.ClassDef):
        methods = [f for f in node.body if isinstance(f, ast.FunctionDef)]
        made = next((f for f in methods if f.name == "__init__"), node)
        inside = [
            entry(f, "", f.name, source)
            for f in methods
            if ast.get_docstring(f) and not f.name.startswith("_")
        ]
        text += described(made, source) + folded(node, source) + "".join(inside)
        return directive("class", where + name + signature(made), "", text)
    returns = ast.unparse(node.returns) if node.returns else ""
    if {"property", "cached_property"} & {ast.unparse(d) for d in node.decorator_list}:
        options = f":type: {returns}\n" if returns else ""
        return directive("property", name, options, text)
    title = where + name + signature(node) + (f" -> {returns}" if returns else "")
    text += described(node, source) + (folded(node, source) if where else "")
    return directive("function" if where else "method", title, "", text)


def directive(kind: str, title: str, options: str, text: str) -> str:
    fence = ":" * (4 if kind in ("method", "property") else 6)
    return f"\n{fence}{{py:{kind}}} {title}\n{options}\n{text}\n{fence}\n"


def signature(node: Definition) -> str:
    "In brackets, on one line. A class without __init__ is a dataclass and has fields."
    if isinstance(node, ast.FunctionDef):
        return "(" + re.sub(r"^(self|cls)(, |$)", "", ast.unparse(node.args)) + ")"
    fields = [
        ast.unparse(field).partition(" = field")[0]
        for field in node.body
        if isinstance(field, ast.AnnAssign)
    ]
    return f"({', '.join(fields)})"


def described(node: Definition, source: str) -> str:
    "What comments say of the parameters."
    said = parameters(node, comments_of(source))
    lines = [f":param {name}: {comment}\n" for name, comment in said.items() if comment]
    return "".join(lines) + "\n"


def folded(node: ast.stmt, source: str) -> str:
    decorators = node.decorator_list if isinstance(node, Definition) else []
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    code = "\n".join(source.splitlines()[first - 1 : node.end_lineno])
    summary = '<details class="source"><summary>Source</summary>'
    return f"\n{summary}\n\n```python\n{code}\n```\n\n</details>\n"
