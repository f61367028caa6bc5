"""Columns that could be events, each as a connector's file would spell it out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from retention.connectors.port import Look, Seen
from retention.discover.columns import DATES, is_number, timed
from retention.discover.toml import key, piece, sayable, table_name, text
from retention.discover.words import names_touch, slug
from retention.model.catalogue import Catalogue, Column, Reference, Table, TableId

Spelled: TypeAlias = str | Mapping[str, "str | Sequence[int | str]"]
"""An event's value, as the parser of events takes it."""

_LEAST = 1_104_537_600
"""2005-01-01 in seconds since 1970. Seconds since 2001 (as Apple counts) come here in 2036 only: a unit that is
guessed wrong makes every record look older than it is."""

_YEAR = 365 * 86_400

UNITS = ((1, "s"), (10**3, "ms"), (10**6, "us"))
"""How many make a second, and what they are called."""

_DAY = re.compile(r"(\d{4}-\d\d-\d\d)(?!\d)")


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A column that could be an event, called `event`. `value` None: its numbers have no unit that is known.

    `own`: of the root's row itself. `seen` None: not looked at.
    """

    event: str
    value: Spelled | None
    table: Table
    column: Column
    own: bool
    seen: Seen | None = None
    rows: int = 0
    unit: str | None = None

    @property
    def last_day(self) -> str | None:
        """The last day that is in there, where that is known."""
        return _day(self.seen.last, self.unit) if self.seen is not None and self.seen.last else None

    @property
    def outliers(self) -> bool:
        """Some of its numbers can be no points in time in its unit, though most are."""
        if self.unit is None or self.seen is None:
            return False
        many = _many(self.unit)
        ends = [number for number in map(_number, (self.seen.first, self.seen.last)) if number is not None]
        return any(number < 0 or number >= 10**10 * many for number in ends)

    @property
    def days(self) -> tuple[str, str] | None:
        """First and last day that are in there; None where that is not known."""
        if self.seen is None or self.seen.first is None or self.seen.last is None:
            return None
        first, last = (_day(value, self.unit) for value in (self.seen.first, self.seen.last))
        return (first, last) if first is not None and last is not None else None


def own_moments(catalogue: Catalogue, root: Table, look: Look | None) -> tuple[Moment, ...]:
    """The root's own points in time."""
    found: list[Moment] = []
    for name in timed(catalogue, root):
        column = root.columns[name]
        seen = look.columns.get(name) if look is not None else None
        value, unit = _spelled(column, piece(name), seen)
        event = slug(name, [m.event for m in found], otherwise="event")
        rows = look.rows if look is not None else 0
        found.append(
            Moment(
                event=event, value=value, table=root, column=column, own=True, seen=seen, rows=rows, unit=unit
            )
        )
    return tuple(found)


def related_moments(
    catalogue: Catalogue, root: Table, taken: Sequence[str], looks: Mapping[TableId, Look]
) -> tuple[Moment, ...]:
    """Points in time of the tables that refer to the root: an event is then the latest of their rows."""
    found: list[Moment] = []
    for reference, several in _referring(catalogue, root.id):
        table = catalogue.tables[reference.table]
        look = looks.get(table.id)
        for name in timed(catalogue, table):
            if names_touch(name):
                continue
            column = table.columns[name]
            seen = look.columns.get(name) if look is not None else None
            place = f"{table_name(catalogue, table.id).text}.{piece(name)}"
            value, unit = _spelled(column, place, seen)
            if several and value is not None:
                value = {
                    "column": place,
                    **({} if isinstance(value, str) else value),
                    "via": piece(reference.columns[0]),
                }
            event = slug(
                f"last {table.id.name} {name}", [*taken, *(m.event for m in found)], otherwise="event"
            )
            rows = look.rows if look is not None else 0
            found.append(
                Moment(
                    event=event,
                    value=value,
                    table=table,
                    column=column,
                    own=False,
                    seen=seen,
                    rows=rows,
                    unit=unit,
                )
            )
    return tuple(found)


def _referring(catalogue: Catalogue, root: TableId) -> Iterator[tuple[Reference, bool]]:
    """Each reference to the root from another table that can be named, and whether it is one of several."""
    every = [r for r in catalogue.inbound(root) if r.table != root and sayable(r.table.name)]
    for reference in sorted(every, key=lambda r: (str(r.table), r.columns)):
        yield reference, sum(r.table == reference.table for r in every) > 1


def _spelled(column: Column, place: str, seen: Seen | None) -> tuple[Spelled | None, str | None]:
    """The column as an event, and the unit of its numbers."""
    if not is_number(column):
        odd = _odd(column, seen)
        return ({"column": place, "never": odd} if odd else place), None
    unit = _unit(seen)
    if unit is None:
        return None, None
    value: dict[str, str | Sequence[int | str]] = {"column": place, "unit": unit}
    if seen is not None and (seen.zeros or seen.first in ("0", "0.0")):
        value["never"] = (0,)
    return value, unit


def _odd(column: Column, seen: Seen | None) -> tuple[str, ...]:
    """What a column of dates begins or ends with that is no day: how databases spell that it has not happened."""
    if seen is None or column.kind not in DATES:
        return ()
    first, last = seen.first or "", seen.last or ""
    zero = ("0000-00-00",) if first.startswith("0000-00-00") else ()
    ends = dict.fromkeys(value for value in (first, last) if value in ("infinity", "-infinity"))
    return (*zero, *ends)


def _unit(seen: Seen | None) -> str | None:
    """The unit of most of the values: that of their median, or, where they are older than units can be told by, that
    of the greatest value, if in it the median lies after 1970.
    """
    if seen is None:
        return None
    middle = _number(seen.middle)
    found = _unit_of(middle)
    if found is not None:
        return found
    found = _unit_of(_number(seen.last))
    old = found is not None and middle is not None and middle < _YEAR * _many(found)
    return None if old else found


def _unit_of(number: int | None) -> str | None:
    if number is None:
        return None
    return next((unit for many, unit in UNITS if _LEAST * many <= number < 10**10 * many), None)


def _many(unit: str) -> int:
    return next(many for many, name in UNITS if name == unit)


def _number(value: str | None) -> int | None:
    try:
        return int(float(value)) if value is not None else None
    except (ValueError, OverflowError):
        return None


def _day(value: str, unit: str | None) -> str | None:
    """A value's day; None for what can't be read, and for what spells "unknown"."""
    if unit is None:
        found = _DAY.match(value)
        return found[1] if found is not None else None
    number = _number(value)
    per_second = _many(unit)
    if not number:
        return None
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=number / per_second)).date().isoformat()
    except OverflowError:
        return None


def as_toml(value: Spelled) -> str:
    """The value written out."""
    if isinstance(value, str):
        return text(value)
    pairs = (
        f"{key(name)} = " + (text(item) if isinstance(item, str) else f"[{', '.join(map(_listed, item))}]")
        for name, item in value.items()
    )
    return f"{{ {', '.join(pairs)} }}"


def _listed(item: int | str) -> str:
    return text(item) if isinstance(item, str) else str(item)
