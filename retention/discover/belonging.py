"""Which tables' rows belong to a record: those that a reference leads from, and that are nothing by themselves."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from retention.discover.columns import people, timed, unique_key
from retention.discover.words import singular, words
from retention.model.catalogue import Catalogue, Reference, TableId
from retention.planning.binding.names import listed
from retention.planning.binding.reach import described, usable


@dataclass(frozen=True, kw_only=True)
class Belonging:
    """A table that refers to the record by `reference`. `doubt`: why it was not taken as a part, None where it was.

    `several`: it refers to the record in more than one way, so that the way has to be named. `apart`: it is
    a root or a part of another dataset.
    """

    reference: Reference
    why: str
    doubt: str | None = None
    several: bool = False
    apart: bool = False

    @property
    def table(self) -> TableId:
        """The table."""
        return self.reference.table


def belonging(catalogue: Catalogue, root: TableId, apart: Collection[TableId]) -> tuple[Belonging, ...]:
    """Every table that refers to the record: parts, parents first, then those in doubt.

    `apart`: tables that are roots or parts of other datasets.
    """
    members = [root]
    taken: list[Belonging] = []
    doubtful: dict[TableId, Belonging] = {}
    for member in members:  # grows while it is walked
        for reference in sorted(catalogue.inbound(member), key=described):
            table = reference.table
            if table in members:
                continue
            item = _judged(catalogue, reference, members, apart)
            if item.doubt is None:
                members.append(table)
                taken.append(item)
                doubtful.pop(table, None)
            else:
                doubtful.setdefault(table, item)
    return (*taken, *(item for table, item in doubtful.items() if table not in members))


def _judged(
    catalogue: Catalogue, reference: Reference, members: Collection[TableId], apart: Collection[TableId]
) -> Belonging:
    why = _why(catalogue, reference)
    ways = [r for r in catalogue.outbound(reference.table) if r.target in members]
    doubt = _doubt(catalogue, reference, members, apart, frozenset({reference.table}))
    return Belonging(
        reference=reference,
        why=why or "it refers to it",
        doubt=doubt,
        several=len(ways) > 1,
        apart=reference.table in apart,
    )


def _doubt(
    catalogue: Catalogue,
    reference: Reference,
    members: Collection[TableId],
    apart: Collection[TableId],
    seen: frozenset[TableId],
) -> str | None:
    """Why rows of the referring table may not belong to the record; None where they do."""
    table = catalogue.tables[reference.table]
    if table.id in apart:
        return "it is a dataset, or a part, of its own"
    unusable = usable(table, unique_key(table) or ())
    if unusable is not None:
        lacking = "it has neither a primary key nor a unique index without NULL, and can't be a part"
        return unusable[0] if table.key else lacking
    ways = sorted(",".join(r.columns) for r in catalogue.outbound(table.id) if r.target in members)
    if len(ways) > 1:
        return f"it refers to the record by {listed(ways)}: name one way with `via`"
    rivals = _rivals(catalogue, reference, members)
    if rivals:
        return f"it belongs to {listed(rivals)} as much"
    if _why(catalogue, reference) is None:
        others = {str(r.target.name) for r in catalogue.outbound(table.id)} - {reference.target.name}
        return f"it refers to {listed(others)} as well" if others else "its rows can be without one"
    dates, whom = timed(catalogue, table), people(catalogue, table)
    if dates and whom:
        return f"it has dates ({listed(dates, 3)}) and people ({listed(whom, 3)}) of its own"
    for other in catalogue.inbound(table.id):
        if other.table in members or other.table == table.id:
            continue
        if other.table in seen:
            return f"it and {other.table.name} refer to each other"
        deeper = _doubt(catalogue, other, {*members, table.id}, apart, seen | {other.table})
        if deeper is not None:
            return f"{other.table.name} refers to it, of which: {deeper}"
    return None


def _rivals(catalogue: Catalogue, reference: Reference, members: Collection[TableId]) -> set[str]:
    """Tables outside the record with which the database deletes the referring rows, too."""
    if _called_after(reference):
        return set()
    return {
        r.target.name
        for r in catalogue.outbound(reference.table)
        if r.on_delete == "CASCADE" and r.target not in members and r.target != reference.table
    }


def _why(catalogue: Catalogue, reference: Reference) -> str | None:
    """What speaks for it that rows of the referring table belong to what they refer to; None: nothing."""
    if reference.on_delete == "CASCADE":
        return "ON DELETE CASCADE"
    table = catalogue.tables[reference.table]
    if any(table.columns[name].nullable and name not in table.key for name in reference.columns):
        return None
    if _called_after(reference):
        return "called after it"
    others = {r.target for r in catalogue.outbound(table.id) if r.target != table.id}
    return "it refers to nothing else" if others == {reference.target} else None


def _called_after(reference: Reference) -> bool:
    """`order_lines` and `OrderLine` are called after `orders`."""
    begins = [singular(word) for word in words(reference.target.name)]
    every = [singular(word) for word in words(reference.table.name)]
    return bool(begins) and len(every) > len(begins) and every[: len(begins)] == begins
