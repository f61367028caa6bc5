"""Dates and numbers in PostgreSQL's texts, looked at by a regular expression before any cast: casts raise.

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


class PostgresqlClocks(Dialect):
    """What PostgreSQL supplies to tell points in time, in its own dates, in texts and in numbers."""

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
        # Infinity, and years that the driver's calendar does not have, are no day that could be shown.
        known = sa.and_(column >= bound(date(1, 1, 2)), column < bound(date(9999, 12, 31)))
        local = sa.func.timezone(timezone, column) if kind is Kind.TIMESTAMPTZ else column
        return sa.case((known, sa.cast(local, sa.Date)))

    def number(self, column: ColumnElement[Any], field: p.Field) -> Reading:
        if field.kind is not Kind.TEXT:
            return None, column
        return _number(column)

    def text(self, column: ColumnElement[Any], field: p.Field) -> Reading:
        return None, sa.cast(column, sa.Text)

    def matches(self, text: ColumnElement[Any], shape: str) -> ColumnElement[Any]:
        return matches(text, expression(shape))

    def is_day(self, text: ColumnElement[Any]) -> ColumnElement[Any]:
        return matches(text, f"^{DAY}$")

    def counted_day(self, value: ColumnElement[Any], encoding: Encoding, timezone: str) -> ColumnElement[Any]:
        return _counted_day(value, encoding, timezone)

    def spelled_day(self, text: ColumnElement[Any], *, last_of_month: bool) -> ColumnElement[Any]:
        return _spelled_day(text, last_of_month=last_of_month)


def matches(text: ColumnElement[Any], expression: str) -> ColumnElement[Any]:
    """The regular expression is found in the text."""
    return text.bool_op("~")(sa.literal_column(f"'{expression}'"))


def _number(column: ColumnElement[Any]) -> Reading:
    """A number in a text, exactly."""
    text = sa.cast(column, sa.Text)
    readable = matches(text, NUMBER)
    return readable, sa.case((readable, sa.cast(text, sa.Numeric)))


def _dated(column: ColumnElement[Any], state: p.State, floor: p.Line, cutoff: p.Line) -> ColumnElement[Any]:
    """Plain: the text in `column` is in `state` (never MISSING), seen from `floor` and `cutoff`."""
    text = sa.cast(column, sa.Text)
    match state:
        case p.State.PAST:
            told = sa.and_(sa.not_(Grouping(_before(text, floor))), Grouping(_before(text, cutoff)))
        case p.State.RECENT:
            told = sa.not_(Grouping(_before(text, cutoff)))
        case _:
            told = _before(text, floor)
    unreadable = sa.true() if state is p.State.UNCLEAR else sa.false()
    return sa.and_(column.is_not(sa.null()), sa.case((matches(text, ISO), told), else_=unreadable))


def _text_day(column: ColumnElement[Any], timezone: str) -> ColumnElement[Any]:
    """The calendar day of ISO 8601 text, an instant's in `timezone`."""
    text = sa.cast(column, sa.Text)
    local = sa.func.timezone(timezone, _instant(text))
    written = sa.cast(sa.func.left(text, sa.literal_column("10")), sa.Date)
    shown = sa.case((matches(text, WITH_OFFSET), sa.cast(local, sa.Date)), else_=written)
    # The first and the last day of the calendar may be moved out of it.
    known = sa.and_(
        matches(text, ISO), _plain(text) >= bound("0001-01-02"), _plain(text) < bound("9999-12-31")
    )
    return sa.case((known, shown))


def _counted_day(value: ColumnElement[Any], encoding: Encoding, timezone: str) -> ColumnElement[Any]:
    """The day of a number: an instant's in `timezone`."""
    assert encoding.unit is not None
    if encoding.unit is Unit.DAYS:
        days = sa.cast(sa.func.floor(value), sa.Integer)
        return sa.cast(_literal(f"DATE '{encoding.epoch}'") + days, sa.Date)
    # In whole seconds, and by way of a text: floating-point numbers are cast and multiplied into the next day.
    seconds = (
        sa.cast(sa.cast(value, sa.Text), sa.Numeric)
        * _literal(str(encoding.unit.microseconds))
        / _literal("1000000")
    )
    since = sa.cast(sa.func.floor(seconds), sa.Double) * _literal("INTERVAL '1 second'")
    instant = _literal(f"TIMESTAMPTZ '{encoding.epoch} 00:00:00+00'") + since
    return sa.cast(sa.func.timezone(timezone, instant), sa.Date)


def _spelled_day(text: ColumnElement[Any], *, last_of_month: bool) -> ColumnElement[Any]:
    """The ISO day as a date, or the last of its month."""
    day_ = sa.cast(text, sa.Date)
    if not last_of_month:
        return day_
    return sa.cast(day_ + _literal("INTERVAL '1 month'") - _literal("INTERVAL '1 day'"), sa.Date)


def _before(text: ColumnElement[Any], line: p.Line) -> ColumnElement[Any]:
    """Readable ISO text lies before `line`: a day by its day, a wall-clock time as text, an offset as an instant."""
    assert line.naive is not None, "binding refuses text dates of a connector without a zone"
    instant = line.instant.astimezone(UTC)
    wall = sa.func.replace(text, _literal("'T'"), _literal("' '")).collate("C")
    return sa.case(
        (sa.func.length(text) == _literal("10"), _plain(text) < bound(_iso(line.day))),
        (matches(text, WITH_OFFSET), _instant(text) < bound(instant)),
        else_=wall < bound(shortest(line.naive)),
    )


def _instant(text: ColumnElement[Any]) -> ColumnElement[Any]:
    """Text with an offset as an instant, without the fraction of its second, which a cast would round."""
    pattern = _literal(f"'([.][0-9]+)? *({_OFFSET}) *$'")
    whole = sa.func.regexp_replace(text, pattern, _literal("'\\2'"))
    return sa.case((matches(text, WITH_OFFSET), sa.cast(whole, sa.TIMESTAMP(timezone=True))))


def _plain(text: ColumnElement[Any]) -> ColumnElement[Any]:
    """The text in the order of its bytes."""
    return text.collate("C")


def _iso(day_: date) -> str:
    return day_.isoformat()


def _literal(text: str) -> ColumnElement[Any]:
    return sa.literal_column(text)
