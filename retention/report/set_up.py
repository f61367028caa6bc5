"""What `init` did; and the tables of a database, for somebody who is to choose among them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from retention.model.overview import SetUp, TableLine
from retention.report.console import cell, columns, heading, line
from retention.report.escape import shown
from retention.report.words import number

MOST = 3
"""Names of columns that stand in a cell."""
LONGEST = 66
"""Columns that a name may need, as no database has longer ones; so a line may be longer than a screen."""
_STYLES = ("title", "", "", "", "quiet")

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
    for each in tables:
        rows = "?" if each.rows is None else _ROWS[each.exactness].format(number(each.rows))
        cells = (each.table,), (rows,), _few(each.dates), _few(each.people), _few(each.referred_by)
        drawn.add_row(*(cell(" ".join(words), style) for words, style in zip(cells, _STYLES, strict=True)))
        for column, words in zip(drawn.columns, cells, strict=True):
            longest = max((cell_len(shown(word)) for word in words), default=0)
            column.min_width = max(column.min_width or 0, min(longest, LONGEST))
    needed = sum(
        max(column.min_width or 0, len(name)) + 2
        for column, (name, _) in zip(drawn.columns, names, strict=True)
    )
    console.print(drawn, width=max(needed, console.width), crop=False)


def _few(names: Sequence[str]) -> tuple[str, ...]:
    """Word by word: a line ends between two names, and in none."""
    more = len(names) - MOST
    first = names[:MOST]
    return (*(f"{name}," for name in first[:-1]), *first[-1:], *((f"+{more}",) if more > 0 else ()))
