"""Sphinx reads the notebooks as they are: nbdev's directives decide what a page shows, and plain text becomes links.

A notebook numbers an equation with `\\tag{4}` and speaks of it as (4), names a source as Kingma & Welling (2013), which refs.bib
knows, and puts exported names in backticks. That reads well in JupyterLab and on GitHub; on the site each becomes a link.
"""

import ast
import json
import re
import shutil
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path

from docutils import nodes
from execnb.nbio import dict2nb, nb2dict
from nbdev.processors import FilterDefaults, clean_magics, hide_, hide_line, populate_language, rm_export, strip_ansi
from pybtex.database import parse_file
from sphinx.util import logging

logger = logging.getLogger(__name__)


# Notebooks

class Shown(FilterDefaults):
    "What nbdev keeps of a notebook. It runs nothing: outputs are the saved ones, and the reference is a page of its own."

    def base_procs(self):
        return [populate_language, strip_ansi, hide_line, rm_export, clean_magics, hide_]


TAGS = {("echo", "false"): "remove-input", ("output", "false"): "remove-output", ("include", "false"): "remove-cell",
        ("code-fold", "true"): "hide-input"}


def shown(text: str, location: str = "") -> dict:
    "The notebook for myst-nb to show, from the text of the one in nbs/."
    nb = dict2nb(json.loads(text))
    Shown()(nb)
    for cell in nb.cells:
        options = {name.rstrip(":"): " ".join(words).strip("\"'") for name, words in (cell.directives_ or {}).items()}
        cell.source = re.sub(r"^#\|.*\n?", "", cell.source, flags=re.M) if cell.cell_type == "code" else cell.source
        cell.metadata = {"tags": [tag for option, tag in TAGS.items() if option in options.items()]}
        if "fig-alt" in options:
            cell.metadata["mystnb"] = {"image": {"alt": options["fig-alt"]}}
        elif "remove-output" not in cell.metadata["tags"] and any("image/png" in o.get("data", {}) for o in cell.get("outputs", [])):
            logger.warning("cell %s shows a picture: say what is on it in a line `#| fig-alt: ...`", cell.id, location=location)
    return nb2dict(nb)


def read(app, docname: str, source: list[str]) -> None:
    "Before a page is parsed: nbdev's view of a notebook, and what the site adds to it."
    page = Path(app.env.doc2path(docname))
    if docname == "api":
        source[0] += "\n".join(reference(module) for module in modules(app.config.notebook_package))
        for module in app.config.notebook_package.glob("*.py"):
            app.env.note_dependency(module)
    if page.suffix != ".ipynb":
        return
    nb = shown(source[0], docname)
    if docname == app.config.root_doc:
        extra = "\n".join(f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(pages) + "\n```" for caption, pages in parts(app).items())
    else:
        repository = app.config.notebook_repository
        links = {"Colab": repository.replace("https://github.com", "https://colab.research.google.com/github"),
                 "JupyterLab (after <code>make lab</code>)": "http://localhost:8888/lab/tree/", "Source": repository}
        extra = '<p class="page-links">' + " ".join(f'<a href="{url}{page.name}">{name}</a>' for name, url in links.items()) + "</p>"
    nb["cells"].insert(1, {"cell_type": "markdown", "id": "site", "metadata": {}, "source": extra})
    source[0] = json.dumps(nb)


def parts(app) -> dict[str, list[str]]:
    "The pages under each caption of the sidebar."
    return {caption: [page for pattern in patterns for page in sorted(app.env.found_docs) if fnmatch(page, pattern)]
            for caption, patterns in app.config.notebook_parts.items()}


# The reference, from the exported modules' source: nothing is imported

def modules(package: Path) -> list[Path]:
    "The modules that notebooks export, in the notebooks' order; the command line is not for Python."
    made_from = {path: re.search(r"File to edit: ../nbs/(\S+ipynb)", path.read_text()) for path in package.glob("[!_]*.py") if path.stem != "cli"}
    return sorted((path for path in made_from if made_from[path]), key=lambda path: made_from[path][1])


def reference(module: Path) -> str:
    "A section with every name that a module exports."
    source = module.read_text()
    tree, notebook = ast.parse(source), re.search(r"File to edit: ../nbs/(\S+ipynb)", source)[1]
    everything = {}
    for node in tree.body:
        for name in [node.name] if hasattr(node, "name") else [t.id for t in getattr(node, "targets", []) if isinstance(t, ast.Name)]:
            everything[name] = node
    exported = ast.literal_eval(everything.pop("__all__").value)
    head = f"\n## {module.parent.name}.{module.stem}\n\n{ast.get_docstring(tree)}. Explained in [](./{notebook}).\n"
    return head + "\n".join(entry(everything[name], name, f"{module.parent.name}.", source, module.stem) for name in exported)


