"""The built site in a real browser, from file://: what a reader sees, and must not.

Needs Chromium, or Chrome, and its driver: apt-get install chromium chromium-driver.
"""

import json
import re
import subprocess
import sys
import threading
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from queue import Queue
from urllib.parse import unquote, urlsplit

import pytest
from browser import started
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

root = Path(__file__).resolve().parent.parent
notebooks = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))["cells"]
    for path in (root / "nbs").glob("*.ipynb")
}
PHONE, DESK = 390, 1400  # pixels

# What there is to know of a page, in one visit
LOOK = """
const done = arguments[0], article = document.querySelector("article");
const prose = article.cloneNode(true);
prose.querySelectorAll("pre, code, mjx-container, script").forEach((e) => e.remove());
done({
  math: document.querySelectorAll("article mjx-container").length,
  mathErrors: [...document.querySelectorAll("mjx-merror, [data-mjx-error]")]
    .map((e) => e.textContent),
  text: article.textContent,
  prose: prose.textContent,
  images: [...article.querySelectorAll("img")]
    .map((i) => [i.src, i.naturalWidth, i.alt]),
});
"""
# Elements wider than the screen, unless they are in what may scroll sideways
WIDE = """
const mayScroll = "pre, div.highlight, .math, div.output, dt.sig";
const scrolls = (e) => e && (scrolls(e.parentElement) || e.matches(mayScroll)
  && /auto|scroll/.test(getComputedStyle(e).overflowX));
return [...document.querySelectorAll("article *")]
  .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
  .filter((e) => !e.closest("mjx-assistive-mml") && !scrolls(e))
  .map((e) => e.outerHTML.slice(0, 120));
"""
SCROLLS = """
const scrolls = (e) => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1
  && /auto|scroll/.test(getComputedStyle(e).overflowX);
return [...document.querySelectorAll("article *")].filter(scrolls)
  .map((e) => e.textContent.trim().slice(0, 120));
"""
# Mathematics is MathJax's business; and of thousands of words of code, links and
# entries of the reference, axe need see only a few of each kind
THIN = """
document.querySelectorAll("mjx-container").forEach((e) => e.replaceWith("formula"));
const kept = "[id], h1, h2, h3, h4, img, svg, svg *, iframe, input, summary, "
  + "td, th, dt, dd";
const kinds = new Map(), seen = {};
for (const e of document.querySelectorAll("article *")) {  // parents before children
  const own = [e.tagName, e.className, e.getAttributeNames(), e.style.cssText];
  kinds.set(e, (kinds.get(e.parentElement) ?? "") + own.join("|"));
}
for (const [e, kind] of [...kinds].reverse()) {  // and here after
  const part = e.parentElement.closest("a");  // a link goes as a whole, or stays
  const whole = e.matches("a") && !e.querySelector(kept);
  if (part || (e.childElementCount && !whole) || e.matches(kept)) continue;
  const which = kind + !e.textContent.trim();
  seen[which] = (seen[which] ?? 0) + 1;
  if (seen[which] > 3) e.remove();
}
const still = document.createElement("style");
still.textContent = "* { transition: none !important; }";
document.head.append(still);
"""
# What frames show is looked at by test_explorer.py: from file:// axe cannot enter them
AXE = """
const done = arguments[1];
const serious = (violation) => ["serious", "critical"].includes(violation.impact);
const say = ({id, nodes: [{html, failureSummary}, ...more]}) =>
  `${id}: ${more.length + 1} times, ${html.slice(0, 200)} ${failureSummary}`;
// region is a moderate rule at most, and a slow one
axe.run(document, {iframes: false, rules: {region: {enabled: false}}, ...arguments[0]})
  .then((r) => done(r.violations.filter(serious).map(say)));
"""
HITS = r"""
return [...document.querySelectorAll("#search-results li a")]
  .map((a) => a.getAttribute("href").replace(/\?[^#]*/, "").replace(/^\.\//, ""));
"""
SNIPPETS = """
return [...document.querySelectorAll("#search-results li")]
  .map((item) => item.querySelector("p.snippet")?.textContent);
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    "The site, built from nothing with warnings as errors."
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "nbs", str(out / "html")]
    command += ["-d", str(out / "doctrees"), "-n", "-W", "--keep-going", "-q"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out / "html"


@pytest.fixture(scope="module")
def browsers(tmp_path_factory) -> Iterator[Queue]:
    browsers: Queue = Queue()
    for _ in range(2):
        browsers.put(started(tmp_path_factory.mktemp("profile")))
    yield browsers
    while not browsers.empty():
        browsers.get().quit()


def visit(page: Path, browsers: Queue) -> dict:
    "Look at a page: light, dark, and on a phone."
    browser = browsers.get()
    try:
        browser.get(page.as_uri())
        browser.execute_async_script(
            "(window.MathJax?.startup.promise ?? Promise.resolve()).then(arguments[0])"
        )
        seen = browser.execute_async_script(LOOK)
        browser.execute_script(
            "document.querySelectorAll('details').forEach((d) => d.open = true)"
        )
        for width, what, script in ((DESK, "scrolls", SCROLLS), (PHONE, "wide", WIDE)):
            browser.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                dict(
                    width=width, height=844, deviceScaleFactor=1, mobile=what == "wide"
                ),
            )
            browser.execute_script("dispatchEvent(new Event('resize'))")
            seen[what] = browser.execute_script(script)
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_script(
            THIN + (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
        )
        for theme, only in (("light", {}), ("dark", {"runOnly": ["color-contrast"]})):
            browser.execute_script("document.body.dataset.theme = arguments[0]", theme)
            seen[theme] = browser.execute_async_script(AXE, only)
        seen["console"] = [
            entry["message"]
            for entry in browser.get_log("browser")
            if entry["level"] in ("SEVERE", "WARNING")
        ]
        events = [
            json.loads(entry["message"])["message"]
            for entry in browser.get_log("performance")
        ]
        seen["requests"] = [
            e["params"]["request"]["url"]
            for e in events
            if e["method"] == "Network.requestWillBeSent"
        ]
        return seen
    finally:
        browsers.put(browser)


@pytest.fixture(scope="module")
def pages(site, browsers) -> dict[str, dict]:
    "What was seen on every page, by its name without .html."
    names = sorted(
        str(path.relative_to(site).with_suffix(""))
        for path in html_files(site)
        if 'http-equiv="refresh"' not in path.read_text(encoding="utf-8")
    )
    assert set(notebooks) <= set(names)
    with ThreadPoolExecutor(2) as pool:
        return dict(
            zip(
                names,
                pool.map(lambda name: visit(site / f"{name}.html", browsers), names),
            )
        )


def html_files(site: Path) -> list[Path]:
    below = [*site.glob("commands/*.html"), *site.glob("modules/*.html")]
    return [*site.glob("*.html"), *below]


def offending(pages: dict, what: str) -> dict:
    return {name: seen[what] for name, seen in pages.items() if seen[what]}


def directives(cell: dict) -> set[str]:
    return (
        set(re.findall(r"^#\| *([^\n]*?) *$", "".join(cell["source"]), re.M))
        if cell["cell_type"] == "code"
        else set()
    )


def markdown(cells: list[dict]) -> list[str]:
    "The Markdown that a reader sees of a notebook: cells, and what cells put out."
    shown = [
        cell
        for cell in cells
        if not directives(cell) & {"hide", "export", "output: false", "include: false"}
    ]
    said = [
        output.get("data", {}).get("text/markdown", "")
        for cell in shown
        for output in cell.get("outputs", [])
    ]
    return [
        "".join(text)
        for text in [
            *(cell["source"] for cell in shown if cell["cell_type"] == "markdown"),
            *said,
        ]
    ]


def equations(text: str) -> int:
    reader = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin)
    tokens = reader.parse(text)
    return sum(
        t.type.startswith("math_")
        for token in tokens
        for t in (token, *(token.children or []))
    )


def test_no_page_complains_or_asks_another_host(pages):
    assert not offending(pages, "console")
    for name, seen in pages.items():
        assert seen["requests"] and not [
            url for url in seen["requests"] if re.match("https?:|wss?:", url)
        ], (name, seen["requests"])


def test_every_equation_is_set(pages):
    assert not offending(pages, "mathErrors")
    counts = {
        name: sum(map(equations, markdown(cells))) for name, cells in notebooks.items()
    }
    assert counts["01_elbo"] > 100
    assert {name: pages[name]["math"] for name in counts} == counts


def test_nothing_shows_that_is_for_the_machine(pages):
    for name, seen in pages.items():
        assert "#|" not in seen["text"], name
        raw = re.search(
            r"\$\$|\\[a-zA-Z]{2,}|\\\(|\{cite|\{eq|:::|\$[^$\n]+\$", seen["prose"]
        )
        assert not raw, (name, raw)
    for name, cells in notebooks.items():
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        source = {
            kind: {
                line.strip()
                for cell in code
                if bool(directives(cell) & {"hide", "export"}) is kind
                for line in "".join(cell["source"]).splitlines()
                if len(line.strip()) > 25
            }
            for kind in (True, False)
        }
        leaked = (source[True] - source[False]) & {
            line.strip() for line in pages[name]["text"].splitlines()
        }
        assert not leaked, (name, leaked)


def test_every_internal_link_leads_somewhere(site):
    soups = {
        path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in html_files(site)
    }
    ids = {
        name: {e["id"] for e in soup.find_all(id=True)} for name, soup in soups.items()
    }
    checked = 0
    for name, soup in soups.items():
        for element, attribute in (
            (e, a) for a in ("href", "src") for e in soup.find_all(attrs={a: True})
        ):
            url = urlsplit(element[attribute])
            if url.scheme or url.netloc:
                continue
            target, anchor = name, unquote(url.fragment)
            if url.path:
                target = (name.parent / unquote(url.path)).resolve()
            assert target.is_file(), (name, element[attribute])
            assert (
                not anchor
                or target not in ids
                or anchor in ids[target]
                or element.name == "use"
            ), (name, element[attribute])
            checked += 1
    assert checked > 1000


def test_every_picture_loads_and_is_described(pages):
    pictures = [
        (name, *picture) for name, seen in pages.items() for picture in seen["images"]
    ]
    assert len(pictures) > 20
    assert not [p for p in pictures if not (p[2] > 0 and len(p[3].strip()) > 15)]


def test_pictures_are_sharp_and_fit_a_wide_screen():
    saved = [
        (name, kind, output)
        for name, cells in notebooks.items()
        for cell in cells
        for output in cell.get("outputs", [])
        for kind in {"image/png", "image/jpeg"} & output.get("data", {}).keys()
    ]
    assert len(saved) > 50
    for name, kind, output in saved:
        data, plot = output["data"], "<Figure" in "".join(output["data"]["text/plain"])
        pixels = Image.open(BytesIO(b64decode("".join(data[kind])))).width
        width = output["metadata"].get(kind, {}).get("width", pixels)
        # the column has 832 pixels, and on a dark page pictures have a frame
        assert width <= 820, (name, width)
        assert not plot or pixels >= 2 * width, (name, pixels, width)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(pages, theme):
    assert not offending(pages, theme)


def test_nothing_scrolls_sideways_on_a_desk(pages):
    assert not offending(pages, "scrolls")


def test_nothing_is_too_wide_for_a_phone(pages):
    assert not offending(pages, "wide")


@pytest.mark.parametrize("over", ["file", "http"])
@pytest.mark.parametrize(
    "words, found",
    [
        ("divergence", "01_elbo.html"),
        ("gaussian_kl", "modules/elbo.html#vae_nb.gaussian_kl"),
    ],
)
def test_search_finds(site, browsers, over, words, found):
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=site)
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    browser = browsers.get()
    try:
        base = (
            site.as_uri()
            if over == "file"
            else f"http://127.0.0.1:{server.server_port}"
        )
        browser.get(f"{base}/search.html?q={words}")
        WebDriverWait(browser, 20).until(  # they come one by one
            lambda browser: found in browser.execute_script(HITS),
            f"{found} is not among what {words} finds",
        )
        snippets = browser.execute_script(SNIPPETS)
        assert snippets and all(snippets)
        if words == "divergence":
            assert any("Kullback–Leibler divergence" in text for text in snippets)
    finally:
        browsers.put(browser)
        server.shutdown()


def test_a_reader_can_put_all_code_away(site, browsers):
    browser = browsers.get()
    try:
        browser.get((site / "01_elbo.html").as_uri())
        shown = (
            "return [...document.querySelectorAll('div.cell_input')]"
            ".filter((e) => e.checkVisibility()).length"
        )
        assert browser.execute_script(shown) > 10
        browser.execute_script("document.querySelector('.page-links button').click()")
        assert browser.execute_script(shown) == 0
        browser.get((site / "02_sampling.html").as_uri())
        assert browser.execute_script(shown) == 0  # remembered
        browser.execute_script("document.querySelector('.page-links button').click()")
        assert browser.execute_script(shown) > 5
    finally:
        browsers.put(browser)


def test_a_phone_shows_formulas_printed_lines_and_tables_whole(site, browsers):
    browser = browsers.get()
    wide = """
    return [...document.querySelectorAll(arguments[0])]
      .filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent);
    """
    rows = """
    return [...document.querySelectorAll("table.stacked tbody tr")].map((row) =>
      [...row.cells].map((cell) => [cell.dataset.head, cell.textContent.trim()]));
    """
    try:
        screen = dict(width=PHONE, height=844, deviceScaleFactor=1, mobile=True)
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        printed = "div.cell_output pre:not(.columns)"
        for page, shown in (
            ("01a_kl", ("article div.math mjx-container", printed)),
            ("10_own_images", (printed,)),
        ):
            browser.get((site / f"{page}.html").as_uri())
            for what in shown:
                assert browser.find_elements(By.CSS_SELECTOR, what)
                WebDriverWait(browser, 10).until(
                    lambda b, what=what: b.execute_script(wide, what) == []
                )
        first = browser.execute_script(rows)[0]  # too many columns for a phone
        assert ["latents", "64"] in first and len(first) == 9
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browsers.put(browser)


def test_an_old_link_to_a_name_leads_to_its_module(site, browsers):
    browser = browsers.get()
    try:
        for page, name in (
            ("api", "vae_nb.gaussian_kl"),
            ("api", "vae_nb.VAE.encode"),
            ("api_use", "vae_nb.load_dataset"),
        ):
            browser.get("about:blank")
            browser.get(f"{(site / page).as_uri()}.html#{name}")
            WebDriverWait(browser, 10).until(lambda b: "/modules/" in b.current_url)
            assert browser.current_url.endswith(f".html#{name}")
            WebDriverWait(browser, 10).until(
                lambda b, name=name: b.find_elements(By.ID, name)
            )
    finally:
        browsers.put(browser)


def test_the_reference_has_every_exported_name(site):
    import vae_nb

    entries = {}
    for page in (site / "modules").glob("*.html"):
        soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
        for entry in soup.find_all("dt", id=True):
            assert entry["id"] not in entries, "it stands on two pages"
            entries[entry["id"]] = entry.parent.text
    for name in vae_nb.__all__:
        assert "Source" in entries[f"vae_nb.{name}"], name
    assert "mu, shape (batch, latent_dim)" in entries["vae_nb.gaussian_kl"]
    training = (site / "05_training.html").read_text(encoding="utf-8")
    links = BeautifulSoup(training, "html.parser").select(
        'a[href="modules/vae.html#vae_nb.VAE"]'
    )
    assert [link.text for link in links] and {link.text for link in links} == {"VAE"}


def test_the_site_is_small_and_mapped(site):
    sizes = {path: path.stat().st_size for path in site.rglob("*") if path.is_file()}
    assert sum(sizes.values()) < 40e6
    assert not [
        path for path, size in sizes.items() if path.suffix == ".html" and size > 1e6
    ]
    for name in ("llms.txt", "sitemap.xml"):
        text = (site / name).read_text(encoding="utf-8")
        assert all(
            f"/{notebook}.html" in text for notebook in notebooks if notebook != "index"
        ), name
