"""One record explained: its days, its variant, its conditions, and by name whatever keeps it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from retention.model.explanation import RuleView
from tests.support.stores import SqliteStore, Store
from tests.support.workplace import Workplace

ENDED = {"due", "held", "retained", "conflict", "referenced", "elsewhere"}
TICK = timedelta(microseconds=1)
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


def first_due(found: RuleView) -> str | None:
    """The first day on which a plan says that the clock has ended; None where none is known."""
    defers = any(c.key == "defer_while" and c.state != "false" for c in found.conditions)
    if found.due_on is None or (defers and found.defers_until is None):
        return None
    return max(found.due_on, found.defers_until or "") if defers else found.due_on


@pytest.mark.one_in(3)
@pytest.mark.parametrize("rule", RULES)
def test_the_fate_is_the_plan_s_and_the_due_day_is_the_first_on_which_the_plan_says_due(
    work: Workplace, sqlite: SqliteStore, rule: str
) -> None:
    """An event that ends a clock does so at its own hour: by the day's end it has, before the day it has not."""
    many(work, sqlite, "'2025-01-31 10:30:00'")
    work.rule(rule, RULES[rule])
    planned: dict[datetime, dict[str, str]] = {}

    def fate_at(moment: datetime, key: str) -> str:
        if moment not in planned:
            planned[moment] = work.each(rule, as_of=hour(moment), counted=False)
        return planned[moment][key]

    dated = 0
    for key, fate in work.each(rule).items():
        found = view(work, key, rule)
        assert found.fate == fate
        assert found.because
        assert found.changes
        day = first_due(found)
        if day is None:
            assert fate not in ENDED
            continue
        dated += 1
        begins = first_instant(day)
        assert fate_at(begins - TICK, key) not in ENDED, (key, found)
        assert fate_at(begins + timedelta(days=1) - TICK, key) in ENDED, (key, found)
        if found.fate in ENDED:
            assert found.overdue == (found.overdue_on is not None and found.overdue_on <= "2026-11-22")
    assert dated >= 2


# -- variants, conditions, facts -----------------------------------------------------------


def test_the_variant_that_holds_is_named_and_the_one_that_cannot_be_told_too(
    work: Workplace, sqlite: SqliteStore
) -> None:
    many(work, sqlite, OLD)
    work.rule("varied", RULES["varied"])

    plain, excepted, unknown = (view(work, key, "varied") for key in ("1", "2", "4"))

    assert (plain.exception, plain.keep, plain.due_on) == (None, "1 year", "2021-05-06")
    assert (excepted.exception, excepted.keep, excepted.due_on) == ("kind = 'b'", "3 years", "2023-05-06")
    assert [(f.name, f.value) for f in excepted.facts] == [("kind", "b"), ("disputed", "true")]
    assert [(c.key, c.state) for c in unknown.conditions] == [
        ("exceptions[1].when", "unknown"),
        ("exceptions[2].when", "unknown"),
    ]
    assert (unknown.fate, unknown.due_on) == ("unclear", None)
    assert "`exceptions[1].when` (kind = 'b')" in unknown.because
    assert unknown.keep == ""
    assert unknown.changes == (
        "it stays until it can be told whether `exceptions[1].when` and `exceptions[2].when` are true of it"
    )


def test_each_limb_has_its_state_and_days(work: Workplace, sqlite: SqliteStore) -> None:
    many(work, sqlite, OLD)
    work.rule("until", RULES["until"])

    ended, ahead, earlier, unclear = (view(work, key, "until") for key in ("2", "3", "4", "8"))

    assert [(x.event, x.state, x.due_on) for x in ended.limbs] == [
        ("closed", "come", "2025-10-31"),
        ("gone", "missing", None),
    ]
    assert (ended.fate, ended.ended, ended.overdue_on) == ("due", "2025-10-31", "2025-12-01")
    assert (ahead.fate, ahead.changes) == (
        "not_due",
        "due on 2026-11-30, or sooner when `closed` happens",
    )
    assert [(x.event, x.state) for x in earlier.limbs] == [("closed", "ahead"), ("gone", "earlier")]
    assert (unclear.fate, [x.state for x in unclear.limbs]) == ("due", ["unclear", "come"])


