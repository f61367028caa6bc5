"""The first pass of several workers through one job, each in contiguous ranges of its own.

Each has a connection and a journal; lease, numbers of batches and tally are the job's. What they leave is for the
sweep, which is one worker's.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retention.connectors.port import Remover
from retention.engine.between import StoppedError

Cursor = Mapping[str, Any]
_BY = "ranges"
_EACH = 4
"""Ranges for each worker, so that none waits long for the last."""
LEAST = 2_000
"""Fewer records than these for each worker are not worth a connection."""


@dataclass
class Range:
    """What lies behind `after`, up to `upto`; None is open."""

    after: Cursor | None
    upto: Cursor | None


class Ranges:
    """Those of a pass that are not over. Its cursor says what is left of each."""

    def __init__(self, ranges: Iterable[Range]) -> None:
        self._waiting = deque(ranges)
        self._under_way: list[Range] = []
        self._lock = threading.Lock()

    @classmethod
    def stored(cls, start: Cursor | None) -> Ranges | None:
        """What a killed run left of its ranges; None where its cursor is of one worker."""
        if start is None or start.get("by") != _BY:
            return None
        return cls(Range(after, upto) for after, upto in start["ranges"])

    @classmethod
    def cut(cls, remover: Remover, workers: int, due: int) -> Ranges | None:
        """None where one worker does it all."""
        if workers < 2 or due < workers * LEAST:
            return None
        cuts = remover.cuts(workers * _EACH, due)
        return cls(map(Range, (None, *cuts), (*cuts, None))) if cuts else None

    def next(self) -> Range | None:
        """One that nobody is at; None where there is none."""
        with self._lock:
            if not self._waiting:
                return None
            self._under_way.append(self._waiting.popleft())
            return self._under_way[-1]

    def over(self, range_: Range) -> None:
        """Nothing is left of it."""
        with self._lock:
            self._under_way = [other for other in self._under_way if other is not range_]

    def at(self, range_: Range, after: Cursor) -> Cursor:
        """The whole pass's cursor, now that a batch of this range is about to be committed."""
        with self._lock:
            range_.after = after
            return {"by": _BY, "ranges": [[r.after, r.upto] for r in (*self._under_way, *self._waiting)]}


def side_by_side(works: Sequence[Callable[[], None]], halt: threading.Event) -> None:
    """All of these at once, the first in this thread; returns when all are over.

    Where one fails, `halt` is set: the others end after their batches, and what it raised is raised.
    """
    failures: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - it is raised where all are over
            failures.append(error)
            halt.set()

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works[1:]]
    for thread in threads:
        thread.start()
    guarded(works[0])
    for thread in threads:
        thread.join()
    if failures:
        raise min(failures, key=_rank)


def _rank(error: BaseException) -> int:
    """Interrupts before errors, and those before what they only stopped."""
    return 0 if not isinstance(error, Exception) else 2 if isinstance(error, StoppedError) else 1
