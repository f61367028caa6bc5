"""`make pictures`: the picture of the terminal in the README, taken of a real demo.

    python docs/pictures.py            writes docs/pictures/demo.svg

`retention demo` is run as on a terminal, in a folder that is thrown away. Of what it says the picture
has the plan up to its first rule, the outcome, and the verification: the rest is left out, the folder
is called `~`, and nothing else is changed. It is of the day on which it is made.
"""

from __future__ import annotations

import io
import os
import re
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

WIDTH = 96
TARGET = Path(__file__).parent / "pictures" / "demo.svg"
TITLE = r"\w.* ─{3}"
"""How a chapter of the demo begins."""

BACKGROUND, INK = (24, 26, 32), (222, 222, 222)
COLOURS = [
    (24, 26, 32), (240, 110, 110), (126, 211, 140), (230, 192, 110),
    (110, 160, 240), (200, 140, 230), (110, 205, 220), (222, 222, 222),
]  # fmt: skip


class Terminal(io.StringIO):
    """What says that it is a terminal, and remembers what was written."""

    def isatty(self) -> bool:
        return True


def demo() -> list[Text]:
    """The lines of a real demo, with their colours."""
    from retention.cli import root

    os.environ.update(COLUMNS=str(WIDTH), TERM="xterm-256color", COLORTERM="truecolor")
    os.environ.pop("NO_COLOR", None)
    screen, before, there = Terminal(), sys.stdout, os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        sys.stdout = screen
        try:
            root.root.main(["demo"])
        except SystemExit as end:
            if end.code:
                raise
        finally:
            sys.stdout = before
            os.chdir(there)
    said = screen.getvalue().replace(os.path.realpath(folder), "~").replace(folder, "~")
    return [Text.from_ansi(line) for line in said.splitlines()]


def chapter(lines: list[Text], begins: str, ends: str) -> list[Text]:
    """From the line that begins so, to the one before the next line that looks so."""
    first = next(at for at, line in enumerate(lines) if line.plain.startswith(begins))
    last = next(at for at in range(first + 1, len(lines)) if re.match(ends, lines[at].plain))
    return lines[first:last]


def story(lines: list[Text]) -> list[Text]:
    """What the picture shows: what was typed stands before what it says."""
    plan = chapter(lines, "Plan ", rf"{TITLE}|Promised, ")
    headings = [at for at, line in enumerate(plan) if re.match(r"[\w-]+: \w+\.\w+$", line.plain.strip())]
    shown = plan[: headings[1]] if len(headings) > 1 else plan
    outcome = chapter(lines, "Run ", TITLE)
    verified = chapter(lines, "The ledger verifies", TITLE)
    said: list[Text] = []
    for command, part in (("plan", shown), ("run", outcome), ("audit verify", verified)):
        while not part[-1].plain.strip():
            part = part[:-1]
        said += [Text.assemble(("$ ", "bold"), (f"retention {command}", "bold green")), *part, Text()]
        if command == "plan" and len(headings) > 1:
            said[-1:] = [Text("  …", style="dim"), Text()]
    return said[:-1]


def picture(lines: list[Text]) -> str:
    """As SVG, which asks no other host for a font."""
    console = Console(width=WIDTH, record=True, file=io.StringIO(), force_terminal=True, highlight=False)
    for line in lines:
        console.print(line, soft_wrap=True)
    theme = TerminalTheme(BACKGROUND, INK, COLOURS, COLOURS)
    svg = console.export_svg(title="retention", theme=theme, unique_id="demo")
    svg = re.sub(r"\s*@font-face \{.*?\n    \}\n", "\n", svg, flags=re.DOTALL)
    return re.sub(
        r"font-family: Fira Code,", "font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono',", svg
    )


def main() -> None:
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(picture(story(demo())), encoding="utf-8")
    print(TARGET)


if __name__ == "__main__":
    main()
