"""What becomes of a record, told row by row over plain dicts; shares nothing with the engine.

It is meant to be read beside the contract: one question a function, in the contract's words. Dates
are counted by `tests.oracles.calendar`; rows are found by looking at every one of them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracles import calendar

Row = dict[str, Any]
UNKNOWN = None
UNCLEAR, AHEAD = "unclear", "ahead"
FIRST_DAY = date(1971, 1, 2)
ONE_MONTH = (1, 0)


@dataclass(frozen=True, kw_only=True)
class Reference:
    """`table.columns` refers to `target.target_columns`."""

    table: str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.table}.{','.join(self.columns)}"


@dataclass(frozen=True, kw_only=True)
class Component:
    """A column of the record's own row, or of the rows at the end of `path` ((reference, downward), …)."""

    column: str
    kind: str  # date, timestamp, timestamptz, text
    path: tuple[tuple[Reference, bool], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """`parts`: the references by which rows belong to the record, parents first. `where`: a small tree."""

    name: str
    data: str
    table: str
    key: tuple[str, ...]
    parts: tuple[Reference, ...] = ()
    where: tuple[Any, ...] | None = None
    events: Mapping[str, tuple[Component, ...]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    name: str
    data: str
    event: str
    months: int
    days: int
    unit: str
    fiscal_year_end: tuple[int, int]
    zone: str


@dataclass(frozen=True, kw_only=True)
class World:
    """Everything that there is. `rules` are in the order of their file; `zone` is the connector's."""

    tables: Mapping[str, Sequence[Row]]
    references: Sequence[Reference]
    datasets: Sequence[Dataset]
    rules: Sequence[Rule]
    zone: str
    as_of: datetime

    def on(self, as_of: datetime) -> World:
        return replace(self, as_of=as_of)


# --- which rows ---------------------------------------------------------------------------


def refers(reference: Reference, row: Row, target: Row) -> bool:
    """A reference with a NULL in it refers to nothing."""
    pairs = zip(reference.columns, reference.target_columns, strict=True)
    return all(row[a] is not None and row[a] == target[b] for a, b in pairs)


def rows_that_refer(world: World, reference: Reference, target: Row) -> list[Row]:
    return [row for row in world.tables[reference.table] if refers(reference, row, target)]


def rows_referred_to(world: World, reference: Reference, row: Row) -> list[Row]:
    return [target for target in world.tables[reference.target] if refers(reference, row, target)]


def whole_record(world: World, dataset: Dataset, root: Row) -> list[tuple[str, Row]]:
    """The root and everything that belongs to it."""
    record = [(dataset.table, root)]
    for link in dataset.parts:
        record += [
            (link.table, row)
            for table, owner in list(record)
            if table == link.target
            for row in rows_that_refer(world, link, owner)
        ]
    return record


# --- conditions, which may be neither true nor false ----------------------------------------


def truth(tree: tuple[Any, ...] | None, row: Row) -> bool | None:
    match tree:
        case None:
            return True
        case ("is null", column):
            return row[column] is None
        case ("true", column):
            return UNKNOWN if row[column] is None else bool(row[column])
        case (("=" | "<>" | "<" | ">=") as operator, column, value):
            return _compared(operator, row[column], value)
        case ("columns equal", one, other):
            return _compared("=", row[one], row[other])
        case ("in", column, values):
            return UNKNOWN if row[column] is None else row[column] in values
        case ("filled =", column, instead, value):
            return (instead if row[column] is None else row[column]) == value
        case ("not", item):
            known = truth(item, row)
            return UNKNOWN if known is None else not known
        case ("and", *items):
            found = [truth(item, row) for item in items]
            return False if False in found else UNKNOWN if None in found else True
        case ("or", *items):
            found = [truth(item, row) for item in items]
            return True if True in found else UNKNOWN if None in found else False
    raise AssertionError(tree)


def _compared(operator: str, left: Any, right: Any) -> bool | None:
    if left is None or right is None:
        return UNKNOWN
    return {"=": left == right, "<>": left != right, "<": left < right, ">=": left >= right}[operator]


# --- dates ----------------------------------------------------------------------------------


_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[ T]([01]\d|2[0-3])(:[0-5]\d)(?::([0-5]\d)(?:\.(\d+))?)?(Z|[+-](?:0\d|1[0-4]):[0-5]\d)?)?"
)


