"""The drawing of companies hits what it aims at: every boundary and every fate turns up, and not by luck once."""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.oracles.lawyer import fate, lines, rows, told
from tests.oracles.lawyer.actions import left_to_rewrite, open_columns
from tests.oracles.lawyer.clocks import ENDED, clock, reaches, variant_of
from tests.oracles.lawyer.conditions import truth
from tests.oracles.lawyer.generate import Case, case
from tests.oracles.lawyer.values import day
from tests.oracles.lawyer.world import ANY, INSTRUCTED, NO_DAY, NONE, RESTRICTED, Rule, Variant

SEEDS = range(150)
FATES = (
    "out_of_scope", "not_due", "undated", "unclear", "deferred", "held", "retained", "conflict", "referenced",
    "elsewhere", "due", "late",
)  # fmt: skip
DATES = (
    "the last day of a month", "29 February", "New Year's Eve", "a night on which clocks are changed",
    "the last instant of a day", "the first instant of a day", "this very instant", "a tick ahead", "far ahead",
    "NULL", "epoch 0", "a zero date", "what can't be read", "before 1971-01-02",
)  # fmt: skip
RECORDS = (
    "a row that refers to itself", "two rows that refer to each other", "a reference with a NULL in it",
    "a row of two records", "a part of a part", "a cascade within the record", "a reference to what is no key",
    "a record that may be none",
)  # fmt: skip
WORDS = (
    "keep", "until", "upon", "keep and until", "until alone", "instructed", "at_most", "at_most none", "defer_while",
    "within", "needs", "yields_to", "where", "any data", "two data", "kept_by", "an exception that holds",
    "an exception that can't be told", "after month", "after quarter", "after calendar year", "after fiscal year",
    "told from", "told until", "told upon", "narrowed",
)  # fmt: skip
PEOPLE = (
    "hold on subject", "hold on key", "hold on dataset", "hold on data", "hold on rule", "told as a day",
    "told as an instant", "told later", "withdrawn", "carried over", "began after it", "began nobody knows when",
)  # fmt: skip
DOING = (
    "moved to a vault", "in a vault", "counted from a restriction", "a part's column rewritten",
    "a part's column done", "a part's column needed",
)  # fmt: skip


@pytest.fixture(scope="module")
def seen() -> Counter[str]:
    """How many companies of so many seeds have each."""
    found: Counter[str] = Counter()
    for seed in SEEDS:
        made = case(seed, companies=3)
        found.update(
            set(fates(made))
            | set(dates(made))
            | set(records(made))
            | set(words(made))
            | set(people(made))
            | set(doing(made))
        )
    return found


@pytest.mark.parametrize("what", [*FATES, *DATES, *RECORDS, *WORDS, *PEOPLE, *DOING])
def test_it_turns_up(seen: Counter[str], what: str) -> None:
    assert seen[what] >= 3, f"{what}: in {seen[what]} of {len(SEEDS)} seeds"


def test_a_seed_means_one_company() -> None:
    one, again = (
        [[dict(row) for row in found] for found in case(7, companies=2).world.rows.values()] for _ in range(2)
    )
    assert one == again


def fates(made: Case) -> Iterator[str]:
    for found in fate.answer(made.world).fates.values():
        for word, late in found.values():
            yield word
            if late:
                yield "late"


def dates(made: Case) -> Iterator[str]:
    zones = {made.world.zones["shop"], *(v.zone for rule in made.world.rules for v in rule.variants)}
    for table in made.shape.tables.values():
        for row in made.world.rows[table.name]:
            for column, kind in table.columns.items():
                if column in "dtzsn":
                    yield from of_value(made, row[column], kind, zones)


def of_value(made: Case, value: Any, kind: str, zones: set[str]) -> Iterator[str]:
    if value is None:
        yield "NULL"
    elif value == NO_DAY:
        yield "a zero date"
    elif kind == "integer" and value == 0:
        yield "epoch 0"
    elif kind == "text" and value[:4] not in ("2024", "2025", "2026", "2023", "2022", "2021", "2020"):
        yield "what can't be read"
    elif isinstance(value, datetime) and value.tzinfo is not None:
        yield from of_instant(made, value, zones)
    elif kind == "date":
        yield from of_day(value)


def of_day(on: date) -> Iterator[str]:
    if on.day == calendar.monthrange(on.year, on.month)[1]:
        yield "the last day of a month"
    if (on.month, on.day) == (2, 29):
        yield "29 February"
    if (on.month, on.day) == (12, 31):
        yield "New Year's Eve"
    if on < date(1971, 1, 2):
        yield "before 1971-01-02"


