"""All tables of a database, those first that are most likely to be what a policy speaks of."""

from __future__ import annotations

from collections.abc import Callable

from retention.connectors.port import Look
from retention.discover.belonging import belonging
from retention.discover.columns import people, timed, unique_key
from retention.discover.toml import sayable, table_name
from retention.model.catalogue import Catalogue, Relation, Table, TableId
from retention.model.overview import TableLine
from retention.planning.binding.reach import usable

Count = Callable[[Table], Look | None]


def overview(catalogue: Catalogue, count: Count, hidden: str) -> tuple[TableLine, ...]:
    """Every table but those called `hidden`: first those with dates and people and most rows.

    Partitions are shown with their parent.
    """
    tables = [
        table
        for table in catalogue.tables.values()
        if table.relation is not Relation.PARTITION and table.id.name != hidden
    ]
    owners = _owners(catalogue, tables)
    lines = [_line(catalogue, table, owners.get(table.id), count) for table in tables]
    return tuple(sorted(lines, key=_rank))


def refusal(table: Table) -> tuple[str, str] | None:
    """(found, write) where a table can't even be written down as a dataset; one without a key can."""
    if not sayable(table.id.name) or (table.id.schema is not None and not sayable(table.id.schema)):
        return "its name has a control character", "rename it: no file can name it"
    return usable(table, ("any",))


def suggested(lines: tuple[TableLine, ...], most: int = 2) -> tuple[TableLine, ...]:
    """The first few that could be datasets, as an example of what to type."""
    return tuple(line for line in lines if line.why_not is None and line.part_of is None)[:most]


def _why_not(table: Table) -> str | None:
    wrong = refusal(table) or usable(table, unique_key(table) or ())
    return wrong[0] if wrong is not None else None


def _owners(catalogue: Catalogue, tables: list[Table]) -> dict[TableId, TableId]:
    """Part → the root whose record it would go with, where there is one that is no part itself."""
    parts = {
        table.id: {item.table for item in belonging(catalogue, table.id, ()) if item.doubt is None}
        for table in tables
        if _why_not(table) is None
    }
    inner = {part for found in parts.values() for part in found}
    return {part: root for root, found in parts.items() if root not in inner for part in found}


def _line(catalogue: Catalogue, table: Table, owner: TableId | None, count: Count) -> TableLine:
    rows, exactness = _rows(table, count)
    return TableLine(
        table=table_name(catalogue, table.id).text,
        rows=rows,
        exactness=exactness,
        dates=timed(catalogue, table),
        people=tuple(people(catalogue, table)),
        refers_to=_named(catalogue, [r.target for r in catalogue.outbound(table.id)], table.id),
        referred_by=_named(catalogue, [r.table for r in catalogue.inbound(table.id)], table.id),
        part_of=table_name(catalogue, owner).text if owner is not None else None,
        why_not=_why_not(table),
    )


def _named(catalogue: Catalogue, tables: list[TableId], but: TableId) -> tuple[str, ...]:
    return tuple(table_name(catalogue, id_).text for id_ in sorted({*tables} - {but}, key=str))


def _rows(table: Table, count: Count) -> tuple[int | None, str]:
    """The database's own estimate costs nothing; without one rows are counted, up to a point."""
    if table.rows_estimate:
        return table.rows_estimate, "about"
    if refusal(table) is not None:
        return None, "exact"
    look = count(table)
    return (look.rows, "exact" if look.whole else "more") if look is not None else (None, "exact")


def _rank(line: TableLine) -> tuple[object, ...]:
    return (
        line.why_not is not None,
        line.part_of is not None,
        -bool(line.dates) - bool(line.people),
        -(line.rows or 0),
        line.table,
    )
