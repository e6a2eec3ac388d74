"""The site: `make docs` builds it from the notebooks in this folder.

`make preview` shows it while you write.
"""

import sys
from configparser import ConfigParser
from pathlib import Path

here = Path(__file__).parent
sys.path.insert(0, str(here))
parser = ConfigParser()
parser.read(here.parent / "settings.ini", encoding="utf-8")
settings = parser["DEFAULT"]

project = html_title = settings["lib_name"]
author, copyright = settings["author"], settings["copyright"]
version = release = settings["version"]

extensions = ["myst_nb", "sphinxcontrib.bibtex", "notebook_site"]
exclude_patterns = ["**.ipynb_checkpoints"]
nb_execution_mode = "off"  # what is shown was saved by `make notebooks`
nb_output_stderr = "remove"  # warnings speak of the machine that ran the notebook
nb_render_markdown_format = "myst"
nb_code_prompt_show, nb_code_prompt_hide = "Show the code", "Hide the code"
myst_enable_extensions = ["dollarmath", "amsmath", "fieldlist", "colon_fence"]
myst_heading_anchors = 3
bibtex_bibfiles = ["refs.bib"]
bibtex_default_style = "plain"
bibtex_cite_id = "{key}"
toc_object_entries_show_parents = "hide"
python_maximum_signature_line_length = 80
nitpick_ignore_regex = [("py:.*", ".*")]  # the types in signatures are other libraries'

# What the sidebar lists, in this order. A new notebook finds its place by its number.
notebook_parts = {
    "Learn": ["00b_*", "00_*", "0[1-3]*", "04_*", "04a_*", "05_*", "06*"],
    "Go further": ["07_*", "08*", "09*", "1[2-9]*", "[2-7]?*", "04[b-z]*"],
    "Use": [
        "90_*",
        "commands/*",
        "10*",
        "11*",
        "05[a-z]*",
        "00[ac-z]*",
        "07[a-z]*",
        "9[1-9]*",
    ],
    "Measured": ["8?*"],
    "Reference": ["notation", "api", "modules/*", "references", "changelog"],
}
# Old names of pages, or of places on a page as `page#anchor`, and where they are now
notebook_moved = {
    "00_data": "00_images",
    "07_evaluation": "07_log_likelihood",
    "api_use": "api",
}
notebook_package = here.parent / settings["lib_path"]  # its modules have pages, too
notebook_commands = "90_cli"  # the notebook that runs them; each has a page made for it
notebook_repository = f"{settings['git_url']}/blob/{settings['branch']}/nbs/"

html_theme = "furo"
html_baseurl = f"{settings['doc_host']}{settings['doc_baseurl']}/"
html_favicon = "_static/icon.svg"
notebook_card = "_static/card.png"  # what a link to the site shows elsewhere
html_static_path, html_css_files, html_js_files = ["_static"], ["site.css"], ["site.js"]
html_copy_source = html_show_sourcelink = html_show_sphinx = (
    html_show_search_summary
) = False
mathjax_path = (
    "mathjax/tex-chtml.js"  # the extension copies it: the site needs no other host
)
mathjax3_config = {"chtml": {"scale": 0.95}}
