"""The web store, on days that are awkward: what its policy makes of every record that is named for it."""

from __future__ import annotations

import json
import sqlite3
from calendar import monthrange
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from retention.demo.company import COMPANIES
from retention.model.audit import Verification
from retention.model.explanation import Explanation
from retention.model.outcome import RunOutcome
from retention.model.place import Place
from retention.model.plan import JobStatus, Plan
from retention.model.progress import NoProgress
from retention.verbs.approve import approve
from retention.verbs.audit import log, verify
from retention.verbs.demo import build
from retention.verbs.explain import explain
from retention.verbs.plan import plan
from retention.verbs.run import run

OSLO = ZoneInfo("Europe/Oslo")
TABLES = ("customers", "products", "orders", "order_lines", "shipments", "credit_notes")

NOWS = {
    "half an hour into a year": datetime(2026, 12, 31, 23, 30, tzinfo=UTC),
    "the last evening of a year": datetime(2026, 12, 31, 22, 59, tzinfo=UTC),
    "29 February": datetime(2028, 2, 29, 12, 0, tzinfo=UTC),
    "clocks go back, half past two for the first time": datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    "today": datetime.now(UTC),
}

SELDOM = ("the last evening of a year", "today")
"""Not in every run: nothing is told apart here that is not on the other days, too."""
THOROUGH = ("29 February",)
"""Where every named record is explained one by one; elsewhere those that lie at a line."""

ORDERS = {
    "BOOKED 31 DEC, LAST DAY THAT IS DUE": "due",
    "BOOKED 1 JAN, FIRST DAY THAT STAYS": "not_due",
    "ORDERED 31 DEC, INVOICED 2 JAN: STAYS": "not_due",
    "23:30 IN LONDON, NEXT YEAR IN OSLO: STAYS": "not_due",
    "NEVER INVOICED, AND OLD: DUE": "due",
    "IN THE FUTURE: NOT DUE": "not_due",
    "OLD, TO BE INVOICED IN THE FUTURE: NOT DUE": "not_due",
    "CREDIT NOTE LATER THAN THE ORDER KEEPS IT": "not_due",
    "CREDIT NOTES OF THE SAME YEAR GO WITH IT: DUE": "due",
    "CREDIT NOTE WITHOUT A DATE: UNCLEAR": "unclear",
    "INVOICE DATE OF ZEROES: UNCLEAR": "unclear",
    "INVOICED ON 1 JAN 1970: UNCLEAR": "unclear",
    "NO DATE: UNDATED": "undated",
    "UNREADABLE DATE: UNCLEAR": "unclear",
    "KEEPS ITS INACTIVE ACCOUNT": "not_due",
    "GOES, AND ITS ACCOUNT AFTER IT": "due",
    "GOES, THE OTHER ONE STAYS": "due",
    "STAYS, AND KEEPS THE ACCOUNT": "not_due",
    "ORDERED LAST MONTH": "not_due",
}

ACCOUNTS = {
    "Logged in yesterday: stays": "not_due",
    "Inactive since the last day that is due": "due",
    "Inactive since the first day that stays": "not_due",
    "Never ordered, never logged in, old: due": "due",
    "Never ordered, never logged in, new: stays": "not_due",
    "Never ordered, logged in last month: stays": "not_due",
    "Logged in in the future: not due": "not_due",
    "Inactive, kept by an order": "due",
    "Inactive, whose only order goes in the same run: due": "due",
    "Inactive, one of two orders goes: kept": "due",
    "Ordered last month, never logged in: stays": "not_due",
    "Has an order without a date: unclear": "unclear",
    "Has an order of an unreadable date: unclear": "unclear",
    "Last login unreadable: unclear": "unclear",
}

NAMELESS = {"Inactive, kept by an order", "Inactive, one of two orders goes: kept"}
"""Due, but not to be deleted: what the orders that stay don't need of them is rewritten."""

LINES = (
    "BOOKED 31 DEC, LAST DAY THAT IS DUE",
    "BOOKED 1 JAN, FIRST DAY THAT STAYS",
    "NO DATE: UNDATED",
    "Inactive since the last day that is due",
    "Inactive since the first day that stays",
    "Inactive, kept by an order",
)

Rows = Mapping[str, Mapping[int, sqlite3.Row]]


