"""Datasets that refer to each other in a circle: whether their records can go together, and how they are deleted then.

A record of one that is referred to by one of another, and leads back to it, can go in one transaction only; so can two
of which a row is a part of both. What forbids a database to delete the one before the other is got round as within a
record (`order`); PostgreSQL deletes rows of several tables by one statement, and looks at references behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from retention.model.catalogue import Catalogue, Reference, TableId
from retention.planning.binding.bound import BoundDataset, Circle, Part, Shared, Stubborn
from retention.planning.binding.loosening import looked_at_row_by_row
from retention.planning.binding.order import Order, each_before_its_own, removal_order
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
        for other in (other for other in every if other is not item and not other.sliced):
            common = _of_both(item, other) if other in circle else _of_an_outsider(item, other)
            if common:
                return f"rows of `{min(common, key=str)}` are of records of `{item}` and of `{other}`"
    ring = _shared(circle).keys() - set(_shared_order(circle))
    if ring:
        return f"rows of `{min(ring, key=str)}`, which they share, can lead back to such rows"
    for item in circle:
        for shared in item.leaving:
            if (why := _unfit_shared(shared, circle)) is not None:
                return (
                    f"records of `{item}` share rows of `{shared.table.id}` by referring to them, and {why}"
                )
    return ""


def _of_both(one: BoundDataset, other: BoundDataset) -> frozenset[TableId]:
    """Tables of which a row can belong to both in another way than roots and parts do."""
    if one.within(other) and other.within(one):
        return frozenset({one.root.id})
    return (one.members & (other.emptied - other.members)) | (other.members & (one.emptied - one.members))


def _of_an_outsider(item: BoundDataset, other: BoundDataset) -> frozenset[TableId]:
    """Tables of which rows can belong to records of both, where `other` is not of the circle: but for records that are
    wholly parts of one of it, or rows that it shares by referring to them, and for what both share so."""
    shared = item.emptied - item.members
    common = item.emptied & other.emptied - (shared & (other.emptied - other.members))
    wholly = other.within(item) and common <= other.members
    return frozenset() if wholly or common <= shared & {other.root.id} else common


def _shared(circle: Sequence[BoundDataset]) -> Mapping[TableId, Shared]:
    return {shared.table.id: shared for item in circle for shared in item.leaving}


def _shared_order(circle: Sequence[BoundDataset]) -> tuple[TableId, ...]:
    """The tables of which rows go after their records, each before those that its rows refer to."""
    return each_before_its_own({t: [r.table for r in s.referring] for t, s in _shared(circle).items()})


def _unfit_shared(shared: Shared, circle: Sequence[BoundDataset]) -> str | None:
    """What else such rows are to records of the circle than rows that go with the last of them."""
    for other in circle:
        if any(item.reference.table == shared.table.id for item in other.outside):
            return f"these refer to `{other}`"
        own = {link for item in other.leaving if item.table.id == shared.table.id for link in item.links}
        for reference in shared.referring:
            if reference.table in other.members and reference not in own:
                part = f'{{ table = "{shared.table.id.name}", shared = "stays" }}'
                return (
                    f"`{other}` refers to them by {described(reference)}, and says nothing of it: add {part} to"
                    " its parts"
                )
    return None


def _ordered(names: tuple[str, ...], circle: Sequence[BoundDataset], catalogue: Catalogue) -> Circle:
    """How all of their tables are emptied in one transaction."""
    keys, after = tuple(item.key for item in circle), _shared_order(circle)
    members: dict[TableId, list[Part]] = {item.root.id: [] for item in circle}
    for part in (part for item in circle for part in item.parts):
        members.setdefault(part.table.id, []).append(part)
    order = removal_order(catalogue, members)
    inner = [r for m in members for r in catalogue.inbound(m) if r.table in members]
    apart = [r for r in inner if _in_turns(r, circle)]
    late = isinstance(order, Stubborn) or order.deferring or order.loosened or apart
    if late and catalogue.at_once and not any(looked_at_row_by_row(catalogue, r) for r in inner):
        return Circle(names=names, keys=keys, removal=tuple(members), at_once=True, shared=after)
    stubborn = [order] if isinstance(order, Stubborn) else []
    stubborn += [each for item in circle for each in item.stubborn if each.reference in apart]
    for each in stubborn:
        since = f": {each.why}" if each.why else ""
        remedy = "; it could, if that might be NULL" if each.why.endswith("NOT NULL") else ""
        return Circle(
            names=names, why=f"`{described(each.reference)}` lets no row of a ring go{since}{remedy}"
        )
    assert isinstance(order, Order)
    own = [each for item in circle for each in item.loosened]
    links = {part.reference for parts in members.values() for part in parts}
    loosened = {each.reference: each for each in (*own, *order.loosened) if each.reference not in links}
    return Circle(
        names=names,
        keys=keys,
        removal=order.tables,
        shared=after,
        deferring=order.deferring
        or any(item.deferring for item in circle)
        or any(r.deferrable for r in apart),
        loosened=tuple(loosened.values()),
    )


def _in_turns(reference: Reference, circle: Sequence[BoundDataset]) -> bool:
    """By it rows of one table refer to each other that go by several statements, of each dataset its own."""
    owners = [item for item in circle if reference.table in item.members]
    return reference.declared and reference.table == reference.target and len(owners) > 1