def entry(node: ast.AST, name: str, prefix: str, source: str, module: str, fence: str = "::::::") -> str:
    "Signature, docstring, parameters with their comments, and source of a function, class or constant, in MyST."
    options, docs, members, kind = "", "", [], "function"
    if isinstance(node, ast.Assign):
        kind, signature, prefix = "data", "", f"{prefix}{module}."
    else:
        definition = node
        if isinstance(node, ast.ClassDef):
            kind = "class"
            functions = [f for f in node.body if isinstance(f, ast.FunctionDef)]
            definition = next((f for f in functions if f.name == "__init__"), node)
            members = [entry(f, f.name, "", source, module, ":::::") for f in functions if ast.get_docstring(f) and not f.name.startswith("_")]
        elif not prefix:
            decorators = {ast.unparse(d) for d in node.decorator_list}
            kind = "property" if decorators & {"property", "cached_property"} else "method"
            options = "".join(f":{d}:\n" for d in ("classmethod", "staticmethod") if d in decorators)
        signature, docs = signature_of(definition), parameters(definition, source.splitlines())
        docs = f"{ast.get_docstring(node) or ''}\n\n{docs}\n"
        if kind == "property":
            signature, options = "", f":type: {ast.unparse(node.returns)}\n" if node.returns else ""
    code = "\n".join(source.splitlines()[min([node, *getattr(node, "decorator_list", [])], key=lambda n: n.lineno).lineno - 1 : node.end_lineno])
    if prefix:
        docs += f"\n<details class=\"source\"><summary>Source</summary>\n\n```python\n{code}\n```\n\n</details>\n"
    return f"\n{fence}{{py:{kind}}} {prefix}{name}{signature}\n{options}\n{docs}" + "".join(members) + f"\n{fence}\n"


def arguments(node: ast.FunctionDef | ast.ClassDef) -> list[ast.AST]:
    "Its parameters; those of a dataclass are its fields."
    if isinstance(node, ast.ClassDef):
        return [field for field in node.body if isinstance(field, ast.AnnAssign)]
    a = node.args
    return [p for p in [*a.posonlyargs, *a.args, a.vararg, *a.kwonlyargs, a.kwarg] if p and p.arg not in ("self", "cls")]


def signature_of(node: ast.FunctionDef | ast.ClassDef) -> str:
    if isinstance(node, ast.ClassDef):
        return "(" + ", ".join(f"{f.target.id}: {ast.unparse(f.annotation)}" for f in arguments(node)) + ")"
    inside = re.sub(r"^(self|cls)(, |$)", "", ast.unparse(node.args))
    return f"({inside})" + (f" -> {ast.unparse(node.returns)}" if node.returns and node.name != "__init__" else "")


def parameters(node: ast.FunctionDef | ast.ClassDef, lines: list[str]) -> str:
    "nbdev's docments: the comment after each parameter."
    names = {getattr(a, "arg", None) or a.target.id: lines[a.end_lineno - 1].partition("  # ")[2] for a in arguments(node)}
    return "\n".join(f":param {name}: {comment}" for name, comment in names.items() if comment)


# Links

TAG = re.compile(r"\s*\\tag\{(\d+)\}")


def number(app, doctree: nodes.document) -> None:
    "Make each numbered equation a place to link to, from another page as 01_elbo.ipynb#equation-4."
    anchors = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    for block in doctree.findall(nodes.math_block):
        if tag := TAG.search(block.astext()):
            block["ids"].append(f"equation-{tag[1]}")
            anchors[f"equation-{tag[1]}"] = (block.line, f"equation-{tag[1]}", f"({tag[1]})")
            block["no-wrap"] = True  # Sphinx would wrap it in an environment that forbids \tag
            block[0] = nodes.Text(rf"\[{block.astext()}\]")


def sources(bibliography: Path) -> dict[str, str]:
    "How a text names each entry of refs.bib, Kingma & Welling 2013, and the entry's key."
    found = {}
    for key, paper in parse_file(bibliography).entries.items():
        *others, last = [" ".join(author.prelast_names + author.last_names) for author in paper.persons["author"]]
        for names in (f"{', '.join(others)} & {last}" if others else last, *([f"{others[0]} et al."] if len(others) > 1 else [])):
            found[f"{names} {paper.fields['year']}"] = key
    return found