@dataclass(frozen=True, kw_only=True)
class Story:
    """A store before and after its run."""

    folder: Path
    place: Place
    now: datetime
    today: date
    before: Rows
    after: Rows
    orders: Mapping[str, Explanation]
    accounts: Mapping[str, Explanation]
    plan: Plan
    outcome: RunOutcome
    verification: Verification
    later: Plan

    def gone(self, table: str) -> set[int]:
        return self.before[table].keys() - self.after[table].keys()


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.heavy) if name in SELDOM else name for name in NOWS],
)
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Story:
    now = NOWS[request.param]
    asked = (ORDERS | ACCOUNTS).keys() if request.param in THOROUGH else set(LINES)
    folder = tmp_path_factory.mktemp("store") / "demo"

    def clock() -> datetime:
        return now

    place, _ = build(folder, COMPANIES["store"], clock=clock)
    before = rows_of(folder)
    made = plan(place, clock=clock)
    orders, accounts = (
        {
            name: explain(place, dataset=f"store.{data}", key=str(key), clock=clock)
            for name, key in named(before[table], column)
            if name in asked
        }
        for data, table, column in (("orders", "orders", "reference"), ("accounts", "customers", "name"))
    )
    approve(place, made.id, by="tester", clock=clock)
    outcome = run(place, plan_id=made.id, by="tester", clock=clock, progress=NoProgress())
    return Story(
        folder=folder,
        place=place,
        now=now,
        today=now.astimezone(OSLO).date(),
        before=before,
        after=rows_of(folder),
        orders=orders,
        accounts=accounts,
        plan=made,
        outcome=outcome,
        verification=verify(place),
        later=plan(place, clock=clock, store=False),
    )


def rows_of(folder: Path) -> Rows:
    with closing(sqlite3.connect(folder / "store.db")) as connection:
        connection.row_factory = sqlite3.Row
        return {
            table: {row["id"]: row for row in connection.execute(f"SELECT * FROM {table}")}
            for table in TABLES
        }


def named(rows: Mapping[int, sqlite3.Row], column: str) -> Iterator[tuple[str, int]]:
    return ((row[column], key) for key, row in rows.items())


# -- an oracle that has never seen the engine ----------------------------------------------


def day_in_oslo(text: str) -> date | None:
    """None for what is no date, or a way of writing "unknown"."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    day = moment.astimezone(OSLO).date() if moment.tzinfo else moment.date()
    return day if day >= date(1971, 1, 2) else None


def last_day(texts: list[str | None], related: list[str | None], today: date) -> date | None:
    """The latest of the days; None where there is none, one of them can't be told, or one lies ahead."""
    days = [day_in_oslo(text) for text in texts if text is not None]
    days += [day_in_oslo(text) if text is not None else None for text in related]
    known = [day for day in days if day is not None]
    if len(known) < len(days) or not known or max(known) > today:
        return None
    return max(known)


def orders_that_go(before: Rows, today: date) -> set[int]:
    notes: dict[int, list[str | None]] = {}
    for note in before["credit_notes"].values():
        notes.setdefault(note["order_id"], []).append(note["issued_at"])
    booked = {
        key: last_day([row["created_at"], row["invoiced_at"]], notes.get(key, []), today)
        for key, row in before["orders"].items()
    }
    return {key for key, day in booked.items() if day is not None and day.year + 5 < today.year}


def accounts_that_go(before: Rows, today: date, orders_gone: set[int]) -> set[int]:
    orders: dict[int, dict[int, str | None]] = {}
    for key, row in before["orders"].items():
        orders.setdefault(row["customer_id"], {})[key] = row["created_at"]
    gone = set()
    for key, row in before["customers"].items():
        mine = orders.get(key, {})
        day = last_day([row["created_at"], row["last_login_at"]], list(mine.values()), today)
        if day is None or mine.keys() - orders_gone:
            continue
        over = date(day.year + 2, day.month, min(day.day, monthrange(day.year + 2, day.month)[1]))
        if over < today:
            gone.add(key)
    return gone


# -- what became of them -------------------------------------------------------------------


@pytest.mark.one_in(3)
def test_every_named_record_has_the_fate_that_its_name_says(story: Story) -> None:
    told = {name: told.rules[0].fate for name, told in (story.orders | story.accounts).items()}
    assert told.keys() >= set(LINES)
    assert told == {name: fate for name, fate in (ORDERS | ACCOUNTS).items() if name in told}


