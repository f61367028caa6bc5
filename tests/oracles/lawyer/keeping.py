"""What other rules keep: which records, and which columns of a record's row (DESIGN §4, "retained")."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.oracles.lawyer import rows
from tests.oracles.lawyer.clocks import ENDED, clock, reaches
from tests.oracles.lawyer.world import Record, Rule, Variant, World, remembered


@dataclass(frozen=True, kw_only=True, eq=False)
class Keeper:
    """`rule` keeps `record` by one of these `variants`: the one that it follows, or each where that can't be told."""

    rule: Rule
    record: Record
    variants: tuple[Variant, ...]


@remembered
def keeps(world: World, rule: Rule, record: Record) -> bool:
    """A rule keeps a record until its own clock has ended, whatever the reason that it has not.

    One that only demands keeps nothing, though nobody can tell whether it has been demanded.
    """
    if not reaches(rule, record):
        return False
    found = clock(world, rule, record)
    demands = found.variant is not None and found.variant.upon
    return found.word not in (ENDED, "out_of_scope") and not (found.word == "unclear" and demands)


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
def needing(world: World, rule: Rule, record: Record, same: Record) -> list[Keeper]:
    """What keeps another record, of which a row refers to a row of `same`, and needs its data while it does.

    `same` is the record, or another one of its row, from which `rule` on `record` is kept.
    """
    mine, found = said(world, rule, record), []
    for pointing in rows.pointing(world).get(same, ()):
        for other in world.rules:
            kept = keeper(world, rule, mine, other, pointing)
            needs = [v for v in kept.variants if same.dataset.data in v.needs] if kept else []
            if needs:
                found.append(Keeper(rule=other, record=pointing, variants=tuple(needs)))
    return found


def retained(world: World, rule: Rule, record: Record) -> bool:
    """A rule to which this one yields keeps the record, or one that shares a row with it, or needs it."""
    return bool(keepers(world, rule, record) or needing(world, rule, record, record))


def said(world: World, rule: Rule, record: Record) -> Variant:
    variant = clock(world, rule, record).variant
    assert variant is not None
    return variant


# --- columns ------------------------------------------------------------------------------------


def needed(world: World, rule: Rule, record: Record) -> set[str]:
    """The columns of the record's own row that a rule needs to which this one yields."""
    return {column for columns in needs_of(world, rule, record) for column in columns}


def needs_of(world: World, rule: Rule, record: Record) -> Iterator[Sequence[str]]:
    """A rule needs all of the rows of a record that it keeps, of a slice its columns; or what it says that it needs of
    that data. And what it says that it needs of a record to which one that it keeps refers."""
    every = tuple(record.root)
    for kept in keepers(world, rule, record):
        of_it = rows.members(world, kept.record).keys() | rows.shared_rows(world, kept.record).keys()
        if record.root in of_it:
            dataset, own = kept.record.dataset, kept.record.root is record.root
            for variant in kept.variants:
                if dataset.data not in variant.needs:
                    yield dataset.columns if dataset.columns is not None else every
                elif own:
                    yield spelt_out(kept.record, variant)
    for same in rows.records(world):
        if same.root is record.root:
            for kept in needing(world, rule, record, same):
                for variant in kept.variants:
                    yield spelt_out(same, variant)


def spelt_out(record: Record, variant: Variant) -> list[str]:
    """The columns of the fields that the variant needs of the record's data."""
    return [
        column
        for name in variant.needs[record.dataset.data]
        for column in record.dataset.fields.get(name, ())
    ]
