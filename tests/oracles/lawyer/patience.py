"""How long one case may take: what is given up is told, and never passed over."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import types
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

_STEPS = 100_000  # of SQLite's machine, between which it listens: some milliseconds


class TooSlowError(KeyboardInterrupt):
    """The case took longer than it may. A kind of Ctrl-C: the drivers cancel what they wait for."""


@contextlib.contextmanager
def no_longer_than(seconds: float | None) -> Iterator[None]:
    """Raises TooSlowError in the block, in the main thread, and behind it where the block swallowed that."""
    if seconds is None:
        yield
        return
    passed = False

    def ring(_number: int, _frame: types.FrameType | None) -> None:
        nonlocal passed
        passed = True
        raise TooSlowError

    before = signal.signal(signal.SIGALRM, ring)
    sa.event.listen(sa.Engine, "connect", _listening)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)  # again, where somebody ate the first
    try:
        yield
    except BaseException as error:
        if passed:
            raise TooSlowError from error
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        sa.event.remove(sa.Engine, "connect", _listening)
    if passed:
        raise TooSlowError


def _listening(connection: Any, _record: Any) -> None:
    """SQLite hears of a signal only while it runs something of Python."""
    raw = getattr(connection, "driver_connection", connection)
    if isinstance(raw, sqlite3.Connection):
        raw.set_progress_handler(lambda: 0, _STEPS)
