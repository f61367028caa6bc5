"""All rules, all records: what may go, and what a run leaves (DESIGN §4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.oracles.lawyer import rows, threads, told
from tests.oracles.lawyer.actions import (
    DELETE,
    ORDER,
    RESTRICT,
    REWRITING,
    chain,
    changes,
    done,
    kept_from,
    leaves,
    left_to_rewrite,
    moved,
    spelt_out,
)
from tests.oracles.lawyer.clocks import ENDED, Clock, clock, reaches
from tests.oracles.lawyer.holds import held
from tests.oracles.lawyer.world import ANY, Dataset, Foreseen, Record, Row, Rule, World, remembered

Job = tuple[str, str]  # rule, dataset
Way = tuple[Rule, Record, str]  # who acts, on what, and how
COUNTED_LATE = ("due", "referenced", "conflict")


# --- which action -------------------------------------------------------------------------------


def ended(world: World, rule: Rule, record: Record) -> bool:
    """The rule takes part, its clock has ended for the record, and no hold covers it."""
    return acts(world, rule) and over(world, rule, record)


@remembered
def over(world: World, rule: Rule, record: Record) -> bool:
    """The same, whether the rule takes part in this run or not."""
    if rule.kept_by or not reaches(rule, record):
        return False
    return clock(world, rule, record).word == ENDED and record not in held(world)


def unreferenced_choice(world: World, rule: Rule, record: Record) -> str | None:
    """The first action of the chain that other rules do not stop, as if nothing referred to the record."""
    return next((a for a in chain(world, rule, record) if not kept_from(world, rule, record, a)), None)


@remembered
def choice(world: World, rule: Rule, record: Record) -> str | None:
    """The first action of the chain that nothing stops; None where all are stopped.

    What only waits for rows that a rule would delete that takes no part in this run waits, and goes no further.
    """
    for action in chain(world, rule, record):
        if kept_from(world, rule, record, action):
            continue
        if not leaves(record.dataset, action) or not referenced_from(world, record, action):
            return action
        if not referenced_from(*among_all(world, record), action):
            return None
    return None


@remembered
def everybody(world: World) -> World:
    """The same, and every rule takes part."""
    if not world.only:
        return world
    whole = world.but(only=(), foreseen=None)
    return whole if world.foreseen is None else foreseeing(whole)


def among_all(world: World, record: Record) -> tuple[World, Record]:
    whole = everybody(world)
    every = rows.records(whole)
    return whole, next(r for r in every if r.root is record.root and r.dataset is record.dataset)


def acts(world: World, rule: Rule) -> bool:
    """It takes part in this run. The others go on protecting."""
    return not rule.kept_by and (not world.only or rule.name in world.only)


def to_do(world: World, rule: Rule, record: Record, action: str | None) -> bool:
    """There is something that the rule would do, and it has not done it yet."""
    return action is not None and not done(world, rule, record, action)


# --- which records go ---------------------------------------------------------------------------


@remembered
def would_go(world: World, record: Record) -> bool:
    """Some rule would delete the record, if nothing referred to it, and none that would act on its row restricts it;
    nor is one the last to end, and would delete it, that takes no part in this run."""
    if not any(
        ended(world, rule, record) and unreferenced_choice(world, rule, record) == DELETE
        for rule in world.rules
    ):
        return False
    ways = [
        (rule, other, unreferenced_choice(world, rule, other))
        for rule in world.rules
        for other in of_row(world, record)
        if over(world, rule, other)
    ]
    if any(action == RESTRICT and to_do(world, *way, action) for *way, action in ways):
        return False
    deleting = [(r, other) for r, other, action in ways if action == DELETE and alike(world, record, other)]
    last = max(deleting, key=lambda way: clock(world, *way).ended)
    return acts(world, last[0])


@remembered
def of_row(world: World, record: Record) -> Sequence[Record]:
    """The records of which this one's root is the root, but for slices of it: the record itself is one."""
    return [r for r in rows.rooted(world, record.root) if r.dataset.columns is None or r is record]


def alike(world: World, record: Record, other: Record) -> bool:
    """Two records of one row have the same rows: who deletes one of them deletes the other."""
    return rows.members(world, record).keys() == rows.members(world, other).keys()


@remembered
def going(world: World) -> list[Record]:
    """The largest set of records that leaves no reference behind: all that some rule would delete, less those
    that a row refers to that stays, until no more need be taken back."""
    found = [record for record in rows.records(world) if would_go(world, record)]
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
    ) or any(sharer.root not in own and sharer.root not in gone for sharer in rows.sharing(world, record))


