"""Datasets that refer to each other in a circle, have parts in common, or are parts of one another with more than that.

Their records go together, as those of one dataset do. Where they can't (`Circle.why`), their jobs run one after the
other, and each counts on what went before it only: a chain of records over two of them takes a run a step, and rows in
a ring over both stay.
"""

from __future__ import annotations

from collections.abc import Sequence

from retention.planning.binding.bound import BoundDataset
from retention.planning.leading import leads, reached

Datasets = tuple[BoundDataset, ...]


def circles(bound: Sequence[BoundDataset]) -> tuple[Datasets, ...]:
    """Datasets, each of which leads to all the others of its circle. A slice is in none: no row goes by it."""
    bound = [item for item in bound if not item.sliced]
    direct = {name: others | _waiting_too(name, bound) for name, others in leads(bound).items()}
    to = {name: reached(name, direct) for name in direct}
    found: dict[frozenset[str], Datasets] = {}
    for one in bound:
        name = str(one)
        names = frozenset(other for other in to[name] if name in to[other])
        if len(names) > 1:
            found[names] = tuple(other for other in bound if str(other) in names)
    return tuple(found.values())


def _waiting_too(name: str, bound: Sequence[BoundDataset]) -> frozenset[str]:
    """Other datasets of which a record waits for one of this: a row is a part of both, or it is itself a part of one.

    Then it goes with that alone, and that does not wait for it, but for rows that refer to it: its own parts, where
    they are not that one's, and others of its dataset. So it is with two records of one row.
    """
    (one,) = (item for item in bound if str(item) == name)
    near = [other for other in bound if other is not one and other.connector.name == one.connector.name]
    alike = [other for other in near if other.root.id == one.root.id]
    apart = one.entangled or any(one.exceeds(other) or other.exceeds(one) for other in alike)

    def waits(other: BoundDataset) -> bool:
        if other in alike:
            return one.entangled or one.exceeds(other) or other.exceeds(one)
        return (
            bool(one.parts_with(other))
            or other.within(one)
            or (one.within(other) and (apart or _refers(one, other)))
        )

    return frozenset(str(other) for other in near if waits(other))


def _refers(one: BoundDataset, other: BoundDataset) -> bool:
    """A row of a record of `one`, which can be a part of one of `other`, may refer to another of those."""
    return any(item.reference.table in one.emptied for item in other.outside)


def waiting(bound: Sequence[BoundDataset]) -> tuple[Datasets, ...]:
    """Those of which records can't go together."""
    return tuple(found for found in circles(bound) if found[0].circled is None)


def said(circle: Datasets) -> str:
    """What becomes of records of such datasets, in words."""
    *first, last = (f"`{item}`" for item in circle)
    names = f"{', '.join(first)} and {last}"
    why = "" if circle[0].circle is None else circle[0].circle.why
    return (
        f"{names} refer to each other or have parts in common, and their records can't go together: a record to which"
        " one refers that goes later in the run waits for the next run; rows in a ring over them stay, and so do"
        f" records with a part in common; all count as referenced. Why: {why}"
    )
