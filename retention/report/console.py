"""The one way in which text reaches a person: rich, with nothing read as markup."""

from __future__ import annotations

import os
from typing import TextIO, cast

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from retention.report.escape import shown

PLAIN_WIDTH = 100
"""Columns of a text that goes to a pipe, unless COLUMNS asks for others."""

NARROWEST = 40
"""Less than this many columns COLUMNS does not ask for."""

WIDE = 110
"""From this many columns on, rule and dataset stand side by side."""

THEME = Theme(
    {
        "title": "bold",
        "heading": "bold cyan",
        "good": "green",
        "warn": "yellow",
        "bad": "bold red",
        "quiet": "dim",
        "command": "bold green",
        "promise": "italic",
    }
)


class Trimmed:
    """A stream that passes lines on without the blanks that a layout leaves at their ends.

    What of a text stream rich needs, and no more: a stream of `io` would flush what lies below it when
    it is collected, by then perhaps closed.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._blanks = ""

    @property
    def encoding(self) -> str:
        """The encoding of the stream below."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        """Passes on what can't be a line's trailing blanks any more."""
        pieces = (self._blanks + text).split("\n")
        pieces[:-1] = [piece.rstrip(" ") for piece in pieces[:-1]]
        last = pieces[-1].rstrip(" ")
        self._blanks = pieces[-1][len(last) :]
        pieces[-1] = last
        self._stream.write("\n".join(pieces))
        return len(text)

    def flush(self) -> None:
        """Flushes the stream below."""
        self._stream.flush()

    def isatty(self) -> bool:
        """Never: on a terminal nothing is trimmed."""
        return False


class Screen(Console):
    """A console that leaves it to its caller what a reader who left means; rich's own ends the process."""

    silent_when_broken = False

    def on_broken_pipe(self) -> None:
        """Called while the BrokenPipeError is being handled."""
        if not self.silent_when_broken:
            raise
        self.quiet = True


def console_on(stream: TextIO, *, width: int | None = None) -> Screen:
    """A console on `stream`: colour only on a terminal and without NO_COLOR, plain text elsewhere."""
    terminal = stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb")
    return Screen(
        file=stream if terminal else cast("TextIO", Trimmed(stream)),
        force_terminal=terminal,
        width=width or (None if terminal else _asked_for() or PLAIN_WIDTH),
        no_color=bool(os.environ.get("NO_COLOR")),
        theme=THEME,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )


def _asked_for() -> int | None:
    """COLUMNS, where it is set to a width that a table fits in."""
    text = os.environ.get("COLUMNS", "")
    return int(text) if text.isdecimal() and len(text) < 5 and int(text) >= NARROWEST else None


def line(console: Console, text: str | Text = "", style: str = "", indent: int = 0) -> None:
    """One paragraph, wrapped; continuation lines keep the indent."""
    body = Text(shown(text), style=style) if isinstance(text, str) else text
    console.print(Padding(body, (0, 0, 0, indent)) if indent else body)


def item(console: Console, text: str, style: str = "", indent: int = 2) -> None:
    """One item of a list, wrapped; continuation lines stand two columns further in, so that the next item shows."""
    body = Text(shown(text), style=style)
    for number, each in enumerate(body.wrap(console, console.width - indent - 2)):
        console.print(Padding(each, (0, 0, 0, indent + 2 * (number > 0))))


def heading(console: Console, text: str) -> None:
    """A line that opens a part, with an empty one before it."""
    console.print()
    console.print(Text(shown(text), style="heading"))


def columns(console: Console, *headers: tuple[str, str]) -> Table:
    """An empty table; headers are (text, "left" or "right"). Lines only where a terminal draws them."""
    drawn = console.is_terminal and not console.options.ascii_only
    table = Table(
        box=box.SIMPLE_HEAD if drawn else None,
        pad_edge=False,
        show_edge=False,
        header_style="bold",
        padding=(0, 1, 0, 0) if drawn else (0, 1),
    )
    for text, side in headers:
        right = side == "right"
        table.add_column(text, justify="right" if right else "left", no_wrap=right, overflow="fold")
    return table


def cell(text: str, style: str = "") -> Text:
    """A value in a table, escaped."""
    return Text(shown(text), style=style)


def status_table(console: Console, longest: int, *numbers: str) -> tuple[Table, bool]:
    """A table of jobs, and whether rule and dataset stand side by side or one above the other.

    `longest` is the longest name's length; in a narrow table neither names nor the status,
    whose longest word has eight letters, are squeezed away by the numbers between them.
    """
    wide = console.width >= WIDE
    first = (("rule", "left"), ("dataset", "left")) if wide else (("rule, dataset", "left"),)
    table = columns(console, *first, *((name, "right") for name in numbers), ("status", "left"))
    if not wide:
        table.columns[0].min_width = min(longest, console.width // 4)
        table.columns[-1].width = 8
    return table, wide


def names(rule: str, place: str, *, wide: bool) -> list[Text]:
    """The first cell or cells of a row of such a table."""
    if wide:
        return [cell(rule), cell(place)]
    return [Text.assemble(shown(rule), "\n", (f"  {shown(place)}", "quiet"))]


class Facts:
    """Label and text, row by row, the texts aligned; an empty label goes on with the row above."""

    def __init__(self, indent: int = 2, width: int = 9) -> None:
        self._grid = Table.grid(padding=(0, 1))
        self._grid.add_column(min_width=width, no_wrap=True, style="quiet")
        self._grid.add_column(overflow="fold")
        self._indent = indent

    def add(self, label: str, text: str | Text | Table) -> None:
        """A row; a string is escaped, a Text or a table is taken as it is."""
        self._grid.add_row(cell(label), cell(text) if isinstance(text, str) else text)

    def show(self, console: Console) -> None:
        """Draws the rows so far."""
        console.print(Padding(self._grid, (0, 0, 0, self._indent), expand=False))
