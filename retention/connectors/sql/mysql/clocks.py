"""Dates and numbers in MariaDB's and MySQL's texts, looked at by a regular expression before any cast.

ISO 8601 is read as `iso_text` reads it on SQLite, value for value.
"""

from __future__ import annotations

from datetime import UTC, date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import DATETIME
from sqlalchemy.sql.elements import ColumnElement, Grouping

from retention.connectors.sql.dialect import Reading
from retention.connectors.sql.lines import ISO, NUMBER, WITH_OFFSET, literal
from retention.connectors.sql.predicates import bound
from retention.connectors.sql.sqlite.iso_text import shortest
from retention.connectors.sql.text_clocks import TextClocks
from retention.model import predicate as p
from retention.model.catalogue import Kind
from retention.model.encoding import Encoding, Unit

_FIRST = date(1, 1, 1)


class MysqlClocks(TextClocks):
    """What MariaDB and MySQL supply to tell points in time, in their own dates, in texts and in numbers."""

    def _plain(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        return _text(column)

    def _found(self, text: ColumnElement[Any], pattern: str) -> ColumnElement[Any]:
        return _matches(text, pattern)

    def _before(self, text: ColumnElement[Any], line: p.Line) -> ColumnElement[Any]:
        return _before(text, line)

    def day(self, column: ColumnElement[Any], kind: Kind, timezone: str) -> ColumnElement[Any]:
        if kind is Kind.TEXT:
            return _text_day(column, timezone)
        return sa.cast(_local(column, timezone) if kind is Kind.TIMESTAMPTZ else column, sa.Date)

    def number(self, column: ColumnElement[Any], field: p.Field) -> Reading:
        if field.kind is not Kind.TEXT:
            return None, column
        text = _text(column)
        readable = _matches(text, NUMBER)
        return readable, sa.case((readable, sa.cast(text, sa.Numeric(36, 18))))

    def counted_day(self, value: ColumnElement[Any], encoding: Encoding, timezone: str) -> ColumnElement[Any]:
        assert encoding.unit is not None
        # In whole units since the year 1, where DIV, which cuts off, is exact and never negative.
        since = (encoding.epoch - _FIRST).days
        if encoding.unit is Unit.DAYS:
            days = sa.func.floor(value) + literal(str(since))
            return sa.func.timestampadd(literal("DAY"), days, literal(f"DATE '{_FIRST}'"))
        exact = sa.cast(value, sa.Numeric(36, 9)) * literal(str(encoding.unit.microseconds))
        ticks = Grouping(exact + literal(str(since * 86_400_000_000)))
        seconds = ticks.op("DIV")(literal("1000000"))
        instant = sa.func.timestampadd(literal("SECOND"), seconds, literal(f"TIMESTAMP '{_FIRST} 00:00:00'"))
        return sa.cast(_local(instant, timezone), sa.Date)

    def spelled_day(self, text: ColumnElement[Any], *, last_of_month: bool) -> ColumnElement[Any]:
        day = sa.cast(text, sa.Date)
        return sa.func.last_day(day) if last_of_month else day


def _text(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """As a text whose letters are told apart."""
    return sa.cast(column, sa.CHAR).collate("utf8mb4_bin")


def _matches(text: ColumnElement[Any], expression: str) -> ColumnElement[Any]:
    """The regular expression is found in the text, whose end is no line's: `$` would stand before it, too."""
    whole = sa.func.right(text, literal("1")) != literal("CHAR(10)")
    return sa.and_(text.bool_op("REGEXP")(literal(f"'{expression}'")), whole)


def _local(instant: ColumnElement[Any], timezone: str) -> ColumnElement[Any]:
    """A server without time zone tables shows the day in UTC."""
    local = sa.func.convert_tz(instant, literal("'+00:00'"), bound(timezone))
    return sa.func.coalesce(local, instant)


def _text_day(column: ColumnElement[Any], timezone: str) -> ColumnElement[Any]:
    """The calendar day of ISO 8601 text, an instant's in `timezone`."""
    text = _text(column)
    written = sa.cast(sa.func.left(text, literal("10")), sa.Date)
    local = sa.cast(_local(instant_of(text), timezone), sa.Date)
    shown = sa.case((_matches(text, WITH_OFFSET), local), else_=written)
    known = sa.and_(_matches(text, ISO), text >= bound("0001-01-02"), text < bound("9999-12-31"))
    return sa.case((known, shown))


def _before(text: ColumnElement[Any], line: p.Line) -> ColumnElement[Any]:
    """See `TextClocks`."""
    assert line.naive is not None, "binding refuses text dates of a connector without a zone"
    instant = line.instant.astimezone(UTC).replace(tzinfo=None)
    return sa.case(
        (sa.func.char_length(text) == literal("10"), text < bound(line.day.isoformat())),
        (_matches(text, WITH_OFFSET), instant_of(text) < bound(instant)),
        else_=sa.func.replace(text, literal("'T'"), literal("' '")) < bound(shortest(line.naive)),
    )


def instant_of(text: ColumnElement[Any]) -> ColumnElement[Any]:
    """Readable text with an offset in UTC."""
    bare = sa.func.rtrim(text)
    hours, minutes = (sa.func.substr(bare, literal(first), literal("2")) for first in ("-5", "-2"))
    away = hours * literal("60") + minutes
    east = sa.func.substr(bare, literal("-6"), literal("1")) == literal("'+'")
    shift = sa.case(
        (_matches(text, "[Zz] *$"), literal("0")),
        (east, literal("0") - Grouping(away)),
        else_=away,
    )
    told = sa.func.timestampadd(literal("MINUTE"), shift, wall_of(text))
    return sa.case((_matches(text, WITH_OFFSET), told))


def wall_of(text: ColumnElement[Any]) -> ColumnElement[Any]:
    """What a readable text with a time of day says, whatever its offset; cut off after microseconds."""
    seconds = sa.func.substr(text, literal("17"), literal("1")) == literal("':'")
    fraction = sa.func.regexp_substr(text, literal("'[.][0-9]{1,6}'"))
    whole = sa.case(
        (seconds, sa.func.concat(sa.func.left(text, literal("19")), fraction)),
        else_=sa.func.concat(sa.func.left(text, literal("16")), literal("':00'")),
    )
    return sa.cast(whole, DATETIME(fsp=6))
