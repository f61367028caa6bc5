"""Datasets that refer to each other in a circle: whether their records can go together, and how they are deleted then.

A record of one that is referred to by one of another, and leads back to it, can go in one transaction only; so can two
of which a row is a part of both. What forbids a database to delete the one before the other is got round as within a
record (`order`); PostgreSQL deletes rows of several tables by one statement, and looks at references behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from retention.model.catalogue import Catalogue, TableId
from retention.planning.binding.bound import BoundDataset, Circle, Part, Shared, Stubborn
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
        if item.dataset.vault_of is not None:
            return f"records of `{item}` were moved there, and may refer to records that were not"
    for item in circle:
        for other in every:
            common = sorted(item.emptied & other.emptied - _in_common(item, other), key=str)
            part = common == [other.root.id] and other.root.id != item.root.id
            part = part and other not in circle and not other.entangled
            if other is not item and not other.sliced and not part and common:
                return f"rows of `{common[0]}` are of records of `{item}` and of `{other}`"
    if (ring := _ring(circle)) is not None:
        return f"rows of `{ring}`, which they share, can lead back to such rows"
    for item in circle:
        for shared in item.shared:
            if (why := _unfit_shared(shared, circle)) is not None:
                return (
                    f"records of `{item}` share rows of `{shared.table.id}` by referring to them, and {why}"
                )
    return ""


def _in_common(one: BoundDataset, other: BoundDataset) -> frozenset[TableId]:
    """Tables of which rows can belong to records of both, and yet to neither more than to the other."""
    return one.parts_with(other) | ((one.emptied - one.members) & (other.emptied - other.members))


def _ring(circle: Sequence[BoundDataset]) -> TableId | None:
    """A shared table to which the rows of none of the others can be deleted before."""
    waiting = {shared.table.id: shared for item in circle for shared in item.shared}
    while waiting:
        free = (
            table
            for table, shared in waiting.items()
            if not {reference.table for reference in shared.referring} & waiting.keys() - {table}
        )
        table = next(free, None)
        if table is None:
            return min(waiting, key=str)
        del waiting[table]
    return None


def _unfit_shared(shared: Shared, circle: Sequence[BoundDataset]) -> str | None:
    """What else such rows are to records of the circle than rows that go with the last of them."""
    for other in circle:
        if any(item.reference.table == shared.table.id for item in other.outside):
            return f"these refer to `{other}`"
        own = {link for item in other.shared if item.table.id == shared.table.id for link in item.links}
        for reference in shared.referring:
            if reference.table in other.members and reference not in own:
                return f"`{other}` refers to them by {described(reference)}, and says nothing of it"
    return None


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
