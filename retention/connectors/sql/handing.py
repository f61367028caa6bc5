"""Many values at once: lists of keys as parameters of a statement that is made once, and rows that are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import NullType

from retention.connectors.sql.named import among_values, every
from retention.model.catalogue import Column, Kind

Key = tuple[Any, ...]


class Handing:
    """As every database takes it: one parameter a value. A statement may have several such lists, by their names."""

    handed_as: str = "keys"
    """The name of the list that a statement has of its own; of a copy another one, where it is one of several."""

    hashes_arrays: bool = False
    """How many keys a recursive query gives is not known to the planner, who would search them for each record; keys in
    arrays it hashes."""

    looks_up_laterally: bool = False
    """Rows can be looked up one by one in FROM, so that the order of what leads to them stays: a join may lose it."""

    def among_handed(
        self, columns: Sequence[ColumnElement[Any]], key: Sequence[Column], name: str
    ) -> ColumnElement[Any]:
        """`columns`, which have the types of `key`, are one of the keys that `handed` hands over as `name`; none are,
        where nothing was handed over."""
        left = columns[0] if len(columns) == 1 else sa.tuple_(*columns)
        return left.in_(sa.bindparam(name, (), expanding=True, type_=NullType()))

    def handed(self, key: Sequence[Column], keys: Sequence[Key], name: str) -> Mapping[str, Any]:
        """The parameters."""
        return {name: [row[0] if len(row) == 1 else row for row in keys]}

    def among_listed(
        self, columns: Sequence[ColumnElement[Any]], key: Sequence[Column], keys: Sequence[Key]
    ) -> ColumnElement[Any]:
        """`columns`, which have the types of `key`, are one of `keys`, which the statement itself has, however many."""
        return among_values(columns, keys)

    def one_of(self, value: ColumnElement[Any], values: Sequence[Any], type_: str) -> ColumnElement[Any]:
        """`value`, whose type is `type_` in the database's own spelling, is one of `values`, however many there are."""
        return value.in_(every(values))

    def among(
        self, columns: Sequence[ColumnElement[Any]], keys: Sequence[ColumnElement[Any]], *known: Any
    ) -> ColumnElement[Any]:
        """`columns` are one of `keys`, where `known`; looked up and not searched for, however many there are."""
        left = columns[0] if len(columns) == 1 else sa.tuple_(*columns)
        return left.in_(sa.select(*keys).where(*known).correlate(None))

    def looked_up_apart(self, rows: int | None) -> bool | None:
        """Whether a table of about so many rows, to which records lead, is read whole by each statement that joins it.

        None: it is not joined; each row is looked up where it is asked for.
        """
        return None

    def packed(
        self, connection: Connection, query: sa.Select[Any], kinds: Sequence[Kind], ordered: int
    ) -> list[Key] | None:
        """The rows of a query that is ordered by its first `ordered` columns, packed into one on their way.

        `kinds`: of all its columns. None where that can't be, or would be no faster: the query is to be read itself.
        """
        return None

    def packed_locks(self, query: sa.Select[Any], kinds: Sequence[Kind]) -> sa.Select[Any] | None:
        """The same of a query without order or limit that locks what it finds, for `unpacked` to read."""
        return None

    def unpacked(
        self, connection: Connection, packed: sa.Select[Any], kinds: Sequence[Kind], given: Mapping[str, Any]
    ) -> list[Key] | None:
        """The rows that a query of `packed_locks` finds; None where the query it was made of is to be read itself."""
        return None
