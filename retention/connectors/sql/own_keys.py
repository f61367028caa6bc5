"""Rows deleted by their own primary key, for databases whose DELETE locks what it passes on its way.

Only a key leads InnoDB straight to a row. In a list of keys that are a good part of its table the
optimizer sees a reason to read the whole table, and the statement waits for rows that others have
locked, none of its business: beside such rows, and on such tables, they go one by one.

Where rows of a part refer to each other, what nothing refers to goes first, then what nothing refers to
any more, and so on: InnoDB checks a reference at each row, and refuses a comment and the answer to it if
it comes by the comment first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.types import NullType

from retention.connectors.port import Key
from retention.connectors.sql.dialect import Dialect, plain_rows
from retention.connectors.sql.predicates import table
from retention.connectors.sql.statements import Statements, by_own_key, column_of
from retention.model.catalogue import Column, Reference, Table

_FEW = 20
"""A list of fewer keys than one for so many rows of the table is looked up, whatever it costs."""


class KeyedDelete:
    """Deletes rows of one table by their keys, `listed` or each by `one` statement."""

    def __init__(self, dialect: Dialect, of: Table, key: Sequence[Column]) -> None:
        self._dialect = dialect
        self._key = tuple(key)
        self._rows = of.rows_estimate or 0
        self.listed = by_own_key(dialect, of.id, self._key)
        target = table(of.id)
        names = [f"k{i}" for i in range(len(self._key))]
        same = (
            column_of(target, column.name) == sa.bindparam(name, type_=NullType())
            for name, column in zip(names, self._key, strict=True)
        )
        self._names, self.one = names, sa.delete(target).where(*same)

    def delete(self, connection: Connection, keys: Sequence[Key], *, beside_locks: bool) -> int:
        """How many rows went. `beside_locks`: others may have locked rows of the table."""
        if beside_locks and len(keys) * _FEW > self._rows:
            given = [dict(zip(self._names, key, strict=True)) for key in keys]
            return sum(connection.execute(self.one, one).rowcount for one in given)
        gone, size = 0, self._dialect.most_keys or len(keys)
        for start in range(0, len(keys), size):
            some = self._dialect.give_keys(connection, self._key, keys[start : start + size])
            gone += connection.execute(self.listed, some).rowcount
        return gone


class PartRows:
    """Looks up the rows of one part that belong to the records handed over (`free`), and deletes them (`keyed`)."""

    def __init__(
        self, dialect: Dialect, statements: Statements, part: Table, links: tuple[Reference, ...]
    ) -> None:
        """`links`: the references of the part to itself."""
        self._again = bool(links)
        self.keyed = KeyedDelete(dialect, part, [part.columns[name] for name in part.key])
        rows, query = statements.rows_of_part(part)
        for i, link in enumerate(links):
            other = table(part.id).alias(f"o{i}")
            pairs = zip(link.columns, link.target_columns, strict=True)
            same = (column_of(other, a) == column_of(rows, b) for a, b in pairs)
            refers: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(other).where(*same)
            query = query.where(sa.not_(refers.correlate(rows).exists()))
        self.free = query

    def delete(self, connection: Connection, given: Mapping[str, Any], *, beside_locks: bool) -> int:
        """How many rows went; those of a ring that refers to itself stay."""
        gone = 0
        while free := plain_rows(connection, self.free, given):
            gone += self.keyed.delete(connection, free, beside_locks=beside_locks)
            if not self._again:
                break
        return gone
