"""Many rows as one: PyMySQL takes as long to unpack a row as the server to find ten, and gives nobody else a turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

import sqlalchemy as sa
from pymysql.converters import convert_date, convert_datetime
from sqlalchemy.engine import Connection

from retention.connectors.sql.dialect import Rows
from retention.connectors.sql.rewritten import Element, number
from retention.model.catalogue import Kind

_READ: Mapping[Kind, Callable[[str], Any]] = {
    Kind.INTEGER: int,
    Kind.DATE: convert_date,
    Kind.TIMESTAMP: convert_datetime,
    Kind.TIMESTAMPTZ: convert_datetime,
}


def packs(kinds: Sequence[Kind]) -> bool:
    """Whether values of such columns can be told apart in one text."""
    return all(kind in _READ or kind is Kind.TEXT for kind in kinds)


def packed_rows(connection: Connection, query: sa.Select[Any], kinds: Sequence[Kind]) -> Rows | None:
    """What the query finds, in no order, as the driver would give it.

    `kinds`: of its columns, of which only texts may be NULL. None where the server cut it short.
    """
    inner = query.subquery("packed")
    return unpacked_rows(connection, sa.select(*_packing(inner.c, kinds)).select_from(inner), kinds)


def packed_locks(query: sa.Select[Any], kinds: Sequence[Kind]) -> sa.Select[Any]:
    """The same of a query that locks what it finds, without order and limit: one within another would lock nothing."""
    return query.with_only_columns(*_packing(query.selected_columns, kinds), maintain_column_froms=True)


def _packing(columns: Iterable[Element], kinds: Sequence[Kind]) -> list[Element]:
    made: list[Element] = [sa.func.count()]
    for column, kind in zip(columns, kinds, strict=True):
        if kind is Kind.TEXT:
            made.append(_joined(sa.func.coalesce(sa.func.char_length(column), number(-1)), ","))
        made.append(_joined(column, "" if kind is Kind.TEXT else ","))
    return made


def unpacked_rows(
    connection: Connection,
    query: sa.Select[Any],
    kinds: Sequence[Kind],
    given: Mapping[str, Any] | None = None,
) -> Rows | None:
    """The rows that a packed query finds; None where the server cut it short."""
    found = connection.execute(query, given).fetchall()[0]
    if not found[0]:
        return []
    pieces = iter(found[1:])
    unpacked = [_unpacked(kind, pieces) for kind in kinds]
    if any(values is None or len(values) != found[0] for values in unpacked):
        return None
    return list(zip(*unpacked, strict=True))


def _joined(column: Element, mark: str) -> Element:
    return sa.func.group_concat(column.op("SEPARATOR")(sa.literal_column(f"'{mark}'")))


def _unpacked(kind: Kind, pieces: Iterator[str | None]) -> list[Any] | None:
    """One column's values; None where some of them are missing."""
    if kind is not Kind.TEXT:
        return list(map(_READ[kind], (next(pieces) or "").split(",")))
    lengths = list(map(int, (next(pieces) or "").split(",")))
    text = next(pieces) or ""
    ends = list(accumulate(length if length > 0 else 0 for length in lengths))
    if ends[-1] != len(text):
        return None
    values: list[Any] = [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    if -1 in lengths:
        values = [None if length < 0 else value for length, value in zip(lengths, values, strict=True)]
    return values
