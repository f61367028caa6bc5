"""Records of which people said the same, looked at together: what a list says of them is said once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import repeat
from typing import Any

from retention.connectors.sql.dialect import Dialect
from retention.model.catalogue import Column
from retention.model.lists import SLOTS, Key, Lists


@dataclass(frozen=True, kw_only=True)
class Some:
    """Keys of a dataset, and the lists as they are for those: of other datasets' records whole.

    `days` and `listed` are the values of the slots: parameter → day, and parameter → the keys of that day.
    """

    keys: Sequence[Key]
    lists: Lists
    days: Mapping[str, date | None]
    listed: Mapping[str, Sequence[Key]]


class Alike:
    """Which lists each record of a dataset is on."""

    def __init__(self, dataset: str, lists: Lists) -> None:
        mine = f"{dataset}/"
        self._on: dict[Key, list[str]] = {}
        for name, listed in lists.keys.items():
            for key in listed if name.startswith(mine) else ():
                self._on.setdefault(key, []).append(name)
        self._day_of = {
            name: {key: day for day, listed in days.items() for key in listed}
            for name, days in lists.days.items()
            if name.startswith(mine)
        }
        self._others = {name: listed for name, listed in lists.keys.items() if not name.startswith(mine)}
        self._theirs = {name: days for name, days in lists.days.items() if not name.startswith(mine)}

    def some(self, keys: Sequence[Key], most: int) -> Iterator[Some]:
        """All of `keys`, at most `most` at a time."""
        groups: dict[tuple[str, ...], list[Key]] = {}
        for key in dict.fromkeys(keys):
            groups.setdefault(tuple(self._on.get(key, ())), []).append(key)
        for every, together in groups.items():
            told = [name for name, known in self._day_of.items() if any(key in known for key in together)]
            slots = {name: f"days{place}_" for place, name in enumerate(told)}
            made = Lists(keys=self._others, days=self._theirs, every=frozenset(every), slots=slots)
            for some in _pieces(together, [self._day_of[name] for name in told], most):
                yield self._slotted(some, made)

    def _slotted(self, some: Sequence[Key], made: Lists) -> Some:
        days: dict[str, date | None] = {}
        listed_on: dict[str, Sequence[Key]] = {}
        for name, prefix in made.slots.items():
            by_day = list(_by_day(self._day_of[name], some).items())
            spare = by_day[0] if by_day else (None, some[:1])  # says again what the first says; or nothing
            for i, (day, on_it) in enumerate([*by_day, *(spare,) * (SLOTS - len(by_day))]):
                days[f"{prefix}{i}"], listed_on[f"{prefix}{i}_keys"] = (
                    day,
                    on_it[:1] if i >= len(by_day) else on_it,
                )
        return Some(keys=some, lists=made, days=days, listed=listed_on)


def alike(dataset: str, lists: Lists, keys: Sequence[Key], most: int) -> Iterator[Some]:
    """All of `keys`, at most `most` at a time."""
    return Alike(dataset, lists).some(keys, most)


def slot_values(dialect: Dialect, key: Sequence[Column], some: Some) -> dict[str, Any]:
    """The slots' parameters."""
    found: dict[str, Any] = {
        name: None if day is None else dialect.value(day) for name, day in some.days.items()
    }
    for name, keys in some.listed.items():
        found |= dialect.handed(key, keys, name)
    return found


def _pieces(keys: Sequence[Key], known: Sequence[Mapping[Key, date]], most: int) -> Iterator[list[Key]]:
    """In the order of their days, so that few differ in a piece."""
    by: dict[tuple[date | None, ...], list[Key]] = {}
    of_each = zip(*(map(days.get, keys) for days in known), strict=True) if known else repeat((), len(keys))
    for key, days in zip(keys, of_each, strict=True):
        by.setdefault(days, []).append(key)
    found: list[Key] = []
    seen: list[set[date]] = [set() for _ in known]
    for days in sorted(by, key=lambda days: [str(day) for day in days]):
        rest = by[days]
        while rest:
            full = any(
                day is not None and day not in had and len(had) == SLOTS
                for day, had in zip(days, seen, strict=True)
            )
            if found and (full or len(found) == most):
                yield found
                found, seen = [], [set() for _ in known]
            room = most - len(found)
            found, rest = [*found, *rest[:room]], rest[room:]
            for day, had in zip(days, seen, strict=True):
                had |= {day} if day is not None else set()
    if found:
        yield found


def _by_day(known: Mapping[Key, date], keys: Sequence[Key]) -> dict[date, list[Key]]:
    found: dict[date, list[Key]] = {}
    for key in keys:
        if key in known:
            found.setdefault(known[key], []).append(key)
    return found
