"""The candidates of the next batch, read on a connection of its own while the database is at this one.

They are read without locks anyway, and every batch looks again: when they were read decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.sql.dialect import Dialect, Rows, plain_rows


class ReadingAhead:
    """One query at a time, in a thread; to be closed before its connection is."""

    def __init__(self, dialect: Dialect, connection: Connection) -> None:
        """`connection`: nobody else's."""
        self._dialect, self._connection = dialect, connection
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._over = False
        self._begun: tuple[Sequence[Any], Future[Rows]] | None = None

    def begin(self, position: Sequence[Any], query: sa.Select[Any]) -> None:
        """Begins to read what comes behind `position`."""
        if not self._over:
            self._begun = (tuple(position), self._thread.submit(self._read, query))

    def rows(self, position: Sequence[Any] | None) -> Rows | None:
        """What was read behind `position`; None where that was not begun, or failed, and is to be asked again."""
        begun, self._begun = self._begun, None
        if begun is None:
            return None
        behind, reading = begun
        if (
            reading.exception() is not None
        ):  # the connection of the batches will meet with it too, or do without
            self._over = True
            return None
        return reading.result() if position is not None and behind == tuple(position) else None

    def _read(self, query: sa.Select[Any]) -> Rows:
        try:
            self._dialect.begin_reading(self._connection)
            return plain_rows(self._connection, query)
        finally:
            self._connection.rollback()

    def close(self) -> None:
        """Waits for what is being read."""
        self._thread.shutdown()
