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
from nbdev.processors import (
    FilterDefaults,
    clean_magics,
    hide_,
    hide_line,
    populate_language,
    rm_export,
    strip_ansi,
)
from pybtex.database import parse_file
from sphinx.util import logging

logger = logging.getLogger(__name__)


# Pages


class Shown(FilterDefaults):
    "What nbdev keeps of a notebook. It runs nothing: outputs are the saved ones, and the reference is a page of its own."

    def base_procs(self):
        return [
            populate_language,
            strip_ansi,
            hide_line,
            rm_export,
            clean_magics,
            hide_,
        ]


TAGS = {
    ("echo", "false"): "remove-input",
    ("output", "false"): "remove-output",
    ("code-fold", "true"): "hide-input",
}


def shown(text: str, page: str) -> dict:
    "The notebook for myst-nb to show, from the text of the one in nbs/."
    nb = dict2nb(json.loads(text))
    Shown()(nb)
    for cell in nb.cells:
        options = {
            name.rstrip(":"): " ".join(words).strip("\"'")
            for name, words in (cell.directives_ or {}).items()
        }
        cell.metadata = {
            "tags": [tag for option, tag in TAGS.items() if option in options.items()]
        }
        if cell.cell_type == "code":
            cell.source = re.sub(r"^#\|.*\n?", "", cell.source, flags=re.M)
        if "fig-alt" in options:
            cell.metadata["mystnb"] = {"image": {"alt": options["fig-alt"]}}
        elif "output" not in options and any(
            "image/png" in o.get("data", {}) for o in cell.get("outputs", [])
        ):
            logger.warning(
                "cell %s shows a picture: say what is on it in a line `#| fig-alt: ...`",
                cell.id,
                location=page,
            )
    return nb2dict(nb)


def parts(app) -> dict[str, list[str]]:
    "The pages under each caption of the sidebar."
    return {
        caption: [
            page
            for pattern in patterns
            for page in sorted(app.env.found_docs)
            if fnmatch(page, pattern)
        ]
        for caption, patterns in app.config.notebook_parts.items()
    }


def read(app, page: str, source: list[str]) -> None:
    "Before a page is parsed: nbdev's view of a notebook, and what the site adds."
    if page == "api":
        source[0] += reference(app.config.notebook_package)
        for module in app.config.notebook_package.glob("*.py"):
            app.env.note_dependency(module)
    if (path := Path(app.env.doc2path(page))).suffix == ".ipynb":
        nb, github = shown(source[0], page), app.config.notebook_repository
        places = {
            "Colab": github.replace(
                "https://github.com", "https://colab.research.google.com/github"
            ),
            "JupyterLab (after <code>make lab</code>)": "http://localhost:8888/lab/tree/",
            "Source": github,
        }
        extra = (
            '<p class="page-links">'
            + " ".join(
                f'<a href="{url}{path.name}">{name}</a>' for name, url in places.items()
            )
            + "</p>"
        )
        if page == app.config.root_doc:
            extra = "\n".join(
                "\n".join(
                    [
                        "```{toctree}",
                        ":hidden:",
                        f":caption: {caption}",
                        "",
                        *pages,
                        "```",
                    ]
                )
                for caption, pages in parts(app).items()
            )
        nb["cells"].insert(
            1, {"cell_type": "markdown", "id": "site", "metadata": {}, "source": extra}
        )
        source[0] = json.dumps(nb)


# The reference, made from the exported modules' source: nothing is imported


def reference(package: Path) -> str:
    "A section for each module, in the notebooks' order, with every name it exports. The command line is not for Python."
    sources = {
        path.stem: path.read_text(encoding="utf-8")
        for path in package.glob("[!_]*.py")
        if path.stem != "cli"
    }
    sections = {}
    for module, source in sources.items():
        tree, notebook = (
            ast.parse(source),
            re.search(r"File to edit: ../nbs/(\S+ipynb)", source)[1],
        )
        defined = {
            name: n
            for n in tree.body
            for name in ([n.name] if hasattr(n, "name") else assigned(n))
        }
        head = f"\n## {package.name}.{module}\n\n{ast.get_docstring(tree)}. Explained in [](./{notebook}).\n"
        exported = ast.literal_eval(defined["__all__"].value)
        sections[notebook] = head + "".join(
            entry(defined[name], f"{package.name}.", module, name, source)
            for name in exported
        )
    return "".join(sections[notebook] for notebook in sorted(sections))


def assigned(node: ast.AST) -> list[str]:
    return [
        part.id
        for part in ast.walk(node)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    ]


