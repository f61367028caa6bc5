"""Rows of one table that refer to each other, where the database checks a reference at each row.

InnoDB refuses a DELETE of a comment and of the answer to it if it comes by the comment first. So what
nothing refers to goes first, then what nothing refers to any more, and so on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.sql.dialect import Dialect, plain_rows
from retention.connectors.sql.predicates import table
from retention.connectors.sql.statements import Statements, column_of
from retention.model.catalogue import Reference, Table


class Rounds:
    """Deletes the rows of one part in rounds."""

    def __init__(
        self, dialect: Dialect, statements: Statements, part: Table, links: tuple[Reference, ...]
    ) -> None:
        """`links`: the references of the part to itself."""
        self._dialect = dialect
        self._key = [part.columns[name] for name in part.key]
        rows, query = statements.rows_of_part(part)
        for i, link in enumerate(links):
            other = table(part.id).alias(f"o{i}")
            pairs = zip(link.columns, link.target_columns, strict=True)
            same = (column_of(other, a) == column_of(rows, b) for a, b in pairs)
            refers: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(other).where(*same)
            query = query.where(sa.not_(refers.correlate(rows).exists()))
        self._free = query
        target = table(part.id)
        columns = [column_of(target, name) for name in part.key]
        self._delete = sa.delete(target).where(dialect.key_in(columns, self._key))

    def delete(self, connection: Connection, given: Mapping[str, Any]) -> int:
        """How many rows went; those of a ring that refers to itself stay."""
        gone = 0
        while free := plain_rows(connection, self._free, given):
            size = self._dialect.most_keys or len(free)
            for start in range(0, len(free), size):
                keys = self._dialect.give_keys(connection, self._key, free[start : start + size])
                gone += connection.execute(self._delete, keys).rowcount
        return gone