def test_a_deferral_ends_on_its_day_or_with_its_condition(work: Workplace, sqlite: SqliteStore) -> None:
    many(work, sqlite, "'2025-01-31 10:30:00'")
    work.rule("deferring", RULES["deferring"])

    found = view(work, "2", "deferring")

    assert (found.fate, found.due_on, found.at_most) == ("deferred", "2026-02-01", "2028-01-31")
    assert (found.defers_until, found.changes_on) == ("2027-12-31", "2027-12-31")
    assert found.changes == (
        "it is due when `defer_while` (disputed) is false, and on 2027-12-31 at the latest"
    )


def test_an_instructed_period_is_shown_as_it_was_read(work: Workplace, sqlite: SqliteStore) -> None:
    many(work, sqlite, "'2025-11-30 10:30:00'")
    work.rule("tenant", RULES["tenant"])

    told, none, long = (view(work, key, "tenant") for key in ("1", "3", "4"))

    assert (told.instructed, told.due_on, told.fate) == ("400 days", "2027-01-05", "not_due")
    assert (none.instructed, none.due_on, none.fate) == ("none days", None, "unclear")
    assert "no period is instructed" in none.because
    assert (long.instructed, long.fate) == ("9000 days", "unclear")
    assert "the period instructed for it (9000 days) is none that is allowed" in long.because
    sqlite.script("UPDATE tenants SET days = '' WHERE id = 3")
    odd = view(work, "4", "tenant").because
    assert "the period instructed for it ('' days) is none that is allowed" in odd


def test_what_is_out_of_reach_says_by_which_condition(work: Workplace, sqlite: SqliteStore) -> None:
    many(work, sqlite, OLD)
    work.rule("either", RULES["either"])

    found = view(work, "5", "either")

    assert (found.fate, found.due_on, found.changes_on) == ("out_of_scope", None, None)
    assert found.because == "the rule's `where` (kind <> 'c') is false of it: the rule does not reach it"


def test_what_is_deferred_some_day_changes_on_the_day_when_it_is(
    work: Workplace, sqlite: SqliteStore
) -> None:
    """It named the last day of the deferral, and the fate changes two years before."""
    many(work, sqlite, "'2026-01-31 10:30:00'")
    work.rule("deferring", RULES["deferring"])

    found = view(work, "2", "deferring")

    assert (found.fate, found.due_on, found.changes_on) == ("not_due", "2027-02-01", "2027-02-01")
    assert work.each("deferring", as_of="2027-01-31")["2"] == "not_due"
    assert work.each("deferring", as_of="2027-02-01")["2"] == "deferred"


# -- what keeps it -------------------------------------------------------------------------


def test_a_keeping_rule_is_named_with_the_day_until_which_it_keeps(work: Workplace, store: Store) -> None:
    store.script(
        "CREATE TABLE things (id INTEGER PRIMARY KEY, made TIMESTAMP NULL);"
        "INSERT INTO things VALUES (1, '2024-05-05 10:00:00'), (2, NULL)"
    )
    work.connect(store, things())
    work.rule("short", 'data = "things"\nkeep = "1 year"\nfrom = "made"')
    work.rule("long", 'data = "things"\nkeep = "3 years"\nfrom = "made"')
    work.rule("brief", 'data = "things"\nkeep = "1 month"\nfrom = "made"\nyields_to = ["legal claims"]')

    short, brief = view(work, "1", "short"), view(work, "1", "brief")

    assert [(s.kind, s.by, s.until) for s in short.stopped_by] == [("retained", "long", "2027-05-06")]
    assert (short.changes, short.changes_on) == (
        "it stays while the rule long keeps it: until 2027-05-06 if nothing else happens",
        "2027-05-06",
    )
    assert (brief.fate, short.because) == ("due", "another rule still keeps it: long")
    assert work.each("short", as_of="2027-05-05")["1"] == "retained"
    assert work.each("short", as_of="2027-05-06")["1"] == "elsewhere"
    (then,) = (v for v in work.explain("db.things", "1", as_of="2027-05-06").rules if v.rule == "short")
    assert [(s.kind, s.by) for s in then.stopped_by] == [("elsewhere", "long")]


