"""What `init` did; and the tables of a database, for somebody who is to choose among them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from retention.model.overview import SetUp, TableLine
from retention.report.console import cell, columns, heading, line
from retention.report.escape import shown
from retention.report.words import number

MOST = 3
"""Names of columns that stand in a cell."""

_ROWS = {"exact": "{}", "about": "~{}", "more": ">{}"}


def show_set_up(console: Console, done: SetUp) -> None:
    """The lines; then the tables that could be datasets, those that go with others, those that can't be."""
    for each in done.lines:
        line(console, each)
    if done.command is None:
        return
    roots = [t for t in done.tables if t.why_not is None and t.part_of is None]
    parts = [t for t in done.tables if t.why_not is None and t.part_of is not None]
    others = [t for t in done.tables if t.why_not is not None]
    if not roots:
        line(console, "There is no table here that could be a dataset.", style="warn")
        line(
            console,
            "See that the URL names the database that you mean, and that the role may read its tables.",
        )
    else:
        line(console, "What could be a dataset, by what names and references say", style="title")
        _table(console, roots)
    if parts:
        heading(console, "Would go with one of them, as parts")
        for root in dict.fromkeys(part.part_of for part in parts):
            with_it = ", ".join(part.table for part in parts if part.part_of == root)
            line(console, f"with {root}: {with_it}", indent=2)
    if others:
        heading(console, "Can be no dataset")
        for other in others:
            line(console, f"{other.table}: {other.why_not}", style="quiet", indent=2)
    if roots:
        console.print()
        line(console, "Nothing was written. Name the tables that your privacy policy speaks of:")
        console.print(Text(f"  {shown(done.command)}", style="command"), soft_wrap=True)


def _table(console: Console, tables: Sequence[TableLine]) -> None:
    names = (
        ("table", "left"),
        ("rows", "right"),
        ("dates", "left"),
        ("about", "left"),
        ("referred to by", "left"),
    )
    drawn = columns(console, *names)
    drawn.columns[0].no_wrap = max(len(each.table) for each in tables) <= console.width // 3
    for each in tables:
        rows = "?" if each.rows is None else _ROWS[each.exactness].format(number(each.rows))
        drawn.add_row(
            cell(each.table, "title"),
            cell(rows),
            cell(_few(each.dates)),
            cell(_few(each.people)),
            cell(_few(each.referred_by), "quiet"),
        )
    console.print(drawn)


def _few(names: Sequence[str]) -> str:
    more = len(names) - MOST
    return ", ".join(names[:MOST]) + (f" +{more}" if more > 0 else "")
