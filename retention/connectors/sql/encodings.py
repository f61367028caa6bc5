"""Clocks that are numbers, or dates spelt in texts and digits, told in SQL.

What a database must supply is in `Dialect`: a column as a number and as a text, a text's shape, and
whether a text is a day. Nothing here raises in the database, whatever the values are.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement, Grouping

from retention.connectors.sql.lines import bound
from retention.model import predicate as p
from retention.model.encoding import Format
from retention.periods.encodings import LAYOUTS, Layout, counted, counted_day, counted_end, spelled

if TYPE_CHECKING:
    from retention.connectors.sql.dialect import Dialect

_LIMITS = ("24", "60", "60")


def never(dialect: Dialect, column: ColumnElement[Any], field: p.Field) -> ColumnElement[Any] | None:
    """The value means that it has not happened; None where none does."""
    values = [bound(dialect.value(value)) for value in field.encoding.never]
    return column.in_(values) if values else None


def dated(
    dialect: Dialect,
    column: ColumnElement[Any],
    field: p.Field,
    state: p.State,
    floor: p.Line,
    cutoff: p.Line,
) -> ColumnElement[Any]:
    """Plain of a value that is not NULL: it is in `state` (never MISSING), seen from `floor` and `cutoff`."""
    encoding = field.encoding
    if encoding.unit is not None:
        readable, value = dialect.number(column, field)
        lines = [counted(floor, encoding), counted(cutoff, encoding), counted_end(encoding)]
        low, high, end = (bound(dialect.number_line(field, line)) for line in lines)
        beyond = [value >= end]
    else:
        assert encoding.format is not None
        readable, value = ordered(dialect, column, field)
        low, high = (bound(spelled(line, encoding.format)) for line in (floor, cutoff))
        beyond = []
    known = [] if readable is None else [readable]
    match state:
        case p.State.PAST:
            return sa.and_(*known, value >= low, value < high)
        case p.State.RECENT:
            return sa.and_(*known, value >= high, *(sa.not_(Grouping(test)) for test in beyond))
        case _:
            return sa.or_(*(sa.not_(Grouping(test)) for test in known), value < low, *beyond)


def reaches(
    dialect: Dialect, column: ColumnElement[Any], field: p.Field, cutoff: p.Line
) -> ColumnElement[Any]:
    """A comparison of the bare column that every PAST value passes."""
    if not dialect.serves(field):
        return sa.true()
    encoding = field.encoding
    if encoding.unit is not None:
        return column < bound(dialect.number_line(field, counted(cutoff, encoding)))
    assert encoding.format is not None
    return column < bound(dialect.spelled_line(field, spelled(cutoff, encoding.format)))


def day(dialect: Dialect, column: ColumnElement[Any], field: p.Field, timezone: str) -> ColumnElement[Any]:
    """The calendar day, NULL for what can't be read; for showing and ordering."""
    encoding = field.encoding
    if encoding.unit is not None:
        # Days that Python's calendar lacks, or may lack when moved to a zone, are none that could be shown.
        known, value = counted_value(dialect, column, field)
        return sa.case((known, dialect.counted_day(value, encoding, timezone)))
    assert encoding.format is not None
    readable, _ = ordered(dialect, column, field)
    iso = _iso(dialect.text(column, field)[1], LAYOUTS[encoding.format])
    shown = dialect.spelled_day(iso, last_of_month=encoding.format is Format.YYYY_MM)
    return sa.case((readable, shown))


def any_day(
    dialect: Dialect, column: ColumnElement[Any], field: p.Field, timezone: str
) -> ColumnElement[Any]:
    """The calendar day of any clock's value; NULL for what can't be read."""
    if field.encoding.unit is None and field.encoding.format in (None, Format.ISO):
        return dialect.day(column, field.kind, timezone)
    return day(dialect, column, field, timezone)


def counted_value(
    dialect: Dialect, column: ColumnElement[Any], field: p.Field
) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """(it lies in the calendar, the number) of a column that counts."""
    readable, value = dialect.number(column, field)
    lines = (counted_day(d, field.encoding) for d in (date(1, 1, 2), date(9999, 12, 31)))
    low, high = (bound(dialect.number_line(field, line)) for line in lines)
    return sa.and_(value >= low, value < high, *([] if readable is None else [readable])), value


def position(dialect: Dialect, column: ColumnElement[Any], field: p.Field) -> ColumnElement[Any]:
    """What values are ordered by in time."""
    if field.encoding.unit is not None:
        return dialect.number(column, field)[1]
    if field.encoding.format in (None, Format.ISO):
        return column
    return ordered(dialect, column, field)[1]


def ordered(
    dialect: Dialect, column: ColumnElement[Any], field: p.Field
) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """(it spells a date that exists, its pieces in the order year, month, day, time)."""
    assert field.encoding.format is not None
    layout = LAYOUTS[field.encoding.format]
    known, text = dialect.text(column, field)
    tests = [] if known is None else [known]
    tests += [dialect.matches(text, layout.shape), dialect.is_day(_iso(text, layout))]
    tests += [
        _piece(text, place) < sa.literal_column(f"'{limit}'")
        for place, limit in zip(layout.times, _LIMITS, strict=False)
    ]
    if field.encoding.format.in_order:
        return sa.and_(*tests), text
    assert layout.day is not None
    pieces = (_piece(text, place) for place in (layout.year, layout.month, layout.day))
    return sa.and_(*tests), _joined(pieces)


def _iso(text: ColumnElement[Any], layout: Layout) -> ColumnElement[Any]:
    """The day as ISO 8601, of a text that has the layout's shape; of a month its first."""
    day = sa.literal_column("'01'") if layout.day is None else _piece(text, layout.day)
    dash: ColumnElement[Any] = sa.literal_column("'-'")
    return _joined((_piece(text, layout.year), dash, _piece(text, layout.month), dash, day))


def _joined(pieces: Iterable[ColumnElement[Any]]) -> ColumnElement[Any]:
    return functools.reduce(lambda left, right: left.concat(right), pieces)


def _piece(text: ColumnElement[Any], place: tuple[int, int]) -> ColumnElement[Any]:
    first, length = place
    piece: ColumnElement[Any] = sa.func.substr(
        text, sa.literal_column(str(first)), sa.literal_column(str(length))
    )
    return piece