def day_of(value: Any, kind: str, column_zone: str, rule_zone: str) -> date | str | None:
    """The day on which it happened, by the rule's calendar; None: NULL; or it is unclear, or lies ahead."""
    if value is None:
        return None
    if value == "infinity" and kind != "text":
        return AHEAD
    if isinstance(value, str) and kind != "text":  # -infinity, a zero date
        return UNCLEAR
    found = _read(value, column_zone) if kind == "text" else value
    if found is UNCLEAR:
        return UNCLEAR
    day = found if type(found) is date else _day_of_instant(found, column_zone, rule_zone)
    return UNCLEAR if day < FIRST_DAY else day


@functools.lru_cache(maxsize=100_000)
def _day_of_instant(moment: datetime, column_zone: str, rule_zone: str) -> date:
    if moment.tzinfo is None:
        moment = calendar.instant_of(moment, ZoneInfo(column_zone))
    return calendar.day_of(moment.astimezone(UTC), ZoneInfo(rule_zone))


def _read(text: Any, zone: str) -> date | datetime | str:
    """ISO 8601, or it can't be read."""
    found = _ISO.fullmatch(text) if isinstance(text, str) else None
    try:
        if found is None:
            return UNCLEAR
        day, hour, minute, second, fraction, offset = found.groups()
        if hour is None:
            return date.fromisoformat(day)
        wall = f"{day}T{hour}{minute}:{second or '00'}.{(fraction or '')[:6]:0<6}"
        return datetime.fromisoformat(wall + (offset or "").replace("Z", "+00:00"))
    except ValueError:
        return UNCLEAR


@functools.lru_cache(maxsize=100_000)
def due_day(rule: Rule, day: date) -> date:
    return calendar.due_day(day, rule.months, rule.days, rule.unit, rule.fiscal_year_end)


def today(world: World, rule: Rule) -> date:
    return _day_of_instant(world.as_of, "UTC", rule.zone)


# --- one rule, one record: its clock --------------------------------------------------------


def dates(world: World, rule: Rule, dataset: Dataset, root: Row) -> Iterator[date | str]:
    """Every date of the event: NULL in an own column is no date, in a row that exists it is unclear."""
    for component in dataset.events[rule.event]:
        rows = [root]
        for reference, downward in component.path:
            step = rows_that_refer if downward else rows_referred_to
            rows = [end for row in rows for end in step(world, reference, row)]
        for row in rows:
            day = day_of(row[component.column], component.kind, world.zone, rule.zone)
            if day is None and component.path:
                day = UNCLEAR
            if day is not None:
                yield day


def clock(world: World, rule: Rule, dataset: Dataset, root: Row) -> str:
    """`ended`, or why it has not: one date too recent, or one unclear, or none at all."""
    days = list(dates(world, rule, dataset, root))
    if any(day == AHEAD or (day != UNCLEAR and due_day(rule, day) > today(world, rule)) for day in days):
        return "not_due"
    if UNCLEAR in days:
        return "unclear"
    return "ended" if days else "undated"


def is_overdue(world: World, rule: Rule, dataset: Dataset, root: Row) -> bool:
    """A month to carry it out, counted from the day on which the clock ended."""
    latest = max(day for day in dates(world, rule, dataset, root) if isinstance(day, date))
    return calendar.late_day(latest, ONE_MONTH, due_day(rule, latest)) <= today(world, rule)


# --- all rules: may it go? ------------------------------------------------------------------


@dataclass
class Gone:
    """Rows that are removed, by the jobs before this one or by this one itself."""

    rows: set[int] = field(default_factory=set)

    def take(self, record: list[tuple[str, Row]]) -> None:
        self.rows |= {id(row) for _, row in record}


def keepers(world: World, dataset: Dataset, root: Row, gone: Gone, going: Gone) -> set[str]:
    """References from rows outside the record that stay: that jobs before do not remove, nor this one."""
    record = whole_record(world, dataset, root)
    inside = {id(row) for _, row in record}
    own = {dataset.table, *(link.table for link in dataset.parts)}
    return {
        reference.name
        for table, member in record
        for reference in world.references
        if reference.target == table
        for row in rows_that_refer(world, reference, member)
        if id(row) not in inside and id(row) not in (going if reference.table in own else gone).rows
    }