def of_instant(made: Case, at: datetime, zones: set[str]) -> Iterator[str]:
    as_of = made.world.as_of
    if at == as_of:
        yield "this very instant"
    if at == as_of + lines.TICK:
        yield "a tick ahead"
    if at > as_of + timedelta(days=365):
        yield "far ahead"
    for zone in zones:
        if day(at, zone) != day(at + lines.TICK, zone):
            yield "the last instant of a day"
        if day(at, zone) != day(at - lines.TICK, zone):
            yield "the first instant of a day"
        before, after = (
            (at + step).astimezone(ZoneInfo(zone)).utcoffset()
            for step in (-timedelta(hours=12), timedelta(hours=12))
        )
        if before != after:
            yield "a night on which clocks are changed"


def records(made: Case) -> Iterator[str]:
    world = made.world
    for table in made.shape.tables.values():
        for reference in table.references:
            for row in world.rows[table.name]:
                values = [row[column] for column in reference.columns]
                if None in values and any(value is not None for value in values):
                    yield "a reference with a NULL in it"
                for target in rows.referred_to(world, reference, row):
                    if target is row:
                        yield "a row that refers to itself"
                    elif row in rows.referrers(world, table.name, row) or any(
                        target in rows.referred_to(world, back, row)
                        and row in rows.referred_to(world, other, target)
                        for back in table.references
                        for other in made.shape.tables[reference.target].references
                        if other.target == table.name
                    ):
                        yield "two rows that refer to each other"
                    if reference.target_columns == ("code",):
                        yield "a reference to what is no key"
    for record in rows.records(world):
        members = rows.members(world, record)
        if rows.sharing(world, record):
            yield "a row of two records"
        if "marks" in members.values():
            yield "a part of a part"
        if "phones" in members.values():
            yield "a cascade within the record"
        if truth(record.dataset.where, record.root) is None:
            yield "a record that may be none"


def words(made: Case) -> Iterator[str]:
    world = made.world
    if world.only:
        yield "narrowed"
    for rule in world.rules:
        if rule.kept_by:
            yield "kept_by"
            continue
        yield from ("any data",) * (rule.data == ANY)
        yield from ("two data",) * (len(rule.data) > 1)
        yield from ("where",) * (rule.where is not None)
        for variant in rule.variants:
            yield from of_variant(made, variant)
        yield from exceptions(made, rule)


def of_variant(made: Case, variant: Variant) -> Iterator[str]:
    plain, told_events = Variant(), made.world.told
    yield variant.starts
    for name in ("keep", "until", "upon", "defer_while", "needs", "yields_to"):
        if getattr(variant, name):
            yield name
    if variant.within.text != plain.within.text:
        yield "within"
    if variant.keep and variant.until:
        yield "keep and until"
    if variant.until and variant.start is None:
        yield "until alone"
    if variant.keep == INSTRUCTED:
        yield "instructed"
    if variant.at_most is not None:
        yield "at_most none" if variant.at_most == NONE else "at_most"
    for name, events in (("from", (variant.start,)), ("until", variant.until), ("upon", variant.upon)):
        if any(event in told_events for event in events):
            yield f"told {name}"


def exceptions(made: Case, rule: Rule) -> Iterator[str]:
    for record in rows.records(made.world):
        if reaches(rule, record) and clock(made.world, rule, record).word != "out_of_scope":
            found = variant_of(made.world, rule, record)
            if found is None:
                yield "an exception that can't be told"
            elif found.when is not None:
                yield "an exception that holds"


def people(made: Case) -> Iterator[str]:
    world = made.world
    for hold in world.holds:
        yield f"hold on {hold.on}"
    for telling in world.tellings:
        yield "told as an instant" if isinstance(telling.at, datetime) else "told as a day"
        if telling.withdrawn:
            yield "withdrawn"
        if day(telling.told_at, "UTC") > day(telling.at, "UTC") + timedelta(days=7):
            yield "told later"
        if len(told.carried(world, telling)) > len(telling.identifiers):
            yield "carried over"
        for record in rows.records(world):
            if told.known(world, record) & told.carried(world, telling):
                concerned = told.concerns(world, telling, record, "UTC")
                yield {True: "concerned", False: "began after it"}.get(concerned, "began nobody knows when")  # type: ignore[call-overload]


def doing(made: Case) -> Iterator[str]:
    world = made.world
    for record in rows.records(world):
        if record.dataset.vault_of is not None:
            yield "in a vault"
    for rule in world.rules:
        if any(RESTRICTED in (v.start, *v.until) for v in rule.variants):
            yield "counted from a restriction"
    for rule, dataset in fate.jobs(world):
        of_parts = [name for name in dataset.anonymize if "." in name]
        for record in rows.records(world):
            if record.dataset is not dataset or clock(world, rule, record).word != ENDED:
                continue
            action = fate.choice(world, rule, record)
            if action == "restrict" and dataset.vault is not None:
                yield "moved to a vault"
            if action not in ("pseudonymize", "anonymize"):
                continue
            left, free = left_to_rewrite(world, rule, record), open_columns(world, rule, record)
            for name in of_parts:
                if name in left:
                    yield "a part's column rewritten"
                elif name in free:
                    yield "a part's column done"
                else:
                    yield "a part's column needed"
