"""What people told, from the command to the row: held records stay, told ones go, at the hour and in the batch."""

from __future__ import annotations

import json
import time

import pytest

from retention.verbs.running import execution
from tests.integration.test_told_events import DATASETS, EVENTS, TABLES, set_up, tell
from tests.support.workplace import Workplace, removed


@pytest.fixture
def shop(work, store):
    return set_up(work, store)


@pytest.fixture
def small(work, sqlite):
    return set_up(work, sqlite)


def fates(work: Workplace, rule: str) -> dict[str, dict[str, int]]:
    return {
        job.dataset: {fate: n for fate, n in job.fates.items() if n}
        for job in work_plan(work).jobs
        if job.rule == rule
    }


def work_plan(work):
    """A plan that asks the state store."""
    from retention.verbs.plan import plan

    return plan(work.place, clock=work.clock)


def hold(work, *words):
    result = work.cli("hold", "add", "--reason", "dispute", "--accept", *words, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["hold"]["id"]


def test_what_was_told_goes_what_is_held_stays_and_goes_when_the_hold_is_released(shop, store):
    del shop.rules["letters"]
    tell(shop, "erasure_requested", "--subject", "email=anna@example.com", "--at", "2026-11-05")
    assert fates(shop, "erasure") == {
        "accounts": {"due": 1, "out_of_scope": 3},
        "orders": {"due": 2, "unclear": 1, "out_of_scope": 1},
        "letters": {"due": 1, "out_of_scope": 2},
        "prices": {"out_of_scope": 1},
    }
    id = hold(shop, "--key", "db.orders", "10")
    assert fates(shop, "erasure")["orders"] == {"due": 1, "held": 1, "unclear": 1, "out_of_scope": 1}
    shop.run()
    assert [row[0] for row in store.rows("SELECT id FROM orders ORDER BY id")] == [10, 12, 13]
    assert [row[0] for row in store.rows("SELECT id FROM customers ORDER BY id")] == [2, 3, 4]
    assert [row[0] for row in store.rows("SELECT id FROM letters ORDER BY id")] == [21, 22]
    assert shop.cli("hold", "release", id, "--reason", "settled").exit_code == 0
    assert list(removed(shop.run()).values()) == [
        1
    ]  # the account is gone; its number is stored with what was told
    assert [row[0] for row in store.rows("SELECT id FROM orders ORDER BY id")] == [12, 13]


def test_a_held_person_stays_though_the_account_that_led_on_is_gone(small, sqlite):
    hold(small, "--subject", "email=anna@example.com")
    sqlite.script("DELETE FROM customers")
    tell(small, "erasure_requested", "--subject", "customer_id=1", "--at", "2026-11-05")
    small.run()
    assert [row[0] for row in sqlite.rows("SELECT id FROM orders ORDER BY id")] == [10, 11, 12, 13]


def test_what_was_withdrawn_keeps_nobody_waiting(small, sqlite):
    id = tell(small, "erasure_requested", "--subject", "customer_id=1", "--at", "2026-11-05")["lines"][0][
        "id"
    ]
    assert fates(small, "erasure")["orders"]["due"] == 2
    assert small.cli("event", "withdraw", id).exit_code == 0
    assert fates(small, "erasure")["orders"] == {"out_of_scope": 4}


def test_two_rules_of_two_zones_tell_the_same_day_apart(work, sqlite):
    """21:30 in Oslo is the next day in Auckland: whether a record began before a day depends on the rule's zone."""
    sqlite.script(
        TABLES
        + "UPDATE orders SET at = '2026-03-01 20:30:00' WHERE id = 10; DELETE FROM orders WHERE id > 10;"
    )
    work.connect(sqlite, DATASETS)
    work.rules["told"] = EVENTS
    work.rule("oslo", 'data = "orders"\nupon = ["erasure_requested"]\ntimezone = "Europe/Oslo"')
    work.rule("auckland", 'data = "orders"\nupon = ["erasure_requested"]\ntimezone = "Pacific/Auckland"')
    work.rule("rest", 'data = ["accounts", "letters", "prices"]\nkeep = "1 year"\nfrom = "closed"')
    work.init()
    tell(work, "erasure_requested", "--subject", "customer_id=1", "--at", "2026-03-02")
    found = {rule: fates(work, rule)["orders"] for rule in ("oslo", "auckland")}
    assert found == {"oslo": {"due": 1}, "auckland": {"out_of_scope": 1}}


@pytest.mark.parametrize("many", [500, pytest.param(10_000, marks=pytest.mark.heavy)])
def test_many_told_events_are_reckoned_with_in_seconds(small, sqlite, many):
    rows = ",".join(f"({n}, 'p{n}@example.com', '2020-01-01')" for n in range(1000, 1000 + many))
    sqlite.script(f"INSERT INTO customers VALUES {rows}")
    path = small.folder / "told.csv"
    path.write_text(
        "kind,value,at\n" + "".join(f"email,p{n}@example.com,2026-03-01\n" for n in range(1000, 1000 + many))
    )
    tell(small, "erasure_requested", "--from", str(path))
    began = time.perf_counter()
    assert fates(small, "erasure")["accounts"]["due"] == many
    assert removed(small.run("erasure"))["customers"] == many
    assert time.perf_counter() - began < many / 100


def between_recheck_and_intent(monkeypatch, work, **words):
    """Somebody places a hold when the first batch has been rechecked and has no intent yet."""
    from retention.engine.journal import Journal
    from retention.verbs.holds import place_hold

    original, placed = Journal.intent, []

    def intent(self, *arguments, **named):
        if not placed:
            placed.append(True)
            found = place_hold(
                work.place,
                reason="dispute",
                by="ida",
                clock=work.clock,
                patience=0.0,
                pause=lambda _: None,
                **words,
            )
            assert found.unsettled == 0  # acknowledged: nothing that it covers may go from here on
        return original(self, *arguments, **named)

    monkeypatch.setattr(Journal, "intent", intent)


@pytest.mark.parametrize(
    ("words", "stays"),
    [
        ({"subjects": ("email=anna@example.com",)}, [10, 11]),
        ({"key": ("db.orders", "13")}, [13]),
        ({"dataset": "db.orders"}, [10, 11, 13]),
        ({"rule": "erasure"}, [10, 11, 13]),
        ({"data": "orders"}, [10, 11, 13]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_hold_that_is_acknowledged_during_a_run_is_kept_by_the_batch_at_hand(
    small, sqlite, monkeypatch, words, stays
):
    for who in ("customer_id=1", "customer_id=3"):
        tell(small, "erasure_requested", "--subject", who, "--at", "2026-11-05")
    small.rules["erasure"] = small.rules["erasure"].replace('"any"', '"orders"')
    small.rule("rest", 'data = ["accounts", "prices"]\nkeep = "90 years"\nfrom = "closed"')
    between_recheck_and_intent(monkeypatch, small, **words)
    outcome = small.run("erasure")
    assert [row[0] for row in sqlite.rows("SELECT id FROM orders WHERE id <> 12 ORDER BY id")] == stays
    (job,) = outcome.jobs
    assert (job.done, job.skipped.total, job.left) == (3 - len(stays), len(stays), 0)


def test_what_holds_the_whole_holds_its_part_and_the_other_way_round(work, store):
    store.script(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, at TIMESTAMP NULL);"
        "CREATE TABLE order_lines (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL, at TIMESTAMP NULL,"
        " FOREIGN KEY (order_id) REFERENCES orders (id));"
        "CREATE INDEX lines_of ON order_lines (order_id);"
        "INSERT INTO orders VALUES (1, '2020-01-01 00:00:00'), (2, '2020-01-01 00:00:00'), (3, '2020-01-01 00:00:00');"
        "INSERT INTO order_lines VALUES (10, 1, '2020-01-01 00:00:00'), (20, 2, '2020-01-01 00:00:00'),"
        " (30, 3, '2020-01-01 00:00:00');"
    )
    work.connect(
        store,
        '[datasets.orders]\ndata = "orders"\ntable = "orders"\nevents = { booked = "at" }\nparts = ["order_lines"]\n'
        '[datasets.lines]\ndata = "lines"\ntable = "order_lines"\nevents = { booked = "at" }\n',
    )
    for data in ("orders", "lines"):
        work.rule(data, f'data = "{data}"\nkeep = "1 year"\nfrom = "booked"')
    work.init()
    hold(work, "--key", "db.orders", "1")
    hold(work, "--key", "db.lines", "20")
    assert fates(work, "orders") == {"orders": {"held": 2, "due": 1}}
    assert fates(work, "lines") == {"lines": {"held": 2, "elsewhere": 1}}
    work.run()
    assert [row[0] for row in store.rows("SELECT id FROM orders ORDER BY id")] == [1, 2]
    assert [row[0] for row in store.rows("SELECT id FROM order_lines ORDER BY id")] == [10, 20]


def test_records_of_composite_keys_are_held(work, store):
    store.script(
        "CREATE TABLE contracts (shop VARCHAR(10), nr INTEGER, customer INTEGER, at TIMESTAMP NULL,"
        " PRIMARY KEY (shop, nr));"
        "INSERT INTO contracts VALUES ('s', 1, 7, '2020-01-01 00:00:00'), ('n', 1, 8, '2020-01-01 00:00:00'),"
        " ('n', 2, 9, '2020-01-01 00:00:00');"
    )
    work.connect(
        store,
        '[datasets.contracts]\ndata = "contracts"\ntable = "contracts"\nsubject = { customer = "customer" }\n'
        'events = { booked = "at" }\n',
    )
    work.rule("contracts", 'data = "contracts"\nkeep = "1 year"\nfrom = "booked"')
    work.init()
    hold(work, "--key", "db.contracts", "n,1")
    hold(work, "--subject", "customer=7")
    assert fates(work, "contracts") == {"contracts": {"held": 2, "due": 1}}
    work.run()
    assert sorted(store.rows("SELECT shop, nr FROM contracts")) == [("n", 1), ("s", 1)]


ADDRESSES = """
[datasets.addresses]
data = "addresses"
table = "customers"
columns = ["email"]
events = { closed = "created_at" }
anonymize = { email = "null" }
"""


def test_a_slice_knows_in_its_batches_what_people_told_of_the_whole_row(shop, store):
    """Account 1 goes by what was told of it; the rule on its e-mail, which runs first, leaves it to that."""
    store.script("INSERT INTO customers VALUES (5, 'eva@example.com', '2020-01-01 00:00:00')")
    shop.connect(store, DATASETS + ADDRESSES)
    del shop.rules["letters"], shop.rules["erasure"]
    shop.rule("addresses", 'data = "addresses"\nkeep = "1 year"\nfrom = "closed"', action='"pseudonymize"')
    shop.rule("erasure", 'data = ["accounts", "orders", "letters"]\nupon = ["erasure_requested"]')
    tell(shop, "erasure_requested", "--subject", "email=anna@example.com", "--at", "2026-11-05")
    planned = fates(shop, "addresses")["addresses"]
    outcome = {job.dataset: (job.planned, job.done) for job in shop.run().jobs if job.rule == "addresses"}
    assert (planned, outcome) == ({"due": 2, "done": 1, "elsewhere": 1, "not_due": 1}, {"addresses": (2, 2)})
    left = store.rows("SELECT id, email FROM customers ORDER BY id")
    assert [tuple(row) for row in left] == [(2, "anna@example.com "), (3, None), (4, None), (5, None)]


def test_a_hold_amid_the_run_covers_what_was_written_down_behind_a_job_that_rewrites(
    shop, store, monkeypatch
):
    """What its own columns decide, and what people said, is asked of it in the batch."""
    del shop.rules["letters"], shop.rules["erasure"]
    store.script(
        "INSERT INTO customers VALUES (5, 'eva@x.org', '2010-01-01'), (6, 'fay@x.org', '2010-01-01')"
    )
    shop.connect(store, DATASETS + ADDRESSES)
    shop.rule("addresses", 'data = "addresses"\nkeep = "1 year"\nfrom = "closed"', action='"pseudonymize"')
    shop.rule("accounts", 'data = "accounts"\nkeep = "9 years"\nfrom = "closed"')
    before = execution.remember

    def meanwhile(*given):
        found = before(*given)
        assert list(found.of) == [("accounts/db/accounts", "delete")]
        hold(shop, "--subject", "email=eva@x.org")
        return found

    monkeypatch.setattr(execution, "remember", meanwhile)
    done = {job.rule: (job.planned, job.done) for job in shop.run().jobs}
    assert done == {"addresses": (2, 2), "accounts": (2, 1)}
    left = [tuple(row) for row in store.rows("SELECT id, email FROM customers ORDER BY id")]
    assert left == [(1, None), (2, "anna@example.com "), (3, None), (4, None), (5, "eva@x.org")]


STAFF = """
[datasets.staff]
data    = "staff"
table   = "staff"
began   = "came"
subject = { email = "email" }
events  = { left = "gone" }
"""


def test_what_was_told_of_one_record_is_not_said_of_those_that_refer_to_it(work, store, monkeypatch):
    """Where many are looked at together: whoever refers to them was not among those that asked, and stays."""
    monkeypatch.setattr("retention.connectors.sql.counting.FEW", 0)
    store.script(
        "CREATE TABLE staff (id INTEGER PRIMARY KEY, email VARCHAR(40), came DATE, gone DATE, boss INTEGER"
        " REFERENCES staff (id)); CREATE INDEX staff_boss ON staff (boss);"
        "INSERT INTO staff VALUES (1, 'a@x.org', '2020-01-01', NULL, NULL), (2, 'b@x.org', '2020-01-01', NULL, 1),"
        " (3, 'c@x.org', '2020-01-01', NULL, NULL)"
    )
    work.rules["told"] = '[events.erasure_requested]\nby = ["email"]\n'
    work.rule("staff", 'data = "staff"\nfrom = "left"\nuntil = ["erasure_requested"]')
    work.connect(store, STAFF)
    work.init()
    for person in "ac":
        tell(work, "erasure_requested", "--subject", f"email={person}@x.org", "--at", "2026-11-05")
    assert fates(work, "staff") == {"staff": {"referenced": 1, "due": 1, "not_due": 1}}
    assert list(removed(work.run()).values()) == [1]
    assert store.rows("SELECT id FROM staff ORDER BY id") == [(1,), (2,)]


def test_rows_two_levels_below_a_held_record_are_joined_with_what_they_refer_to(work, store):
    """They were paired with every row of the other table first, of which the library warned in everybody's terminal."""
    store.script(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, seen TIMESTAMP);"
        "CREATE TABLE tasks (id INTEGER PRIMARY KEY, closed TIMESTAMP);"
        "CREATE TABLE steps (id INTEGER PRIMARY KEY, task INTEGER REFERENCES tasks (id));"
        "CREATE TABLE times (id INTEGER PRIMARY KEY, step INTEGER REFERENCES steps (id),"
        " person INTEGER REFERENCES users (id));"
        "CREATE INDEX steps_task ON steps (task); CREATE INDEX times_step ON times (step);"
        "CREATE INDEX times_person ON times (person);"
        + "".join(
            f"INSERT INTO users VALUES ({n}, '2020-01-01 00:00:00');"
            f"INSERT INTO tasks VALUES ({n}, '2020-01-01 00:00:00');"
            f"INSERT INTO steps VALUES ({n}, {n}); INSERT INTO times VALUES ({n}, {n}, {n});"
            for n in range(1, 6)
        )
    )
    work.connect(
        store,
        '[datasets.users]\ndata = "users"\ntable = "users"\nsubject = { user_id = "id" }\nbegan = "seen"\n'
        'events = { seen = "seen" }\n'
        '[datasets.tasks]\ndata = "tasks"\ntable = "tasks"\nsubject = "none"\nevents = { closed = "closed" }\n'
        'parts = ["steps", "times"]\n',
    )
    work.rule("users", 'data = "users"\nkeep = "1 year"\nfrom = "seen"')
    work.rule("tasks", 'data = "tasks"\nkeep = "1 year"\nfrom = "closed"')
    work.init()
    hold(work, "--key", "db.tasks", "2")
    hold(work, "--subject", "user_id=4")
    assert fates(work, "tasks") == {"tasks": {"held": 1, "due": 4}}
    assert fates(work, "users") == {"users": {"held": 2, "due": 3}}
    work.run()
    assert [n for (n,) in store.rows("SELECT id FROM users ORDER BY id")] == [2, 4]
    assert [n for (n,) in store.rows("SELECT id FROM tasks ORDER BY id")] == [2]


@pytest.mark.parametrize(
    "how",
    [("--data", "claims"), ("--dataset", "db.claims"), ("--key", "db.claims", "1")],
    ids=lambda how: how[0],
)
def test_the_lines_of_an_order_that_a_held_claim_refers_to_are_held_however_the_hold_names_it(
    work, store, how
):
    """The order was held, and its lines, a dataset of their own, only where the hold named the claim by its key."""
    tables = "(id INTEGER PRIMARY KEY, at TIMESTAMP NULL, word VARCHAR(20)"
    store.script(
        f"CREATE TABLE orders {tables}, mark TIMESTAMP NULL);"
        f"CREATE TABLE order_lines {tables}, order_id INTEGER, FOREIGN KEY (order_id) REFERENCES orders (id));"
        f"CREATE TABLE claims {tables}, order_id INTEGER, FOREIGN KEY (order_id) REFERENCES orders (id));"
        "CREATE INDEX lines_order ON order_lines (order_id); CREATE INDEX claims_order ON claims (order_id);"
        + "".join(f"INSERT INTO orders VALUES ({n}, '2020-01-01 00:00:00', 'x', NULL);" for n in (1, 2))
        + "".join(f"INSERT INTO order_lines VALUES ({n}, '2020-01-01 00:00:00', 'x', {n});" for n in (1, 2))
        + "INSERT INTO claims VALUES (1, '2026-01-01 00:00:00', 'x', 1);"
    )
    common = 'subject = "none"\nevents = { made = "at" }\n'
    work.connect(
        store,
        f'[datasets.orders]\ndata = "orders"\ntable = "orders"\nparts = ["order_lines"]\n{common}'
        'restrict = { mark = "mark" }\n'
        f'[datasets.lines]\ndata = "lines"\ntable = "order_lines"\nanonymize = {{ word = "null" }}\n{common}'
        f'[datasets.claims]\ndata = "claims"\ntable = "claims"\n{common}',
    )
    work.rule("lines", 'data = "lines"\nkeep = "1 year"\nfrom = "made"\naction = "anonymize"')
    work.rule("orders", 'data = "orders"\nkeep = "1 year"\nfrom = "made"\naction = "restrict"')
    work.init()
    hold(work, *how)
    held = {"held": 1, "due": 1}
    assert (fates(work, "lines"), fates(work, "orders")) == ({"lines": held}, {"orders": held})
    work.run()
    assert store.rows("SELECT id, word FROM order_lines ORDER BY id") == [(1, "x"), (2, None)]
