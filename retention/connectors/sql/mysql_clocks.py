"""Dates and numbers in MariaDB's and MySQL's texts, looked at by a regular expression before any cast.

ISO 8601 is read as `iso_text` reads it on SQLite, value for value.
"""

from __future__ import annotations

from datetime import UTC, date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement, Grouping

from retention.connectors.sql.dialect import Dialect, Reading
from retention.connectors.sql.iso_text import days_on, shortest
from retention.connectors.sql.lines import DAY, NUMBER, expression
from retention.connectors.sql.predicates import bound, comparable
from retention.model import predicate as p
from retention.model.catalogue import Kind
from retention.model.encoding import Encoding, Unit

_OFFSET = "([Zz]|[+-](0[0-9]|1[0-4]):[0-5][0-9])"
_TIME = "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?"
ISO = f"^{DAY}([ T]{_TIME} *{_OFFSET}? *)?$"
WITH_OFFSET = f"{_OFFSET} *$"
_FIRST = date(1, 1, 1)


class MysqlClocks(Dialect):
    """What MariaDB and MySQL supply to tell points in time, in their own dates, in texts and in numbers."""

    def dated_text(
        self, column: ColumnElement[Any], state: p.State, floor: p.Line, cutoff: p.Line
    ) -> ColumnElement[Any]:
        return _dated(column, state, floor, cutoff)

    def reaches(self, column: ColumnElement[Any], kind: Kind, cutoff: p.Line) -> ColumnElement[Any]:
        if kind is Kind.TEXT:
            # A text with an offset can name an instant before the cutoff and yet a later day.
            return column < bound(days_on(cutoff.day, 2))
        return column < bound(comparable(kind, cutoff))

    def day(self, column: ColumnElement[Any], kind: Kind, timezone: str) -> ColumnElement[Any]:
        if kind is Kind.TEXT:
            return _text_day(column, timezone)
        return sa.cast(_local(column, timezone) if kind is Kind.TIMESTAMPTZ else column, sa.Date)

    def number(self, column: ColumnElement[Any], field: p.Field) -> Reading:
        if field.kind is not Kind.TEXT:
            return None, column
        text = text_of(column)
        readable = matches(text, NUMBER)
        return readable, sa.case((readable, sa.cast(text, sa.Numeric(36, 18))))

    def text(self, column: ColumnElement[Any], field: p.Field) -> Reading:
        return None, text_of(column)

    def matches(self, text: ColumnElement[Any], shape: str) -> ColumnElement[Any]:
        return matches(text, expression(shape))

    def is_day(self, text: ColumnElement[Any]) -> ColumnElement[Any]:
        return matches(text, f"^{DAY}$")

    def counted_day(self, value: ColumnElement[Any], encoding: Encoding, timezone: str) -> ColumnElement[Any]:
        assert encoding.unit is not None
        # In whole units since the year 1, where DIV, which cuts off, is exact and never negative.
        since = (encoding.epoch - _FIRST).days
        if encoding.unit is Unit.DAYS:
            days = sa.func.floor(value) + _literal(str(since))
            return sa.func.timestampadd(_literal("DAY"), days, _literal(f"DATE '{_FIRST}'"))
        exact = sa.cast(value, sa.Numeric(36, 9)) * _literal(str(encoding.unit.microseconds))
        ticks = Grouping(exact + _literal(str(since * 86_400_000_000)))
        seconds = ticks.op("DIV")(_literal("1000000"))
        instant = sa.func.timestampadd(
            _literal("SECOND"), seconds, _literal(f"TIMESTAMP '{_FIRST} 00:00:00'")
        )
        return sa.cast(_local(instant, timezone), sa.Date)

    def spelled_day(self, text: ColumnElement[Any], *, last_of_month: bool) -> ColumnElement[Any]:
        day = sa.cast(text, sa.Date)
        return sa.func.last_day(day) if last_of_month else day


