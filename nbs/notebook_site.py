"""Sphinx reads the notebooks as they are.

nbdev's directives decide what a page shows, and plain text becomes links: a notebook
numbers an equation with `\\tag{4}` and speaks of it as (4), names a source as Kingma &
Welling (2013), which refs.bib knows, and puts exported names in backticks. That reads
well in JupyterLab and on GitHub; on the site each becomes a link.
"""

import ast
import json
import re
import shutil
from collections.abc import Iterable
from fnmatch import fnmatch
from functools import partial
from html import escape
from importlib.util import find_spec
from pathlib import Path

import command_pages
import module_pages
import readme
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
from sphinx import addnodes
from sphinx.util import logging

logger = logging.getLogger(__name__)


# Pages


class Shown(FilterDefaults):
    "What nbdev keeps of a notebook. It runs nothing: outputs are the saved ones."

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


LONG = 80  # lines of library code, of which a page shows more only if asked


def shown(text: str, page: str) -> dict:
    "The notebook for myst-nb to show, from the text of the one in nbs/."
    nb = dict2nb(json.loads(text))
    Shown()(nb)
    figures = []
    for cell in nb.cells:
        options = {
            name.rstrip(":"): " ".join(words).strip("\"'")
            for name, words in (cell.directives_ or {}).items()
        }
        cell.metadata = {
            "tags": [tag for option, tag in TAGS.items() if option in options.items()]
        }
        if "exports" in options and cell.source.count("\n") > LONG:
            cell.metadata["tags"].append("hide-input")
        if cell.cell_type == "code":
            cell.source = re.sub(r"^#\|.*\n?", "", cell.source, flags=re.M)
        else:
            cell.source = PLACE.sub("", cell.source)
        if "fig-alt" in options:
            cell.metadata["mystnb"] = {"image": {"alt": options["fig-alt"]}}
            if shows_picture(cell):
                figures.append((cell, options.get("fig-cap", options["fig-alt"])))
        elif "output" not in options and shows_picture(cell):
            what = (
                "cell %s shows a picture: say what is on it in a line `#| fig-alt: ...`"
            )
            logger.warning(what, cell.id, location=page)
    if len(figures) > 1:
        for number, (cell, caption) in enumerate(figures, 1):
            figure = {"caption": f"**Figure {number}.** {caption.rstrip('.')}."}
            cell.metadata["mystnb"]["figure"] = figure
    return nb2dict(nb)


def shows_picture(cell) -> bool:
    pictures = {"image/png", "image/jpeg"}
    return any(pictures & {*o.get("data", {})} for o in cell.get("outputs", []))


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
    if page == REFERENCE:
        source[0] += f"\n{modules(app)}"
        for module in app.config.notebook_package.glob("*.py"):
            app.env.note_dependency(module)
    if (path := Path(app.env.doc2path(page))).suffix == ".ipynb":
        nb = shown(source[0], page)
        extra = contents(app) if page == app.config.root_doc else page_links(app, path)
        if page == app.config.notebook_commands:
            extra += f"\n\n{commands(app)}"
        cell = {"cell_type": "markdown", "id": "site", "metadata": {}, "source": extra}
        nb["cells"].insert(1, cell)
        source[0] = json.dumps(nb)


def page_links(app, notebook: Path) -> str:
    "Where else a notebook can be opened."
    github = app.config.notebook_repository
    hub, colab = "https://github.com", "https://colab.research.google.com/github"
    places = {
        "Colab": github.replace(hub, colab),
        "JupyterLab (after <code>make lab</code>)": "http://localhost:8888/lab/tree/",
        "Source": github,
    }
    links = [
        f'<a href="{url}{notebook.name}">{name}</a>' for name, url in places.items()
    ]
    return f'<p class="page-links">{" ".join(links)}</p>'


def contents(app) -> str:
    "The sidebar: a hidden table of contents for each part."
    tables = []
    for caption, pages in parts(app).items():
        head = ["```{toctree}", ":hidden:", f":caption: {caption}", ""]
        entries = [listed(app, p) for p in pages if not p.startswith(BELOW)]
        tables.append("\n".join([*head, *entries, "```"]))
    return "\n".join(tables)


# Where the pages of commands and of modules are, and the page that lists modules
BELOW = COMMANDS, MODULES = "commands/", "modules/"
REFERENCE = "api"


def commands(app) -> str:
    "Links to the pages of the commands, which are below this one in the sidebar."
    pages = {name: f"{COMMANDS}{name}" for name in command_pages.names()}
    links = [f"[{name}]({page}.md)" for name, page in pages.items()]
    return f"A page for each command: {', '.join(links)}.\n\n{below(pages.values())}"


