"""Single dates on MariaDB and MySQL, whose servers often know no zones: their changes are handed over instead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.sql.elements import ColumnElement

from retention.connectors.sql import encodings
from retention.connectors.sql.lines import ISO, WITH_OFFSET, bound, comparable
from retention.connectors.sql.moments import fiscal_start, of_wall, precise, step_of
from retention.connectors.sql.mysql.clocks import MysqlClocks, instant_of, wall_of
from retention.model import predicate as p
from retention.model.catalogue import Kind
from retention.model.clock import Clock, Period, Start
from retention.model.encoding import Format
from retention.periods import transitions


def _literal(text: str) -> ColumnElement[Any]:
    return sa.literal_column(text)


_YEARS = (1971, 2060)
"""Before them every date is unclear; after them the offset of their end is taken."""
_EPOCH = "TIMESTAMP '1970-01-01 00:00:00'"
_SPELT = {Format.YYYYMMDDHHMM: "%Y%m%d%H%i", Format.YYYYMMDDHHMMSS: "%Y%m%d%H%i%s"}


class MysqlMoments(MysqlClocks):
    """What MariaDB and MySQL supply of `Moments`. Instants are DATETIMEs in UTC."""

    def instant(self, column: ColumnElement[Any], field: p.Field, naive: str | None) -> ColumnElement[Any]:
        encoding = field.encoding
        if precise(field) is False:
            return sa.null()
        if encoding.unit is not None:
            readable, value = encodings.counted_value(self, column, field)
            exact = sa.cast(value, sa.Numeric(36, 9)) * _literal(str(encoding.unit.microseconds))
            epoch = _literal(f"TIMESTAMP '{encoding.epoch} 00:00:00'")
            return sa.case(
                (readable, sa.func.timestampadd(_literal("MICROSECOND"), sa.func.floor(exact), epoch))
            )
        if encoding.format in _SPELT:
            readable, text = encodings.ordered(self, column, field)
            wall = sa.func.str_to_date(text, _literal(f"'{_SPELT[encoding.format]}'"))
            return sa.case((readable, _of_wall(wall, naive)))
        if field.kind is Kind.TIMESTAMPTZ:
            return column
        if field.kind is Kind.TIMESTAMP:
            return _of_wall(column, naive)
        text = self._plain(column)
        return sa.case(
            (sa.and_(self._found(text, ISO), self._found(text, WITH_OFFSET)), instant_of(text)),
            (
                sa.and_(self._found(text, ISO), sa.func.char_length(text) > _literal("10")),
                _of_wall(wall_of(text), naive),
            ),
        )

    def local_day(
        self, column: ColumnElement[Any], field: p.Field, timezone: str, naive: str | None
    ) -> ColumnElement[Any]:
        if of_wall(field, timezone, naive):
            readable, day = self.readable(column, field.kind), sa.cast(column, sa.Date)
            return day if readable is None else sa.case((readable, day))
        told = precise(field)
        local = sa.cast(_local(self.instant(column, field, naive), timezone), sa.Date)
        if told:
            return local
        written = encodings.any_day(self, column, field, timezone)
        readable = self.readable(column, field.kind) if field.kind is Kind.DATE else None
        if readable is not None:
            # A cast finds no fault with a date of zeroes that is read out of a derived table.
            return sa.case((readable, written))
        return written if told is False else sa.func.coalesce(local, written)

    def ended(
        self, day: ColumnElement[Any], clock: Clock, times: ColumnElement[Any] | None
    ) -> ColumnElement[Any]:
        months, days = _many(clock.period.months, times), _many(clock.period.days, times)
        if clock.start is Start.NEXT_DAY:
            return _in_calendar(day, _add("DAY", days, _add("MONTH", months, day)))
        first = _first_after(day, clock)
        moved = _add("MONTH", months, first)
        # The day that the month lacks is the first of the next: BGB § 188(3).
        short = sa.case(
            (sa.func.dayofmonth(moved) < sa.func.dayofmonth(first), _literal("1")), else_=_literal("0")
        )
        return _in_calendar(day, _add("DAY", short + days - _literal("1"), moved))

    def days_after(self, day: ColumnElement[Any], period: Period) -> ColumnElement[Any]:
        moved = _add("MONTH", _literal(str(period.months)), day)
        return _in_calendar(day, _add("DAY", _literal(str(period.days)), moved))

    def drawn(self, number: ColumnElement[Any], item: p.Drawn) -> ColumnElement[Any]:
        type_ = sa.Date() if item.kind is Kind.DATE else mysql.DATETIME(fsp=6)
        values = [comparable(item.kind, line) for line in item.lines.every]
        place = sa.cast(sa.func.floor(number), mysql.BIGINT()) - _literal(str(item.lines.least))
        step = step_of(values)
        if step is None:
            found = sa.func.elt(place + _literal("1"), *(bound(_written(value)) for value in values))
            return sa.cast(found, type_)
        days = place * _literal(str(-step))
        return sa.cast(sa.func.timestampadd(_literal("DAY"), days, bound(_written(values[0]))), type_)

    def lowered(self, value: ColumnElement[Any], kind: Kind) -> ColumnElement[Any]:
        return sa.func.lower(self._plain(value))

    def odd(self, value: ColumnElement[Any], kind: Kind) -> ColumnElement[Any]:
        if kind not in (Kind.TEXT, Kind.OTHER):
            return sa.false()
        text, most = self._plain(value), _literal("32")
        # One search instead of five functions, each of which would convert the text anew: few have what it finds.
        found = text.op("REGEXP", is_comparison=True)(_literal("'[^!-~]'"))
        longer = sa.func.length(text) != sa.func.char_length(text)
        first, last = sa.func.ascii(text), sa.func.ascii(sa.func.right(text, _literal("1")))
        return sa.and_(found, sa.or_(longer, first <= most, last <= most))

    def least_day(self, days: Sequence[ColumnElement[Any]]) -> ColumnElement[Any]:
        if len(days) == 1:
            return days[0]
        last = _literal("DATE '9999-12-31'")
        least = sa.func.least(*(sa.func.coalesce(day, last) for day in days))
        return sa.func.nullif(least, last)


def _written(value: Any) -> str:
    """A line, as the database writes it: in UTC, where it is an instant."""
    if isinstance(value, datetime):
        plain = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
        return plain.isoformat(sep=" ")
    return str(value)


def _in_calendar(day: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[Any]:
    """What would lie after the calendar's last day, which is NULL here, is that day."""
    last = sa.case((day.is_not(sa.null()), _literal("DATE '9999-12-31'")))
    return sa.func.coalesce(end, last)