def entry(node: ast.AST, where: str, module: str, name: str, source: str) -> str:
    "Signature, docstring, parameters, source and documented methods of what a name stands for, in MyST. A method is nowhere."
    if not hasattr(
        node, "name"
    ):  # a constant: the package itself offers only what can be called
        return directive("data", f"{where}{module}.{name}", "", folded(node, source))
    text = f"{ast.get_docstring(node) or ''}\n\n"
    if isinstance(node, ast.ClassDef):
        methods = [f for f in node.body if isinstance(f, ast.FunctionDef)]
        made = next((f for f in methods if f.name == "__init__"), node)
        inside = [
            entry(f, "", module, f.name, source)
            for f in methods
            if ast.get_docstring(f) and not f.name.startswith("_")
        ]
        text += comments(made, source) + folded(node, source) + "".join(inside)
        return directive("class", where + name + signature(made), "", text)
    if {"property", "cached_property"} & {ast.unparse(d) for d in node.decorator_list}:
        return directive(
            "property",
            name,
            f":type: {ast.unparse(node.returns)}\n" if node.returns else "",
            text,
        )
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return directive(
        "function" if where else "method",
        where + name + signature(node) + returns,
        "",
        text + comments(node, source) + (folded(node, source) if where else ""),
    )


def directive(kind: str, title: str, options: str, text: str) -> str:
    fence = ":" * (4 if kind in ("method", "property") else 6)
    return f"\n{fence}{{py:{kind}}} {title}\n{options}\n{text}\n{fence}\n"


def signature(node: ast.FunctionDef | ast.ClassDef) -> str:
    "In brackets, on one line. A class without __init__ is a dataclass, with its fields."
    if isinstance(node, ast.ClassDef):
        return (
            "("
            + ", ".join(
                ast.unparse(field).partition(" = field")[0]
                for field in node.body
                if isinstance(field, ast.AnnAssign)
            )
            + ")"
        )
    return "(" + re.sub(r"^(self|cls)(, |$)", "", ast.unparse(node.args)) + ")"


def comments(node: ast.FunctionDef | ast.ClassDef, source: str) -> str:
    "nbdev's docments: the comment after each parameter."
    lines = source.splitlines()
    fields = (
        [(f.target.id, f) for f in node.body if isinstance(f, ast.AnnAssign)]
        if isinstance(node, ast.ClassDef)
        else [(a.arg, a) for a in ast.walk(node.args) if isinstance(a, ast.arg)]
    )
    said = {
        name: lines[at.end_lineno - 1].partition("  # ")[2]
        for name, at in sorted(fields, key=lambda pair: pair[1].lineno)
    }
    return (
        "\n".join(
            f":param {name}: {comment}" for name, comment in said.items() if comment
        )
        + "\n"
    )


def folded(node: ast.AST, source: str) -> str:
    first = min(
        [node, *getattr(node, "decorator_list", [])], key=lambda n: n.lineno
    ).lineno
    code = "\n".join(source.splitlines()[first - 1 : node.end_lineno])
    return f'\n<details class="source"><summary>Source</summary>\n\n```python\n{code}\n```\n\n</details>\n'


# Links

TAG = re.compile(r"\s*\\tag\{(\d+)\}")
NAMES = r"(?:[A-ZÀ-Ž][\w-]+, )*[A-ZÀ-Ž][\w-]+(?: et al\.| & [A-ZÀ-Ž][\w-]+)?"
PLAIN = re.compile(
    rf"(?P<source>{NAMES} (?:\((?:19|20)\d\d\)|(?:19|20)\d\d)(?!\d))|(?<![\w)])\((?P<equation>\d+)\)"
)


def number(app, doctree: nodes.document) -> None:
    "Make each numbered equation a place to link to, from another page as 01_elbo.ipynb#equation-4."
    anchors = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    for block in doctree.findall(nodes.math_block):
        if tag := TAG.search(block.astext()):
            name = f"equation-{tag[1]}"
            block["ids"].append(name)
            anchors[name] = (block.line, name, f"({tag[1]})")
            block["no-wrap"] = (
                True  # Sphinx would wrap it in an environment that forbids \tag
            )
            block[0] = nodes.Text(rf"\[{block.astext()}\]")


