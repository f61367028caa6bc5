"""Two dates of one record held against each other: as instants, or by days of a zone.

Lines drawn by `retention.periods` need no calendar of the database's; here each record has a line of its own. What a
database must supply is in `Moments`: the instant of a value, its day in a zone, and the day on which a period ends.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from retention.model import predicate as p
from retention.model.catalogue import Kind
from retention.model.clock import Clock, Period
from retention.model.encoding import Format, Unit
from retention.periods import keeps_days

_TIMED = frozenset({Format.YYYYMMDDHHMM, Format.YYYYMMDDHHMMSS})


class Moments(abc.ABC):
    """What a dialect knows of single dates. All of it is NULL for values that can't be read."""

    @abc.abstractmethod
    def instant(self, column: ColumnElement[Any], field: p.Field, naive: str | None) -> ColumnElement[Any]:
        """The instant of a value; NULL for one that is a day. `naive`: the zone of readings without one."""

    @abc.abstractmethod
    def local_day(
        self, column: ColumnElement[Any], field: p.Field, timezone: str, naive: str | None
    ) -> ColumnElement[Any]:
        """The value's day in `timezone`; a value that is a day is that day."""

    @abc.abstractmethod
    def ended(
        self, day: ColumnElement[Any], clock: Clock, times: ColumnElement[Any] | None
    ) -> ColumnElement[Any]:
        """The last day of the clock's period, or of `times` of them (`retention.periods.ended_day`)."""

    @abc.abstractmethod
    def days_after(self, day: ColumnElement[Any], period: Period) -> ColumnElement[Any]:
        """The last day of `period` counted from the day after `day`."""

    @abc.abstractmethod
    def drawn(self, number: ColumnElement[Any], item: p.Drawn) -> ColumnElement[Any]:
        """The line that `item` has for `number`, which is one of those that it has lines for, or NULL: then NULL."""

    @abc.abstractmethod
    def least_day(self, days: Sequence[ColumnElement[Any]]) -> ColumnElement[Any]:
        """The earliest that is not NULL; NULL if all are."""


def precise(field: p.Field) -> bool | None:
    """Whether the column's values are instants (or readings of a wall clock), else days; None: each says itself."""
    encoding = field.encoding
    if encoding.unit is not None:
        return encoding.unit is not Unit.DAYS
    if encoding.format not in (None, Format.ISO):
        return encoding.format in _TIMED
    if field.kind in (Kind.TIMESTAMP, Kind.TIMESTAMPTZ):
        return True
    return False if field.kind is Kind.DATE else None


def of_wall(field: p.Field, timezone: str, naive: str | None) -> bool:
    """The value is a reading of the wall clock in `timezone`, and of the day that it names."""
    plain = field.encoding.unit is None and field.encoding.format in (None, Format.ISO)
    return plain and field.kind is Kind.TIMESTAMP and naive == timezone and keeps_days(timezone)


def later(
    dialect: Moments, test: p.Later, left: ColumnElement[Any], right: ColumnElement[Any], *, typed: bool
) -> ColumnElement[Any]:
    """Plain: `left` is later than `right`. `typed`: the kinds of columns say what their values are."""
    sides = ((left, test.left), (right, test.right))
    precisions = [precise(field) if typed or field.encoding.unit is not None else None for _, field in sides]
    by_day = _greater([dialect.local_day(c, f, test.timezone, test.naive) for c, f in sides])
    if False in precisions:
        return by_day
    instants = [dialect.instant(c, f, test.naive) for c, f in sides]
    if precisions == [True, True]:
        return _greater(instants)
    both = sa.and_(*(instant.is_not(sa.null()) for instant in instants))
    return sa.case((both, _greater(instants)), else_=by_day).is_(sa.true())


def _greater(sides: list[ColumnElement[Any]]) -> ColumnElement[Any]:
    return sa.and_(*(side.is_not(sa.null()) for side in sides), sides[0] > sides[1])


def fiscal_start(end: tuple[int, int]) -> tuple[int, int]:
    """(month, day) of the day after a fiscal year's end, which is the same in every year."""
    month, day = end
    if month == 2 and day >= 28:
        return 3, 1
    last = {2: 28, 4: 30, 6: 30, 9: 30, 11: 30}.get(month, 31)
    if day < last:
        return month, day + 1
    return (month % 12) + 1, 1


def step_of(values: Sequence[date]) -> int | None:
    """By how many days, the same everywhere, each of the lines lies before the one in front of it; None for others."""
    gaps = {earlier - later for later, earlier in pairwise(values)}
    if len(gaps) != 1 or (gap := gaps.pop()).seconds or gap.microseconds:
        return None
    return -gap.days
