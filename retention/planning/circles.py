"""Datasets that refer to each other.

Their jobs run one after the other, so that each counts on what went before it only. A chain of records over two such
datasets takes a run a step, and rows in a ring over both stay.
"""

from __future__ import annotations

from collections.abc import Sequence

from retention.planning.binding.bound import BoundDataset
from retention.planning.leading import leads, reached

Circle = tuple[BoundDataset, ...]


def circles(bound: Sequence[BoundDataset]) -> tuple[Circle, ...]:
    """Datasets of one connector, each of which leads to all the others of its circle."""
    direct = leads(bound)
    to = {name: reached(name, direct) for name in direct}
    found: dict[frozenset[str], Circle] = {}
    for one in bound:
        name = str(one)
        names = frozenset(other for other in to[name] if name in to[other])
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