def test_the_day_on_which_what_a_law_keeps_becomes_a_conflict_is_told(work: Workplace, store: Store) -> None:
    """It said "until 2029-05-06", and that the record would be overdue "once nothing keeps it"."""
    store.script(
        "CREATE TABLE things (id INTEGER PRIMARY KEY, made TIMESTAMP NULL);"
        "INSERT INTO things VALUES (1, '2024-05-05 10:00:00')"
    )
    work.connect(store, things())
    work.rule("brief", 'data = "things"\nkeep = "1 year"\nat_most = "3 years"\nfrom = "made"')
    work.rule("long", 'data = "things"\nkeep = "5 years"\nfrom = "made"\nbasis = "legal obligation"')

    found = view(work, "1", "brief")

    assert (found.fate, found.changes_on, found.overdue_on) == ("retained", "2027-05-06", "2027-05-06")
    assert found.changes == (
        "it stays while the rule long keeps it: until 2029-05-06 if nothing else happens;"
        " from 2027-05-06 on that is a conflict with the rule's own `at_most`"
    )
    assert work.each("brief", as_of="2027-05-05")["1"] == "retained"
    assert work.each("brief", as_of="2027-05-06")["1"] == "conflict"
    said = " ".join(work.cli("explain", "db.things", "1").output.split())
    assert "Overdue from 2027-05-06 on" in said
    assert "once nothing keeps it" not in said


def test_what_acts_first_did_not_always_end_last(work: Workplace, store: Store) -> None:
    """Of a rule that ended earlier, and deletes, it said that it ended later."""
    store.script(
        "CREATE TABLE things (id INTEGER PRIMARY KEY, made TIMESTAMP NULL, kind VARCHAR(20));"
        "INSERT INTO things VALUES (1, '2024-03-01 10:00:00', 'a')"
    )
    work.connect(store, things(anonymize='{ kind = "null" }'))
    work.rule("early", 'data = "things"\nkeep = "6 months"\nfrom = "made"')
    work.rule("late", 'data = "things"\nkeep = "1 year"\nfrom = "made"\naction = "pseudonymize"')

    late = view(work, "1", "late")

    assert (late.fate, late.changes_on) == ("elsewhere", None)
    assert late.because == (
        "another rule acts on it, since what it does goes first, or its clock ended last: early"
    )
    assert late.changes == "the next run that may act on it does, unless something keeps it before"


def test_a_conflict_names_the_day_that_has_passed_and_the_rule_that_keeps_it(
    work: Workplace, sqlite: SqliteStore
) -> None:
    many(work, sqlite, "'2023-01-31 10:30:00'")
    work.rule("brief", 'data = "things"\nkeep = "1 year"\nat_most = "2 years"\nfrom = "made"')
    work.rule("long", 'data = "things"\nkeep = "5 years"\nfrom = "made"\nbasis = "legal obligation"')

    found = view(work, "1", "brief")

    assert (found.fate, found.overdue, found.at_most) == ("conflict", True, "2025-01-31")
    assert [(s.kind, s.by, s.until) for s in found.stopped_by] == [("conflict", "long", "2028-02-01")]
    assert found.because == "it should have gone by 2025-01-31, and another rule still keeps it: long"


SHOP = """
CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(40), made TIMESTAMP);
CREATE TABLE orders (id INTEGER PRIMARY KEY, person INTEGER REFERENCES people (id), made TIMESTAMP);
CREATE INDEX orders_person ON orders (person);
INSERT INTO people VALUES (1, 'ann@example.com', '2020-01-01 00:00:00'),
    (2, 'bo@example.com', '2020-01-01 00:00:00'), (3, 'cy@example.com', '2020-01-01 00:00:00');
INSERT INTO orders VALUES (10, 1, '2026-03-01 00:00:00'), (11, 1, '2026-05-01 00:00:00'),
    (12, 1, '2019-01-01 00:00:00'), (13, 2, '2019-01-01 00:00:00');
"""
SHOP_DATASETS = """
[datasets.people]
data = "people"
table = "people"
subject = { email = "email", person = "id" }
began = "made"
events = { made = "made" }
fields = { name = ["email"] }

[datasets.orders]
data = "orders"
table = "orders"
subject = { person = "person" }
began = "made"
events = { made = "made" }
"""


