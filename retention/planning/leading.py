"""Which datasets lead to which: a record that goes may be referred to by one of another dataset, and that by others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retention.planning.binding.bound import BoundDataset

Leads = Mapping[str, frozenset[str]]
"""Dataset → those that it refers to, none of them itself."""


def leads(bound: Sequence[BoundDataset]) -> Leads:
    """By each dataset's name."""
    return {str(one): frozenset(str(other) for other in bound if _refers(one, other)) for one in bound}


def _refers(one: BoundDataset, other: BoundDataset) -> bool:
    """A row that goes with a record of `one` may refer to a record of `other`."""
    if one is other or one.connector.name != other.connector.name:
        return False
    return any(not item.inside and item.reference.table in one.emptied for item in other.outside)


def reached(name: str, found: Leads) -> frozenset[str]:
    """All to which the dataset leads, directly or by others; itself among them."""
    every = {name}
    waiting = [name]
    while waiting:
        more = found[waiting.pop()] - every
        every |= more
        waiting += more
    return frozenset(every)


def leading(bound: Sequence[BoundDataset]) -> Leads:
    """Dataset → those of which a record may refer to one of its records, directly or by records between them.

    Itself among them, where its records may refer to each other.
    """
    direct = leads(bound)
    to = {name: reached(name, direct) for name in direct}
    found = {
        str(one): {
            other for other, targets in direct.items() if any(str(one) in to[each] for each in targets)
        }
        for one in bound
    }
    return {
        str(one): frozenset(found[str(one)] | {str(one)} if one.entangled else found[str(one)])
        for one in bound
    }


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows of datasets of which each refers to the next, up to one: the `longest`, and how `many` there are."""

    longest: tuple[str, ...]
    many: int


def rows(bound: Sequence[BoundDataset]) -> Mapping[str, Rows]:
    """By the name of the dataset to which they lead. Where datasets refer to each other in a circle, it is left at the
    first of them, as a plan leaves it at one."""
    direct = leads(bound)
    found: dict[str, Rows] = {}
    while len(found) < len(direct):
        rest = [name for name in direct if name not in found]
        free = [name for name in rest if not any(name in direct[other] for other in rest)]
        for name in free or rest[:1]:
            before = [found[other] for other in found if name in direct[other]]
            longest = max((each.longest for each in before), key=len, default=())
            found[name] = Rows(longest=(*longest, name), many=sum(1 + each.many for each in before))
    return found
