"""Records that refer to each other, directly or through other datasets, and can be moved to a vault: what keeps one out
of it."""

from __future__ import annotations

from tests.oracles.lawyer import rows
from tests.oracles.lawyer.actions import DELETE, RESTRICT
from tests.oracles.lawyer.world import ANY, Dataset, Record, Row, Rule, World, remembered


def tables(dataset: Dataset) -> set[str]:
    """Those of its records."""
    return {dataset.table, *(link.table for link in dataset.parts)}


def refer_to_each_other(world: World, dataset: Dataset) -> bool:
    """Rows of one record may refer to those of another, and the records can be moved to a vault."""
    mine = tables(dataset)
    inside = (r for name in mine for r in rows.references_of(world, name) if r not in dataset.parts)
    return dataset.vault is not None and (
        any(r.target in mine for r in inside) or bool(circle(world, dataset))
    )


@remembered
def circle(world: World, dataset: Dataset) -> set[str]:
    """The tables of other datasets of which a record may lead to one of this, which may lead back to it."""
    to = {
        one.name: {other.name for other in world.datasets if leads(world, one, other)}
        for one in world.datasets
    }

    def reached(name: str) -> set[str]:
        found, news = set[str](), {name}
        while news:
            news = {each for one in news for each in to[one]} - found
            found |= news
        return found

    mates = [o for o in world.datasets if o.name in reached(dataset.name) and dataset.name in reached(o.name)]
    return {table for other in mates if other is not dataset for table in tables(other)}


def leads(world: World, one: Dataset, other: Dataset) -> bool:
    """A row of a record of the first may refer to one of the other, or be a part of both."""
    if one is other or one.columns is not None or other.columns is not None:
        return False
    mine, theirs = tables(one), tables(other)
    parts = mine & theirs - {one.table, other.table}
    refers = (
        reference.target in theirs and reference not in other.parts
        for name in mine - theirs
        for reference in rows.references_of(world, name)
    )
    return bool(parts) or any(refers)


def mover(world: World, dataset: Dataset) -> Rule | None:
    """The one rule that can move records of the dataset, and tries nothing that deletes before."""
    reaching = [r for r in world.rules if not r.kept_by and (r.data == ANY or dataset.data in r.data)]
    found = [r for r in reaching if any(RESTRICT in (v.action, *v.otherwise) for v in r.variants)]
    if len(found) != 1:
        return None
    for variant in found[0].variants:
        said = (variant.action, *variant.otherwise)
        if RESTRICT in said and DELETE in said[: said.index(RESTRICT)]:
            return None
    return found[0]


def _pointing(world: World, record: Record) -> list[tuple[str, bool, Row]]:
    """Table, whether it is a vault's word, and row: of what refers to the record from outside it."""
    own = rows.members(world, record)
    return [
        (reference.table, reference.either, other)
        for row, table in own.items()
        for reference in rows.references_to(world, table)
        for other in rows.referring(world, reference, row)
        if other not in own
    ]


def kept_from_outside(world: World, record: Record, gone: set[Row]) -> bool:
    """A row stays that is of no record of the dataset, and not in its vault; what is of the circle goes later."""
    mine, later = tables(record.dataset), circle(world, record.dataset)
    return any(
        table not in mine and not either and (row not in gone or table in later)
        for table, either, row in _pointing(world, record)
    )


def kept_from_inside(world: World, record: Record, away: set[Row], inside: set[str]) -> bool:
    """A row of another record of the dataset, which does not move with it."""
    return any(table in inside and row not in away for table, _, row in _pointing(world, record))
