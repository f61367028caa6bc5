"""Progress on a terminal's standard error, and nothing but told lines elsewhere."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, TextIO

from retention.model.progress import Progress
from retention.report.escape import shown

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from retention.report.console import Screen

REFRESH = 0.1
"""Seconds between two looks at the bar: what comes in between only counts."""


class TerminalProgress(Progress):
    """A bar, its count, and how long it takes. Cheap when told often; an unwritable terminal is ignored."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.RLock()
        self._console: Screen | None = None
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._pending = 0
        self._next = 0.0

    def start(self, label: str, total: int | None) -> None:
        self.finish()
        with self._lock, contextlib.suppress(OSError, ValueError):
            from rich import progress

            columns: list[progress.ProgressColumn] = [
                progress.SpinnerColumn(),
                progress.TextColumn("{task.description}", markup=False),
            ]
            if total is None:
                columns.append(progress.TextColumn("{task.completed:,.0f}"))
            else:
                columns += [
                    progress.BarColumn(bar_width=None),
                    progress.TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
                    progress.TimeRemainingColumn(),
                ]
            columns.append(progress.TimeElapsedColumn())
            self._bar = progress.Progress(*columns, console=self._on_stream(), transient=True)
            self._task = self._bar.add_task(shown(label), total=total)
            self._bar.start()

    def _on_stream(self) -> Screen:
        if self._console is None:
            from retention.report.console import console_on

            self._console = console_on(self._stream)
            self._console.silent_when_broken = True
        return self._console

    def advance(self, n: int) -> None:
        with self._lock:
            self._pending += n
            now = time.monotonic()
            if now < self._next:
                return
            self._next = now + REFRESH
            self._flush()

    def _flush(self) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task, self._pending)
        self._pending = 0

    def say(self, text: str) -> None:
        from rich.text import Text

        with self._lock, contextlib.suppress(OSError, ValueError):
            self._on_stream().print(Text(shown(text)))

    def finish(self) -> None:
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._flush()
            bar, self._bar, self._task = self._bar, None, None
            if bar is not None:
                bar.stop()


class ToldProgress(Progress):
    """No bar: the told lines alone, one write each, to a log or a pipe."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def start(self, label: str, total: int | None) -> None:
        """A bar that nobody watches is not drawn."""

    def advance(self, n: int) -> None:
        """Nothing moves."""

    def say(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(shown(text) + "\n")
            self._stream.flush()

    def finish(self) -> None:
        """Nothing was drawn."""


def progress_on(stream: TextIO) -> TerminalProgress | ToldProgress:
    """What fits the stream."""
    return TerminalProgress(stream) if stream.isatty() else ToldProgress(stream)