def modules(app) -> str:
    "A list of the modules and their names; their pages are below in the sidebar."
    package, entries = app.config.notebook_package, []
    names = list(module_pages.pages(package))
    for name in names:
        tree = ast.parse((package / f"{name}.py").read_text(encoding="utf-8"))
        exported = ", ".join(f"`{one}`" for one in module_pages.exported(tree))
        link = f"[{name}]({MODULES}{name}.md)"
        entries.append(f"- {link}: {ast.get_docstring(tree)}\\\n  {exported}\n")
    return "\n".join([*entries, below(f"{MODULES}{name}" for name in names)])


def below(pages: Iterable[str]) -> str:
    return "\n".join(["```{toctree}", ":hidden:", "", *pages, "```"])


def listed(app, page: str) -> str:
    "A line of the sidebar: a notebook has its number before its title."
    path = Path(app.env.doc2path(page))
    if path.suffix != ".ipynb":
        return page
    first = json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"]
    title = "".join(first).partition("\n")[0].removeprefix("# ")
    return f"{page.partition('_')[0]} {title} <{page}>"


# Links

TAG = re.compile(r"\s*\\tag\{(\d+)\}")
PLACE = re.compile(r'<a id="equation-\d+"></a>\n*')  # for JupyterLab's links
NAMES = r"(?:[A-ZÀ-Ž][\w-]+, )*[A-ZÀ-Ž][\w-]+(?: et al\.| & [A-ZÀ-Ž][\w-]+)?"
PLAIN = re.compile(
    rf"(?P<source>{NAMES} (?:\((?:19|20)\d\d\)|(?:19|20)\d\d)(?!\d))"
    r"|(?<![\w)])\((?P<equation>\d+)\)"
)


def number(app, doctree: nodes.document) -> None:
    """Make equations and headings places to link to, as JupyterLab knows them.

    An equation is 01_elbo.ipynb#equation-4, a heading 01_elbo.ipynb#4.-The-identity.
    """
    anchors = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    for section in doctree.findall(nodes.section):
        title = section.next_node(nodes.title)
        if title is not None and section["ids"]:
            place = (section.line, section["ids"][0], title.astext())
            anchors.setdefault(title.astext().replace(" ", "-"), place)
    for block in doctree.findall(nodes.math_block):
        if tag := TAG.search(block.astext()):
            name = f"equation-{tag[1]}"
            block["ids"].append(name)
            anchors[name] = (block.line, name, f"({tag[1]})")
            # Sphinx would wrap it in an environment that forbids \\tag
            block["no-wrap"] = True
            block[0] = nodes.Text(rf"\[{block.astext()}\]")


def papers(bibliography: Path) -> dict[str, str]:
    "How a text names each entry of refs.bib, as Kingma & Welling 2013, and its key."
    found = {}
    for key, paper in parse_file(bibliography).entries.items():
        year = paper.fields["year"]
        names = [
            " ".join(author.prelast_names + author.last_names)
            for author in paper.persons["author"]
        ]
        *others, last = names
        full = f"{', '.join(others)} & {last}" if others else last
        found[f"{full} {year}"] = found[f"{names[0]} et al. {year}"] = key
    return found


def link(app, doctree: nodes.document, page: str) -> None:
    "Turn names of papers, numbers of equations, terms and exported names into links."
    places = Places(app, doctree, page)
    for text in list(doctree.findall(nodes.Text)):
        around, node = [], text
        while node := node.parent:
            around.append(type(node))
        if not NOT_LINKED & set(around):
            name = str(text)
            if around[0] is nodes.literal and (
                uri := places.of_name(name) or places.of_command(name)
            ):
                code = text.parent
                code.replace_self(linked(uri, "", code.deepcopy()))
            elif around[0] is nodes.strong and (uri := places.of_term(str(text))):
                text.parent.replace(text, linked(uri, str(text), classes=["term"]))
            elif around[0] in (nodes.paragraph, nodes.emphasis, nodes.strong):
                text.parent.replace(text, with_links(str(text), places))


NOT_LINKED = {nodes.reference, nodes.title, nodes.citation, nodes.literal_block}


