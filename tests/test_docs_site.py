"""The documentation as a site: every link ends at a page and a heading, and every page is in the sidebar once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])


def text_of(page: Path) -> str:
    """A page without what stands in its fenced blocks."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchor(heading: str) -> str:
    """As GitHub and MyST make it of a heading."""
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    return {anchor(heading) for heading in re.findall(r"^#{1,4} (.+)$", text_of(page), re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_a_heading_find_it(page):
    for link in re.findall(r"\]\(([^)]+)\)", text_of(page)):
        path, _, place = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if "://" not in link and place and target.suffix == ".md":
            assert place in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_two_headings_of_a_page_have_one_anchor(page):
    found = [anchor(heading) for heading in re.findall(r"^#{1,4} (.+)$", text_of(page), re.MULTILINE)]
    assert len(found) == len(set(found))


def test_every_page_is_in_the_sidebar_once():
    listed = re.findall(r"^([\w/-]+)$", (DOCS / "index.md").read_text(encoding="utf-8"), re.MULTILINE)
    decisions = {f"decisions/{page.stem}" for page in (DOCS / "decisions").glob("*.md")}
    pages = {page.relative_to(DOCS).with_suffix("").as_posix() for page in DOCS.rglob("*.md")}
    assert len(listed) == len(set(listed))
    assert set(listed) | decisions == pages - {"index"}


def test_every_decision_is_in_their_list():
    page = DOCS / "decisions" / "README.md"
    listed = re.findall(r"\]\(([\w-]+\.md)\)", page.read_text(encoding="utf-8"))
    assert sorted(listed) == sorted({each.name for each in page.parent.glob("*.md")} - {page.name})


def test_the_site_names_no_other_host():
    """Whoever reads it offline, or must not be followed, reads all of it."""
    for file in (DOCS / "conf.py", *(DOCS / "site").iterdir()):
        assert "://" not in file.read_text(encoding="utf-8")


def test_the_picture_is_of_a_demo_and_asks_nobody_for_a_font():
    """`make pictures` makes it anew."""
    picture = (DOCS / "pictures" / "demo.svg").read_text(encoding="utf-8")
    said = picture.replace("&#160;", " ")
    for words in ("retention plan", "This is a dry run", "retention run", "The ledger verifies"):
        assert words in said
    assert "@font-face" not in picture
    assert "url(http" not in picture
