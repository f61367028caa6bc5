"""How a worked example is written down: a situation on one of the shapes, and the fate of its records."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from tests.oracles.lawyer import fate
from tests.oracles.lawyer.generate import Case
from tests.oracles.lawyer.shapes import DATED, FIELDS, SHAPES, Seat, Shape
from tests.oracles.lawyer.world import (
    Component,
    Dataset,
    Holds,
    Period,
    Row,
    Rule,
    Value,
    Variant,
    World,
)

_UNITS = {"year": (12, 0), "month": (1, 0), "week": (0, 7), "day": (0, 1)}


@dataclass(frozen=True, kw_only=True)
class Situation:
    """`expected`: "rule dataset key" → fate, with "late" behind it where it is overdue. `left`: table → keys that a
    run leaves, where that is told. `does`: "rule dataset" → action → records. `then`: "table key" → what columns of
    the row hold after the run."""

    name: str
    case: Case
    expected: Mapping[str, str]
    left: Mapping[str, Sequence[Any]]
    does: Mapping[str, Mapping[str, int]]
    then: Mapping[str, Mapping[str, Any]]


def period(text: str) -> Period:
    months = days = 0
    for number, unit in re.findall(r"(\d+) (year|month|week|day)", text):
        months += int(number) * _UNITS[unit][0]
        days += int(number) * _UNITS[unit][1]
    return Period(text=text, months=months, days=days)


def says(**keys: Any) -> Variant:
    """What a rule says; periods as texts."""
    for name in ("keep", "at_most", "within"):
        if isinstance(keys.get(name), str) and keys[name][0].isdigit():
            keys[name] = period(keys[name])
    return Variant(**keys)


def rule(name: str, data: str | tuple[str, ...], exceptions: Sequence[Variant] = (), **keys: Any) -> Rule:
    """`exceptions`: what each replaces, as a variant with `when`."""
    where = keys.pop("where", None)
    base = says(**keys)
    return Rule(
        name=name,
        data=(data,) if isinstance(data, str) else data,
        variants=(*(merged(base, exception) for exception in exceptions), base),
        where=where,
    )


def merged(base: Variant, exception: Variant) -> Variant:
    plain = Variant()
    changes = {k: v for k, v in vars(exception).items() if v != getattr(plain, k)}
    return replace(base, **changes)


def at(text: str) -> datetime:
    """An instant in UTC: "2024-03-01" is its first."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def on(text: str) -> date:
    return date.fromisoformat(text)


def column(name: str, **more: Any) -> Component:
    return Component(column=name, **more)


def situation(
    name: str,
    as_of: str,
    rules: Rule | Sequence[Rule],
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    expected: Mapping[str, str],
    *,
    shape: str = "shop",
    datasets: Mapping[str, Mapping[str, Any]] | None = None,
    left: Mapping[str, Sequence[Any]] | None = None,
    does: Mapping[str, Mapping[str, int]] | None = None,
    then: Mapping[str, Mapping[str, Any]] | None = None,
    zones: Mapping[str, str] | None = None,
    dated: bool = False,
    **more: Any,
) -> Situation:
    """`rows`: only what matters of each. `datasets`: name → what is special; without any those that rules speak of."""
    schema = (DATED if dated else SHAPES)[shape]
    rules = [rules] if isinstance(rules, Rule) else list(rules)
    named = datasets if datasets is not None else {data: {} for r in rules for data in r.data}
    world = World(
        schema=schema.tables,
        rows={
            table: [Row({**dict.fromkeys(made.columns), **row}) for row in rows.get(table, ())]
            for table, made in schema.tables.items()
        },
        datasets=[dataset(schema, which, special) for which, special in named.items()],
        rules=rules,
        zones=zones or {"shop": "UTC", "crm": "UTC"},
        as_of=at(as_of),
        **more,
    )
    case = Case(seed=0, shape=schema, world=world)
    return Situation(
        name=name, case=case, expected=expected, left=left or {}, does=does or {}, then=then or {}
    )


def dataset(shape: Shape, name: str, special: Mapping[str, Any]) -> Dataset:
    """`special`: what it says besides; `seat`: whose place it takes, where it is not called like it."""
    special = dict(special)
    where = special.pop("seat", name)
    seat: Seat = next(seat for seat in shape.seats if seat.name == where)
    made = Dataset(
        name=name,
        connector=shape.tables[seat.table].connector,
        data=name,
        table=seat.table,
        subject=seat.subject,
        fields=FIELDS,
        began=column("z"),
        events={"booked": (column("d"),), "seen": (column("z"),), "closed": (column("t"),)},
        facts={
            "status": Value(column="status"),
            "big": Holds(tree=(">=", "amount", 3)),
            "open": Value(column="active"),
        },
    )
    return replace(made, **special)


def differences(told: Situation) -> list[str]:
    """Where the evaluator says otherwise."""
    answer = fate.answer(told.case.world)
    found = []
    for what, expected in told.expected.items():
        rule_name, dataset_name, key = what.split()
        fates = {",".join(map(str, k)): said for k, said in answer.fates[rule_name, dataset_name].items()}
        word, late = fates.get(key, ("no record", False))
        if f"{word}{' late' * late}" != expected:
            found.append(f"{told.name}: {what} should be {expected}, and is {word}{' late' * late}")
    for table, keys in told.left.items():
        there = [
            ",".join(str(row[c]) for c in told.case.shape.tables[table].key) for row in answer.left[table]
        ]
        if there != list(map(str, keys)):
            found.append(f"{told.name}: {table} should be left with {list(keys)}, and has {there}")
    return [*found, *_acted(told, answer)]


def _acted(told: Situation, answer: fate.Answer) -> Iterator[str]:
    """What is done, and what rows hold after it."""
    for job, actions in told.does.items():
        rule_name, dataset_name = job.split()
        said = answer.actions[rule_name, dataset_name]
        if said != actions:
            yield f"{told.name}: {job} should do {dict(actions)}, and does {dict(said)}"
    for which, columns in told.then.items():
        table, key = which.split()
        row = next(row for row in answer.left[table] if str(row["id"]) == key)
        there = {column: row[column] for column in columns}
        if there != columns:
            yield f"{told.name}: {which} should hold {dict(columns)}, and holds {there}"
