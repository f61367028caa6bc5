"""Records of which people said the same, looked at together: what a list says of them is said once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from retention.model.lists import Key, Lists


@dataclass(frozen=True, kw_only=True)
class Some:
    """Keys of a dataset, and the lists as they are for those: of other datasets' records whole."""

    keys: Sequence[Key]
    lists: Lists


def alike(dataset: str, lists: Lists, keys: Sequence[Key], most: int) -> Iterator[Some]:
    """All of `keys`, at most `most` at a time."""
    mine = f"{dataset}/"
    on: dict[Key, list[str]] = {key: [] for key in keys}
    for name, listed in lists.keys.items():
        if name.startswith(mine):
            for key in listed:
                if key in on:
                    on[key].append(name)
    day_of = {
        name: {key: day for day, listed in days.items() for key in listed}
        for name, days in lists.days.items()
        if name.startswith(mine)
    }
    groups: dict[tuple[str, ...], list[Key]] = {}
    for key, names in on.items():
        groups.setdefault(tuple(names), []).append(key)
    others = {name: listed for name, listed in lists.keys.items() if not name.startswith(mine)}
    their_days = {name: days for name, days in lists.days.items() if not name.startswith(mine)}
    for every, unsorted in groups.items():
        together = sorted(unsorted, key=lambda key: [str(day_of[name].get(key)) for name in sorted(day_of)])
        for start in range(0, len(together), most):
            some = together[start : start + most]
            days = {name: _by_day(known, some) for name, known in day_of.items()}
            one = {
                name: next(iter(found))
                for name, found in days.items()
                if len(found) == 1 and len(next(iter(found.values()))) == len(some)
            }
            several = {name: found for name, found in days.items() if name not in one and found}
            made = Lists(keys=others, days={**their_days, **several}, every=frozenset(every), day=one)
            yield Some(keys=some, lists=made)


def _by_day(known: dict[Key, date], keys: Sequence[Key]) -> dict[date, list[Key]]:
    found: dict[date, list[Key]] = {}
    for key in keys:
        if key in known:
            found.setdefault(known[key], []).append(key)
    return found
