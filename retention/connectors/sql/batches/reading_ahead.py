"""What comes next is made ready while the database is at a batch: read on a connection of its own, then worked on.

Candidates are read without locks anyway, and every batch looks again: when they were read decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, ParamSpec, TypeVar

from sqlalchemy.engine import Connection

from retention.connectors.sql.dialect import Dialect, Rows

P = ParamSpec("P")
T = TypeVar("T")
Made = TypeVar("Made")


class ReadingAhead(Generic[Made]):
    """One thing after another, in one thread; to be closed before its connection is."""

    def __init__(self, dialect: Dialect, connection: Connection | None) -> None:
        """`connection`: nobody else's; None where nothing can be read ahead."""
        self._dialect, self._connection = dialect, connection
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._begun: tuple[Sequence[Any], Future[tuple[Rows, Made]]] | None = None

    def submit(self, action: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Does it in the thread, after what was begun before."""
        return self._thread.submit(action, *args, **kwargs)

    def begin(
        self, position: Sequence[Any], read: Callable[[Connection], Rows], make: Callable[[Rows], Made]
    ) -> None:
        """Begins to `read` what comes behind `position`, and to make something of it."""
        if self._connection is not None:
            self._begun = tuple(position), self.submit(self._read, self._connection, read, make)

    def rows(self, position: Sequence[Any] | None) -> tuple[Rows, Made] | None:
        """What was read behind `position`, and what is made of it.

        None where that was not begun, or failed, and is to be asked again.
        """
        begun, self._begun = self._begun, None
        if begun is None:
            return None
        behind, reading = begun
        if reading.exception() is not None:  # the batches' connection will meet with it too, or do without
            self._connection = None
            return None
        return reading.result() if position is not None and behind == tuple(position) else None

    def _read(
        self, connection: Connection, read: Callable[[Connection], Rows], make: Callable[[Rows], Made]
    ) -> tuple[Rows, Made]:
        try:
            self._dialect.begin_reading(connection)
            rows = read(connection)
        finally:
            connection.rollback()
        return rows, make(rows)

    def close(self) -> None:
        """Waits for what is being read; nothing else is begun any more."""
        self._thread.shutdown(cancel_futures=True)
