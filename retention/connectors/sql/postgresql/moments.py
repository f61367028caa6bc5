"""Single dates on PostgreSQL, which knows zones and calendars itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from retention.connectors.sql import encodings
from retention.connectors.sql.lines import ISO, WITH_OFFSET, bound, comparable
from retention.connectors.sql.moments import fiscal_start, of_wall, precise, step_of
from retention.connectors.sql.postgresql.clocks import PostgresqlClocks, instant_of, wall_of
from retention.connectors.sql.postgresql.pages import Nth, Spelled
from retention.model import predicate as p
from retention.model.catalogue import Kind
from retention.model.clock import Clock, Period, Start
from retention.model.encoding import Format


def _literal(text: str) -> ColumnElement[Any]:
    return sa.literal_column(text)


_TYPES = {Kind.DATE: "date", Kind.TIMESTAMP: "timestamp", Kind.TIMESTAMPTZ: "timestamptz"}
_SPELT = {Format.YYYYMMDDHHMM: "YYYYMMDDHH24MI", Format.YYYYMMDDHHMMSS: "YYYYMMDDHH24MISS"}


class PostgresqlMoments(PostgresqlClocks):
    """What PostgreSQL supplies of `Moments`."""

    def instant(self, column: ColumnElement[Any], field: p.Field, naive: str | None) -> ColumnElement[Any]:
        encoding = field.encoding
        if precise(field) is False:
            return sa.null()
        if encoding.unit is not None:
            readable, value = encodings.counted_value(self, column, field)
            exact = sa.cast(sa.cast(value, sa.Text), sa.Numeric)  # a float, and a small integer, are so
            micros = sa.cast(sa.func.floor(exact * _literal(str(encoding.unit.microseconds))), sa.BigInteger)
            span = _literal("INTERVAL '1 microsecond'")
            moment = _literal(f"TIMESTAMPTZ '{encoding.epoch} 00:00:00+00'") + micros * span
            return sa.case((readable, moment))
        if encoding.format in _SPELT:
            readable, text = encodings.ordered(self, column, field)
            wall = sa.cast(sa.func.to_timestamp(text, _literal(f"'{_SPELT[encoding.format]}'")), sa.TIMESTAMP)
            return sa.case((readable, self._of_wall(wall, naive)))
        if field.kind is Kind.TIMESTAMPTZ:
            return column
        if field.kind is Kind.TIMESTAMP:
            return self._of_wall(column, naive)
        text = sa.cast(column, sa.Text)
        return sa.case(
            (sa.and_(self._found(text, ISO), self._found(text, WITH_OFFSET)), instant_of(text)),
            (
                sa.and_(self._found(text, ISO), sa.func.length(text) > _literal("10")),
                self._of_wall(wall_of(text), naive),
            ),
        )

    def local_day(
        self, column: ColumnElement[Any], field: p.Field, timezone: str, naive: str | None
    ) -> ColumnElement[Any]:
        if of_wall(field, timezone, naive):
            return sa.cast(column, sa.Date)
        told = precise(field)
        local = sa.cast(sa.func.timezone(timezone, self.instant(column, field, naive)), sa.Date)
        if told:
            return local
        written = encodings.any_day(self, column, field, timezone)
        return written if told is False else sa.func.coalesce(local, written)

    def ended(
        self, day: ColumnElement[Any], clock: Clock, times: ColumnElement[Any] | None
    ) -> ColumnElement[Any]:
        months, days = _many(clock.period.months, times), _many(clock.period.days, times)
        if clock.start is Start.NEXT_DAY:
            return sa.cast(day + sa.func.make_interval(_literal("0"), months), sa.Date) + days
        first = _first_after(day, clock)
        moved = sa.cast(first + sa.func.make_interval(_literal("0"), months), sa.Date)
        # The day that the month lacks is the first of the next: BGB § 188(3).
        short = sa.func.date_part(_literal("'day'"), moved) < sa.func.date_part(_literal("'day'"), first)
        return moved + sa.cast(short, sa.Integer) + days - _literal("1")

    def days_after(self, day: ColumnElement[Any], period: Period) -> ColumnElement[Any]:
        months = _literal(str(period.months))
        return sa.cast(day + sa.func.make_interval(_literal("0"), months), sa.Date) + _literal(
            str(period.days)
        )

    def drawn(self, number: ColumnElement[Any], item: p.Drawn) -> ColumnElement[Any]:
        values = [comparable(item.kind, line) for line in item.lines.every]
        place = sa.cast(number, sa.Integer) - _literal(str(item.lines.least))
        type_ = _TYPES[item.kind]
        step = step_of(values)
        if step is None:
            lines = f"{{{','.join(value.isoformat() for value in values)}}}"
            return Nth(sa.cast(bound(lines), Spelled(f"{type_}[]")), place + _literal("1"))
        days = place * _literal(str(step))
        first = sa.cast(bound(values[0].isoformat()), Spelled(type_))
        return first - (days if item.kind is Kind.DATE else days * _literal("INTERVAL '1 day'"))

    def lowered(self, value: ColumnElement[Any], kind: Kind) -> ColumnElement[Any]:
        return sa.func.lower(sa.cast(value, sa.Text).collate("C"))

    def odd(self, value: ColumnElement[Any], kind: Kind) -> ColumnElement[Any]:
        if kind not in (Kind.TEXT, Kind.OTHER):
            return sa.false()
        text = sa.cast(value, sa.Text)
        low = _literal("'!'")  # the first that is neither, by its byte
        last: ColumnElement[Any] = sa.func.right(text, _literal("1"))
        edged = sa.and_(text != _literal("''"), sa.or_(text.collate("C") < low, last.collate("C") < low))
        # Counting is faster than searching, and says it where letters beyond ASCII take more than a byte.
        longer = sa.func.octet_length(text) != sa.func.char_length(text)
        searched = text.bool_op("~")(_literal("'[^[:ascii:]]'"))
        beyond = sa.case((_literal("(SELECT getdatabaseencoding() = 'UTF8')"), longer), else_=searched)
        return sa.or_(beyond, edged)

    def least_day(self, days: Sequence[ColumnElement[Any]]) -> ColumnElement[Any]:
        return sa.func.least(*days)  # of those that are not NULL

    def _of_wall(self, wall: ColumnElement[Any], naive: str | None) -> ColumnElement[Any]:
        assert naive is not None, "binding refuses zone-less columns of a connector without a zone"
        return sa.func.timezone(naive, wall)


def _many(count: int, times: ColumnElement[Any] | None) -> ColumnElement[Any]:
    if times is None or count == 0:
        return _literal(str(count))
    return sa.cast(times, sa.Integer) * _literal(str(count))


def _first_after(day: ColumnElement[Any], clock: Clock) -> ColumnElement[Any]:
    """The first day after the unit in which `day` lies."""
    unit = {Start.MONTH: "month", Start.QUARTER: "quarter", Start.CALENDAR_YEAR: "year"}.get(clock.start)
    if unit is not None:
        months = {"month": 1, "quarter": 3, "year": 12}[unit]
        unit_begun = sa.func.date_trunc(_literal(f"'{unit}'"), day)
        return sa.cast(unit_begun + _literal(f"INTERVAL '{months} months'"), sa.Date)
    month, first = fiscal_start(clock.fiscal_year_end)
    year = sa.cast(sa.func.date_part(_literal("'year'"), day), sa.Integer)
    here = sa.func.make_date(year, _literal(str(month)), _literal(str(first)))
    begun: ColumnElement[Any] = sa.cast(day >= here, sa.Integer)
    return sa.func.make_date(year + begun, _literal(str(month)), _literal(str(first)))
