"""The table of clauses: each clause of the five companies has its rules and its tests, at the lines where they are."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


def test_the_table_of_clauses_is_of_this_day():
    clauses = runpy.run_path(str(DOCS / "clauses.py"))
    assert len(clauses["CLAUSES"]) == 25
    told = (DOCS / "reference" / "clauses.md").read_text(encoding="utf-8")
    if told != clauses["page"]():
        pytest.fail("docs/reference/clauses.md is out of date; type: python docs/clauses.py")


def test_each_of_its_links_ends_at_the_line_that_it_speaks_of():
    page = DOCS / "reference" / "clauses.md"
    links = re.findall(r"\[([^]]+)\]\(([^)]+)#L(\d+)\)", page.read_text(encoding="utf-8"))
    assert len(links) > 2 * 25
    for words, path, number in links:
        line = (page.parent / path).read_text(encoding="utf-8").splitlines()[int(number) - 1]
        wanted = f"[rules.{words.strip('`')}]" if "`" in words else f"_{words.replace(' ', '_')}("
        assert wanted in line, (path, number)