def referenced(world: World, record: Record) -> bool:
    """When all has gone that goes: some row that stays refers to the record, or a record that stays shares a part."""
    return left_behind(world, record, rows_of(world, going(world)))


def referenced_from(world: World, record: Record, action: str) -> bool:
    """The same of this action: records that refer to each other go on to the vault by other rules."""
    if action == RESTRICT and threads.refer_to_each_other(world, record.dataset):
        return record not in movable(world, record.dataset)
    return referenced(world, record)


@remembered
def movable(world: World, dataset: Dataset) -> set[Record]:
    """The records of the dataset to which nothing refers that stays: of it only such as move with them may, where one
    rule alone can move them and tries nothing that deletes before; what is in the vault may always."""
    mine = [record for record in rows.records(world) if record.dataset is dataset]
    gone, inside = rows_of(world, going(world)), threads.tables(dataset)
    found = [r for r in mine if not threads.kept_from_outside(world, r, gone)]
    mover = threads.mover(world, dataset)
    if mover is None:
        return {r for r in found if not threads.kept_from_inside(world, r, set(), inside)}
    would = [
        r
        for r in found
        if over(world, mover, r)
        and unreferenced_choice(world, mover, r) == RESTRICT
        and to_do(world, mover, r, RESTRICT)
    ]
    while True:
        away = {row for r in would for row in rows.members(world, r)}
        left = [r for r in would if not threads.kept_from_inside(world, r, away, inside)]
        if left == would:
            return set(would)
        would = left


def rows_of(world: World, records: Sequence[Record]) -> set[Row]:
    """The rows that go with these records: their own, and shared ones to which nothing refers that stays."""
    own = {row for record in records for row in rows.members(world, record)}
    return own | rows_after(world, records, own).keys()


def rows_after(world: World, records: Sequence[Record], own: set[Row]) -> dict[Row, str]:
    """The shared rows that go with these records, of which the rows are `own`: each where nothing refers to it that
    stays, until no more can go. One that is a record that may have rows besides goes by the rules on that alone."""
    shared = {
        row: table
        for record in records
        for row, table in rows.shared_rows(world, record).items()
        if not any(each.dataset.parts or each.dataset.shared for each in rows.rooted(world, row))
    }
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


def ways(world: World, record: Record) -> list[Way]:
    """All that would act on the record or its row: rule, record, action; rules on different slices do not meet.

    Those that take no part in this run, too: what a record's fate is does not depend on who is asked to act."""
    return [
        (rule, other, action)
        for rule in world.rules
        for other in of_row(world, record)
        if over(world, rule, other)
        and (action := choice(world, rule, other)) is not None
        and to_do(world, rule, other, action)
        and (other is record or record.dataset.columns is None)
        and (action != DELETE or alike(world, record, other))
    ]


def actor(world: World, record: Record) -> tuple[Rule, Dataset, str] | None:
    """Of all that would act: what restricts, then what deletes, then what rewrites; of these the one that ended last,
    then the first in the files. None where the record, all of it, goes as a part of another, or what would be
    rewritten of it is rewritten as a part's; and of a slice where its row goes, or is rewritten as a whole.
    """
    gone = going(world)
    if record.dataset.columns is not None:
        if record.root in rows_of(world, gone) or rewritten_as_a_whole(world, record):
            return None
    elif any(within(world, record, o) for o in moving(world, record)) or any(
        rows.members(world, record).keys() < rows.members(world, o).keys() for o in gone
    ):
        return None
    if record.root in rows_after(world, gone, own_rows(world)):
        return None
    found = ways(world, record)
    if not found:
        return None
    first = min(rank(action) for *_, action in found)
    if first == rank(DELETE) and waits_for_vault(world, record):
        return None
    if first == rank(REWRITING[0]) and rewritten_as_a_part(world, record):
        return None
    rule, acting, action = last(world, [way for way in found if rank(way[2]) == first])
    if record.dataset.columns is not None and set_by_a_slice(world, rule, record):
        return None
    return rule, acting.dataset, action


def last(world: World, found: Sequence[Way]) -> Way:
    """The one that ended last, of equal ones the first in the files."""
    return max(found, key=lambda way: clock(world, way[0], way[1]).ended)


