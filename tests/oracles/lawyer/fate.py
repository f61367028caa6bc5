"""All rules, all records: what may go, and what a run leaves (DESIGN §4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.oracles.lawyer import rows
from tests.oracles.lawyer.clocks import ENDED, Clock, clock, reaches
from tests.oracles.lawyer.holds import held
from tests.oracles.lawyer.world import Dataset, Record, Row, Rule, Variant, World, remembered

Job = tuple[str, str]  # rule, dataset
COUNTED_LATE = ("due", "referenced", "conflict")


# --- what another rule keeps --------------------------------------------------------------------


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


def yields(world: World, variant: Variant, rule: Rule, record: Record) -> bool:
    """Whether a rule of this variant gives way to `rule`, which keeps `record`."""
    if variant.yields_to is None:
        return True
    return any(kept.basis in variant.yields_to for kept in variants_for(world, rule, record))


def retained(world: World, rule: Rule, record: Record) -> bool:
    """A rule to which this one yields keeps the record, or one that shares a row with it, or needs it; or this rule
    itself another such record, whomever it yields to."""
    variant = clock(world, rule, record).variant
    assert variant is not None
    return (
        any(
            other is not rule and keeps(world, other, record) and yields(world, variant, other, record)
            for other in world.rules
        )
        or any(
            keeps(world, other, sharer) and (other is rule or yields(world, variant, other, sharer))
            for sharer in (*rows.sharing(world, record), *rows.shared_with(world, record))
            for other in world.rules
        )
        or any(
            other is rule or yields(world, variant, other, keeper) for other, keeper in needing(world, record)
        )
    )


@remembered
def needing(world: World, record: Record) -> Sequence[tuple[Rule, Record]]:
    """The rules that keep another record, which refers to this one, and need this data while they do."""
    return [
        (rule, keeper)
        for keeper in rows.pointing(world).get(record, ())
        for rule in world.rules
        if keeps(world, rule, keeper)
        and any(record.dataset.data in variant.needs for variant in variants_for(world, rule, keeper))
    ]


# --- what stops a rule whose clock has ended ----------------------------------------------------


def stopped(world: World, rule: Rule, record: Record) -> str | None:
    """By a hold, or by another rule; past its own `at_most` that is a conflict."""
    if record in held(world):
        return "held"
    if retained(world, rule, record):
        return "conflict" if clock(world, rule, record).forced else "retained"
    return None


def acts(world: World, rule: Rule) -> bool:
    """It takes part in this run. The others go on protecting."""
    return not rule.kept_by and (not world.only or rule.name in world.only)


@remembered
def would_act(world: World, record: Record) -> Sequence[Rule]:
    """The rules whose clock has ended, and that neither a hold nor another rule stops."""
    return [
        rule
        for rule in world.rules
        if reaches(rule, record)
        and acts(world, rule)
        and clock(world, rule, record).word == ENDED
        and stopped(world, rule, record) is None
    ]


# --- which records go ---------------------------------------------------------------------------


@remembered
def going(world: World) -> list[Record]:
    """The largest set of records that leaves no reference behind: all that some rule would delete, less those
    that a row refers to that stays, until no more need be taken back."""
    found = [record for record in rows.records(world) if would_act(world, record)]
    while True:
        gone = rows_of(world, found)
        left = [record for record in found if not left_behind(world, record, gone)]
        if left == found:
            return found
        found = left


def left_behind(world: World, record: Record, gone: set[Row]) -> bool:
    """A row outside the record stays and refers to it, or a record stays that shares a row with it."""
    own = rows.members(world, record)
    return any(
        other not in own and other not in gone
        for row, table in own.items()
        for other in rows.referrers(world, table, row)
    ) or any(sharer.root not in gone for sharer in rows.sharing(world, record))


def rows_of(world: World, records: Sequence[Record]) -> set[Row]:
    """The rows that go with these records: their own, and shared ones to which nothing refers that stays."""
    own = {row for record in records for row in rows.members(world, record)}
    return own | rows_after(world, records, own).keys()


def rows_after(world: World, records: Sequence[Record], own: set[Row]) -> dict[Row, str]:
    """The shared rows that go with these records, of which the rows are `own`: each where nothing refers to it that
    stays, until no more can go."""
    shared = {row: table for record in records for row, table in rows.shared_rows(world, record).items()}
    found: dict[Row, str] = {}
    while True:
        gone = own | found.keys()
        more = {
            row: table
            for row, table in shared.items()
            if row not in found and gone.issuperset(rows.referrers(world, table, row))
        }
        if not more:
            return found
        found |= more


@remembered
def own_rows(world: World) -> set[Row]:
    """The rows of the records that go, but for those that they share by referring to them."""
    return {row for record in going(world) for row in rows.members(world, record)}


# --- who acts -----------------------------------------------------------------------------------


def actor(world: World, record: Record) -> tuple[Rule, Dataset] | None:
    """Of all that would delete the row, the one that ended last, then the first in the files; none where the
    record goes as a part of another."""
    together = [other for other in going(world) if other.root is record.root]
    if any(record.root in rows.members(world, o) and o.root is not record.root for o in going(world)):
        return None
    if record.root in rows_after(world, going(world), own_rows(world)):
        return None
    ways = [(rule, other) for rule in world.rules for other in together if rule in would_act(world, other)]
    rule, acting = max(ways, key=lambda way: clock(world, *way).ended)
    return rule, acting.dataset


def fate(world: World, rule: Rule, record: Record) -> str:
    """The record's fate under the rule."""
    word = clock(world, rule, record).word
    if word != ENDED:
        return word
    stop = stopped(world, rule, record)
    if stop is not None:
        return stop
    if record not in going(world):
        return "referenced"
    return "due" if actor(world, record) == (rule, record.dataset) else "elsewhere"


