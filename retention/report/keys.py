"""Keys for people."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from retention.model.keys import KeyChange, KeyList
from retention.report.console import Facts, heading, line

_MEANS = {
    "in use": ("in use", "good"),
    "former": ("not in use any more", ""),
    "destroyed": ("destroyed", "quiet"),
    "missing": ("not where the keys are: lost, or kept elsewhere", "warn"),
    "unknown": ("not in use; the ledger does not know it", "warn"),
}


def show_keys(console: Console, found: KeyList) -> None:
    """A part a kind, a line a key."""
    for kind, place in found.places:
        heading(console, f"{kind.capitalize()} keys, in {place}")
        facts = Facts(width=16)
        for key in found.keys:
            if key.kind == kind:
                means, style = _MEANS[key.state]
                span = f"since {key.since}" if key.since and not key.until else f"{key.since} to {key.until}"
                text = means if key.since is None else f"{means}, {span}"
                facts.add(key.id, Text(text, style=style))
        facts.show(console)
    for note in found.notes:
        line(console, note, style="warn")


def show_change(console: Console, done: KeyChange) -> None:
    """What was done, and what is to be done."""
    for each in done.lines:
        line(console, f"{each[0].upper()}{each[1:]}.")