def test_those_that_are_due_are_gone_and_all_other_named_ones_are_there(story: Story) -> None:
    there = {row["reference"] for row in story.after["orders"].values()}
    there |= {row["name"] for row in story.after["customers"].values()}
    expected = {name for name, fate in (ORDERS | ACCOUNTS).items() if fate != "due"} | NAMELESS
    assert there & (ORDERS.keys() | ACCOUNTS.keys()) == expected


def test_st1_orders_go_after_the_fifth_accounting_year_and_no_others(story: Story) -> None:
    due = orders_that_go(story.before, story.today)
    assert story.gone("orders") == due
    assert 100 < len(due) < len(story.before["orders"]) - 100


def test_st1_what_belongs_to_an_order_goes_with_it_and_only_that(story: Story) -> None:
    for table in ("order_lines", "shipments", "credit_notes"):
        belongs = {k for k, row in story.before[table].items() if row["order_id"] in story.gone("orders")}
        assert belongs
        assert story.gone(table) == belongs


def test_st2_accounts_go_after_24_months_unless_an_order_of_theirs_stays(story: Story) -> None:
    due = accounts_that_go(story.before, story.today, story.gone("orders"))
    assert story.gone("customers") == due
    assert len(due) >= 4


def test_what_stays_is_as_it_was_to_the_letter(story: Story) -> None:
    assert not story.gone("products")
    for table in TABLES:
        for key, row in story.after[table].items():
            if table != "customers" or not row["email"].startswith("rh1-"):
                assert tuple(row) == tuple(story.before[table][key])


def test_st2_what_an_order_needs_of_an_inactive_account_stays_and_nothing_else(story: Story) -> None:
    nameless = {k: row for k, row in story.after["customers"].items() if row["email"].startswith("rh1-")}
    assert {row["name"] for row in nameless.values()} >= NAMELESS
    for key, row in nameless.items():
        before = story.before["customers"][key]
        assert row["phone"] is None
        for column in ("name", "street", "postcode", "city", "created_at", "last_login_at"):
            assert row[column] == before[column]
    assert len(nameless) > 10


def test_no_row_refers_to_one_that_is_gone(story: Story) -> None:
    with closing(sqlite3.connect(story.folder / "store.db")) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_the_run_did_what_the_plan_said_within_its_limits(story: Story) -> None:
    assert story.outcome.status == "done"
    for planned, done in zip(story.plan.jobs, story.outcome.jobs, strict=True):
        assert done.status is JobStatus.DONE
        assert (done.planned, done.done, done.left) == (planned.due, planned.due, 0)
        assert dict(done.rows) == dict(planned.rows)
        assert planned.due < planned.total * 0.25


def test_a_second_plan_finds_nothing_due(story: Story) -> None:
    assert story.later.totals["due"] == 0
    assert [job.status for job in story.later.jobs] == [JobStatus.NOTHING] * 5


def test_the_ledger_verifies_and_every_event_is_signed(story: Story) -> None:
    assert story.verification.events == story.verification.size > 8
    assert story.verification.unsigned_tail == 0


def test_nobody_is_named_in_the_ledger(story: Story) -> None:
    lines = "\n".join(log(story.place))
    mirror = "\n".join(p.read_text() for p in (story.folder / "state/ledger").iterdir() if p.is_file())
    for row in story.before["customers"].values():
        for value in (row["email"], row["name"], row["street"]):
            assert value not in lines
            assert value not in mirror
    assert not any(row["reference"] in lines for row in story.before["orders"].values())
    assert all(json.loads(line)["type"] for line in lines.splitlines())


def test_dates_are_told_in_the_zone_of_the_policy(story: Story) -> None:
    for told in (story.plan, story.outcome, *story.orders.values()):
        assert told.as_of.astimezone(UTC) == story.now
        assert told.as_of.tzinfo == OSLO


def test_an_order_of_the_year_that_is_just_over_is_late_from_1_february_on(story: Story) -> None:
    (view,) = story.orders["BOOKED 31 DEC, LAST DAY THAT IS DUE"].rules
    assert view.due_on == f"{story.today.year}-01-01"
    assert view.overdue_on == f"{story.today.year}-02-01"
    assert view.overdue == (story.today >= date(story.today.year, 2, 1))
