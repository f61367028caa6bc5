"""Which rows refer to which, and which belong to a record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.oracles.lawyer.conditions import truth
from tests.oracles.lawyer.world import Path, Record, Reference, Row, World, remembered


def ends(columns: Sequence[str], row: Row) -> tuple[Any, ...] | None:
    """The values by which a row refers, or is referred to; a reference with a NULL in it refers to nothing."""
    found = tuple(row[column] for column in columns)
    return None if None in found else found


@remembered
def by_ends(world: World, table: str, columns: Sequence[str]) -> dict[tuple[Any, ...] | None, list[Row]]:
    """A table's rows by the values of these columns."""
    found: dict[tuple[Any, ...] | None, list[Row]] = {}
    for row in world.rows[table]:
        found.setdefault(ends(columns, row), []).append(row)
    return found


def referring(world: World, reference: Reference, target: Row) -> Sequence[Row]:
    """The rows that refer to `target` by `reference`."""
    meant = ends(reference.target_columns, target)
    return [] if meant is None else by_ends(world, reference.table, reference.columns).get(meant, [])


def referred_to(world: World, reference: Reference, row: Row) -> Sequence[Row]:
    """The row that `row` refers to, or none."""
    meant = ends(reference.columns, row)
    return [] if meant is None else by_ends(world, reference.target, reference.target_columns).get(meant, [])


def along(world: World, row: Row, path: Path) -> list[Row]:
    """The rows at the end of the path."""
    found = [row]
    for reference, downward in path:
        step = referring if downward else referred_to
        found = list(dict.fromkeys(end for here in found for end in step(world, reference, here)))
    return found


@remembered
def references_to(world: World, table: str) -> Sequence[Reference]:
    return [r for one in world.schema for r in references_of(world, one) if r.target == table]


@remembered
def references_of(world: World, table: str) -> Sequence[Reference]:
    """What rows of the table refer by; those of a vault to either side, where some dataset has its records there."""
    vaults = [d for d in world.datasets if d.vault_of is not None]
    kept = {name for d in vaults for name in (d.table, *(link.table for link in d.parts))}
    return [r for r in world.schema[table].references if not r.either or r.table in kept]


@remembered
def referrers(world: World, table: str, row: Row) -> Sequence[Row]:
    """Every row of any table that refers to this one."""
    return [other for reference in references_to(world, table) for other in referring(world, reference, row)]


# --- records ------------------------------------------------------------------------------------


@remembered
def records(world: World) -> Sequence[Record]:
    """Every record of every dataset: a row of which the dataset's `where` is false is none."""
    return [
        Record(dataset=dataset, root=row, key=tuple(row[c] for c in world.schema[dataset.table].key))
        for dataset in world.datasets
        for row in world.rows[dataset.table]
        if truth(dataset.where, row) is not False
    ]


@remembered
def by_root(world: World) -> dict[Row, list[Record]]:
    found: dict[Row, list[Record]] = {}
    for record in records(world):
        found.setdefault(record.root, []).append(record)
    return found


def rooted(world: World, row: Row) -> Sequence[Record]:
    """The records of which the row is the root."""
    return by_root(world).get(row, [])


@remembered
def members(world: World, record: Record) -> dict[Row, str]:
    """The root and the parts, each with its table."""
    found = {record.root: record.dataset.table}
    for link in record.dataset.parts:
        owners = [row for row, table in found.items() if table == link.target]
        for owner in owners:
            for row in referring(world, link, owner):
                found.setdefault(row, link.table)
    return found


@remembered
def owners_of(world: World) -> dict[Row, list[Record]]:
    """Every row that belongs to a record, with all records that it belongs to."""
    found: dict[Row, list[Record]] = {}
    for record in records(world):
        for row in members(world, record):
            found.setdefault(row, []).append(record)
    return found


@remembered
def sharing(world: World, record: Record) -> Sequence[Record]:
    """The other records that a row of this one belongs to."""
    owners = owners_of(world)
    found = [other for row in members(world, record) for other in owners[row] if other is not record]
    return list(dict.fromkeys(found))


@remembered
def pointed_at(world: World, record: Record) -> Sequence[Record]:
    """The other records to a row of which a row of this one refers."""
    owners, found = owners_of(world), []
    for row, table in members(world, record).items():
        for reference in references_of(world, table):
            for target in referred_to(world, reference, row):
                found += [other for other in owners.get(target, ()) if other is not record]
    return list(dict.fromkeys(found))


def points_at_itself(world: World, record: Record) -> bool:
    """A row of the record refers to one of its own."""
    mine = members(world, record)
    return any(
        target in mine
        for row, table in mine.items()
        for reference in references_of(world, table)
        for target in referred_to(world, reference, row)
        if reference not in record.dataset.parts
    )


@remembered
def pointing(world: World) -> dict[Record, list[Record]]:
    """The other records of which a row refers to a row of this one."""
    found: dict[Record, list[Record]] = {}
    for other in records(world):
        for record in pointed_at(world, other):
            found.setdefault(record, []).append(other)
    return found


@remembered
def sharing_by_reference(world: World) -> dict[Record, list[Record]]:
    """The records whose root is a row that this one refers to and that goes with the last that does; and the other
    way round, those that refer so to this one's root."""
    by_root: dict[Row, list[Record]] = {}
    for record in records(world):
        by_root.setdefault(record.root, []).append(record)
    pairs = [
        (record, other)
        for record in records(world)
        for row in shared_rows(world, record)
        for other in by_root.get(row, ())
    ]
    found: dict[Record, list[Record]] = {}
    for one, other in (*pairs, *((other, one) for one, other in pairs)):
        found.setdefault(one, []).append(other)
    return found


def shared_with(world: World, record: Record) -> Sequence[Record]:
    """Those of one record."""
    return sharing_by_reference(world).get(record, ())


@remembered
def shared_rows(world: World, record: Record) -> dict[Row, str]:
    """Rows that the record refers to and that go with the last that does."""
    return {
        target: link.target
        for link in record.dataset.shared
        for row, table in members(world, record).items()
        if table == link.table
        for target in referred_to(world, link, row)
    }
