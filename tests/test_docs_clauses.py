"""The table of clauses: each clause of the five companies has its rules and its tests, at the lines where they are."""

from __future__ import annotations

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