def shop(work: Workplace, store: Store, **orders: str) -> None:
    store.script(SHOP)
    work.connect(store, SHOP_DATASETS)
    work.rule("orders", 'data = "orders"\nkeep = "2 years"\nfrom = "made"', **orders)
    work.rule("people", 'data = "people"\nkeep = "1 year"\nfrom = "made"')


def test_no_day_is_told_for_rows_that_refer_and_are_never_deleted(work: Workplace, store: Store) -> None:
    """It named the day on which their clocks end, though they are only rewritten then."""
    store.script(SHOP + "ALTER TABLE orders ADD COLUMN note VARCHAR(20);")
    work.connect(store, SHOP_DATASETS + '\nanonymize = { note = "null" }\n')
    work.rule("orders", 'data = "orders"\nkeep = "2 years"\nfrom = "made"\naction = "pseudonymize"')
    work.rule("people", 'data = "people"\nkeep = "1 year"\nfrom = "made"')

    kept = view(work, "1", "people", dataset="db.people")

    assert (kept.fate, kept.changes_on) == ("referenced", None)
    assert [(s.count, s.until) for s in kept.stopped_by] == [(3, None)]
    assert kept.changes.startswith("it stays while 3 rows refer to it by ")


def test_rows_that_refer_are_told_apart_and_the_day_on_which_the_last_of_them_ends(
    work: Workplace, store: Store
) -> None:
    shop(work, store)

    kept, free = (view(work, key, "people", dataset="db.people") for key in ("1", "2"))

    (stopper,) = kept.stopped_by
    assert (stopper.kind, stopper.count, stopper.rows, stopper.going) == ("referenced", 2, ("10", "11"), 1)
    assert (stopper.until, kept.changes_on) == ("2028-05-02", "2028-05-02")
    assert kept.changes == (
        f"it stays while 2 rows refer to it by {stopper.by}; the last of their clocks ends on 2028-05-02"
    )
    assert (free.fate, free.stopped_by) == ("due", ())
    assert work.each("people", as_of="2028-05-01")["1"] == "referenced"
    assert work.each("people", as_of="2028-05-02")["1"] == "due"


def test_a_record_that_a_kept_one_needs_says_which(work: Workplace, store: Store) -> None:
    shop(work, store, needs='{ people = ["name"] }')

    found = view(work, "1", "people", dataset="db.people")

    kept, referring = found.stopped_by
    assert (kept.kind, kept.by, kept.dataset, kept.how) == ("retained", "orders", "db.orders", "needs")
    assert (referring.kind, referring.by.rsplit(".", 2)[-2:]) == ("referenced", ["orders", "person"])
    for each in found.stopped_by:
        assert (each.count, each.rows, each.until) == (2, ("10", "11"), "2028-05-02")
    assert found.because == "another rule still keeps it: orders"
    assert found.changes == (
        "it stays while the rule orders keeps 2 records of db.orders that need it:"
        f" until 2028-05-02 if nothing else happens; today 2 rows refer to it by {referring.by}, too"
    )
    assert found.changes_on == "2028-05-02"


SHARED = """
CREATE TABLE files (id INTEGER PRIMARY KEY, made TIMESTAMP);
CREATE TABLE cases (id INTEGER PRIMARY KEY, made TIMESTAMP);
CREATE TABLE pages (id INTEGER PRIMARY KEY, file INTEGER REFERENCES files (id), lawsuit INTEGER REFERENCES cases (id));
CREATE INDEX pages_file ON pages (file);
CREATE INDEX pages_case ON pages (lawsuit);
INSERT INTO files VALUES (1, '2020-01-01 00:00:00'), (2, '2020-01-01 00:00:00');
INSERT INTO cases VALUES (7, '2025-01-01 00:00:00'), (8, NULL);
INSERT INTO pages VALUES (1, 1, 7), (2, 1, NULL), (3, 2, NULL);
"""
SHARED_DATASETS = """
[datasets.files]
data = "files"
table = "files"
parts = ["pages"]
events = { made = "made" }

[datasets.cases]
data = "cases"
table = "cases"
parts = ["pages"]
events = { made = "made" }
"""


