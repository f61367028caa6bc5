"""Whether values are on a suppression list, for people. A value is told by its line."""

from __future__ import annotations

from rich.console import Console

from retention.model.suppression import Suppression
from retention.report.console import line
from retention.report.words import counted, number


def show_suppression(console: Console, found: Suppression) -> None:
    """A line a value; how many there are where there are several; what limits the answer."""
    for each in found.lines:
        told = "listed" if each.listed else "not listed"
        line(console, f"line {each.line}: {told}", style="" if each.listed else "warn")
    where = f"{found.dataset}, {found.column}"
    if len(found.lines) > 1:
        listed = len(found.lines) - found.unlisted
        line(console, f"{number(listed)} of {number(len(found.lines))} values are listed in {where}.")
    else:
        line(console, f"Looked for in {where}, with {counted(found.keys, 'key', 'keys')}.", style="quiet")
    for note in found.notes:
        line(console, note, style="warn")
