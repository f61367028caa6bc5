"""The order in which the tables of a record are emptied, each before what it refers to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from retention.model.catalogue import Catalogue, Reference, TableId
from retention.planning.binding.bound import Loosened, Part, Stubborn
from retention.planning.binding.loosening import looked_at_row_by_row, loosened
from retention.planning.binding.reach import qualified, quoted

Members = Mapping[TableId, Collection[Part]]
"""Each table of a record, or of several, and as which parts its rows belong to them; as none to what is their root."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """`tables`, the root last; `deferring`: constraints must wait; `loosened`: what is set to NULL before."""

    tables: tuple[TableId, ...]
    deferring: bool = False
    loosened: tuple[Loosened, ...] = ()


def removal_order(catalogue: Catalogue, members: Members) -> Order | Stubborn:
    """The members so that each comes before what it refers to, the root, which is part of nothing, last; or the roots
    of several records.

    Where references close a cycle inside the record, deferrable ones can be looked at after all has gone, and those
    that are looked at row by row can be loosened. One that can't be is returned instead. One that the database
    does not declare, and by which nothing belongs to the record, forbids no order.
    """
    links = {part.reference for parts in members.values() for part in parts}
    inner = [r for m in members for r in catalogue.inbound(m) if r.table in members and r.table != r.target]
    forcing = [r for r in inner if r in links or r.declared]
    loose = {
        r: found
        for r in forcing
        if r not in links and isinstance(found := _loose(catalogue, members, r), Loosened)
    }
    for deferring, loosening in ((False, False), (True, False), (True, True)):
        hard = [
            r
            for r in forcing
            if r in links or not ((deferring and r.deferrable) or (loosening and r in loose))
        ]
        order = _sorted(members, hard)
        if order is not None:
            late = [r for r in forcing if order.index(r.table) > order.index(r.target)]
            return Order(
                tables=order,
                deferring=any(r not in loose or not loosening for r in late),
                loosened=tuple(loose[r] for r in late if loosening and r in loose),
            )
    closing = next((r for r in hard if r not in links), hard[0])
    found = _loose(catalogue, members, closing)
    return found if isinstance(found, Stubborn) else Stubborn(reference=closing, why="")


def _loose(catalogue: Catalogue, members: Members, reference: Reference) -> Loosened | Stubborn:
    if not looked_at_row_by_row(catalogue, reference):
        return Stubborn(reference=reference, why="")
    return loosened(catalogue, reference, [part.reference for part in members[reference.table]])


def _sorted(members: Members, forcing: Iterable[Reference]) -> tuple[TableId, ...] | None:
    order: list[TableId] = []
    waiting = list(members)
    while waiting:
        free = [t for t in waiting if not any(r.target == t and r.table in waiting for r in forcing)]
        if not free:
            return None
        free.sort(key=lambda t: not members[t])
        order.append(free[0])
        waiting.remove(free[0])
    return tuple(order)


def each_before_its_own(referring: Mapping[TableId, Collection[TableId]]) -> tuple[TableId, ...]:
    """Of tables, given with those whose rows refer to theirs, each behind those; such as lead back to themselves, and
    what they lead to, are left out."""
    order: list[TableId] = []
    waiting = dict.fromkeys(referring)
    while free := next((t for t in waiting if not set(referring[t]) & waiting.keys() - {t}), None):
        order.append(free)
        del waiting[free]
    return tuple(order)


def ways_out(closing: Stubborn, *, defers: bool) -> str:
    """What to write where a cycle inside the record can't be opened; `defers`: constraints can wait there."""
    reference = closing.reference
    leave = "leave one of its tables out of parts"
    _, grant, right = closing.why.partition("GRANT ")
    if grant:
        return grant + right
    if not defers:
        return f"let a column of it be NULL, so that it can be set to NULL before its rows go, or {leave}"
    if reference.table.schema is not None and reference.name:
        table, name = qualified(reference.table), quoted(reference.name)
        return f"ALTER TABLE {table} ALTER CONSTRAINT {name} DEFERRABLE; or {leave}"
    return "make it ON DELETE NO ACTION, which can wait for the end of a transaction, or leave a table out of parts"
