"""Single dates on SQLite, which has no zones: told by functions of ours that every connection knows."""

from __future__ import annotations

import functools
import json
import operator
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from retention import periods
from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.lines import bound, comparable
from retention.connectors.sql.moments import precise
from retention.connectors.sql.sqlite import iso_text
from retention.model import predicate as p
from retention.model.catalogue import Kind
from retention.model.clock import Clock, Period, Start
from retention.model.encoding import Encoding, Format, Unit
from retention.periods.encodings import read

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


class SqliteMoments(Dialect):
    """What SQLite supplies of `Moments`. Instants are microseconds since 1970, days are ISO texts."""

    def dated_text(
        self, column: ColumnElement[Any], state: p.State, floor: p.Line, cutoff: p.Line
    ) -> ColumnElement[Any]:
        told = iso_text.dated(column, state, floor, cutoff)
        if not cutoff.instant.microsecond or state is p.State.UNCLEAR:
            return told
        # A line within a second, which text dates are told apart from by their whole ones: near it each value is read.
        days = (bound(iso_text.days_on(cutoff.day, off)) for off in (-2, 2))
        near = sa.and_(
            *(test(column, day) for test, day in zip((operator.ge, operator.lt), days, strict=True))
        )
        readable = sa.or_(*(iso_text.dated(column, s, floor, cutoff) for s in (p.State.PAST, p.State.RECENT)))
        before = lies_before(column, cutoff)
        exact = before if state is p.State.PAST else sa.not_(before)
        return sa.case((near, sa.and_(readable, exact)), else_=told) == sa.literal_column("1")

    def instant(self, column: ColumnElement[Any], field: p.Field, naive: str | None) -> ColumnElement[Any]:
        if precise(field) is False and field.encoding.unit is not None:
            return sa.null()
        return sa.func.retention_instant(column, bound(_spelt(field.encoding)), bound(naive or ""))

    def local_day(
        self, column: ColumnElement[Any], field: p.Field, timezone: str, naive: str | None
    ) -> ColumnElement[Any]:
        encoding = bound(_spelt(field.encoding))
        return sa.func.retention_day(column, encoding, bound(naive or ""), bound(timezone))

    def ended(
        self, day: ColumnElement[Any], clock: Clock, times: ColumnElement[Any] | None
    ) -> ColumnElement[Any]:
        one: ColumnElement[Any] = sa.literal_column("1")
        return sa.func.retention_ended(day, bound(_clock(clock)), one if times is None else times)

    def days_after(self, day: ColumnElement[Any], period: Period) -> ColumnElement[Any]:
        counted = Clock(period=period)
        return sa.func.retention_ended(day, bound(_clock(counted)), sa.literal_column("1"))

    def drawn(self, number: ColumnElement[Any], item: p.Drawn) -> ColumnElement[Any]:
        lines = [str(comparable(item.kind, line)) for line in item.lines.every]
        width = max(map(len, lines))
        place = (number - sa.literal_column(str(item.lines.least))) * sa.literal_column(str(width))
        every = bound("".join(line.ljust(width) for line in lines))
        return sa.func.trim(
            sa.func.substr(every, place + sa.literal_column("1"), sa.literal_column(str(width)))
        )

    def lowered(self, value: ColumnElement[Any], kind: Kind) -> ColumnElement[Any]:
        return sa.func.lower(sa.cast(value, sa.Text))

    def odd(self, value: ColumnElement[Any], kind: Kind) -> ColumnElement[Any]:
        text = sa.cast(value, sa.Text)
        low: ColumnElement[Any] = sa.literal_column("'!' COLLATE BINARY")
        first, last = (
            sa.func.substr(text, sa.literal_column(at), sa.literal_column("1")) for at in ("1", "-1")
        )
        edged = sa.and_(text != sa.literal_column("''"), sa.or_(first < low, last < low))
        return sa.or_(sa.func.length(sa.cast(value, sa.LargeBinary)) != sa.func.length(value), edged)

    def least_day(self, days: Sequence[ColumnElement[Any]]) -> ColumnElement[Any]:
        if len(days) == 1:
            return days[0]
        last: ColumnElement[Any] = sa.literal_column("'9999-12-31~'")
        return sa.func.nullif(sa.func.min(*(sa.func.coalesce(day, last) for day in days)), last)


