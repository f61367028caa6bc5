"""The question before a run, on a terminal."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, TextIO

from retention.cli.stopping import StopSignals
from retention.errors import UsageError

if TYPE_CHECKING:
    from retention.model.plan import Plan
    from retention.model.progress import Progress

YES = frozenset({"y", "yes"})


class Asker:
    """Shows the plan and asks; anything but a yes is a no. `declined` remembers it."""

    def __init__(
        self, *, by: str, progress: Progress, signals: StopSignals, screen: TextIO, limit: int | None = None
    ) -> None:
        self.declined = False
        self._by = by
        self._progress = progress
        self._signals = signals
        self._screen = screen
        self._limit = limit

    def __call__(self, plan: Plan) -> bool:
        from retention.report.console import console_on, line
        from retention.report.outcome import question
        from retention.report.plan import show_plan

        self._progress.finish()
        with self._signals.asking():
            console = console_on(self._screen)
            show_plan(console, plan, dry=False)
            console.print()
            *told, asked = question(plan, self._by, self._limit)
            for text in told:
                line(console, text, style="warn")
            forget_typed_ahead()
            self._screen.write(f"{asked} [y/N] ")
            self._screen.flush()
            reply = sys.stdin.readline()
        if not reply.endswith("\n"):
            self._screen.write("\n")
        self.declined = reply.strip().lower() not in YES
        return not self.declined


def forget_typed_ahead() -> None:
    """A yes that was typed before the plan could be read is no answer to it."""
    import termios

    with contextlib.suppress(termios.error, OSError, ValueError):
        termios.tcflush(sys.stdin, termios.TCIFLUSH)


def screen_to_ask_on(form: str) -> TextIO | None:
    """Where the person at the terminal sees a question; None: nobody is there to ask.

    Standard output belongs to the document under `--format json`. A person who would not see
    the question is never taken as one who need not be asked.
    """
    if not sys.stdin.isatty():
        return None
    if sys.stderr.isatty():
        return sys.stderr
    if sys.stdout.isatty() and form == "text":
        return sys.stdout
    raise UsageError("the question could not be seen here; to go ahead without it, add --yes")