class Places:
    "Where a page's plain text leads."

    def __init__(self, app, doctree: nodes.document, page: str):
        self.page, self.papers = page, app.env.notebook_papers
        self.pages = app.env.found_docs
        self.uri = partial(app.builder.get_relative_uri, page)
        self.exported = {
            name.partition(".")[2]: place
            for name, place in app.env.domains.python_domain.objects.items()
        }
        self.terms = {
            name.lower(): place
            for (kind, name), place in app.env.domains.standard_domain.objects.items()
            if kind == "term"
        }
        blocks = doctree.findall(nodes.math_block)
        self.equations = {name for block in blocks for name in block["ids"]}

    def of_name(self, name: str) -> str | None:
        if place := self.exported.get(name):
            return f"{self.uri(place.docname)}#{place.node_id}"
        return None

    def of_command(self, text: str) -> str | None:
        page = f"{COMMANDS}{text.removeprefix('vae_nb ')}"
        there = text.startswith("vae_nb ") and page in self.pages and page != self.page
        return self.uri(page) if there else None

    def of_term(self, text: str) -> str | None:
        "Where a bold word is explained, if it is in the glossary of another page."
        page, anchor = self.terms.get(text.lower(), (self.page, ""))
        return None if page == self.page else f"{self.uri(page)}#{anchor}"

    def of_match(self, match: re.Match) -> str | None:
        "Where an equation's number or a paper's name leads."
        if match["equation"]:
            name = f"equation-{match['equation']}"
            return f"#{name}" if name in self.equations else None
        paper = re.sub(r"[()]", "", match["source"])
        if paper in self.papers:
            return f"{self.uri('references')}#{self.papers[paper]}"
        if " et al." in paper or " & " in paper:
            logger.warning("%s is not in refs.bib", paper, location=self.page)
        return None


def linked(uri: str, text: str, *inside: nodes.Node, **options) -> nodes.reference:
    return nodes.reference("", text, *inside, internal=True, refuri=uri, **options)


def with_links(text: str, places: Places) -> list[nodes.Node]:
    "The text in pieces, some of them links."
    pieces: list[nodes.Node] = []
    end = 0
    for match in PLAIN.finditer(text):
        if uri := places.of_match(match):
            pieces.append(nodes.Text(text[end : match.start()]))
            pieces.append(linked(uri, match[0], classes=[match.lastgroup]))
            end = match.end()
    return [*pieces, nodes.Text(text[end:])]


# Files


def finish(app, error: Exception | None) -> None:
    "What no page holds: MathJax, pictures named in HTML, old names, maps of the site."
    if error or app.builder.format != "html":
        return
    out = Path(app.outdir)
    copy_mathjax(out / "_static" / "mathjax")
    shutil.copytree(app.srcdir / "images", out / "images", dirs_exist_ok=True)
    write_moved(app, out)
    write_maps(app, out)
    write_twins(app, out)
    write_search_texts(app, out)


def copy_mathjax(to: Path) -> None:
    "The part of MathJax that the pages use, from the wheel that carries it."
    spec = find_spec("sphinx-mathjax-offline")
    assert spec and spec.submodule_search_locations
    mathjax = Path(spec.submodule_search_locations[0], "static", "mathjax")
    for part in ("output/chtml/fonts", "input/tex/extensions"):
        shutil.copytree(mathjax / part, to / part, dirs_exist_ok=True)
    shutil.copy(mathjax / "tex-chtml.js", to)


