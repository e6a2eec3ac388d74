"""`help`, `?` and Shift-Tab explain parameters by the comments beside them.

A parameter is declared once, with a comment after it or on lines of its own before it.
Python forgets comments, so they are read from the source when a module comes into use.
"""

import ast
import inspect
import io
import sys
import tokenize
from textwrap import fill, indent
from types import FunctionType, ModuleType

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_done: set[str] = set()


def explain_modules() -> None:
    "Add parameters to the docstrings of the package's modules that are in use."
    package = __name__.partition(".")[0]
    for name, module in list(sys.modules.items()):
        if name.startswith(f"{package}.") and name not in _done and is_whole(module):
            _done.add(name)
            explain_module(module)


def is_whole(module: ModuleType) -> bool:
    "Whether a module has what it exports by now; while it is imported, it has not."
    return all(name in vars(module) for name in getattr(module, "__all__", ()))


def explain_module(module: ModuleType) -> None:
    "Add parameters to the docstrings of what a module exports, if it has its source."
    try:
        source = inspect.getsource(module)
    except (OSError, TypeError):
        return
    comments = comments_of(source)
    for node in ast.parse(source).body:
        if isinstance(node, Definition) and node.name in getattr(module, "__all__", ()):
            explain(vars(module)[node.name], node, comments)


def explain(thing: object, node: Definition, comments: dict[int, str]) -> None:
    "Add parameters to the docstring of a function, or of a class and its methods."
    thing = getattr(thing, "__func__", thing)  # of a class method
    if not isinstance(thing, FunctionType | type):
        return
    declares = node
    for method in node.body if isinstance(node, ast.ClassDef) else []:
        if isinstance(method, Definition) and method.name in vars(thing):
            if method.name == "__init__":
                declares = method
            elif not method.name.startswith("_"):
                explain(vars(thing)[method.name], method, comments)
    said = parameters(declares, comments) | getattr(thing, "__parameter_help__", {})
    if said:
        title = "Parameters\n----------\n"
        listed = "\n".join(
            f"{name}\n{indent(fill(comment, 80), '    ')}"
            for name, comment in said.items()
        )
        text = inspect.cleandoc(thing.__doc__ or "")
        thing.__doc__ = f"{text}\n\n{title}{listed}".strip()


# Shared with the site's reference


def comments_of(source: str) -> dict[int, str]:
    "The comment on each line that has one."
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {
        token.start[0]: token.string.lstrip("#").strip()
        for token in tokens
        if token.type == tokenize.COMMENT
    }


def parameters(node: Definition, comments: dict[int, str]) -> dict[str, str]:
    "What is said of each parameter of a function, or of each field of a dataclass."
    found = fields(node) if isinstance(node, ast.ClassDef) else arguments(node)
    code = {line for _, first, last, _ in found for line in range(first, last + 1)}
    ends = {last: name for name, _, last, _ in found}  # the last one of a line
    said = {}
    for name, first, last, help_text in found:
        if name in ("self", "cls") or ends[last] != name:
            continue
        above = first
        while above - 1 in comments and above - 1 not in code:
            above -= 1
        lines = [last] if last in comments else range(above, first)
        if comment := " ".join(comments[line] for line in lines) or help_text:
            said[name] = comment
    return said


def arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[tuple]:
    "(name, first line, last line, '') of each argument, in the order of the source."
    has = node.args
    named = [*has.posonlyargs, *has.args]
    without = [None] * (len(named) - len(has.defaults))
    pairs = [
        *zip(named, [*without, *has.defaults]),
        *zip(has.kwonlyargs, has.kw_defaults),
        *((extra, None) for extra in (has.vararg, has.kwarg) if extra),
    ]
    found = [
        (argument.arg, argument.lineno, (default or argument).end_lineno, "")
        for argument, default in pairs
    ]
    return sorted(found, key=lambda argument: argument[1])


def fields(node: ast.ClassDef) -> list[tuple]:
    "(name, first line, last line, text of `help`) of each field of a dataclass."
    return [
        (ast.unparse(field.target), field.lineno, field.end_lineno, help_of(field))
        for field in node.body
        if isinstance(field, ast.AnnAssign)
    ]


def help_of(field: ast.AnnAssign) -> str:
    "The text in `field(metadata={'help': text})` or in `setting(default, text)`."
    texts: list[ast.expr] = []
    for part in ast.walk(field):
        if isinstance(part, ast.Call):
            texts += part.args[1:2]
        elif isinstance(part, ast.Dict):
            pairs = zip(part.keys, part.values)
            texts += [value for key, value in pairs if text_of(key) == "help"]
    return next(filter(None, map(text_of, texts)), "")


def text_of(node: ast.expr | None) -> str:
    "The string that a literal stands for, or nothing."
    text = node.value if isinstance(node, ast.Constant) else ""
    return text if isinstance(text, str) else ""
