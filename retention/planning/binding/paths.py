"""How one table leads to another through the references of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from retention.model.catalogue import Catalogue, Reference, TableId
from retention.model.dataset import Name, PartName
from retention.planning.binding.bound import Hop, Part
from retention.planning.binding.names import NotFoundError, listed, meant
from retention.planning.binding.reach import described

_LONGEST = 3


def _steps(catalogue: Catalogue, table: TableId) -> Iterator[Hop]:
    for reference in catalogue.inbound(table):
        if reference.table != table:
            yield Hop(reference=reference, down=True)
    for reference in catalogue.outbound(table):
        if reference.target != table:
            yield Hop(reference=reference, down=False)


def _paths(catalogue: Catalogue, start: TableId, end: TableId, length: int) -> Iterator[tuple[Hop, ...]]:
    """Every path of exactly `length` hops that turns back nowhere and keeps its direction."""
    if length == 0:
        if start == end:
            yield ()
        return
    for hop in _steps(catalogue, start):
        for rest in _paths(catalogue, hop.arrives, end, length - 1):
            if not rest or rest[0].down == hop.down:
                yield (hop, *rest)


def _through(hop: Hop, via: str) -> bool:
    return via in (described(hop.reference), *hop.reference.columns)


class Placed(Protocol):
    """A column as written, and the referring column by which it is reached, where two lead there."""

    @property
    def column(self) -> Name:
        """The column, with its table before it where it is not the root's own."""

    @property
    def via(self) -> str | None:
        """The referring column."""


def related_path(catalogue: Catalogue, root: TableId, table: TableId, column: Placed) -> tuple[Hop, ...]:
    """The one path from `root` to `table`, at most three references long; NotFoundError for none or several."""
    for length in range(1, _LONGEST + 1):
        found = list(_paths(catalogue, root, table, length))
        if column.via is not None:
            found = [path for path in found if any(_through(hop, column.via) for hop in path)]
        if len(found) == 1:
            return found[0]
        if found:
            ways = listed(" → ".join(described(h.reference) for h in path) for path in found)
            raise NotFoundError(
                f"{len(found)} paths lead from `{root}` to `{table}`: {ways}",
                f'write {{ column = "{column.column.text}", via = "…" }} with the referring column',
            )
    because = f" through `{column.via}`" if column.via is not None else ""
    raise NotFoundError(
        f"no reference leads from `{root}` to `{table}`{because}",
        "name a column of the dataset's own table, or of one that refers to it",
    )


def part_link(
    catalogue: Catalogue, name: PartName, table: TableId, members: dict[TableId, Part | None]
) -> Reference | None:
    """The reference by which rows of `table` belong to a record whose tables so far are `members`.

    None: none leads there yet (another part may come between). NotFoundError: several do.
    """
    found = [r for r in catalogue.outbound(table) if r.target in members and r.target != table]
    if name.via is not None:
        found = [r for r in found if name.via in (described(r), *r.columns)]
    if len(found) > 1:
        ways = listed(described(r) for r in found)
        raise NotFoundError(
            f"`{table}` refers to the record by {ways}",
            f'write {{ table = "{name.table.text}", via = "…" }} with the column by which its rows belong to it',
        )
    return found[0] if found else None


def misspelt_via(catalogue: Catalogue, name: PartName, table: TableId) -> NotFoundError | None:
    """What is wrong with `via`, where it is no column by which `table` refers to anything."""
    columns = sorted({column for r in catalogue.outbound(table) for column in r.columns})
    known = {described(r) for r in catalogue.outbound(table)} | set(columns)
    if name.via is None or name.via in known:
        return None
    return NotFoundError(
        f"`{name.via}` is no column by which `{table}` refers to another table", meant(name.via, columns)
    )