def fates_of(world: World, rule: Rule, dataset: Dataset, gone: Gone) -> list[tuple[Row, str | None]]:
    """Every record's fate. Records that refer to each other go together: all records are taken to go, and
    those are taken back that are not due while the others go, until all that are left are."""
    roots = list(world.tables[dataset.table])
    going = {id(root) for root in roots}
    while True:
        rows = Gone()
        for root in roots:
            if id(root) in going:
                rows.take(whole_record(world, dataset, root))
        fates = [(root, fate(world, rule, dataset, root, gone, rows)) for root in roots]
        left = {id(root) for root, found in fates if found in ("due", "elsewhere")}
        if left == going:
            return fates
        going = left & going


def fate(world: World, rule: Rule, dataset: Dataset, root: Row, gone: Gone, going: Gone) -> str | None:
    """None for a row that is no record: the dataset's `where` is false."""
    in_scope = truth(dataset.where, root)
    if in_scope is False:
        return None
    if in_scope is UNKNOWN:
        return "unclear"
    state = clock(world, rule, dataset, root)
    if state != "ended":
        return state
    rules = [other for other in world.rules if other.data == rule.data]
    if any(clock(world, other, dataset, root) != "ended" for other in rules):
        return "retained"
    if keepers(world, dataset, root, gone, going):
        return "referenced"
    latest = max(day for day in dates(world, rule, dataset, root) if isinstance(day, date))
    last_to_end = max(rules, key=lambda other: due_day(other, latest))  # of equals, the first in the file
    return "due" if rule is last_to_end else "elsewhere"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One job: fate and overdue by record (its root, by key), references that keep, rows that go by table."""

    fates: Mapping[tuple[Any, ...], str]
    overdue: frozenset[tuple[Any, ...]]
    rows: Mapping[str, int]
    kept_by: Mapping[str, int]


def plan(world: World, jobs: Sequence[tuple[str, str]]) -> tuple[list[Answer], Gone]:
    """Every job (rule, dataset), one after the other, and what is gone after the last."""
    gone, answers = Gone(), []
    for rule_name, dataset_name in jobs:
        rule = next(r for r in world.rules if r.name == rule_name)
        dataset = next(d for d in world.datasets if d.name == dataset_name)
        answer, going = _job(world, rule, dataset, gone)
        answers.append(answer)
        for record in going:
            gone.take(record)
    return answers, gone


def _job(
    world: World, rule: Rule, dataset: Dataset, gone: Gone
) -> tuple[Answer, list[list[tuple[str, Row]]]]:
    fates: dict[tuple[Any, ...], str] = {}
    overdue, going = set(), []
    kept_by: dict[str, int] = {}
    found_of = fates_of(world, rule, dataset, gone)
    stay_or_go = Gone()
    for root, found in found_of:
        if found in ("due", "elsewhere"):
            stay_or_go.take(whole_record(world, dataset, root))
    for root, found in found_of:
        key = tuple(root[column] for column in dataset.key)
        if found is None:
            continue
        fates[key] = found
        if found in ("due", "referenced") and is_overdue(world, rule, dataset, root):
            overdue.add(key)
        if found == "due":
            going.append(whole_record(world, dataset, root))
        if found == "referenced":
            for name in keepers(world, dataset, root, gone, stay_or_go):
                kept_by[name] = kept_by.get(name, 0) + 1
    rows: dict[str, int] = {}
    if going:
        rows = dict.fromkeys((dataset.table, *(link.table for link in dataset.parts)), 0)
    for record in going:
        for table, _ in record:
            rows[table] += 1
    return Answer(fates=fates, overdue=frozenset(overdue), rows=rows, kept_by=kept_by), going


def after(world: World, gone: Gone) -> World:
    """The world without the rows that are gone."""
    left = {name: [row for row in rows if id(row) not in gone.rows] for name, rows in world.tables.items()}
    return replace(world, tables=left)