# --- the answer ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Answer:
    """By job: key → (fate, overdue), and table → rows that go. `left`: table → rows that a run leaves.

    `after`: table → shared rows that go after records, with whichever job is the last that needs them."""

    fates: Mapping[Job, Mapping[tuple[object, ...], tuple[str, bool]]]
    rows: Mapping[Job, Mapping[str, int]]
    left: Mapping[str, Sequence[Row]]
    after: Mapping[str, int]

    def counts(self, job: Job) -> dict[str, int]:
        """Fate → records, those with none left out."""
        found = [fate for fate, _ in self.fates[job].values()]
        return {name: found.count(name) for name in sorted(set(found))}

    def overdue(self, job: Job) -> int:
        return sum(late for _, late in self.fates[job].values())


def jobs(world: World) -> Iterator[tuple[Rule, Dataset]]:
    for rule in world.rules:
        for dataset in world.datasets:
            if acts(world, rule) and (rule.data == ("any",) or dataset.data in rule.data):
                yield rule, dataset


def answer(world: World) -> Answer:
    """Every rule on every record, and what is left when all of it was approved and carried out."""
    fates: dict[Job, dict[tuple[object, ...], tuple[str, bool]]] = {}
    removed: dict[Job, dict[str, int]] = {}
    for rule, dataset in jobs(world):
        job = rule.name, dataset.name
        fates[job], acted = {}, []
        for record in rows.records(world):
            if record.dataset is not dataset:
                continue
            found: Clock = clock(world, rule, record)
            word = fate(world, rule, record)
            fates[job][record.key] = word, word in COUNTED_LATE and found.overdue
            if word == "due":
                acted.append(record)
        removed[job] = counted(world, acted)
    gone = rows_of(world, going(world))
    left = {name: [row for row in found if row not in gone] for name, found in world.rows.items()}
    tables = list(rows_after(world, going(world), own_rows(world)).values())
    return Answer(fates=fates, rows=removed, left=left, after={name: tables.count(name) for name in tables})


def counted(world: World, records: Sequence[Record]) -> dict[str, int]:
    """Table → rows of these records, each once."""
    found = {row: table for record in records for row, table in rows.members(world, record).items()}
    tables = list(found.values())
    return {table: tables.count(table) for table in dict.fromkeys(tables)}


def after(world: World) -> World:
    """The world as a run leaves it."""
    return world.but(rows=answer(world).left)
