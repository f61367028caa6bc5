"""What no store records and a person told the engine: whom a telling concerns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.oracles.lawyer import rows
from tests.oracles.lawyer.facts import fact
from tests.oracles.lawyer.values import later, read
from tests.oracles.lawyer.world import UNCLEAR, Record, Telling, World, remembered

Identifier = tuple[str, str]  # kind, value
_STEPS: dict[str, Callable[[str], str]] = {"trim": str.strip, "lower": str.lower}


@remembered
def identifiers(world: World, record: Record) -> dict[str, str]:
    """Whom the record is about, by kinds of identifier, as far as it says."""
    found = {kind: fact(world, record, said) for kind, said in (record.dataset.subject or {}).items()}
    return {kind: str(value) for kind, value in found.items() if value is not None}


def normalised(world: World, kind: str, value: str) -> Identifier:
    """As `[identifiers]` says of the kind."""
    for step in world.identifiers.get(kind, ()):
        value = _STEPS[step](value)
    return kind, value


@remembered
def known(world: World, record: Record) -> set[Identifier]:
    return {normalised(world, kind, value) for kind, value in identifiers(world, record).items()}


@remembered
def by_name(
    world: World, known: Callable[[World, Record], set[Identifier]]
) -> dict[Identifier, list[Record]]:
    """The records that know each identifier, as `known` spells them."""
    found: dict[Identifier, list[Record]] = {}
    for record in rows.records(world):
        for identifier in known(world, record):
            found.setdefault(identifier, []).append(record)
    return found


@remembered
def carried(world: World, telling: Telling) -> set[Identifier]:
    """What was told, and by one step what the records that it names know besides, or knew when it was told."""
    told = {normalised(world, kind, value) for kind, value in telling.identifiers}
    named = [record for identifier in told for record in by_name(world, known).get(identifier, ())]
    return told.union(telling.reached, *(known(world, record) for record in named))


@remembered
def concerns(world: World, telling: Telling, record: Record, zone: str) -> bool | str:
    """Of a record that it names: that began before. Where it is not known when that was: UNCLEAR."""
    said = record.dataset.began
    assert said is not None, "a dataset that told events reach has `began`"
    table = world.schema[record.dataset.table]
    stored_in = world.zones[table.connector]
    began = read(record.root[said.column], table.columns[said.column], said, stored_in, zone)
    if began is None or began == UNCLEAR:
        return UNCLEAR
    return later(telling.at, began, zone)  # type: ignore[arg-type]


@remembered
def standing(world: World) -> Sequence[Telling]:
    """What was told and not taken back. What is told again while it stands is one telling, and taken back as one."""
    found: dict[object, Telling] = {}
    for telling in sorted(world.tellings, key=lambda telling: telling.told_at):
        named = frozenset(normalised(world, kind, value) for kind, value in telling.identifiers)
        what = telling.event, named, telling.at
        found.setdefault(what, telling)
        if telling.withdrawn:
            del found[what]
    return list(found.values())


@remembered
def by_person(world: World, event: str) -> dict[Identifier, list[Telling]]:
    """Those of one event by the identifiers that they carry."""
    found: dict[Identifier, list[Telling]] = {}
    for telling in standing(world):
        for identifier in carried(world, telling) if telling.event == event else ():
            found.setdefault(identifier, []).append(telling)
    return found


def tellings(world: World, event: str, record: Record) -> Sequence[Telling]:
    """Those of one event that name the record."""
    named = by_person(world, event)
    found = [telling for identifier in known(world, record) for telling in named.get(identifier, ())]
    return list(dict.fromkeys(found))
