"""The site that `make docs` builds of these pages, with Sphinx, MyST and Furo; strict: a dead link ends it.

The pages are written to be read where they lie, too. What only the site needs is added here, and
not in them: README.md of the project is the site's first page, and decisions/README.md has its pages
below it.
"""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx

PROJECT = Path(__file__).parents[1]

project = "retention"
extensions = ["myst_parser"]
root_doc = "index"
source_suffix = {".md": "markdown"}
myst_heading_anchors = 4
highlight_language = "text"
html_theme = "furo"
html_title = "retention"
html_static_path = ["site"]
html_css_files = ["tables.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_domain_indices = False
html_use_index = False


def _first_page(sidebar: str) -> str:
    """The project's README, its links as they are from this folder, and the sidebar behind it."""
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    text = re.sub(r"\]\((?!docs/|https?:|#)", "](../", text)
    return text.replace("](docs/", "](") + "\n" + sidebar


def _for_the_site(app: Sphinx, docname: str, content: list[str]) -> None:
    if docname == "index":
        content[0] = _first_page(content[0])
    if docname == "decisions/README":
        content[0] += "\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"
    up = "../" * docname.count("/")
    content[0] = content[0].replace(f"](../{up}README.md", f"]({up}index.md")
    content[0] = content[0].replace(f"](../{up}examples/README.md", f"]({up}reference/clauses.md")


def setup(app: Sphinx) -> None:
    """Sphinx calls this."""
    app.connect("source-read", _for_the_site)