def is_first(world: World, one: Way, other: Way) -> bool:
    """It ended later than the other, or on the same day, and is the first in the files."""

    def place(way: Way) -> tuple[int, int]:
        return world.rules.index(way[0]), world.datasets.index(way[1].dataset)

    mine, its = clock(world, *one[:2]).ended, clock(world, *other[:2]).ended
    return mine > its or (mine == its and place(one) < place(other))


def set_by_a_slice(world: World, rule: Rule, record: Record) -> bool:
    """Another slice of the row is rewritten, and with it all columns that are left of this one: more than these, or
    the other rule ended last."""
    mine = set(left_to_rewrite(world, rule, record))
    for other in rows.rooted(world, record.root):
        found = ways(world, other) if other.dataset.columns is not None and other is not record else []
        if found:
            its = last(world, found)
            theirs = set(left_to_rewrite(world, its[0], other))
            if mine < theirs or (mine == theirs and is_first(world, its, (rule, record, its[2]))):
                return True
    return False


def within(world: World, record: Record, other: Record) -> bool:
    """The record is a part of the other."""
    return record.root in rows.members(world, other) and other.root is not record.root


def waits_for_vault(world: World, record: Record) -> bool:
    """A rule would restrict the record, if nothing referred to it: no other deletes it meanwhile."""
    return threads.refer_to_each_other(world, record.dataset) and any(
        over(world, rule, other)
        and unreferenced_choice(world, rule, other) == RESTRICT
        and to_do(world, rule, other, RESTRICT)
        for rule in world.rules
        for other in of_row(world, record)
    )


@remembered
def moving(world: World, record: Record) -> list[Record]:
    """Of the records that share a row with this one, those that a rule moves to their vault."""
    return [
        other
        for other in rows.sharing(world, record)
        if other.dataset.vault is not None and any(action == RESTRICT for *_, action in ways(world, other))
    ]


def rewritten_as_a_whole(world: World, record: Record) -> bool:
    return any(
        action in REWRITING
        for whole in rows.rooted(world, record.root)
        if whole.dataset.columns is None
        for *_, action in ways(world, whole)
    )


def rewritten_as_a_part(world: World, record: Record) -> bool:
    """A rule on a record that the row is a part of would rewrite a column of it."""
    return any(
        action in REWRITING
        and record.root is not other.root
        and record.root in changes(world, rule, other, action)
        for owner in rows.sharing(world, record)
        for rule, other, action in ways(world, owner)
    )


def rank(action: str) -> int:
    return min(ORDER.index(action), ORDER.index(REWRITING[0]))


def fate(world: World, rule: Rule, record: Record) -> str:
    """The record's fate under the rule."""
    word = clock(world, rule, record).word
    if word != ENDED:
        return word
    if record in held(world):
        return "held"
    actions = chain(world, rule, record)
    if not actions:
        return "out_of_scope"
    action = choice(world, rule, record)
    if action is None:
        return stop(world, rule, record, actions[0])
    if done(world, rule, record, action):
        return "done"
    return "due" if actor(world, record) == (rule, record.dataset, action) else "elsewhere"


def stop(world: World, rule: Rule, record: Record, action: str) -> str:
    """What stops an action that is stopped: another rule (past its own `at_most` a conflict), or a reference."""
    if not kept_from(world, rule, record, action):
        return "referenced"
    return "conflict" if clock(world, rule, record).forced else "retained"


# --- the answer ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Answer:
    """By job: key → (fate, overdue), action → records that are due by it, and table → rows that go or are rewritten.

    `left`: table → rows as a run leaves them. `after`: table → shared rows that go after records, with whichever job
    is the last that needs them.
    """

    fates: Mapping[Job, Mapping[tuple[object, ...], tuple[str, bool]]]
    rows: Mapping[Job, Mapping[str, int]]
    left: Mapping[str, Sequence[Row]]
    after: Mapping[str, int]
    actions: Mapping[Job, Mapping[str, int]] = field(default_factory=dict)

    def counts(self, job: Job) -> dict[str, int]:
        """Fate → records, those with none left out."""
        found = [fate for fate, _ in self.fates[job].values()]
        return {name: found.count(name) for name in sorted(set(found))}

    def overdue(self, job: Job) -> int:
        return sum(late for _, late in self.fates[job].values())


def jobs(world: World) -> Iterator[tuple[Rule, Dataset]]:
    for rule in world.rules:
        for dataset in world.datasets:
            if not acts(world, rule):
                continue
            if dataset.data in rule.data or (rule.data == ANY and can(rule, dataset)):
                yield rule, dataset


