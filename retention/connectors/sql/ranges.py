"""Ranges of keys, as conditions of a statement."""

from __future__ import annotations

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
