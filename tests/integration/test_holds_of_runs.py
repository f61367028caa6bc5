"""Legal holds and told events while runs go on: what is narrowed, what is taken back, what is silent."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retention.engine.journal import Journal
from retention.engine.pace import Pace
from retention.model.plan import JobStatus
from retention.verbs.events import withdraw_event
from tests.support.stores import SqliteStore, Store
from tests.support.workplace import Workplace

ACCOUNTS = """
[datasets.accounts]
data = "accounts"
table = "customers"
subject = { customer_id = "id", email = "email" }
events = { closed = "closed_at" }
"""
ORDERS = """
[datasets.orders]
data = "orders"
table = "orders"
subject = { customer_id = "customer_id" }
events = { closed = "at" }
"""


@pytest.fixture
def two(work: Workplace, tmp_path: Path) -> tuple[Workplace, SqliteStore, SqliteStore]:
    """Accounts in one store, orders in another, which knows people by their numbers only."""
    crm, web = SqliteStore(tmp_path / "crm.db"), SqliteStore(tmp_path / "web.db")
    crm.script("CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, closed_at TEXT)")
    web.script(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, at TEXT);"
        "INSERT INTO orders VALUES (1, 7, '2020-01-01'), (2, 8, '2020-01-01')"
    )
    work.connect(crm, ACCOUNTS, name="crm")
    work.connect(web, ORDERS, name="web")
    work.rule("accounts", 'data = "accounts"\nkeep = "1 year"\nfrom = "closed"')
    work.rule("orders", 'data = "orders"\nkeep = "1 year"\nfrom = "closed"')
    work.init()
    return work, crm, web


def test_a_run_of_one_connector_carries_holds_over_through_the_others(two) -> None:
    work, crm, web = two
    held = work.cli("hold", "add", "--reason", "dispute", "--subject", "email=late@example.com", "--accept")
    assert held.exit_code == 0, held.output
    crm.script("INSERT INTO customers VALUES (7, 'late@example.com', NULL)")
    result = work.cli("run", "--connector", "web", "--yes")
    assert result.exit_code == 0, result.output
    assert web.rows("SELECT id FROM orders") == [(1,)]


def test_a_dry_run_carries_holds_over_as_a_run_would_and_writes_nothing_of_it(two) -> None:
    """A plan said that an order was due, and `explain` too, which the run then held."""
    work, crm, web = two
    held = work.cli("hold", "add", "--reason", "dispute", "--subject", "email=late@example.com", "--accept")
    assert held.exit_code == 0, held.output
    crm.script("INSERT INTO customers VALUES (7, 'late@example.com', NULL)")
    listed = work.cli("hold", "list", "--format", "json").stdout
    for only in ((), ("--connector", "web")):
        planned = work.cli("plan", *only, "--format", "json")
        (orders,) = [j for j in json.loads(planned.stdout)["jobs"] if j["dataset"] == "orders"]
        assert (orders["held"], orders["due"]) == (1, 1)
    fates = [
        json.loads(work.cli("explain", "web.orders", key, "--format", "json").stdout)["rules"][0]["fate"]
        for key in ("1", "2")
    ]
    assert fates == ["held", "due"]
    assert work.cli("hold", "list", "--format", "json").stdout == listed
    assert "hold.extended" not in [event["type"] for event in work.events()]
    assert work.cli("run", "--yes").exit_code == 0
    assert "hold.extended" in [event["type"] for event in work.events()]
    assert web.rows("SELECT id FROM orders") == [(1,)]


def test_what_a_store_that_does_not_answer_may_know_of_a_held_person_stays(two) -> None:
    """The account with the number may be there: the orders of that number went while its store was away."""
    work, crm, web = two
    made = web.rows("SELECT id FROM orders")
    held = work.cli("hold", "add", "--reason", "dispute", "--subject", "email=late@example.com", "--accept")
    assert held.exit_code == 0, held.output
    crm.script("INSERT INTO customers VALUES (7, 'late@example.com', NULL)")
    crm.path.rename(away := crm.path.with_suffix(".away"))
    for only in ((), ("--connector", "web")):
        planned = work.cli("plan", *only, "--format", "json")
        run = work.cli("run", *only, "--yes", "--format", "json")
        assert run.exit_code in (4, 5), run.output
        for document in (planned, run):
            (orders,) = [j for j in json.loads(document.stdout)["jobs"] if j["dataset"] == "orders"]
            assert orders["status"] == JobStatus.REFUSED.value
            assert (
                "`crm.accounts`, which may know them by another customer_id, can't be asked"
                in orders["reason"]
            )
        assert web.rows("SELECT id FROM orders") == made
    away.rename(crm.path)
    assert work.cli("run", "--connector", "web", "--yes").exit_code == 0
    assert web.rows("SELECT id FROM orders") == [(1,)]


def test_where_nobody_is_held_a_store_that_does_not_answer_holds_nothing_up(two) -> None:
    work, crm, web = two
    assert work.cli("hold", "add", "--reason", "dispute", "--dataset", "crm.accounts").exit_code == 0
    crm.path.unlink()
    assert work.cli("run", "--yes").exit_code == 5
    assert web.rows("SELECT id FROM orders") == []


ASKED = """
[datasets.people]
data = "people"
table = "people"
subject = { person = "id" }
began = "since"
events = { closed = "since" }
"""


@pytest.fixture
def asked(work: Workplace, store: Store, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """Sixty people with an old record each; a run takes ten of them at a time."""
    store.script("CREATE TABLE people (id INTEGER PRIMARY KEY, since TIMESTAMP NULL);")
    values = ", ".join(f"({n}, '2020-01-01 00:00:00')" for n in range(1, 61))
    store.script(f"INSERT INTO people VALUES {values};")
    work.connect(store, ASKED)
    work.rules["told"] = '[events.forgotten]\nby = ["person"]\n[events.seen_again]\nby = ["person"]'
    work.rule("asked", 'data = "people"\nupon = ["forgotten"]')
    monkeypatch.setitem(Pace.__init__.__kwdefaults__, "size", 10)
    return work


def told(work: Workplace, event: str, *people: int) -> list[str]:
    lines = "".join(f"{event},person,{n}\n" for n in people)
    path = work.folder / f"{event}.csv"
    path.write_text(f"event,kind,value\n{lines}")
    result = work.cli("event", "add", "--from", str(path), "--yes", "--format", "json")
    assert result.exit_code == 0, result.output
    return [line["id"] for line in json.loads(result.stdout)["lines"]]


def amid_the_run(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """`act` when the second batch has been looked at and has no intent yet."""
    intent, calls = Journal.intent, []

    def meddled(journal: Journal, *words: Any, **options: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            act()
        intent(journal, *words, **options)

    monkeypatch.setattr(Journal, "intent", meddled)


def left(store: Store) -> list[int]:
    return [int(row[0]) for row in store.rows("SELECT id FROM people ORDER BY id")]


def test_what_is_taken_back_during_a_run_takes_nobody_along_any_more(asked, store, monkeypatch) -> None:
    """The run went on to delete whose request had been withdrawn before her batch."""
    asked.init()
    ids = told(asked, "forgotten", *range(1, 61))

    def withdraw() -> None:
        for id in ids[40:]:
            withdraw_event(asked.place, id, by="ida", clock=asked.clock, patience=0.0)

    amid_the_run(monkeypatch, withdraw)
    (job,) = asked.run().jobs
    assert left(store) == list(range(41, 61))
    assert (job.planned, job.done, job.skipped.changed, job.left) == (60, 40, 20, 0)


def test_what_is_told_during_a_run_keeps_what_it_makes_younger(asked, store, monkeypatch) -> None:
    """Somebody was seen again, and the run that had begun before deleted her all the same."""
    asked.rule("idle", 'data = "people"\nfrom = "seen_again"\nkeep = "1 year"')
    del asked.rules["asked"]
    asked.init()
    told(asked, "seen_again", *range(1, 61))
    asked.now = asked.now.replace(year=asked.now.year + 2)

    def again() -> None:
        told(asked, "seen_again", *range(41, 61))

    amid_the_run(monkeypatch, again)
    (job,) = asked.run().jobs
    assert left(store) == list(range(41, 61))
    assert (job.planned, job.done, job.skipped.changed, job.left) == (60, 40, 20, 0)


def test_a_canary_takes_the_oldest_of_those_that_are_not_held_through_others(
    work: Workplace, store: Store
) -> None:
    """What a held record refers to was told as changed meanwhile, and took the place of one that may go."""
    store.script(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(20), seen DATE);"
        "CREATE TABLE tasks (id INTEGER PRIMARY KEY, owner INTEGER, seen DATE);"
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, task_id INTEGER NOT NULL, person INTEGER NOT NULL,"
        " FOREIGN KEY (task_id) REFERENCES tasks (id), FOREIGN KEY (person) REFERENCES people (id));"
        "CREATE INDEX by_task ON notes (task_id); CREATE INDEX by_person ON notes (person);"
        "INSERT INTO tasks VALUES (1, 7, '2019-01-01');"
        "INSERT INTO people VALUES "
        + ", ".join(f"({n}, 'a{n}', '2019-01-{n:02}')" for n in range(1, 11))
        + "; INSERT INTO notes VALUES (1, 1, 1), (2, 1, 2)"
    )
    work.rule("people", 'data = "people"\nkeep = "1 year"\nfrom = "seen"\naction = "pseudonymize"')
    work.rule("tasks", 'data = "tasks"\nkeep = "1 year"\nfrom = "seen"')
    work.connect(
        store,
        '[datasets.people]\ndata = "people"\ntable = "people"\nsubject = { person = "id" }\n'
        'events = { seen = "seen" }\nanonymize = { email = "null" }\n'
        '[datasets.tasks]\ndata = "tasks"\ntable = "tasks"\nsubject = { owner = "owner" }\n'
        'events = { seen = "seen" }\nparts = ["notes"]\n',
    )
    work.init()
    assert work.cli("hold", "add", "--reason", "dispute", "--subject", "owner=7", "--accept").exit_code == 0
    assert work.cli("hold", "add", "--reason", "dispute", "--subject", "person=3", "--accept").exit_code == 0
    told = json.loads(work.cli("run", "--yes", "--limit", "2", "--format", "json").stdout)
    (job,) = (job for job in told["jobs"] if job["rule"] == "people")
    assert (job["planned"], job["done"], job["left"]) == (7, 2, 5)
    assert job["skipped"] == {"changed": 0, "held": 0, "locked": 0}
    assert store.rows("SELECT id FROM people WHERE email IS NULL ORDER BY id") == [(4,), (5,)]
