"""What other rules keep: which records, and which columns of a record's row (DESIGN §4, "retained")."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from tests.oracles.lawyer import rows
from tests.oracles.lawyer.clocks import ENDED, clock, is_put_off, reaches
from tests.oracles.lawyer.world import Cell, Record, Row, Rule, Variant, World, remembered


@dataclass(frozen=True, kw_only=True, eq=False)
class Keeper:
    """`rule` keeps `record` by one of these `variants`: the one that it follows, or each where that can't be told."""

    rule: Rule
    record: Record
    variants: tuple[Variant, ...]


@remembered
def keeps(world: World, rule: Rule, record: Record) -> bool:
    """A rule keeps a record until its own clock has ended, whatever the reason that it has not.

    One that only demands keeps nothing, though nobody can tell whether it has been demanded; what was demanded, and is
    put off, it keeps, though nobody can tell whether it speaks of the record.
    """
    if not reaches(rule, record):
        return False
    found = clock(world, rule, record)
    if found.word == "unclear" and found.variant is not None and found.variant.upon:
        return is_put_off(world, found.variant, record)
    return found.word not in (ENDED, "out_of_scope")


def variants_for(world: World, rule: Rule, record: Record) -> Sequence[Variant]:
    """The one that the record follows; all of them where that can't be told."""
    followed = clock(world, rule, record).variant
    return rule.variants if followed is None else (followed,)


def keeper(world: World, rule: Rule, mine: Variant, other: Rule, record: Record) -> Keeper | None:
    """`other` keeps `record`, and `rule`, which says `mine`, gives way to it. A rule gives way to itself."""
    if not keeps(world, other, record):
        return None
    found = tuple(
        kept
        for kept in variants_for(world, other, record)
        if other is rule or mine.yields_to is None or kept.basis in mine.yields_to
    )
    return Keeper(rule=other, record=record, variants=found) if found else None


# --- whole records ------------------------------------------------------------------------------


def beside(world: World, record: Record) -> list[Record]:
    """The other records that share a row with this one; rules on a whole row do not keep a slice of it."""
    slice_ = record.dataset.columns is not None
    every = [*rows.sharing(world, record), *rows.shared_with(world, record)]
    return [other for other in every if not slice_ or other.dataset.columns is not None]


@remembered
def keepers(world: World, rule: Rule, record: Record) -> list[Keeper]:
    """What keeps the record, or one that shares a row with it, from `rule`, which does not keep it from itself."""
    mine = said(world, rule, record)
    found = [
        keeper(world, rule, mine, other, kept)
        for other in world.rules
        for kept in ([record] if other is not rule else []) + beside(world, record)
    ]
    return [each for each in found if each is not None]


@remembered
def soon_keepers(world: World, rule: Rule, record: Record) -> list[Keeper]:
    """The same of records that share a row with it and are marked as restricted today: what rules will keep then."""
    if world.foreseen is None:
        return []
    mine, then = said(world, rule, record), world.foreseen.then
    found = [
        keeper(world.foreseen.world, rule, mine, other, there)
        for kept in beside(world, record)
        for there in then.get((kept.dataset.name, kept.root), ())
        for other in world.rules
        if there.dataset is kept.dataset
    ]
    return [each for each in found if each is not None]


@remembered
def needing(world: World, rule: Rule, record: Record, same: Record) -> list[Keeper]:
    """What keeps another record, of which a row refers to a row of `same`, and needs its data while it does.

    `same` is the record, or another one of its row, from which `rule` on `record` is kept. It may refer to itself.
    """
    mine = said(world, rule, record)
    every = rows.pointing(world).get(same, ())
    every = [*every, same] if rows.points_at_itself(world, same) else every
    return [kept for pointing in every for kept in needing_it(world, rule, mine, pointing, same.dataset.data)]


@remembered
def soon_needing(world: World, rule: Rule, record: Record, same: Record) -> list[Keeper]:
    """The same of records that are restricted today: what rules will keep of them then, and need. The clocks of a
    vault may say something else than those of where the record is now."""
    if world.foreseen is None:
        return []
    mine, then = said(world, rule, record), world.foreseen.then
    return [
        kept
        for pointing in rows.pointing(world).get(same, ())
        for there in then.get((pointing.dataset.name, pointing.root), ())
        for kept in needing_it(world.foreseen.world, rule, mine, there, same.dataset.data)
    ]


def needing_it(world: World, rule: Rule, mine: Variant, pointing: Record, data: str) -> Iterator[Keeper]:
    """What keeps the one that refers, and needs the data."""
    for other in world.rules:
        kept = keeper(world, rule, mine, other, pointing)
        needs = [v for v in kept.variants if data in v.needs] if kept else []
        if needs:
            yield Keeper(rule=other, record=pointing, variants=tuple(needs))


def retained(world: World, rule: Rule, record: Record) -> bool:
    """A rule to which this one yields keeps the record, or one that shares a row with it, or needs it."""
    return bool(keepers(world, rule, record) or needing(world, rule, record, record))


def said(world: World, rule: Rule, record: Record) -> Variant:
    variant = clock(world, rule, record).variant
    assert variant is not None
    return variant


# --- columns ------------------------------------------------------------------------------------


def needed(world: World, rule: Rule, record: Record) -> set[Cell]:
    """The columns of the record's rows that a rule needs to which this one yields: in one of the rows is in all."""
    return {cell for cells in needs_of(world, rule, record) for cell in cells}


def needs_of(world: World, rule: Rule, record: Record) -> Iterator[Sequence[Cell]]:
    """A rule needs all of the rows of a record that it keeps, of a slice its columns; or what it says that it needs of
    that data. And what it says that it needs of a record to which one that it keeps refers, or will when it is
    restricted today.

    Of the record itself that is said of parts, too, of which it has no row yet."""
    mine = rows.members(world, record)
    tables_of_it = {record.dataset.table, *(link.table for link in record.dataset.parts)}
    for kept in (*keepers(world, rule, record), *soon_keepers(world, rule, record)):
        of_it = rows.members(world, kept.record)
        common = {**of_it, **rows.shared_rows(world, kept.record)}.keys() & mine.keys()
        for variant in kept.variants:
            tables = {mine[row] for row in common if row in of_it}
            if kept.record.dataset.data in variant.needs:
                yield spelt_out(kept.record, variant, tables_of_it if kept.record is record else tables)
                continue
            yield from (whole(kept.record, mine[row], row) for row in common)
            if kept.record is record:
                yield [record.dataset.cell(name) for name in record.dataset.anonymize]
    for row in mine:
        for same in rows.owners_of(world)[row]:
            tables = {table for other, table in rows.members(world, same).items() if other in mine}
            for kept in (*needing(world, rule, record, same), *soon_needing(world, rule, record, same)):
                for variant in kept.variants:
                    yield spelt_out(same, variant, tables_of_it if same is record else tables)


def whole(record: Record, table: str, row: Row) -> list[Cell]:
    """All columns of a row of the record; of a slice its own."""
    columns = record.dataset.columns
    return [(table, column) for column in (columns if columns is not None else row)]


def spelt_out(record: Record, variant: Variant, tables: Collection[str]) -> list[Cell]:
    """The columns of the fields that the variant needs of the record's data, of these tables."""
    dataset = record.dataset
    words = variant.needs[dataset.data]
    cells = [dataset.cell(name) for word in words for name in dataset.fields.get(word, ())]
    return [cell for cell in cells if cell[0] in tables]
