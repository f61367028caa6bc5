"""Datasets that refer to each other.

Their jobs run one after the other, so that each counts on what went before it only. A chain of records over two such
datasets takes a run a step, and rows in a ring over both stay.
"""

from __future__ import annotations

from collections.abc import Sequence

from retention.planning.binding.bound import BoundDataset

Circle = tuple[BoundDataset, ...]


def circles(bound: Sequence[BoundDataset]) -> tuple[Circle, ...]:
    """Datasets of one connector, each of which leads to all the others of its circle."""
    leads = _leads(bound)
    reached = {name: _reached(name, leads) for name in leads}
    found: dict[frozenset[str], Circle] = {}
    for one in bound:
        name = str(one)
        names = frozenset(other for other in reached[name] if name in reached[other])
        if len(names) > 1:
            found[names] = tuple(other for other in bound if str(other) in names)
    return tuple(found.values())


def said(circle: Circle) -> str:
    """What becomes of records of such datasets, in words."""
    *first, last = (f"`{item}`" for item in circle)
    names = f"{', '.join(first)} and {last}"
    return (
        f"{names} refer to each other: a record to which one refers that goes later in the run waits for the next run,"
        " and rows in a ring over them stay; both count as referenced"
    )


def leading_to(bound: Sequence[BoundDataset], name: str) -> frozenset[str]:
    """Datasets of which a record may refer to one of the dataset of this name, directly or by records between them.

    Itself among them, where its records refer to each other.
    """
    leads = _leads(bound)
    for one in bound:
        if one.entangled:
            leads[str(one)].add(str(one))
    return frozenset(one for one, others in leads.items() if any(name in _reached(o, leads) for o in others))


def _leads(bound: Sequence[BoundDataset]) -> dict[str, set[str]]:
    """Dataset → those that it refers to."""
    return {str(one): {str(other) for other in bound if _refers(one, other)} for one in bound}


def _refers(one: BoundDataset, other: BoundDataset) -> bool:
    """A row that goes with a record of `one` may refer to a record of `other`."""
    if one is other or one.connector.name != other.connector.name:
        return False
    return any(not item.inside and item.reference.table in one.emptied for item in other.outside)


def _reached(name: str, leads: dict[str, set[str]]) -> set[str]:
    found = {name}
    waiting = [name]
    while waiting:
        more = leads[waiting.pop()] - found
        found |= more
        waiting += more
    return found
