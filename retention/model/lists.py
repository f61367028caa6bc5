"""What people told about persons, found in the records: lists of keys that a predicate names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

Key: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Lists:
    """`keys`: name → the keys on that list. `days`: name → day → the keys of which the list says that day.

    `every`: lists that all records looked at are on. `slots`: name → what the parameters are called by which its
    days are handed over with a statement.
    """

    keys: Mapping[str, Sequence[Key]] = field(default_factory=dict)
    days: Mapping[str, Mapping[date, Sequence[Key]]] = field(default_factory=dict)
    every: frozenset[str] = frozenset()
    slots: Mapping[str, str] = field(default_factory=dict)

    def beside(self, dataset: str) -> Lists:
        """Those of other datasets' records."""
        mine = f"{dataset}/"
        return Lists(
            keys={name: listed for name, listed in self.keys.items() if not name.startswith(mine)},
            days={name: days for name, days in self.days.items() if not name.startswith(mine)},
        )

    def together(self, other: Lists) -> Lists:
        """These and those of `other`, of which none has the same name."""
        return Lists(keys={**self.keys, **other.keys}, days={**self.days, **other.days})

    def also(self, names: Mapping[str, str], keys: Set[Key]) -> Lists:
        """With those of `keys` that are on a list of `names` also on the one that this names."""

        def on(listed: Sequence[Key], more: Sequence[Key]) -> Sequence[Key]:
            return [*listed, *(key for key in more if key in keys)]

        lists, days = dict(self.keys), dict(self.days)
        for name, other in names.items():
            if name in lists:
                lists[other] = on(lists.get(other, ()), lists[name])
            if name in days:
                here = days.get(other, {})
                days[other] = {
                    day: on(here.get(day, ()), days[name].get(day, ())) for day in {**here, **days[name]}
                }
        return Lists(keys=lists, days=days, every=self.every, slots=self.slots)

    def over(self, other: Lists, keys: Sequence[Key]) -> Lists:
        """These of the records `keys`, and those of `other` of all the others."""
        said = frozenset(keys)

        def rest(listed: Sequence[Key], own: Sequence[Key]) -> Sequence[Key]:
            return [*own, *(key for key in listed if key not in said)]

        names = self.keys.keys() | other.keys.keys()
        days: dict[str, Mapping[date, Sequence[Key]]] = {}
        for name in self.days.keys() | other.days.keys():
            mine, theirs = self.days.get(name, {}), other.days.get(name, {})
            days[name] = {
                day: rest(theirs.get(day, ()), mine.get(day, ())) for day in mine.keys() | theirs.keys()
            }
        return Lists(
            keys={name: rest(other.keys.get(name, ()), self.keys.get(name, ())) for name in names}, days=days
        )


NO_LISTS = Lists()
SLOTS = 32
"""Days of a list that one statement takes as parameters."""
