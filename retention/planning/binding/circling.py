"""Datasets that refer to each other in a circle: whether their records can go together, and how they are deleted then.

A record of one that is referred to by one of another, and leads back to it, can go in one transaction only; so can two
of which a row is a part of both. What forbids a database to delete the one before the other is got round as within a
record (`order`); PostgreSQL deletes rows of several tables by one statement, and looks at references behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from retention.model.catalogue import Catalogue, TableId
from retention.planning.binding.bound import BoundDataset, Circle, Part, Stubborn
from retention.planning.binding.loosening import looked_at_row_by_row
from retention.planning.binding.order import removal_order
from retention.planning.binding.reach import described
from retention.planning.circles import circles


def with_circles(bound: Sequence[BoundDataset], catalogue: Catalogue) -> tuple[BoundDataset, ...]:
    """The datasets of one connector, each with the circle that it is in, if it is in one."""
    found: dict[str, Circle] = {}
    for datasets in circles(bound):
        names = tuple(map(str, datasets))
        why = _unfit(datasets, bound)
        circle = Circle(names=names, why=why) if why else _ordered(names, datasets, catalogue)
        found |= dict.fromkeys(names, circle)
    return tuple(replace(item, circle=found.get(str(item))) for item in bound)


def _unfit(circle: Sequence[BoundDataset], every: Iterable[BoundDataset]) -> str:
    """What else happens to their records, so that they can't go together; "" where nothing does."""
    for item in circle:
        if item.moves or item.dataset.vault_of is not None:
            return f"records of `{item}` can be moved from table to table"
        if item.shared:
            return f"records of `{item}` share rows of `{item.shared[0].table.id}` by referring to them"
    for item in circle:
        for other in every:
            common = sorted(item.emptied & other.emptied - item.parts_with(other), key=str)
            if other is not item and not other.sliced and common:
                return f"rows of `{common[0]}` are of records of `{item}` and of `{other}`"
    return ""


def _ordered(names: tuple[str, ...], circle: Sequence[BoundDataset], catalogue: Catalogue) -> Circle:
    """How all of their tables are emptied in one transaction."""
    keys = tuple(item.key for item in circle)
    members: dict[TableId, list[Part]] = {item.root.id: [] for item in circle}
    for part in (part for item in circle for part in item.parts):
        members.setdefault(part.table.id, []).append(part)
    order = removal_order(catalogue, members)
    if isinstance(order, Stubborn) or order.deferring or order.loosened:
        inner = [r for m in members for r in catalogue.inbound(m) if r.table in members]
        if catalogue.at_once and not any(looked_at_row_by_row(catalogue, r) for r in inner):
            return Circle(names=names, keys=keys, removal=tuple(members), at_once=True)
    if isinstance(order, Stubborn):
        since = f": {order.why}" if order.why else ""
        return Circle(names=names, why=f"`{described(order.reference)}` lets no row of a ring go{since}")
    own = [each for item in circle for each in item.loosened]
    loosened = {each.reference: each for each in (*own, *order.loosened)}
    return Circle(
        names=names,
        keys=keys,
        removal=order.tables,
        deferring=order.deferring or any(item.deferring for item in circle),
        loosened=tuple(loosened.values()),
    )
