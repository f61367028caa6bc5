"""What a rule does to a record whose clock has ended, and what of it is done already (DESIGN §4, §5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from tests.oracles.lawyer import rows
from tests.oracles.lawyer.clocks import clock, value_of
from tests.oracles.lawyer.keeping import needed, retained, said
from tests.oracles.lawyer.values import later
from tests.oracles.lawyer.world import (
    ANY,
    SINCE,
    UNCLEAR,
    Component,
    Dataset,
    Record,
    Row,
    Rule,
    World,
    remembered,
)

DELETE, RESTRICT = "delete", "restrict"
REWRITING = ("anonymize", "pseudonymize")
ORDER = (RESTRICT, DELETE, *REWRITING)
REDACTED, HASHED, STARS = "[redacted]", "rh1-", "***"


@remembered
def chain(world: World, rule: Rule, record: Record) -> tuple[str, ...]:
    """The actions that are tried, in order. A rule on any data skips those that the dataset does not spell out."""
    variant = said(world, rule, record)
    every = (variant.action, *variant.otherwise)
    return tuple(action for action in every if rule.data != ANY or spelt_out(record.dataset, action))


def spelt_out(dataset: Dataset, action: str) -> bool:
    if action == DELETE:
        return dataset.columns is None
    if action == RESTRICT:
        return bool(dataset.mark or dataset.vault or dataset.vault_of)
    return bool(dataset.anonymize)


def leaves(dataset: Dataset, action: str) -> bool:
    """By this action a record leaves its tables: it is deleted, or moved to its vault."""
    return action == DELETE or (action == RESTRICT and dataset.vault is not None)


def kept_from(world: World, rule: Rule, record: Record, action: str) -> bool:
    """Whether other rules stop the action: rewriting where they need every column, and no restriction at all."""
    if action == DELETE:
        return retained(world, rule, record)
    return action in REWRITING and not open_columns(world, rule, record)


@remembered
def open_columns(world: World, rule: Rule, record: Record) -> list[str]:
    """What rewriting may touch: the columns that the dataset lists, and that no other rule needs."""
    kept, dataset = needed(world, rule, record), record.dataset
    return [name for name in dataset.anonymize if dataset.cell(name) not in kept]


# --- done ---------------------------------------------------------------------------------------


def done(world: World, rule: Rule, record: Record, action: str) -> bool:
    """The action has been carried out already: on all columns that nothing needs."""
    if action == RESTRICT:
        return is_restricted(record)
    return action in REWRITING and not left_to_rewrite(world, rule, record)


def left_to_rewrite(world: World, rule: Rule, record: Record) -> list[str]:
    """The columns that may be rewritten and have not been, in some row of the record."""
    return [
        name
        for name in open_columns(world, rule, record)
        if any(not cell_done(world, rule, record, name, row) for row in rows_with(world, record, name))
    ]


def is_restricted(record: Record) -> bool:
    """It has its mark, or is in the vault."""
    mark = record.dataset.mark
    return record.dataset.vault_of is not None or (mark is not None and record.root[mark] is not None)


def rows_with(world: World, record: Record, name: str) -> list[Row]:
    """The record's rows that have the column: its own one, or those of a part."""
    table = record.dataset.cell(name)[0]
    return [row for row, of in rows.members(world, record).items() if of == table]


def cell_done(world: World, rule: Rule, record: Record, name: str, row: Row) -> bool:
    """A column that is NULL stays so. Of the others the value tells, or, for a mask, the record's marker."""
    value = row[record.dataset.cell(name)[1]]
    if value is None:
        return True
    match record.dataset.anonymize[name]:
        case "redact":
            return bool(value == REDACTED)
        case "hash":
            return str(value).startswith(HASHED)
        case "year":
            return bool((value.month, value.day) == (1, 1))
        case "mask":
            return marked(world, rule, record)
    return False  # null


def marked(world: World, rule: Rule, record: Record) -> bool:
    """The record was rewritten not earlier than every event by which a limb of the rule has come."""
    variant, column = said(world, rule, record), record.dataset.done
    assert column is not None, "a dataset with a mask has a marker"
    at = value_of(world, variant, Component(column=column), record.dataset.table, record.root)
    if at is None or at == UNCLEAR:
        return False
    return not any(later(event, at, variant.zone) for event in clock(world, rule, record).events)  # type: ignore[arg-type]


# --- what an action makes of a record's rows ----------------------------------------------------


def changes(world: World, rule: Rule, record: Record, action: str) -> Mapping[Row, Mapping[str, Any]]:
    """Row of the record → column → what it holds after the action; rows without a change are not there."""
    dataset = record.dataset
    if action == RESTRICT:
        assert dataset.mark is not None
        return {record.root: {dataset.mark: to_the_second(world.as_of)}}
    found: dict[Row, dict[str, Any]] = {}
    for name in left_to_rewrite(world, rule, record):
        column, strategy = dataset.cell(name)[1], dataset.anonymize[name]
        for row in rows_with(world, record, name):
            if not cell_done(world, rule, record, name, row):
                found.setdefault(row, {})[column] = rewritten(strategy, row[column])
    if dataset.done is not None:
        found.setdefault(record.root, {})[dataset.done] = to_the_second(world.as_of)
    return found


def moved(world: World, record: Record) -> Mapping[Row, tuple[str, Row]]:
    """Row of a record that is moved to its vault → the vault's table, and the row there: as it was, and since when."""
    vault = next(dataset for dataset in world.datasets if dataset.name == record.dataset.vault)
    mine = (record.dataset.table, *(link.table for link in record.dataset.parts))
    twin = dict(zip(mine, (vault.table, *(link.table for link in vault.parts)), strict=True))
    since = {SINCE: to_the_second(world.as_of)}
    return {
        row: (twin[table], Row({**row, **(since if row is record.root else {})}))
        for row, table in rows.members(world, record).items()
    }


def to_the_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def rewritten(strategy: str, value: Any) -> Any:
    """A hash is told by its beginning, and the value that it is of."""
    match strategy:
        case "redact":
            return REDACTED
        case "hash":
            return f"{HASHED}{value}"
        case "year":
            return date(value.year, 1, 1)
        case "mask":
            return value[:1] + STARS
    return None