def text_of(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """As a text whose letters are told apart."""
    return sa.cast(column, sa.CHAR).collate("utf8mb4_bin")


def matches(text: ColumnElement[Any], expression: str) -> ColumnElement[Any]:
    """The regular expression is found in the text, whose end is no line's: `$` would stand before it, too."""
    whole = sa.func.right(text, _literal("1")) != _literal("CHAR(10)")
    return sa.and_(text.bool_op("REGEXP")(_literal(f"'{expression}'")), whole)


def _local(instant: ColumnElement[Any], timezone: str) -> ColumnElement[Any]:
    """A server without time zone tables shows the day in UTC."""
    local = sa.func.convert_tz(instant, _literal("'+00:00'"), bound(timezone))
    return sa.func.coalesce(local, instant)


def _dated(column: ColumnElement[Any], state: p.State, floor: p.Line, cutoff: p.Line) -> ColumnElement[Any]:
    """Plain: the text in `column` is in `state` (never MISSING), seen from `floor` and `cutoff`."""
    text = text_of(column)
    match state:
        case p.State.PAST:
            told = sa.and_(sa.not_(Grouping(_before(text, floor))), Grouping(_before(text, cutoff)))
        case p.State.RECENT:
            told = sa.not_(Grouping(_before(text, cutoff)))
        case _:
            told = Grouping(_before(text, floor))
    unreadable = sa.true() if state is p.State.UNCLEAR else sa.false()
    return sa.and_(column.is_not(sa.null()), sa.case((matches(text, ISO), told), else_=unreadable))


def _text_day(column: ColumnElement[Any], timezone: str) -> ColumnElement[Any]:
    """The calendar day of ISO 8601 text, an instant's in `timezone`."""
    text = text_of(column)
    written = sa.cast(sa.func.left(text, _literal("10")), sa.Date)
    local = sa.cast(_local(instant_of(text), timezone), sa.Date)
    shown = sa.case((matches(text, WITH_OFFSET), local), else_=written)
    known = sa.and_(matches(text, ISO), text >= bound("0001-01-02"), text < bound("9999-12-31"))
    return sa.case((known, shown))


def _before(text: ColumnElement[Any], line: p.Line) -> ColumnElement[Any]:
    """Readable ISO text lies before `line`: a day by its day, a wall-clock time as text, an offset as an instant."""
    assert line.naive is not None, "binding refuses text dates of a connector without a zone"
    instant = line.instant.astimezone(UTC).replace(tzinfo=None)
    return sa.case(
        (sa.func.char_length(text) == _literal("10"), text < bound(line.day.isoformat())),
        (matches(text, WITH_OFFSET), instant_of(text) < bound(instant)),
        else_=sa.func.replace(text, _literal("'T'"), _literal("' '")) < bound(shortest(line.naive)),
    )


def instant_of(text: ColumnElement[Any]) -> ColumnElement[Any]:
    """Readable text with an offset in UTC, without the fraction of its second."""
    seconds = sa.func.substr(text, _literal("17"), _literal("1")) == _literal("':'")
    whole = sa.case(
        (seconds, sa.func.left(text, _literal("19"))),
        else_=sa.func.concat(sa.func.left(text, _literal("16")), _literal("':00'")),
    )
    bare = sa.func.rtrim(text)
    hours, minutes = (sa.func.substr(bare, _literal(first), _literal("2")) for first in ("-5", "-2"))
    away = hours * _literal("60") + minutes
    east = sa.func.substr(bare, _literal("-6"), _literal("1")) == _literal("'+'")
    shift = sa.case(
        (matches(text, "[Zz] *$"), _literal("0")),
        (east, _literal("0") - Grouping(away)),
        else_=away,
    )
    told = sa.func.timestampadd(_literal("MINUTE"), shift, sa.cast(whole, sa.DateTime))
    return sa.case((matches(text, WITH_OFFSET), told))


def _literal(text: str) -> ColumnElement[Any]:
    return sa.literal_column(text)
