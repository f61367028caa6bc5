"""Days of a record's dates in SQL: the latest of an event, and those on which a rule's limbs ended."""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement, Grouping
from sqlalchemy.sql.selectable import FromClause

from retention.connectors.sql import encodings
from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.lines import bound, comparable
from retention.connectors.sql.named import parameter
from retention.model import predicate as p
from retention.model.catalogue import Column
from retention.model.lists import SLOTS, Lists


class Days(abc.ABC):
    """What a compiler of predicates knows of days."""

    _dialect: Dialect
    _lists: Lists
    _before: Callable[[Any], ColumnElement[Any] | None]

    @abc.abstractmethod
    def source(self, source: p.Source) -> FromClause:
        """The FROM element of `source`, the same object every time."""

    @abc.abstractmethod
    def field(self, field: p.Field) -> ColumnElement[Any]:
        """The field's column, in its source."""

    @abc.abstractmethod
    def expression(self, item: p.Expression) -> ColumnElement[Any]:
        """A value: column, constant or call."""

    @abc.abstractmethod
    def test(self, test: p.Test) -> ColumnElement[Any]:
        """A condition, as plain or three-valued as its node says."""

    def latest_day(self, latest: p.LatestDay, *, exact: bool = False) -> ColumnElement[Any]:
        """The day as the database's DATE (or ISO text), NULL where there is none.

        `exact`: by the calendar of its zone, wherever the value is read; else near enough to be shown.
        """
        known = self._before(latest) if exact else None
        if known is not None:
            return known
        told = latest if exact else None
        days = [self._day(item.field, latest.timezone, item.where, told) for item in latest.own]
        for item in latest.related:
            inner = self.source(item.field.source)
            day = self._day(item.field, latest.timezone, None, told)
            query = sa.select(sa.func.max(day)).select_from(inner).where(self.test(item.where))
            days.append(query.correlate_except(inner).scalar_subquery())
        if not days:  # an event that never happens
            never: ColumnElement[Any] = sa.null()
            return sa.cast(never, sa.Date) if exact and self._dialect.typed else never
        return days[0] if len(days) == 1 else self._dialect.greatest(days)

    def _day(
        self, field: p.Field, timezone: str, where: p.Test | None, exact: p.LatestDay | None
    ) -> ColumnElement[Any]:
        """The day of a value that counts: not one of those that mean never, in a row of which `where` is true."""
        column = self.field(field)
        if exact is not None:
            day = self._dialect.local_day(column, field, timezone, exact.naive)
        else:
            day = encodings.any_day(self._dialect, column, field, timezone)
        never = encodings.never(self._dialect, column, field)
        tests = [] if never is None else [sa.not_(Grouping(never))]
        tests += [] if where is None else [self.test(where)]
        return sa.case((sa.and_(*tests), day)) if tests else day

    def _known(self, field: p.Field) -> ColumnElement[Any]:
        """The field's value; NULL where it means never."""
        column = self.field(field)
        never = encodings.never(self._dialect, column, field)
        return column if never is None else sa.case((sa.not_(Grouping(never)), column))

    def _dated_by(self, test: p.DatedBy) -> ColumnElement[Any]:
        field, column, line = test.field, self.field(test.field), self.expression(test.cutoff)
        never = encodings.never(self._dialect, column, field)
        readable = self._dialect.readable(column, field.kind)
        over = column < line if test.state is p.State.PAST else column >= line
        tests = [column.is_not(sa.null()), column >= bound(comparable(field.kind, test.floor))]
        tests += [] if never is None else [sa.not_(Grouping(never))]
        return sa.and_(*tests, over.is_(sa.true()), *(() if readable is None else (readable,)))

    def _spanned(self, test: p.Spanned) -> ColumnElement[Any]:
        span, field, dialect = test.span, test.field, self._dialect
        day = dialect.local_day(self._known(field), field, span.clock.timezone, test.naive)
        end = dialect.ended(day, span.clock, self.expression(span.times))
        if span.within is not None:
            end = dialect.days_after(end, span.within)
        today = bound(dialect.value(span.today))
        dated = (
            self.test(p.Dated(field=field, state=state, floor=test.floor, cutoff=test.line))
            for state in (p.State.PAST, p.State.RECENT)
        )
        over = end < today if test.state is p.State.PAST else end >= today
        return sa.and_(sa.or_(*dated), over.is_(sa.true()))

    def _ended(self, endings: Sequence[p.Ending]) -> ColumnElement[Any]:
        """The earliest day on which one of those that count ended."""
        return self._dialect.least_day([self.ending(ending) for ending in endings])

    def ending(self, ending: p.Ending) -> ColumnElement[Any]:
        """The day on which the limb ended; NULL where that does not count."""
        known = self._before(ending)
        if known is not None:
            return known
        if ending.latest is None:
            day = self._listed_day(ending)
        else:
            day = self.latest_day(ending.latest, exact=True)
            if ending.clock is not None:
                times = None if ending.times is None else self.expression(ending.times)
                day = self._dialect.ended(day, ending.clock, times)
        return sa.case((self.test(ending.come), day))

    def _listed_day(self, ending: p.Ending) -> ColumnElement[Any]:
        key, name = [self.field(f) for f in ending.fields], ending.listed or ""
        columns = [Column(name=f.column, kind=f.kind, type=f.type) for f in ending.fields]
        whens = [
            (self._dialect.among_listed(key, columns, keys), bound(self._dialect.value(day)))
            for day, keys in self._lists.days.get(name, {}).items()
        ]
        if name in self._lists.slots:
            slots = (f"{self._lists.slots[name]}{i}" for i in range(SLOTS))
            handed = self._dialect.among_handed
            whens = [(handed(key, columns, f"{slot}_keys"), parameter(slot)) for slot in slots]
        day: ColumnElement[Any] = sa.case(*whens) if whens else sa.null()
        return sa.cast(day, sa.Date) if self._dialect.typed else day

    def position(self, field: p.Field) -> ColumnElement[Any]:
        """What the field's values are ordered by in time; NULL where it has not happened."""
        column = self.field(field)
        position = encodings.position(self._dialect, column, field)
        never = encodings.never(self._dialect, column, field)
        return position if never is None else sa.case((sa.not_(Grouping(never)), position))