def _add(unit: str, count: ColumnElement[Any], day: ColumnElement[Any]) -> ColumnElement[Any]:
    return sa.cast(sa.func.timestampadd(_literal(unit), count, day), sa.Date)


def _many(count: int, times: ColumnElement[Any] | None) -> ColumnElement[Any]:
    if times is None or count == 0:
        return _literal(str(count))
    return sa.func.floor(times) * _literal(str(count))


def _first_after(day: ColumnElement[Any], clock: Clock) -> ColumnElement[Any]:
    """The first day after the unit in which `day` lies."""
    year = sa.func.year(day)
    if clock.start is Start.CALENDAR_YEAR:
        return sa.func.makedate(year + _literal("1"), _literal("1"))
    if clock.start is Start.MONTH:
        return _add("DAY", _literal("1"), sa.func.last_day(day))
    if clock.start is Start.QUARTER:
        return _add("QUARTER", sa.func.quarter(day), sa.func.makedate(year, _literal("1")))
    month, first = fiscal_start(clock.fiscal_year_end)

    def begins(in_year: ColumnElement[Any]) -> ColumnElement[Any]:
        january = sa.func.makedate(in_year, _literal("1"))
        return _add("DAY", _literal(str(first - 1)), _add("MONTH", _literal(str(month - 1)), january))

    return sa.case((day < begins(year), begins(year)), else_=begins(year + _literal("1")))


def _local(instant: ColumnElement[Any], timezone: str) -> ColumnElement[Any]:
    """The wall clock's reading of an instant."""
    before, changes = transitions(timezone, *_YEARS)
    seconds = _since(instant)
    return _moved(
        instant, seconds, [at for at, _ in changes], [before, *(offset for _, offset in changes)], 1
    )


def _of_wall(wall: ColumnElement[Any], naive: str | None) -> ColumnElement[Any]:
    """The instant of a wall clock's reading; one that comes twice is the later."""
    assert naive is not None, "binding refuses zone-less columns of a connector without a zone"
    before, changes = transitions(naive, *_YEARS)
    offsets = [before, *(offset for _, offset in changes)]
    # From the change's own reading on: the earlier one where clocks go back, behind the gap where they go forward.
    lines = [at + after for at, after in changes]
    return _moved(wall, _since(wall), lines, offsets, -1)


def _since(moment: ColumnElement[Any]) -> ColumnElement[Any]:
    return sa.func.timestampdiff(_literal("SECOND"), _literal(_EPOCH), moment)


def _moved(
    moment: ColumnElement[Any], seconds: ColumnElement[Any], lines: list[int], offsets: list[int], sign: int
) -> ColumnElement[Any]:
    """`moment` moved by the offset between whose lines it lies: INTERVAL() finds it by halving."""
    shift: ColumnElement[Any] = _literal(str(sign * offsets[0]))
    if lines:
        which = sa.func.interval(seconds, *(_literal(str(line)) for line in lines))
        chosen = sa.func.elt(which + _literal("1"), *(_literal(f"'{sign * offset}'") for offset in offsets))
        shift = sa.cast(chosen, sa.Integer)
    return sa.func.timestampadd(_literal("SECOND"), shift, moment)