def papers(bibliography: Path) -> dict[str, str]:
    "How a text names each entry of refs.bib, Kingma & Welling 2013, and the entry's key."
    found = {}
    for key, paper in parse_file(bibliography).entries.items():
        *others, last = [
            " ".join(author.prelast_names + author.last_names)
            for author in paper.persons["author"]
        ]
        found[
            f"{', '.join(others)} & {last} {paper.fields['year']}"
            if others
            else f"{last} {paper.fields['year']}"
        ] = key
        found[f"{[*others, last][0]} et al. {paper.fields['year']}"] = key
    return found


def link(app, doctree: nodes.document, page: str) -> None:
    "Turn names of papers, numbers of equations and exported names into links."
    uri, known = app.builder.get_relative_uri, app.env.notebook_papers
    exported = {
        name.partition(".")[2]: place
        for name, place in app.env.domains.python_domain.objects.items()
    }
    equations = {
        name for block in doctree.findall(nodes.math_block) for name in block["ids"]
    }

    def target(match: re.Match) -> str | None:
        if match["equation"]:
            return (
                f"#equation-{match['equation']}"
                if f"equation-{match['equation']}" in equations
                else None
            )
        paper = re.sub(r"[()]", "", match["source"])
        if paper not in known and (" et al." in paper or " & " in paper):
            logger.warning("%s is not in refs.bib", paper, location=page)
        return f"{uri(page, 'references')}#{known[paper]}" if paper in known else None

    for text in list(doctree.findall(nodes.Text)):
        around, node = [], text
        while node := node.parent:
            around.append(type(node))
        if {nodes.reference, nodes.title, nodes.citation, nodes.literal_block} & set(
            around
        ):
            continue
        if around[0] is nodes.literal and str(text) in exported:
            place = exported[str(text)]
            anchor = f"{uri(page, place.docname)}#{place.node_id}"
            text.parent.replace_self(
                nodes.reference(
                    "", "", text.parent.deepcopy(), internal=True, refuri=anchor
                )
            )
        elif around[0] in (nodes.paragraph, nodes.emphasis, nodes.strong):
            pieces, end = [], 0
            for match in PLAIN.finditer(str(text)):
                if refuri := target(match):
                    pieces += [
                        nodes.Text(text[end : match.start()]),
                        nodes.reference(
                            "",
                            match[0],
                            internal=True,
                            refuri=refuri,
                            classes=[match.lastgroup],
                        ),
                    ]
                    end = match.end()
            text.parent.replace(text, [*pieces, nodes.Text(text[end:])])


# Files


def finish(app, error: Exception | None) -> None:
    "What no page holds: MathJax, pictures named in HTML, a map of the site for search engines and for language models."
    if error or app.builder.format != "html":
        return
    out, base, groups = Path(app.outdir), app.config.html_baseurl, parts(app)
    mathjax = Path(
        find_spec("sphinx-mathjax-offline").submodule_search_locations[0],
        "static",
        "mathjax",
    )
    for part in ("output/chtml/fonts", "input/tex/extensions"):
        shutil.copytree(
            mathjax / part, out / "_static" / "mathjax" / part, dirs_exist_ok=True
        )
    shutil.copy(mathjax / "tex-chtml.js", out / "_static" / "mathjax")
    shutil.copytree(app.srcdir / "images", out / "images", dirs_exist_ok=True)

    def subtitle(page: str, before: str) -> str:
        quote = app.env.get_doctree(page).next_node(nodes.block_quote)
        return before + quote.astext() if quote else ""

    lines = [f"# {app.config.project}", subtitle(app.config.root_doc, "> ")]
    for caption, pages in groups.items():
        lines += [
            f"## {caption}",
            "\n".join(
                f"- [{app.env.titles[p].astext()}]({base}{p}.html){subtitle(p, ': ')}"
                for p in pages
            ),
        ]
    (out / "llms.txt").write_text("\n\n".join(lines) + "\n", encoding="utf-8")
    urls = "".join(
        f"<url><loc>{base}{page}.html</loc></url>\n"
        for page in [app.config.root_doc, *sum(groups.values(), [])]
    )
    (out / "sitemap.xml").write_text(
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{urls}</urlset>\n',
        encoding="utf-8",
    )


def setup(app) -> dict:
    for option in ("parts", "package", "repository"):
        app.add_config_value(f"notebook_{option}", None, "env")
    app.connect(
        "builder-inited",
        lambda app: setattr(
            app.env, "notebook_papers", papers(app.srcdir / "refs.bib")
        ),
    )
    for event, function in (
        ("source-read", read),
        ("doctree-read", number),
        ("doctree-resolved", link),
        ("build-finished", finish),
    ):
        app.connect(event, function)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
