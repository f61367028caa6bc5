"""Clocks that are probably misread, or that no index can serve: what `check` warns of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from retention import periods
from retention.connectors.port import Sight, Target
from retention.errors import SetupError
from retention.model import predicate as p
from retention.model.clock import Boundary
from retention.model.encoding import Encoding, Format
from retention.planning.binding.bound import BoundDataset, Component

LIKELY, AHEAD = 1990, 50
"""What a company's records seldom lie outside of: the first year, and years from now."""


def clock_warnings(bound: Iterable[BoundDataset], target: Target, now: datetime) -> Iterator[str]:
    """Each column of a clock once: one without any value that has passed, and one out of the order of time."""
    seen: set[tuple[object, ...]] = set()
    for dataset in bound:
        for name, components in dataset.events.items():
            for component in components:
                clock = (component.table, component.column.name, component.encoding)
                if clock in seen:
                    continue
                seen.add(clock)
                try:
                    sight = _sight(dataset, component, target, now)
                except SetupError:
                    continue  # what the role can't read is said as what it lacks
                yield from _said(f"`{name}` of {dataset}", component, sight)


def _sight(dataset: BoundDataset, component: Component, target: Target, now: datetime) -> Sight:
    zone = dataset.connector.timezone or "UTC"
    tomorrow = periods.day_of(now, zone) + timedelta(days=1)
    column = component.column
    clock = p.Field(
        source=p.Source(table=component.table, alias="r"),
        column=column.name,
        kind=column.kind,
        type=column.type,
        encoding=component.encoding,
    )
    today = periods.day_of(now, zone)
    likely = (_day(date(LIKELY, 1, 1), zone), _day(date(today.year + AHEAD, 1, 1), zone))
    lines = (_line(periods.floor(zone), zone), _line(Boundary(day=tomorrow, instant=now), zone))
    return target.sight(clock, *lines, likely)


def _day(day: date, zone: str) -> p.Line:
    return _line(Boundary(day=day, instant=periods.first_instant(day, zone)), zone)


def _line(boundary: Boundary, zone: str) -> p.Line:
    naive = periods.naive_boundary(boundary, zone)
    return p.Line(day=boundary.day, instant=boundary.instant, naive=naive)


def _said(event: str, component: Component, sight: Sight) -> Iterator[str]:
    where = f"`{component.table}.{component.column.name}` ({event})"
    ask = _ask(component.encoding)
    if sight.unlikely:
        yield (
            f"most of the values of {where} that were looked at lie before {LIKELY} or more than {AHEAD} years ahead,"
            f" or can't be read, {sight.unlikely:,} of {sight.sampled:,}: is it another column, {ask}?"
        )
    elif sight.past:
        pass
    elif sight.ahead and sight.unclear:
        yield (
            f"no date in {where} has passed: {sight.ahead:,} lie in the future and {sight.unclear:,}"
            f" are unclear: is it another {ask}?"
        )
    elif sight.ahead:
        yield f"every date in {where} lies in the future, all {sight.ahead:,}: is it another {ask}?"
    elif sight.unclear:
        yield f"every value of {where} is unclear, all {sight.unclear:,}: is it another {ask}?"
    if not sight.served:
        how = "are texts" if component.encoding.format is None else f"are {component.encoding.format.value}"
        yield (
            f"the dates in {where} {how}, whose order is not that of time:"
            " no index can serve, and a run looks at every row"
        )


def _ask(encoding: Encoding) -> str:
    if encoding.unit is not None:
        return "unit or epoch"
    return "format" if encoding.format not in (None, Format.ISO) else "zone or format"