def test_a_record_that_shares_rows_says_with_which(work: Workplace, store: Store) -> None:
    store.script(SHARED)
    work.connect(store, SHARED_DATASETS)
    work.rule("files", 'data = "files"\nkeep = "1 year"\nfrom = "made"\nyields_to = ["legal claims"]')
    work.rule("cases", 'data = "cases"\nkeep = "2 years"\nfrom = "made"\nbasis = "contract"')

    found = view(work, "1", "files", dataset="db.files")

    shared = [s for s in found.stopped_by if s.kind == "shared"]
    assert found.fate == "referenced"
    assert [(s.dataset, s.count, s.rows, s.until) for s in shared] == [("db.cases", 1, ("7",), "2027-01-02")]
    assert "clock ends on 2027-01-02" in found.changes


def test_a_row_of_a_record_that_goes_names_it(work: Workplace, sqlite: SqliteStore) -> None:
    sqlite.script(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, made TIMESTAMP);"
        "CREATE TABLE lines (id INTEGER PRIMARY KEY, orders INTEGER REFERENCES orders (id), made TIMESTAMP);"
        "CREATE INDEX lines_orders ON lines (orders);"
        f"INSERT INTO orders VALUES (1, {OLD}); INSERT INTO lines VALUES (5, 1, {OLD})"
    )
    work.connect(
        sqlite,
        '[datasets.orders]\ndata = "orders"\ntable = "orders"\nparts = ["lines"]\nevents = { made = "made" }\n'
        '[datasets.lines]\ndata = "lines"\ntable = "lines"\nevents = { made = "made" }\n',
    )
    for name in ("orders", "lines"):
        work.rule(name, f'data = "{name}"\nkeep = "1 year"\nfrom = "made"')

    found = view(work, "5", "lines", dataset="db.lines")

    assert found.fate == "elsewhere"
    assert [(s.kind, s.dataset, s.rows) for s in found.stopped_by] == [("elsewhere", "db.orders", ("1",))]
    assert found.because == "it is a row of a record of db.orders that goes or is rewritten: 1"


# -- what people told ----------------------------------------------------------------------


def hold(work: Workplace, *words: str) -> str:
    said = work.cli("hold", "add", "--reason", "litigation", "--format", "json", *words)
    assert said.exit_code == 0, said.output
    placed: dict[str, Any] = json.loads(said.stdout)
    return str(placed["hold"]["id"])


def test_each_hold_that_covers_a_record_is_named_due_or_not(work: Workplace, store: Store) -> None:
    shop(work, store)
    work.init()
    others = [hold(work, "--key", "db.orders", str(key)) for key in (13,)]
    direct = hold(work, "--subject", "email=ANN@example.com", "--review", "2027-03-01")
    wide = hold(work, "--data", "people")

    ann, bo = work.explain("db.people", "1"), work.explain("db.people", "2")

    assert {(h.id, h.through) for h in ann.holds} == {(direct, False), (wide, False)}
    assert {(h.id, h.through) for h in bo.holds} == {(wide, False), (others[0], True)}
    (found,) = ann.rules
    assert found.fate == "held"
    assert {(s.by, s.reason, s.review) for s in found.stopped_by if s.kind == "held"} == {
        (direct, "litigation", "2027-03-01"),
        (wide, "litigation", None),
    }
    assert "are released; a review is due on 2027-03-01; today 3 rows refer to it by" in found.changes
    (kept,) = work.explain("db.orders", "11").rules
    assert kept.fate == "not_due"
    assert [h.id for h in work.explain("db.orders", "11").holds] == [direct]


def test_what_a_law_keeps_besides_a_hold_is_told_with_it(work: Workplace, store: Store) -> None:
    """It said that the record stays until the hold is released, and it stays for years."""
    store.script(
        "CREATE TABLE things (id INTEGER PRIMARY KEY, made TIMESTAMP NULL);"
        "INSERT INTO things VALUES (1, '2024-05-05 10:00:00')"
    )
    work.connect(store, things())
    work.rule("short", 'data = "things"\nkeep = "1 year"\nfrom = "made"')
    work.rule("long", 'data = "things"\nkeep = "3 years"\nfrom = "made"')
    work.init()
    placed = hold(work, "--data", "things")

    found = view(work, "1", "short")

    assert (found.fate, found.because) == (
        "held",
        f"its clock has ended, and hold {placed} (litigation) covers it",
    )
    assert [(s.kind, s.by, s.until) for s in found.stopped_by] == [
        ("held", placed, None), ("retained", "long", "2027-05-06"),
    ]  # fmt: skip
    assert found.changes == (
        f"it stays until {placed} is released;"
        " then it stays while the rule long keeps it: until 2027-05-06 if nothing else happens"
    )
    assert work.cli("hold", "release", placed, "--reason", "settled").exit_code == 0
    assert view(work, "1", "short").fate == "retained"


