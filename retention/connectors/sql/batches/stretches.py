"""Candidates looked at by where they lie, not by their keys: from the first of them to the last.

A server takes longer to read a list of thousands of keys, and to look each of them up, than to pass a few rows more,
and a driver longer to unpack them than the server to find them. Whole numbers tell how many rows can lie between the
ends of a window: where those could be many more than its candidates, these are read, and asked for by their keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import BindParameter

from retention.connectors.port import Key
from retention.connectors.sql.batches.passing import passing
from retention.connectors.sql.batches.statements import Order, Statements
from retention.connectors.sql.consists import elements
from retention.connectors.sql.dialect import Rows, plain_rows
from retention.model.catalogue import Kind

_SPARSE = 8
"""To pass so many rows costs less than one key of a list."""
_FIRST, _LAST = "first_of_stretch", "last_of_stretch"


class Stretches:
    """The windows of one job, in the order of a whole number."""

    def __init__(self, due: sa.Select[Any]) -> None:
        """`due`: as `due_in_stretch` gives it."""
        self._due = due
        self._lie_close = True  # candidates of the last window did

    def found(self, connection: Connection, finding: sa.Select[Any]) -> tuple[Rows, Rows] | None:
        """Of the candidates that `finding` finds (the last, in a list; the keys of those that are due, in order).

        None where they may lie far apart; where the last window's did, nothing is asked.
        """
        if not self._lie_close:
            return None
        ((first, last, many),) = plain_rows(connection, ends(finding))
        if not many:
            return [], []
        self._lie_close = _close(first, last, many)
        if not self._lie_close:
            return None
        return [(last,)], sorted(plain_rows(connection, self._due, {_FIRST: first, _LAST: last}))

    def read(self, keys: Sequence[Key]) -> None:
        """These were the candidates of a window, in order."""
        self._lie_close = bool(keys) and _close(keys[0][0], keys[-1][0], len(keys))


def _close(first: int, last: int, many: int) -> bool:
    """Few other rows can lie between them."""
    return last - first < _SPARSE * many


def ends(finding: sa.Select[Any]) -> sa.Select[Any]:
    """The first and the last key of the candidates that `finding` finds, and how many these are."""
    found = finding.subquery("found")
    (key,) = found.c
    columns: list[sa.ColumnElement[Any]] = [sa.func.min(key), sa.func.max(key), sa.func.count()]
    return sa.select(*columns).select_from(found)


def due_in_stretch(statements: Statements, order: Order) -> sa.Select[Any] | None:
    """The keys of due records from one key to another, both among them, without locks.

    None where the database may as well read lists, where the order is not that of one whole number, and where a record
    is due by what is handed over with it.
    """
    numbered = [column.kind for column in statements.key] == [Kind.INTEGER]
    if not statements.dialect.lists_are_slow or not numbered or order.clock is not None:
        return None
    if statements.found_at_once:
        return None
    looking = statements.handed()
    (key,) = looking.key_columns
    first, last = (sa.bindparam(name, type_=sa.BigInteger()) for name in (_FIRST, _LAST))
    reaches = map(looking.compiler.test, statements.work.reaches)
    due = passing(looking, statements.work.still_due, [key >= first, key <= last, *reaches])
    handed = {element.key for element in elements(due) if isinstance(element, BindParameter)}
    return None if statements.dialect.handed_as in handed else due
