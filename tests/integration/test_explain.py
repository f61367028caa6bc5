"""One record explained: its days, its variant, its conditions, and by name whatever keeps it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from retention.model.explanation import Explanation, RuleView
from tests.support.stores import SqliteStore, Store
from tests.support.workplace import Workplace

ENDED = {"due", "held", "retained", "conflict", "referenced", "elsewhere"}
OLD = "'2020-05-05 10:00:00'"


def view(work: Workplace, key: str, rule: str = "things", *, dataset: str = "db.things") -> RuleView:
    (found,) = [v for v in work.explain(dataset, key).rules if v.rule == rule]
    return found


def hour(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def first_instant(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time.min, UTC)


def things(**keys: str) -> str:
    known = {"data": '"things"', "table": '"things"', "events": '{ made = "made" }', "subject": '"none"'}
    return "[datasets.things]\n" + "\n".join(f"{k} = {v}" for k, v in (known | keys).items())


MANY = """
CREATE TABLE things (
    id INTEGER PRIMARY KEY, made TIMESTAMP NULL, closed TIMESTAMP NULL, gone DATE NULL, kind VARCHAR(10),
    disputed BOOLEAN, tenant INTEGER
);
CREATE TABLE tenants (id INTEGER PRIMARY KEY, days INTEGER);
INSERT INTO tenants VALUES (1, 400), (2, NULL), (3, 9000), (4, 0);
"""
MANY_THINGS = things(
    events='{ made = "made", closed = "closed", gone = "gone", last = { latest = ["made", "closed"] } }',
    facts='{ kind = "kind", disputed = "disputed" }',
    relations='["things.tenant -> tenants.id"]',
    periods='{ instructed = { column = "tenants.days", unit = "days", between = ["1 day", "10 years"] } }',
)
RULES = {
    "plain": 'data = "things"\nkeep = "14 months"\nfrom = "made"',
    "yearly": 'data = "things"\nkeep = "18 months"\nfrom = "last"\nstarts = "after quarter"',
    "until": 'data = "things"\nfrom = "made"\nuntil = ["closed", "gone"]',
    "either": 'data = "things"\nkeep = "2 years"\nfrom = "made"\nuntil = ["gone"]\nwhere = "kind <> \'c\'"',
    "upon": 'data = "things"\nupon = ["closed"]',
    "deferring": 'data = "things"\nkeep = "1 year"\nat_most = "3 years"\nfrom = "made"\ndefer_while = "disputed"',
    "forever": 'data = "things"\nkeep = "1 year"\nat_most = "none"\nfrom = "made"\ndefer_while = "disputed"\n'
    'basis = "legal claims"',
    "tenant": 'data = "things"\nkeep = { period = "instructed" }\nfrom = "made"',
    "varied": 'data = "things"\nkeep = "1 year"\nfrom = "made"\n[[rules.varied.exceptions]]\n'
    'when = "kind = \'b\'"\nkeep = "3 years"\n[[rules.varied.exceptions]]\nwhen = "disputed"\nfrom = "closed"',
}
VALUES = [
    "{made}, NULL, NULL, 'a', FALSE, 1",
    "{made}, '2025-10-31 23:59:59', NULL, 'b', TRUE, 1",
    "{made}, NULL, '2026-11-30', 'a', TRUE, 2",
    "'2026-02-28 00:00:00', '2027-02-01 08:00:00', '2026-02-27', NULL, NULL, 3",
    "NULL, '2026-11-25 00:00:00', '2026-12-24', 'c', FALSE, 1",
    "'1970-01-01 00:00:00', '2026-12-31 22:00:00', NULL, 'b', FALSE, 1",
    "'2027-08-31 13:00:00', NULL, '2027-08-31', 'a', FALSE, 4",
    "{made}, '1970-01-01 00:00:00', '2024-01-01', 'c', TRUE, NULL",
    "NULL, NULL, NULL, 'a', NULL, 1",
]


def many(work: Workplace, store: Store, made: str) -> None:
    rows = ", ".join(f"({n}, {row.format(made=made)})" for n, row in enumerate(VALUES, 1))
    store.script(MANY + f"INSERT INTO things VALUES {rows}")
    work.connect(store, MANY_THINGS)


def is_first_due(work: Workplace, rule: str, key: str, found: RuleView) -> bool:
    """By the plan: not ended before the day, and ended on it; a limb of an instant ends at its own hour."""
    deferred = found.defers_until if found.fate == "deferred" or "defer_while" in found.changes else None
    day = max(filter(None, (found.due_on, deferred)))
    begins = first_instant(day)
    before = work.each(rule, as_of=hour(begins - timedelta(microseconds=1)))[key]
    ends = begins + timedelta(days=1, microseconds=-1)
    return before not in ENDED and work.each(rule, as_of=hour(ends))[key] in ENDED


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("made", ["'2025-01-31 10:30:00'"])
def test_the_fate_is_the_plan_s_and_the_due_day_is_the_first_on_which_the_plan_says_due(
    work: Workplace, sqlite: SqliteStore, rule: str, made: str
) -> None:
    many(work, sqlite, made)
    work.rule(rule, RULES[rule])
    planned = work.each(rule)
    dated = 0
    for key, fate in planned.items():
        found = view(work, key, rule)
        assert found.fate == fate
        assert found.because
        assert found.changes
        standing = found.fate == "deferred" and found.defers_until is None
        if found.due_on is None or standing:
            continue
        dated += 1
        assert is_first_due(work, rule, key, found), (key, found)
    assert dated >= 2
