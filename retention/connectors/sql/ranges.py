"""Ranges of keys, as conditions of a statement; and known keys by the range in which they lie."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy.sql.elements import ColumnElement

from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.lines import bound

if TYPE_CHECKING:
    from retention.connectors.sql.batches.statements import Statements

Key = tuple[Any, ...]


def key_range(statements: Statements, after: Key | None, upto: Key | None) -> list[ColumnElement[Any]]:
    """Conditions for rows whose key lies in (after, upto]; None is open."""
    return key_range_of(statements.dialect, statements.key_columns, after, upto)


def key_range_of(
    dialect: Dialect, columns: Sequence[ColumnElement[Any]], after: Key | None, upto: Key | None
) -> list[ColumnElement[Any]]:
    """The same of rows whose key is in `columns`."""
    conditions = []
    if after is not None:
        conditions.append(dialect.beyond(columns, [bound(v) for v in after]))
    if upto is not None:
        conditions.append(dialect.up_to(columns, [bound(v) for v in upto]))
    return conditions


class Lying:
    """Known keys, by where they lie: of whole numbers the order is known here, of others only to the database."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self.every = keys
        self._numbers: Sequence[int] | None = sorted(key[0] for key in keys) if _whole(keys) else None

    def between(self, after: Sequence[Any] | None, upto: Sequence[Any] | None) -> Sequence[Key]:
        """Those that may lie in (after, upto]; None is open."""
        numbers, ends = self._numbers, [end for end in (after, upto) if end is not None]
        if numbers is None or not _whole(ends):  # SQLite keeps a text among numbers
            return self.every
        first = 0 if after is None else bisect.bisect_right(numbers, after[0])
        last = len(numbers) if upto is None else bisect.bisect_right(numbers, upto[0])
        return [(number,) for number in numbers[first:last]]


def _whole(keys: Sequence[Sequence[Any]]) -> bool:
    return all(len(key) == 1 and type(key[0]) is int for key in keys)


NONE_KNOWN = Lying(())