def lies_before(column: ColumnElement[Any], line: p.Line) -> ColumnElement[Any]:
    """The ISO 8601 text lies before the line, to the microsecond."""
    since = (line.instant - _EPOCH) // _TICK
    naive = bound(line.naive.isoformat() if line.naive is not None else "")
    told = sa.func.retention_before(column, bound(line.day.isoformat()), bound(since), naive)
    return told == sa.literal_column("1")


def teach(connection: sqlite3.Connection) -> None:
    """Gives a connection the functions that statements of `SqliteMoments` call."""
    connection.create_function(
        "retention_instant", 3, _in_calendar(_remembered(_instant)), deterministic=True
    )
    connection.create_function("retention_day", 4, _in_calendar(_remembered(_day)), deterministic=True)
    connection.create_function("retention_before", 4, _in_calendar(_remembered(_before)), deterministic=True)
    connection.create_function("retention_ended", 3, _in_calendar(_remembered(_ended)), deterministic=True)


def _remembered(function: Callable[..., Any]) -> Callable[..., Any]:
    """The last values are known: a statement asks for those of a row a dozen times over. 1 and 1.0 are two values."""
    return functools.lru_cache(maxsize=1_000, typed=True)(function)


def _in_calendar(function: Callable[..., Any]) -> Callable[..., Any]:
    """NULL for what can't be told in the calendar: an exception would end the statement."""

    @functools.wraps(function)
    def told(*values: Any) -> Any:
        try:
            return function(*values)
        except (ValueError, OverflowError):
            return None

    return told


def _instant(value: Any, encoding: str, naive: str) -> int | None:
    moment = _read(value, encoding)
    if not isinstance(moment, datetime):
        return None
    return (_of_wall(moment, naive) - _EPOCH) // _TICK


def _day(value: Any, encoding: str, naive: str, timezone: str) -> str | None:
    moment = _read(value, encoding)
    if isinstance(moment, datetime):
        if moment.tzinfo is None and naive == timezone and periods.keeps_days(timezone):
            return moment.date().isoformat()
        return periods.day_of(_of_wall(moment, naive), timezone).isoformat()
    return None if moment is None else moment.isoformat()


def _before(value: Any, day: str, since: int, naive: str) -> bool:
    moment = None if not isinstance(value, str) else read(value, Encoding())
    if not isinstance(moment, datetime):
        return moment is not None and moment.isoformat() < day
    if moment.tzinfo is None:
        return bool(naive) and moment < datetime.fromisoformat(naive)
    return (moment - _EPOCH) // _TICK < since


def _ended(day: str | None, clock: str, times: Any) -> str | None:
    if day is None or not isinstance(times, int | float) or times != int(times):
        return None
    return periods.ended_day(date.fromisoformat(day), _times(clock, int(times))).isoformat()


def _read(value: Any, encoding: str) -> date | datetime | None:
    if value is None or isinstance(value, bytes):
        return None
    return read(str(value), _encoding(encoding))


def _of_wall(moment: datetime, naive: str) -> datetime:
    if moment.tzinfo is not None:
        return moment
    if naive in ("", "UTC"):
        return moment.replace(tzinfo=UTC)
    return periods.instant_of_naive(moment, naive)


def _spelt(encoding: Encoding) -> str:
    unit = encoding.unit.value if encoding.unit is not None else None
    format_ = encoding.format.value if encoding.format is not None else None
    return json.dumps([unit, encoding.epoch.isoformat(), format_])


@functools.lru_cache(maxsize=256)
def _encoding(text: str) -> Encoding:
    unit, epoch, format_ = json.loads(text)
    return Encoding(
        unit=Unit(unit) if unit is not None else None,
        epoch=date.fromisoformat(epoch),
        format=Format(format_) if format_ is not None else None,
    )


def _clock(clock: Clock) -> str:
    return json.dumps([clock.period.months, clock.period.days, clock.start.value, *clock.fiscal_year_end])


@functools.lru_cache(maxsize=10_000)
def _times(text: str, times: int) -> Clock:
    months, days, start, month, day = json.loads(text)
    period = Period(months=months * times, days=days * times)
    return Clock(period=period, start=Start(start), fiscal_year_end=(month, day))