def linked(node: nodes.Node) -> bool:
    "Whether it is inside a link, or where none belongs."
    return bool(node.parent) and (isinstance(node.parent, (nodes.reference, nodes.title)) or linked(node.parent))


CITED = re.compile(r"(?:[A-ZÀ-Ž][\w-]+, )*[A-ZÀ-Ž][\w-]+(?: et al\.| & (?:van den )?[A-ZÀ-Ž][\w-]+)? (?:\((?:19|20)\d\d\)|(?:19|20)\d\d)(?!\d)")


def link(app, doctree: nodes.document, docname: str) -> None:
    "Turn names of sources, numbers of equations and exported names into links."
    known, uri = app.env.notebook_sources, app.builder.get_relative_uri
    names = {name.partition(".")[2]: place for name, place in app.env.domains.python_domain.objects.items()}
    here = {int(i.removeprefix("equation-")) for block in doctree.findall(nodes.math_block) for i in block["ids"] if i.startswith("equation-")}

    def target(match: re.Match) -> str | None:
        if match["equation"]:
            return f"#equation-{match['equation']}" if int(match["equation"]) in here else None
        text = re.sub(r"[()]", "", match[0])
        if text in known:
            return f"{uri(docname, 'references')}#{known[text]}"
        if " et al." in text or " & " in text:
            logger.warning("%s is not in refs.bib", text, location=docname)

    for text in list(doctree.findall(nodes.Text)):
        parent = text.parent
        if linked(text):
            continue
        if isinstance(parent, nodes.literal) and str(text) in names:
            place = names[str(text)]
            parent.replace_self(nodes.reference("", "", parent.deepcopy(), internal=True, refuri=f"{uri(docname, place.docname)}#{place.node_id}"))
        elif isinstance(parent, (nodes.paragraph, nodes.emphasis, nodes.strong, nodes.entry)) and docname != "references":
            pieces, end = [], 0
            for match in re.finditer(rf"{CITED.pattern}|(?<![\w)])\((?P<equation>\d+)\)", str(text)):
                if refuri := target(match):
                    kind = "equation" if match["equation"] else "source"
                    pieces += [nodes.Text(text[end : match.start()]), nodes.reference("", match[0], internal=True, refuri=refuri, classes=[kind])]
                    end = match.end()
            if pieces:
                parent.replace(text, [*pieces, nodes.Text(text[end:])])


# Files

def finish(app, error: Exception | None) -> None:
    "What no page holds: MathJax, pictures named in HTML, a map of the site for search engines and for language models."
    if error or app.builder.format != "html":
        return
    out, base = Path(app.outdir), app.config.html_baseurl
    mathjax = Path(find_spec("sphinx-mathjax-offline").submodule_search_locations[0]) / "static" / "mathjax"
    for part in ("output/chtml/fonts", "input/tex/extensions"):
        shutil.copytree(mathjax / part, out / "_static" / "mathjax" / part, dirs_exist_ok=True)
    shutil.copy(mathjax / "tex-chtml.js", out / "_static" / "mathjax")
    shutil.copytree(app.srcdir / "images", out / "images", dirs_exist_ok=True)

    def line(page: str) -> str:
        subtitle = app.env.get_doctree(page).next_node(nodes.block_quote)
        return f"- [{app.env.titles[page].astext()}]({base}{page}.html)" + (f": {subtitle.astext()}" if subtitle else "")

    pages = [app.config.root_doc, *(page for group in parts(app).values() for page in group)]
    sections = [f"## {caption}\n\n" + "\n".join(map(line, group)) for caption, group in parts(app).items()]
    subtitle = app.env.get_doctree(app.config.root_doc).next_node(nodes.block_quote).astext()
    (out / "llms.txt").write_text("\n\n".join([f"# {app.config.project}", f"> {subtitle}", *sections]) + "\n", encoding="utf-8")
    (out / "sitemap.xml").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        + "".join(f"<url><loc>{base}{page}.html</loc></url>\n" for page in pages) + "</urlset>\n", encoding="utf-8")


def setup(app) -> dict:
    app.add_config_value("notebook_parts", {}, "env")
    app.add_config_value("notebook_package", None, "env")
    app.add_config_value("notebook_repository", "", "env")
    app.connect("builder-inited", lambda app: setattr(app.env, "notebook_sources", sources(Path(app.srcdir) / "refs.bib")))
    app.connect("source-read", read)
    app.connect("doctree-read", number)
    app.connect("doctree-resolved", link)
    app.connect("build-finished", finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
