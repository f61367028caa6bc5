"""Rows changed or deleted by their own primary key, for databases whose statements lock what they pass on their way.

Only a key leads InnoDB straight to a row. In a list of keys that are a good part of its table the
optimizer sees a reason to read the whole table, and the statement waits for rows that others have
locked, none of its business: beside such rows, and on such tables, they go one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.types import NullType

from retention.connectors.port import Key
from retention.connectors.sql.batches.statements import Changing, by_own_key, column_of
from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.predicates import table
from retention.model.catalogue import Column, Table

_FEW = 20
"""A list of fewer keys than one for so many rows of the table is looked up, whatever it costs."""


class Keyed:
    """One statement, an UPDATE or a DELETE of one table, on rows of given keys: `listed`, or each by `one`."""

    def __init__(self, dialect: Dialect, of: Table, key: Sequence[Column], statement: Changing) -> None:
        """`statement` has no condition yet."""
        self._dialect = dialect
        self._key = tuple(key)
        self._rows = of.rows_estimate or 0
        self.listed: sa.Delete | sa.Update = by_own_key(statement, dialect, self._key)
        names = [f"k{i}" for i in range(len(self._key))]
        same = (
            column_of(statement.table, column.name) == sa.bindparam(name, type_=NullType())
            for name, column in zip(names, self._key, strict=True)
        )
        self._names = names
        self.one: sa.Delete | sa.Update = statement.where(*same)

    def execute(self, connection: Connection, keys: Sequence[Key], *, beside_locks: bool) -> int:
        """How many rows it met. `beside_locks`: others may have locked rows of the table."""
        if beside_locks and len(keys) * _FEW > self._rows:
            given = [dict(zip(self._names, key, strict=True)) for key in keys]
            return sum(connection.execute(self.one, one).rowcount for one in given)
        met, size = 0, self._dialect.most_keys or len(keys)
        for start in range(0, len(keys), size):
            some = self._dialect.give_keys(connection, self._key, keys[start : start + size])
            met += connection.execute(self.listed, some).rowcount
        return met


class KeyedDelete(Keyed):
    """Deletes rows of one table by their keys."""

    def __init__(self, dialect: Dialect, of: Table, key: Sequence[Column]) -> None:
        super().__init__(dialect, of, key, sa.delete(table(of.id)))

    def delete(self, connection: Connection, keys: Sequence[Key], *, beside_locks: bool) -> int:
        """How many rows went."""
        return self.execute(connection, keys, beside_locks=beside_locks)
