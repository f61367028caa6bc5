"""What a rule does to a record whose clock has ended, and what of it is done already (DESIGN §4, §5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from tests.oracles.lawyer.clocks import clock, value_of
from tests.oracles.lawyer.keeping import needed, retained, said
from tests.oracles.lawyer.values import later
from tests.oracles.lawyer.world import ANY, UNCLEAR, Component, Dataset, Record, Rule, World, remembered

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
    return dataset.mark is not None if action == RESTRICT else bool(dataset.anonymize)


def kept_from(world: World, rule: Rule, record: Record, action: str) -> bool:
    """Whether other rules stop the action: rewriting where they need every column, and no restriction at all."""
    if action == DELETE:
        return retained(world, rule, record)
    return action in REWRITING and not open_columns(world, rule, record)


@remembered
def open_columns(world: World, rule: Rule, record: Record) -> list[str]:
    """What rewriting may touch: the columns that the dataset lists, and that no other rule needs."""
    kept = needed(world, rule, record)
    return [column for column in record.dataset.anonymize if column not in kept]


# --- done ---------------------------------------------------------------------------------------


def done(world: World, rule: Rule, record: Record, action: str) -> bool:
    """The action has been carried out already: on all columns that nothing needs."""
    if action == RESTRICT:
        return record.root[record.dataset.mark] is not None  # type: ignore[index]
    return action in REWRITING and not left_to_rewrite(world, rule, record)


def left_to_rewrite(world: World, rule: Rule, record: Record) -> list[str]:
    """The columns that may be rewritten and have not been."""
    return [c for c in open_columns(world, rule, record) if not column_done(world, rule, record, c)]


def column_done(world: World, rule: Rule, record: Record, column: str) -> bool:
    """A column that is NULL stays so. Of the others the value tells, or, for a mask, the record's marker."""
    value = record.root[column]
    if value is None:
        return True
    match record.dataset.anonymize[column]:
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


# --- what an action makes of a row --------------------------------------------------------------


def changes(world: World, rule: Rule, record: Record, action: str) -> Mapping[str, Any]:
    """Column → what it holds after the action."""
    dataset = record.dataset
    if action == RESTRICT:
        assert dataset.mark is not None
        return {dataset.mark: to_the_second(world.as_of)}
    left = left_to_rewrite(world, rule, record)
    found = {column: rewritten(dataset.anonymize[column], record.root[column]) for column in left}
    return found | ({dataset.done: to_the_second(world.as_of)} if dataset.done is not None else {})


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
