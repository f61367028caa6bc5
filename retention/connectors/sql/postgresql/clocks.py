"""Dates and numbers in PostgreSQL's texts, looked at by a regular expression before any cast: casts raise.

ISO 8601 is read as `iso_text` reads it on SQLite, value for value.
"""

from __future__ import annotations

from datetime import UTC, date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from retention.connectors.sql.dialect import Reading
from retention.connectors.sql.lines import ISO, NUMBER, WITH_OFFSET, literal
from retention.connectors.sql.predicates import bound
from retention.connectors.sql.sqlite.iso_text import shortest
from retention.connectors.sql.text_clocks import TextClocks
from retention.model import predicate as p
from retention.model.catalogue import Kind
from retention.model.encoding import Encoding, Unit


class PostgresqlClocks(TextClocks):
    """What PostgreSQL supplies to tell points in time, in its own dates, in texts and in numbers."""

    def _plain(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        return _text(column)

    def _found(self, text: ColumnElement[Any], pattern: str) -> ColumnElement[Any]:
        return _matches(text, pattern)

    def _before(self, text: ColumnElement[Any], line: p.Line) -> ColumnElement[Any]:
        return _before(text, line)

    def day(self, column: ColumnElement[Any], kind: Kind, timezone: str) -> ColumnElement[Any]:
        if kind is Kind.TEXT:
            return _text_day(column, timezone)
        # Infinity, and years that the driver's calendar does not have, are no day that could be shown.
        known = sa.and_(column >= bound(date(1, 1, 2)), column < bound(date(9999, 12, 31)))
        local = sa.func.timezone(timezone, column) if kind is Kind.TIMESTAMPTZ else column
        return sa.case((known, sa.cast(local, sa.Date)))

    def number(self, column: ColumnElement[Any], field: p.Field) -> Reading:
        if field.kind is Kind.REAL and field.type.upper() in ("REAL", "FLOAT4"):
            return None, sa.cast(column, sa.Double)  # as text, a short float is rounded: into the next day
        if field.kind is not Kind.TEXT:
            return None, column
        return _number(column)

    def counted_day(self, value: ColumnElement[Any], encoding: Encoding, timezone: str) -> ColumnElement[Any]:
        return _counted_day(value, encoding, timezone)

    def spelled_day(self, text: ColumnElement[Any], *, last_of_month: bool) -> ColumnElement[Any]:
        return _spelled_day(text, last_of_month=last_of_month)


def _text(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return sa.cast(column, sa.Text)


def _matches(text: ColumnElement[Any], expression: str) -> ColumnElement[Any]:
    """The regular expression is found in the text."""
    return text.bool_op("~")(sa.literal_column(f"'{expression}'"))


def _number(column: ColumnElement[Any]) -> Reading:
    """A number in a text, exactly."""
    text = _text(column)
    readable = _matches(text, NUMBER)
    return readable, sa.case((readable, sa.cast(text, sa.Numeric)))


def _text_day(column: ColumnElement[Any], timezone: str) -> ColumnElement[Any]:
    """The calendar day of ISO 8601 text, an instant's in `timezone`."""
    text = _text(column)
    local = sa.func.timezone(timezone, instant_of(text))
    written = sa.cast(sa.func.left(text, sa.literal_column("10")), sa.Date)
    shown = sa.case((_matches(text, WITH_OFFSET), sa.cast(local, sa.Date)), else_=written)
    # The first and the last day of the calendar may be moved out of it.
    known = sa.and_(
        _matches(text, ISO), _plain(text) >= bound("0001-01-02"), _plain(text) < bound("9999-12-31")
    )
    return sa.case((known, shown))


def _counted_day(value: ColumnElement[Any], encoding: Encoding, timezone: str) -> ColumnElement[Any]:
    """The day of a number: an instant's in `timezone`."""
    assert encoding.unit is not None
    if encoding.unit is Unit.DAYS:
        days = sa.cast(sa.func.floor(value), sa.Integer)
        return sa.cast(literal(f"DATE '{encoding.epoch}'") + days, sa.Date)
    # In whole seconds, and by way of a text: floating-point numbers are cast and multiplied into the next day.
    seconds = (
        sa.cast(sa.cast(value, sa.Text), sa.Numeric)
        * literal(str(encoding.unit.microseconds))
        / literal("1000000")
    )
    since = sa.cast(sa.func.floor(seconds), sa.Double) * literal("INTERVAL '1 second'")
    instant = literal(f"TIMESTAMPTZ '{encoding.epoch} 00:00:00+00'") + since
    return sa.cast(sa.func.timezone(timezone, instant), sa.Date)


def _spelled_day(text: ColumnElement[Any], *, last_of_month: bool) -> ColumnElement[Any]:
    """The ISO day as a date, or the last of its month."""
    day_ = sa.cast(text, sa.Date)
    if not last_of_month:
        return day_
    return sa.cast(day_ + literal("INTERVAL '1 month'") - literal("INTERVAL '1 day'"), sa.Date)


def _before(text: ColumnElement[Any], line: p.Line) -> ColumnElement[Any]:
    """See `TextClocks`."""
    assert line.naive is not None, "binding refuses text dates of a connector without a zone"
    instant = line.instant.astimezone(UTC)
    wall = sa.func.replace(text, literal("'T'"), literal("' '")).collate("C")
    return sa.case(
        (sa.func.length(text) == literal("10"), _plain(text) < bound(_iso(line.day))),
        (_matches(text, WITH_OFFSET), instant_of(text) < bound(instant)),
        else_=wall < bound(shortest(line.naive)),
    )


def instant_of(text: ColumnElement[Any]) -> ColumnElement[Any]:
    """Text with an offset as an instant."""
    return sa.case((_matches(text, WITH_OFFSET), sa.cast(_cut_off(text), sa.TIMESTAMP(timezone=True))))


def wall_of(text: ColumnElement[Any]) -> ColumnElement[Any]:
    """What a readable text with a time of day and no offset says."""
    return sa.cast(_cut_off(text), sa.TIMESTAMP)


def _cut_off(text: ColumnElement[Any]) -> ColumnElement[Any]:
    """Without what its fraction says beyond microseconds, which a cast would round."""
    return sa.func.regexp_replace(text, literal("'([.][0-9]{6})[0-9]+'"), literal("'\\1'"))


def _plain(text: ColumnElement[Any]) -> ColumnElement[Any]:
    """The text in the order of its bytes."""
    return text.collate("C")


def _iso(day_: date) -> str:
    return day_.isoformat()