def can(rule: Rule, dataset: Dataset) -> bool:
    """The dataset spells out something that the rule says to do."""
    said = (action for variant in rule.variants for action in (variant.action, *variant.otherwise))
    return any(spelt_out(dataset, action) for action in said)


def answer(world: World) -> Answer:
    """Every rule on every record, and what is left when all of it was approved and carried out."""
    world = foreseeing(world)
    fates: dict[Job, dict[tuple[object, ...], tuple[str, bool]]] = {}
    touched: dict[Job, dict[str, int]] = {}
    actions: dict[Job, dict[str, int]] = {}
    changed: dict[Row, Row] = {}
    vaulted: dict[Row, tuple[str, Row]] = {}
    for rule, dataset in jobs(world):
        job = rule.name, dataset.name
        fates[job], left_by, rewritten, done_by = {}, [], [], []
        for record in rows.records(world):
            if record.dataset is not dataset:
                continue
            found: Clock = clock(world, rule, record)
            word = fate(world, rule, record)
            fates[job][record.key] = word, word in COUNTED_LATE and found.overdue
            if word == "due":
                action = choice(world, rule, record)
                assert action is not None
                done_by.append(action)
                if leaves(dataset, action):
                    left_by.append(record)
                    vaulted |= moved(world, record) if action == RESTRICT else {}
                    continue
                for row, new in changes(world, rule, record, action).items():
                    rewritten.append(row)
                    changed[row] = Row({**changed.get(row, row), **new})
        actions[job] = {action: done_by.count(action) for action in dict.fromkeys(done_by)}
        touched[job] = counted(world, left_by, rewritten)
    gone = rows_of(world, going(world)) | vaulted.keys()
    left = {
        name: [changed.get(row, row) for row in found if row not in gone]
        + [row for table, row in vaulted.values() if table == name]
        for name, found in world.rows.items()
    }
    tables = list(rows_after(world, going(world), own_rows(world)).values())
    after = {name: tables.count(name) for name in tables}
    return Answer(fates=fates, rows=touched, left=left, after=after, actions=actions)


def foreseeing(world: World) -> World:
    """The same world, and it is known what is restricted today, as things stand: what rules need of others then, they
    need today."""
    variants = [variant for rule in world.rules for variant in rule.variants]
    if not any(v.needs for v in variants) or not any(RESTRICT in (v.action, *v.otherwise) for v in variants):
        return world
    away: dict[Row, tuple[str, Row]] = {}
    marked: dict[Row, Row] = {}
    for rule, dataset in jobs(world):
        for record in rows.records(world):
            if record.dataset is not dataset or fate(world, rule, record) != "due":
                continue
            if choice(world, rule, record) == RESTRICT:
                if dataset.vault is not None:
                    away |= moved(world, record)
                else:
                    mark = changes(world, rule, record, RESTRICT)[record.root]
                    marked[record.root] = Row({**record.root, **mark})
    then = reached(world).but(
        rows={
            name: [marked.get(row, row) for row in found if row not in away]
            + [row for table, row in away.values() if table == name]
            for name, found in world.rows.items()
        }
    )
    new = marked | {row: there for row, (_, there) in away.items()}
    found = {
        (record.dataset.name, record.root): [
            each
            for each in rows.rooted(then, new[record.root])
            if each.dataset.data == record.dataset.data
            and (record.root in away or each.dataset is record.dataset)
        ]
        for record in rows.records(world)
        if record.root in new
    }
    return world.but(foreseen=Foreseen(world=then, then=found))


def counted(world: World, left_by: Sequence[Record], rewritten: Sequence[Row]) -> dict[str, int]:
    """Table → rows of the records that leave it, each once, and those that are rewritten or marked."""
    found = {row: table for record in left_by for row, table in rows.members(world, record).items()}
    tables = list(found.values())
    tables += [table for table in world.rows for row in rewritten if row in in_table(world, table)]
    return {table: tables.count(table) for table in dict.fromkeys(tables)}


@remembered
def in_table(world: World, table: str) -> set[Row]:
    return set(world.rows[table])


def after(world: World) -> World:
    """The world as a run leaves it."""
    return reached(world).but(rows=answer(world).left)


def reached(world: World) -> World:
    """Whom a telling reaches was accepted when it was told: who led to them may go."""
    tellings = [replace(each, reached=tuple(sorted(told.carried(world, each)))) for each in world.tellings]
    return world.but(tellings=tellings)