MOVED = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<link rel="canonical" href="{canonical}">
<script>
const places = {places};
location.replace(places[location.hash] ?? {page} + location.hash);
</script>
<meta http-equiv="refresh" content="0; url={url}">
</head>
<body><p>This page is now <a href="{url}">{title}</a>.</p></body>
</html>
"""


def write_moved(app, out: Path) -> None:
    "Pages that lead from old names to new ones."
    moved = app.config.notebook_moved
    pages = {page.partition("#")[0] for page in moved}
    for old in sorted(pages):
        where = {
            place.partition("#")[2]: new
            for place, new in moved.items()
            if place.partition("#")[0] == old
        }
        wrong = [n for n in where.values() if n.partition("#")[0] not in app.env.titles]
        if wrong or "" not in where or old in app.env.titles:
            what = "notebook_moved: %s: the old page is there, or the new one is not"
            logger.warning(what, old)
            continue
        page = f"{where.pop('')}.html"
        places = {f"#{at}": html_name(new) for at, new in where.items()}
        text = MOVED.format(
            title=escape(app.env.titles[page.removesuffix(".html")].astext()),
            canonical=f"{app.config.html_baseurl}{page}",
            places=json.dumps(places),
            page=json.dumps(page),
            url=page,
        )
        (out / f"{old}.html").write_text(text, encoding="utf-8")


def html_name(place: str) -> str:
    page, sign, anchor = place.partition("#")
    return f"{page}.html{sign}{anchor}"


def subtitle(app, page: str) -> str:
    "What stands below the title of a page, without its markup."
    quote = app.env.get_doctree(page).next_node(nodes.block_quote)
    return " ".join(quote.astext().split()) if quote else ""


def describe(app, page, template, context, doctree) -> None:
    "What a search engine, or a page that links here, is told of a page."
    if doctree is None:
        return
    base, title = app.config.html_baseurl, context.get("title", "")
    about = {
        "description": subtitle(app, page),
        "og:title": re.sub(r"<[^>]*>", "", title),
        "og:description": subtitle(app, page),
        "og:url": f"{base}{page}.html",
        "og:type": "article",
        "og:site_name": app.config.project,
        "og:image": f"{base}{app.config.notebook_card}",
        "twitter:card": "summary_large_image",
    }
    for name, content in about.items():
        kind = "property" if name.startswith("og:") else "name"
        tag = f'<meta {kind}="{name}" content="{escape(content)}">\n'
        context["metatags"] = context.get("metatags", "") + tag


def write_twins(app, out: Path) -> None:
    "Each notebook's page as Markdown beside it: text, the code shown, what it printed."
    for page in app.env.found_docs:
        path = Path(app.env.doc2path(page))
        if path.suffix == ".ipynb":
            text = readme.as_page(path.read_text(encoding="utf-8"))
            (out / f"{page}.md").write_text(text, encoding="utf-8")


def write_search_texts(app, out: Path) -> None:
    "What a search shows of a page: the words of its sections, without code."
    texts = {}
    for page in app.env.found_docs:
        parts: dict[str, list[str]] = {}
        for paragraph in app.env.get_doctree(page).findall(nodes.paragraph):
            if place := place_of(paragraph):
                parts.setdefault(place, []).append(words_of(paragraph))
        texts[page] = [[place, " · ".join(words)] for place, words in parts.items()]
    script = f"window.SEARCH_TEXTS = {json.dumps(texts, ensure_ascii=False)};\n"
    (out / "_static" / SEARCH_TEXTS).write_text(script, encoding="utf-8")


SEARCH_TEXTS = "search-texts.js"


def place_of(node: nodes.Node) -> str | None:
    "The anchor of what is around it: a section, or a name of the reference."
    while node := node.parent:
        if isinstance(node, addnodes.desc) and node[0]["ids"]:
            return node[0]["ids"][0]
        if isinstance(node, nodes.section):
            return node["ids"][0]
    return None


def words_of(paragraph: nodes.paragraph) -> str:
    "A paragraph without its formulas."
    words = [
        "…" if isinstance(text.parent, nodes.math) else str(text)
        for text in paragraph.findall(nodes.Text)
    ]
    return " ".join("".join(words).split())


def add_search_texts(app, page, template, context, doctree) -> None:
    if page == "search":
        app.add_js_file(SEARCH_TEXTS)


def write_maps(app, out: Path) -> None:
    "A map of the site for search engines, and one for language models."
    base, groups = app.config.html_baseurl, parts(app)
    lines = [f"# {app.config.project}", f"> {subtitle(app, app.config.root_doc)}"]
    lines.append("Each notebook's page has a Markdown twin: .md in place of .html.")
    for caption, pages in groups.items():
        links = []
        for page in pages:
            about = subtitle(app, page)
            link = f"- [{app.env.titles[page].astext()}]({base}{page}.html)"
            links.append(f"{link}: {about}" if about else link)
        lines += [f"## {caption}", "\n".join(links)]
    (out / "llms.txt").write_text("\n\n".join(lines) + "\n", encoding="utf-8")
    listed = [
        app.config.root_doc,
        *(page for pages in groups.values() for page in pages),
    ]
    urls = "".join(f"<url><loc>{base}{page}.html</loc></url>\n" for page in listed)
    urlset = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    text = f"{urlset}\n{urls}</urlset>\n"
    (out / "sitemap.xml").write_text(text, encoding="utf-8")


def read_papers(app) -> None:
    app.env.notebook_papers = papers(app.srcdir / "refs.bib")


def write_pages(app) -> None:
    "Before Sphinx looks for pages: those of commands and modules, which git ignores."
    notebook = Path(app.srcdir, f"{app.config.notebook_commands}.ipynb")
    made = {
        COMMANDS: command_pages.pages(notebook) if notebook.exists() else {},
        MODULES: module_pages.pages(app.config.notebook_package),
    }
    for folder, texts in made.items():
        write_changed(texts, Path(app.srcdir, folder))


def write_changed(pages: dict[str, str], folder: Path) -> None:
    "Write the pages that have changed, and remove those that are no more."
    for path in folder.glob("*.md"):
        if path.stem not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            folder.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")


def setup(app) -> dict:
    for option in ("parts", "package", "repository"):
        app.add_config_value(f"notebook_{option}", None, "env")
    app.add_config_value("notebook_moved", {}, "env")
    app.add_config_value("notebook_card", "", "env")
    app.add_config_value("notebook_commands", "", "env")
    for event, function in (
        ("builder-inited", read_papers),
        ("builder-inited", write_pages),
        ("source-read", read),
        ("doctree-read", number),
        ("doctree-resolved", link),
        ("html-page-context", describe),
        ("html-page-context", add_search_texts),
        ("build-finished", finish),
    ):
        app.connect(event, function)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
