"""How work in progress is told to whoever waits for it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """One bar at a time. Calls are cheap, never raise, and may come from any thread.

    `start` begins a bar of `total` steps (None: how many is not known) and ends the one before
    it; `advance` outside a bar is ignored; `say` tells a line that stays; `finish` ends the bar,
    and may be called when there is none.
    """

    def start(self, label: str, total: int | None) -> None:
        """Begins a bar."""

    def advance(self, n: int) -> None:
        """`n` steps are done."""

    def say(self, text: str) -> None:
        """A line that stays."""

    def finish(self) -> None:
        """Ends the bar."""


class NoProgress:
    """Tells nobody."""

    def start(self, label: str, total: int | None) -> None:
        """Nothing begins to be shown."""

    def advance(self, n: int) -> None:
        """Nothing moves."""

    def say(self, text: str) -> None:
        """Nobody listens."""

    def finish(self) -> None:
        """Nothing was shown."""