def test_a_telling_that_concerns_a_record_is_a_component_of_its_event(work: Workplace, store: Store) -> None:
    store.script(SHOP + "DELETE FROM orders;")
    work.connect(store, SHOP_DATASETS)
    work.rules["told"] = '[events.unsubscribed]\nby = ["email"]\n[identifiers]\nemail = ["trim", "lower"]'
    work.rule("people", 'data = "people"\nfrom = "made"\nuntil = ["unsubscribed"]')
    work.init()
    told = (
        "event",
        "add",
        "unsubscribed",
        "--subject",
        "email=Ann@example.com",
        "--at",
        "2026-11-05",
        "--yes",
    )
    assert work.cli(*told).exit_code == 0

    gone, kept = (view(work, key, "people", dataset="db.people") for key in ("1", "2"))

    assert (gone.fate, gone.ended, gone.overdue_on) == ("due", "2026-11-05", "2026-12-23")
    assert [(c.event, c.column, c.value, c.state) for c in gone.components if c.column == "told"] == [
        ("unsubscribed", "told", "2026-11-05", "past")
    ]
    assert (kept.fate, kept.due_on, kept.changes) == ("not_due", None, "due when `unsubscribed` happens")


def test_of_what_is_rewritten_it_says_which_columns_and_what_stays_for_whom(
    work: Workplace, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    store.script(
        SHOP
        + "ALTER TABLE people ADD COLUMN name VARCHAR(20); ALTER TABLE people ADD COLUMN phone VARCHAR(20);"
        "UPDATE people SET name = 'Ann' WHERE id < 3; UPDATE people SET phone = '555';"
    )
    people, orders = SHOP_DATASETS.replace('["email"]', '["name"]').split("[datasets.orders]")
    rewritten = 'anonymize = { name = "null", phone = "null" }\n'
    work.connect(store, f"{people}{rewritten}[datasets.orders]{orders}")
    needing = 'keep = "2 years"\nfrom = "made"\nneeds = { people = ["name"] }'
    work.rule("orders", f'data = "orders"\n{needing}')
    work.rule("people", 'data = "people"\nkeep = "1 year"\nfrom = "made"\naction = "pseudonymize"')

    kept, whole, done = (view(work, key, "people", dataset="db.people") for key in ("1", "2", "3"))

    assert (kept.fate, kept.action) == ("due", "pseudonymize")
    assert [(c.name, c.state, c.by, c.until) for c in kept.columns] == [
        ("name", "needed", ("orders",), "2028-05-02"),
        ("phone", "open", (), None),
    ]
    assert [(c.name, c.state) for c in whole.columns] == [("name", "open"), ("phone", "open")]
    assert [(c.name, c.state) for c in done.columns] == [("name", "done"), ("phone", "open")]
    said, there = (" ".join(work.cli("explain", "db.people", key).output.split()) for key in ("1", "3"))
    assert "Rewrites phone Leaves name: orders needs it, until 2028-05-02" in said
    assert "Rewrites phone Rewritten name (or there is nothing in it)" in there
    (rule,) = json.loads(work.cli("explain", "db.people", "1", "--format", "json").stdout)["rules"]
    assert rule["columns"][0] == {"name": "name", "state": "needed", "by": ["orders"], "until": "2028-05-02"}


# -- as people read it ---------------------------------------------------------------------


def test_the_text_fits_a_terminal_of_eighty_columns_and_the_document_has_its_keys(
    work: Workplace, sqlite: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shop(work, sqlite, needs='{ people = ["name"] }')

    text = work.cli("explain", "db.people", "1").stdout

    assert max(map(len, text.splitlines())) <= 80
    assert "Changes   it stays while the rule orders keeps 2 records of db.orders that" in text
    assert "Stopped   delete: the rule orders still keeps records 10 and 11 of db.orders," in text
    document = json.loads(work.cli("explain", "db.people", "1", "--format", "json").stdout)
    (rule,) = document["rules"]
    assert {"rule", "fate", "action", "overdue", "event", "ended", "at_most", "stopped_by"} <= rule.keys()
    assert rule["stopped_by"][0]["until"] == "2028-05-02"


def test_the_first_day_that_counts_is_that_of_the_rule_s_zone(work: Workplace, sqlite: SqliteStore) -> None:
    """1971-01-01 23:00 in UTC is the second of January in Oslo, and no way of saying "unknown"."""
    work.timezone = "Europe/Oslo"
    many(work, sqlite, "'1971-01-01 23:00:00'")
    work.rule("plain", RULES["plain"])

    found = view(work, "1", "plain")

    assert (found.fate, found.event, found.due_on) == ("due", "1971-01-02", "1972-03-03")


def test_what_can_be_read_of_an_event_is_not_said_to_lie_ahead(work: Workplace, store: Store) -> None:
    store.script(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, made DATE, seen VARCHAR(20));"
        "INSERT INTO users VALUES (1, '2026-01-01', 'soon'), (2, '2030-01-01', NULL);"
    )
    work.connect(
        store,
        '[datasets.users]\ndata = "users"\ntable = "users"\nsubject = { user = "id" }\nbegan = "made"\n'
        'events = { active = { latest = ["made", "seen"] } }\n',
    )
    work.rule("users", 'data = "users"\nkeep = "2 years"\nfrom = "active"')

    def because(key: str) -> str:
        return work.explain("db.users", key).rules[0].because

    assert because("1").startswith("by what can be read of the event `active` its clock has not ended")
    assert because("2").startswith("it is kept until its clock ends; due on 2032-01-02")


def test_a_related_row_without_a_date_is_said_and_not_the_value_of_another(
    work: Workplace, store: Store
) -> None:
    """The latest of the logins can be read; it is one that was never dated that makes the event unclear."""
    store.script(
        "CREATE TABLE users (id INTEGER PRIMARY KEY);"
        "CREATE TABLE logins (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id), at BIGINT);"
        "CREATE INDEX logins_user ON logins (user_id);"
        "INSERT INTO users VALUES (1); INSERT INTO logins VALUES (1, 1, 1706018400), (2, 1, 0);"
    )
    work.connect(
        store,
        '[datasets.users]\ndata = "users"\ntable = "users"\n'
        'events = { seen = { column = "logins.at", unit = "s", never = [0] } }\n',
    )
    work.rule("users", 'data = "users"\nkeep = "1 year"\nfrom = "seen"')

    told = " ".join(work.cli("explain", "db.users", "1").output.split())

    assert "logins.at = 1706018400 at the latest unclear: one of the related rows has no date" in told
    assert "1706018400 cannot be read" not in told


def test_a_record_that_is_not_there_leads_to_the_proof(work: Workplace, sqlite: SqliteStore) -> None:
    sqlite.script("CREATE TABLE users (id INTEGER PRIMARY KEY, at TIMESTAMP NULL);")
    work.connect(
        sqlite,
        '[datasets.users]\ndata = "users"\ntable = "users"\nevents = { seen = "at" }\n',
        timezone="UTC",
    )
    work.rule("users", 'data = "users"\nkeep = "1 year"\nfrom = "seen"')

    told = work.cli("explain", "db.users", "7").output

    assert "retention audit prove db.users 7" in " ".join(told.split())


def test_what_ended_before_the_clock_counts_is_not_said_not_to_have_happened(
    work: Workplace, sqlite: SqliteStore
) -> None:
    """Who subscribes again after having left is kept until they leave again."""
    sqlite.script(
        "CREATE TABLE readers (id INTEGER PRIMARY KEY, joined TIMESTAMP, gone TIMESTAMP);"
        "INSERT INTO readers VALUES (1, '2024-01-01 00:00:00', '2023-01-01 00:00:00'), (2, '2024-01-01 00:00:00', NULL)"
    )
    events = 'events = { subscribed = "joined", unsubscribed = "gone" }'
    work.connect(sqlite, f'[datasets.readers]\ndata = "readers"\ntable = "readers"\n{events}')
    work.rule("marketing", 'data = "readers"\nfrom = "subscribed"\nuntil = ["unsubscribed"]')
    again, still = (work.explain("db.readers", key).rules[0] for key in ("1", "2"))
    assert (again.fate, still.fate) == ("not_due", "not_due")
    assert again.because == (
        "`unsubscribed` happened earlier than the clock counts from: kept until that happens again"
    )
    assert still.because == "`unsubscribed` has not happened: kept until then"


def test_what_is_told_is_not_said_to_be_able_to_happen_to_what_is_about_nobody(
    work: Workplace, sqlite: SqliteStore
) -> None:
    sqlite.script(
        "CREATE TABLE pages (id INTEGER PRIMARY KEY, made TIMESTAMP); INSERT INTO pages VALUES (1, NULL)"
    )
    sqlite.script("CREATE TABLE users (id INTEGER PRIMARY KEY, mail TEXT, at TIMESTAMP)")
    sqlite.script("INSERT INTO users VALUES (1, 'a@b.c', '2024-01-01 00:00:00')")
    work.connect(
        sqlite,
        '[datasets.pages]\ndata = "pages"\ntable = "pages"\nsubject = "none"\n'
        'events = { made = "made", shut = "never" }\n'
        '[datasets.users]\ndata = "users"\ntable = "users"\nsubject = { email = "mail" }\nbegan = "at"\n',
        timezone="UTC",
    )
    work.rules["told"] = '[events.asked]\nby = ["email"]'
    work.rule("asked", 'data = ["pages", "users"]\nupon = ["asked"]')
    work.rule("left", 'data = "pages"\nuntil = ["asked"]')
    work.rule("old", 'data = "pages"\nkeep = "1 year"\nfrom = "made"\nuntil = ["asked"]')
    work.rule("closed", 'data = "pages"\nuntil = ["shut"]')
    work.init()

    said = {rule.rule: rule.changes for rule in work.explain("db.pages", "1").rules}

    nothing = "nothing: `asked` can't happen to it, by what its dataset says"
    assert said == {
        "asked": nothing,
        "left": nothing,
        "old": "due 1 year after `made`, once that has a date",
        "closed": "nothing: `shut` can't happen to it, by what its dataset says",
    }
    assert work.explain("db.users", "1").rules[0].changes == "due when `asked` happens"


def test_a_command_that_is_printed_with_a_negative_key_can_be_typed(
    work: Workplace, sqlite: SqliteStore
) -> None:
    sqlite.script("CREATE TABLE users (id INTEGER PRIMARY KEY, at TIMESTAMP NULL);")
    work.connect(
        sqlite,
        '[datasets.users]\ndata = "users"\ntable = "users"\nevents = { seen = "at" }\n',
        timezone="UTC",
    )
    work.rule("users", 'data = "users"\nkeep = "1 year"\nfrom = "seen"')
    work.init()

    told = " ".join(work.cli("explain", "db.users", "--", "-1").output.split())

    assert told.endswith("says: retention audit prove db.users -- -1")
    assert "no evidence that a record -1" in work.cli("audit", "prove", "db.users", "--", "-1").output


def test_a_record_kept_from_being_deleted_by_a_rule_that_says_what_its_dataset_does_not_spell_out(
    work: Workplace, sqlite: SqliteStore
) -> None:
    """A rule on all data leaves out what a dataset can't do: its columns were asked for all the same."""
    sqlite.script(SHOP)
    people, orders = SHOP_DATASETS.split("[datasets.orders]")
    people = people.replace('email = "email", ', "").replace('["email"]', '["made"]')
    work.connect(sqlite, f'{people}anonymize = {{ email = "hash" }}\n[datasets.orders]{orders}')
    work.rule(
        "all", 'data = "any"\nkeep = "1 year"\nfrom = "made"\naction = "anonymize"\notherwise = ["delete"]'
    )
    work.rule("orders", 'data = "orders"\nkeep = "2 years"\nfrom = "made"\nneeds = { people = ["name"] }')

    found = view(work, "1", "all", dataset="db.people")

    assert (found.fate, found.action, found.columns) == ("retained", "delete", ())
