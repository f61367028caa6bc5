"""What SQLite's columns hold, value by value: any may hold numbers and texts, whatever it is declared as."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement, Grouping

from retention.connectors.sql.dialect import Element, Reading
from retention.model import predicate as p
from retention.model.catalogue import Kind
from retention.model.encoding import Encoding, Unit

_DIGITS = "[0-9]"
_DAY = "-".join(_DIGITS * places for places in (4, 2, 2))
_UNIX = date(1970, 1, 1)


def affinity(declared: str) -> str:
    """What SQLite makes of values that are given to a column (sqlite.org/datatype3.html, 3.1)."""
    name = declared.upper()
    for pieces, kind in (
        (("INT",), "INTEGER"),
        (("CHAR", "CLOB", "TEXT"), "TEXT"),
        (("BLOB",), "BLOB"),
        (("REAL", "FLOA", "DOUB"), "REAL"),
    ):
        if any(piece in name for piece in pieces):
            return kind
    return "NUMERIC" if name else "BLOB"


def of_kind(column: Element, field: p.Field, made: Element | None) -> Element:
    """NULL where a column of numbers, of true and false, or of days holds something else: a text is more than any
    number, and so `n > 100` would be true of 'unknown'. What is `made` of it may be made of NULL, too."""
    if field.kind in (Kind.INTEGER, Kind.NUMERIC, Kind.REAL, Kind.BOOLEAN):
        known = sa.func.typeof(column).in_([_literal("integer"), _literal("real")])
    elif field.kind is Kind.TEXT and field.type.lower() == "date":
        known = column.op("GLOB", is_comparison=True)(_literal(_DAY))
    else:
        return column if made is None else made
    if made is None:
        return sa.case((known, column))
    return sa.case((sa.or_(known, column.is_(sa.null())), made))


def number(column: ColumnElement[Any], declared: str) -> Reading:
    """Numbers as they are stored; in a column of texts those that spell one.

    A text with a fraction is read as a floating-point number, which tells microseconds of our days.
    """
    stored = sa.func.typeof(column)
    if affinity(declared) != "TEXT":
        return stored.in_([_literal("integer"), _literal("real")]), column
    bare = sa.case(
        (sa.func.substr(column, _number(1), _number(1)) == _literal("-"), sa.func.substr(column, _number(2))),
        else_=column,
    )
    point = sa.func.instr(bare, _literal("."))
    whole = sa.case((point > _number(0), point - _number(1)), else_=sa.func.length(bare))
    readable = sa.and_(
        stored == _literal("text"),
        _no_more(column),
        bare.bool_op("GLOB")(_literal(f"{_DIGITS}*")),
        bare.bool_op("GLOB")(_literal(f"*{_DIGITS}")),
        sa.not_(bare.bool_op("GLOB")(_literal("*[^0-9.]*"))),
        sa.not_(bare.bool_op("GLOB")(_literal("*.*.*"))),
        whole <= _number(18),
        sa.func.length(bare) <= whole + _number(19),
    )
    value = sa.case(
        (sa.func.instr(column, _literal(".")) > _number(0), sa.cast(column, sa.REAL)),
        else_=sa.cast(column, sa.INTEGER),
    )
    return readable, value


def text(column: ColumnElement[Any]) -> Reading:
    """Texts, and whole numbers as their digits."""
    known = sa.func.typeof(column).in_([_literal("text"), _literal("integer")])
    return known, sa.cast(column, sa.TEXT)


def matches(value: ColumnElement[Any], shape: str) -> ColumnElement[Any]:
    """The whole text has the shape: 9 is a digit."""
    return sa.and_(value.bool_op("GLOB")(_literal(shape.replace("9", _DIGITS))), _no_more(value))


def is_day(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Reckoned anew: by itself date() gives 30 February back as it stands."""
    reckoned: ColumnElement[Any] = sa.func.date(value, _literal("+0 days"))
    return sa.and_(reckoned.is_(value), value >= _literal("0001"))


def counted_day(value: ColumnElement[Any], encoding: Encoding) -> ColumnElement[Any]:
    """The day in UTC: SQLite knows no zones."""
    assert encoding.unit is not None
    if encoding.unit is Unit.DAYS:  # whole ones: as seconds, a day's last moments would round to the next
        days = sa.cast(value, sa.INTEGER)  # towards zero
        value = Grouping(days - Grouping(value < days))
    # In whole seconds: date() would round to the next day.
    offset = (encoding.epoch - _UNIX).days * 86_400
    each, rest = divmod(encoding.unit.microseconds, 1_000_000)
    divisor = 1_000_000 // rest if rest else 1
    seconds = value * _number(each) if each else value
    whole = sa.cast(Grouping(seconds + _number(offset * divisor)).op("/")(_number(divisor)), sa.INTEGER)
    shown: ColumnElement[Any] = sa.func.date(whole, _literal("unixepoch"))
    return shown


def spelled_day(value: ColumnElement[Any], *, last_of_month: bool) -> ColumnElement[Any]:
    """The ISO day itself, or the last of its month."""
    if not last_of_month:
        return value
    shown: ColumnElement[Any] = sa.func.date(value, _literal("+1 month"), _literal("-1 day"))
    return shown


def _no_more(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Nothing stands behind a NUL, where most of SQLite's functions stop."""
    return sa.func.length(sa.cast(value, sa.BLOB)) == sa.func.length(value)


def _literal(value: str) -> ColumnElement[Any]:
    return sa.literal_column(f"'{value}'")


def _number(value: int) -> ColumnElement[Any]:
    return sa.literal_column(str(value))
