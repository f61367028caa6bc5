"""Parts that the record refers to: a row goes with the last that refers to it, and stops nobody."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from retention.connectors.sql.batches.shared_parts import SharedParts
from retention.engine.pace import Pace
from retention.model.plan import JobStatus
from retention.store.owners import this_process
from retention.verbs.opening import stores
from retention.verbs.opening.configured import configuration
from retention.verbs.running import working
from tests.support import mariadb
from tests.support.stores import Store
from tests.support.workplace import Workplace, removed

HEAVY = [pytest.param(what, marks=pytest.mark.heavy) for what in ("NO ACTION", "SET NULL")]
OLD, NEW = "'2020-01-01 00:00:00'", "'2026-11-01 00:00:00'"
CUSTOMERS = """
[datasets.customers]
data   = "customers"
table  = "customers"
subject = { customer = "id" }
events = { left = "gone" }
parts  = [{ table = "addresses", shared = "stays" }]
"""
STAFF = """
[datasets.staff]
data   = "staff"
table  = "staff"
subject = "none"
events = { left = "gone" }
"""
ADDRESSES = """
[datasets.addresses]
data   = "addresses"
table  = "addresses"
subject = { house = "id" }
events = { left = "moved" }
"""
SHARES = 'parts = [{ table = "addresses", shared = "stays" }]\n'


def shop(store: Store, customers: str, staff: str = "", *, on_delete: str = "NO ACTION") -> None:
    """Addresses 1 to 6, of which 6 is nobody's; `customers` and `staff`: (id, gone, address), …"""
    store.script(
        "CREATE TABLE addresses (id INTEGER PRIMARY KEY, moved TIMESTAMP);"
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, gone TIMESTAMP, address INTEGER"
        f" REFERENCES addresses (id) ON DELETE {on_delete});"
        "CREATE INDEX customers_address ON customers (address);"
        "CREATE TABLE staff (id INTEGER PRIMARY KEY, gone TIMESTAMP, address INTEGER REFERENCES addresses (id));"
        "CREATE INDEX staff_address ON staff (address);"
        f"INSERT INTO addresses VALUES {', '.join(f'({n}, {OLD})' for n in range(1, 7))};"
        f"INSERT INTO customers VALUES {customers};" + (f"INSERT INTO staff VALUES {staff};" if staff else "")
    )


def left(store: Store, table: str) -> list[int]:
    return [n for (n,) in store.rows(f"SELECT id FROM {table} ORDER BY id")]


def yearly(work: Workplace, *data: str) -> None:
    for each in data:
        work.rule(each, f'data = "{each}"\nkeep = "1 year"\nfrom = "left"')


@pytest.fixture
def people(work: Workplace) -> Workplace:
    yearly(work, "customers")
    return work


def planned(work: Workplace) -> dict[str, int]:
    """Table → rows, over all jobs of a plan, without the places of the tables."""
    found: dict[str, int] = {}
    for job in work.plan().jobs:
        for table, count in job.rows.items():
            name = table.rpartition(".")[2]
            found[name] = found.get(name, 0) + count
    return found


@pytest.mark.parametrize("size", [1, pytest.param(1000, marks=pytest.mark.heavy)])
def test_an_address_goes_with_the_last_who_lives_there(
    people: Workplace, store: Store, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """1 and 2 live at 1; 3 at 2 with 4, who stays; 5 at 3 with a member of staff; 6 nowhere; 7 alone at 4."""
    monkeypatch.setattr(working, "Pace", functools.partial(Pace, size=size))
    shop(
        store,
        f"(1, {OLD}, 1), (2, {OLD}, 1), (3, {OLD}, 2), (4, {NEW}, 2), (5, {OLD}, 3), (6, {OLD}, NULL), (7, {OLD}, 4)",
        f"(1, {NEW}, 3)",
    )
    yearly(people, "staff")
    people.connect(store, CUSTOMERS + STAFF)
    assert people.problems() == ()
    assert people.each("customers") == {**dict.fromkeys("123567", "due"), "4": "not_due"}
    assert planned(people) == {"customers": 6, "addresses": 2}

    outcome = people.run()
    (job,) = [job for job in outcome.jobs if job.dataset == "customers"]
    assert (job.status, job.done, job.skipped.total) == (JobStatus.DONE, 6, 0)
    assert removed(outcome) == {f"{store.place}customers": 6, f"{store.place}addresses": 2}
    assert left(store, "customers") == [4]
    assert left(store, "addresses") == [2, 3, 5, 6]
    rows = [event["data"]["rows"] for event in people.events() if event["type"] == "batch.committed"]
    assert sum(each.get(f"{store.place}addresses", 0) for each in rows) == 2
    assert planned(people) == {}


def test_explain_says_what_an_address_stays_for(people: Workplace, store: Store) -> None:
    shop(store, f"(1, {OLD}, 1), (2, {OLD}, 2), (3, {NEW}, 2)", f"(1, {NEW}, 2)")
    yearly(people, "staff")
    people.connect(store, CUSTOMERS + STAFF)

    (alone,) = people.explain("db.customers", "1").shared
    assert (alone.count, alone.rows, alone.goes, alone.kept_by) == (1, ("1",), 1, ())
    (shared,) = people.explain("db.customers", "2").shared
    assert (shared.count, shared.goes) == (1, 0)
    assert {each.by.rpartition(".")[0].rpartition(".")[2]: each.rows for each in shared.kept_by} == {
        "customers": ("3",),
        "staff": ("1",),
    }
    said = " ".join(people.cli("explain", "db.customers", "2").stdout.split())
    assert "1 row refers there by" in said
    assert "which stays when it goes" in said
    document = json.loads(people.cli("explain", "db.customers", "1", "--format", "json").stdout)
    assert document["shared"][0]["goes"] == 1


def test_two_datasets_that_share_a_row_take_it_with_the_last_of_either(
    people: Workplace, store: Store
) -> None:
    shop(
        store,
        f"(1, {OLD}, 1), (2, {OLD}, 2), (3, {OLD}, 3)",
        f"(1, {OLD}, 1), (2, {NEW}, 2), (3, {OLD}, 4)",
    )
    yearly(people, "staff")
    people.connect(store, CUSTOMERS + STAFF + SHARES)
    assert not [each for each in people.check().warnings if "addresses" in each]
    assert planned(people) == {"customers": 3, "staff": 2, "addresses": 3}
    outcome = people.run()
    assert removed(outcome) == {
        f"{store.place}customers": 3,
        f"{store.place}staff": 2,
        f"{store.place}addresses": 3,
    }
    assert left(store, "addresses") == [2, 5, 6]


def test_who_shares_without_saying_so_goes_first_where_that_can_be(people: Workplace, store: Store) -> None:
    """The staff's dataset says nothing of addresses: the customer is the last, and takes it along."""
    shop(store, f"(1, {OLD}, 1), (2, {OLD}, 2)", f"(1, {OLD}, 1), (2, {OLD}, 5)")
    yearly(people, "staff")
    people.connect(store, CUSTOMERS + STAFF)
    (warning,) = [each for each in people.check().warnings if "addresses" in each]
    assert "`db.staff`" in warning
    assert '{ table = "addresses", shared = "stays" }' in warning
    assert planned(people) == {"customers": 2, "staff": 2, "addresses": 2}
    people.run()
    assert left(store, "addresses") == [3, 4, 5, 6]


def test_a_row_that_two_columns_refer_to(people: Workplace, store: Store) -> None:
    """A billing and a shipping address: each is named by its column."""
    shop(store, f"(1, {OLD}, 1), (2, {OLD}, 2), (3, {NEW}, 3)")
    store.script(
        "ALTER TABLE customers ADD COLUMN ships INTEGER REFERENCES addresses (id);"
        "CREATE INDEX customers_ships ON customers (ships); UPDATE customers SET ships = 1 WHERE id <> 1;"
        "UPDATE customers SET ships = 3 WHERE id = 1; UPDATE customers SET ships = 5 WHERE id = 2"
    )
    people.connect(store, CUSTOMERS)
    (problem,) = people.problems()
    assert "customers.address" in problem.found
    assert "customers.ships" in problem.found
    both = '{ table = "addresses", via = "address", shared = "stays" },'
    both += '{ table = "addresses", via = "ships", shared = "stays" }'
    people.connect(store, CUSTOMERS.replace('{ table = "addresses", shared = "stays" }', both))
    assert people.problems() == ()
    # 1 lives at 1 and has things sent to 3; 2 at 2 and 5; 3, who stays, at 3 and 1
    assert planned(people) == {"customers": 2, "addresses": 2}
    people.run()
    assert left(store, "addresses") == [1, 3, 4, 6]


def test_a_row_that_a_part_refers_to_and_a_key_of_two_columns(work: Workplace, store: Store) -> None:
    """Order lines refer to gift cards by shop and number; a card goes with the last line of it."""
    store.script(
        "CREATE TABLE cards (shop INTEGER NOT NULL, nr INTEGER NOT NULL, PRIMARY KEY (shop, nr));"
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, booked TIMESTAMP);"
        "CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id), shop INTEGER, nr INTEGER,"
        " FOREIGN KEY (shop, nr) REFERENCES cards (shop, nr));"
        "CREATE INDEX lines_order ON lines (order_id); CREATE INDEX lines_card ON lines (shop, nr);"
        "INSERT INTO cards VALUES (1, 1), (1, 2), (2, 1), (2, 2);"
        f"INSERT INTO orders VALUES (1, {OLD}), (2, {OLD}), (3, {NEW});"
        "INSERT INTO lines VALUES (1, 1, 1, 1), (2, 1, 1, 2), (3, 2, 1, 1), (4, 2, 2, 1), (5, 3, 2, 1), (6, 3, NULL, 2)"
    )
    work.rule("orders", 'data = "orders"\nkeep = "1 year"\nfrom = "booked"')
    work.connect(
        store,
        '[datasets.orders]\ndata = "orders"\ntable = "orders"\nevents = { booked = "booked" }\n'
        'parts = [{ table = "cards", shared = "stays" }, "lines"]',
    )
    assert work.problems() == ()
    assert planned(work) == {"orders": 2, "lines": 4, "cards": 2}
    work.run()
    assert store.rows("SELECT shop, nr FROM cards ORDER BY shop, nr") == [(2, 1), (2, 2)]


def test_every_statement_about_them_is_shown(people: Workplace, store: Store) -> None:
    shop(store, f"(1, {OLD}, 1)")
    people.connect(store, CUSTOMERS)
    shown = {each.purpose: each.sql for each in people.statements()}
    place = f"{store.place}addresses"
    planned = f"plan: rows of {place} that go with the last that refers to them"
    assert {
        planned,
        f"batch: rows of {place} to which nothing refers any more",
        f"batch: delete rows of {place}",
    } <= set(shown)
    assert (f"batch: lock rows of {place}" in shown) == (store.kind != "sqlite")
    assert "NOT (EXISTS" in shown[f"batch: rows of {place} to which nothing refers any more"]


# -- a shared row that is a record -------------------------------------------------------------


def test_a_rule_that_keeps_the_address_keeps_who_lives_there(people: Workplace, store: Store) -> None:
    """What keeps any row of a record keeps the record; a row that goes as a part of another is elsewhere."""
    yearly(people, "addresses")
    shop(store, f"(1, {OLD}, 1), (2, {OLD}, 2), (3, {OLD}, 3), (4, {NEW}, 3)")
    store.script(f"UPDATE addresses SET moved = {NEW} WHERE id IN (2, 5)")
    people.connect(store, CUSTOMERS + ADDRESSES)

    assert people.each("customers") == {"1": "due", "2": "retained", "3": "due", "4": "not_due"}
    assert people.each("addresses") == {
        "1": "elsewhere",
        "2": "not_due",
        "3": "retained",
        "4": "due",
        "5": "not_due",
        "6": "due",
    }
    assert planned(people) == {"customers": 2, "addresses": 3}
    (view,) = people.explain("db.addresses", "1").rules
    assert [(each.kind, each.dataset, each.rows) for each in view.stopped_by] == [
        ("elsewhere", "db.customers", ("1",))
    ]
    (kept,) = people.explain("db.customers", "2").rules
    assert [(each.kind, each.by, each.rows) for each in kept.stopped_by] == [
        ("retained", "addresses", ("2",))
    ]
    people.run()
    assert left(store, "customers") == [2, 4]
    assert left(store, "addresses") == [2, 3, 5]
    assert people.each("addresses") == {"2": "not_due", "3": "retained", "5": "not_due"}


@pytest.mark.parametrize(
    ("hold", "held"),
    [
        (("--key", "db.addresses", "2"), ["2", "3"]),
        pytest.param(("--dataset", "db.addresses"), ["1", "2", "3"], marks=pytest.mark.heavy),
        pytest.param(("--subject", "house=2"), ["2", "3"], marks=pytest.mark.heavy),
        pytest.param(("--subject", "customer=2"), ["2"], marks=pytest.mark.heavy),
        (("--key", "db.customers", "2"), ["2"]),
    ],
    ids=["address by key", "all addresses", "address as a subject", "a customer", "a customer by key"],
)
def test_a_hold_on_the_address_covers_who_lives_there_one_on_a_neighbour_does_not(
    people: Workplace, store: Store, hold: tuple[str, ...], held: list[str]
) -> None:
    """2 and 3 live together. A hold on the one keeps the address, too; the other may go all the same."""
    yearly(people, "addresses")
    shop(store, f"(1, {OLD}, 1), (2, {OLD}, 2), (3, {OLD}, 2)")
    people.connect(store, CUSTOMERS + ADDRESSES)
    people.init()
    done = people.cli("hold", "add", *hold, "--reason", "litigation", "--accept")
    assert done.exit_code == 0, done.output

    fates = {key: people.fate_of("db.customers", key) for key in "123"}
    assert fates == {key: "held" if key in held else "due" for key in "123"}
    assert people.fate_of("db.addresses", "2") == "held"
    people.run()
    assert left(store, "customers") == [int(key) for key in held]
    assert 2 in left(store, "addresses")


def test_a_town_goes_after_the_addresses_in_it(people: Workplace, store: Store) -> None:
    """Addresses go with customers; the town to which they refer is a record of its own, due in the same run."""
    shop(store, f"(1, {OLD}, 1), (2, {OLD}, 2), (3, {NEW}, 3)")
    store.script(
        f"CREATE TABLE towns (id INTEGER PRIMARY KEY, gone TIMESTAMP); INSERT INTO towns VALUES (1, {OLD}), (2, {OLD});"
        "ALTER TABLE addresses ADD COLUMN town INTEGER REFERENCES towns (id);"
        "CREATE INDEX addresses_town ON addresses (town);"
        "UPDATE addresses SET town = 1 WHERE id < 3; UPDATE addresses SET town = 2 WHERE id = 3"
    )
    yearly(people, "towns")
    towns = '[datasets.towns]\ndata = "towns"\ntable = "towns"\nevents = { left = "gone" }\n'
    people.connect(store, towns + CUSTOMERS)
    assert people.each("towns") == {"1": "due", "2": "referenced"}
    people.run()
    assert left(store, "towns") == [2]
    assert left(store, "addresses") == [3, 4, 5, 6]


def test_a_shared_row_that_refers_to_another_goes_before_it(people: Workplace, store: Store) -> None:
    """Address and town are both shared parts of the customer; the town goes after the last address in it."""
    shop(store, f"(1, {OLD}, 1), (2, {OLD}, 2), (3, {OLD}, 4)")
    store.script(
        "CREATE TABLE towns (id INTEGER PRIMARY KEY); INSERT INTO towns VALUES (1), (2), (3);"
        "ALTER TABLE addresses ADD COLUMN town INTEGER REFERENCES towns (id);"
        "CREATE INDEX addresses_town ON addresses (town);"
        "ALTER TABLE customers ADD COLUMN town INTEGER REFERENCES towns (id);"
        "CREATE INDEX customers_town ON customers (town);"
        "UPDATE addresses SET town = id WHERE id < 3; UPDATE addresses SET town = 2 WHERE id = 6;"
        "UPDATE customers SET town = id"
    )
    parts = '[{ table = "towns", shared = "stays" }, { table = "addresses", shared = "stays" }]'
    people.connect(store, CUSTOMERS.replace('[{ table = "addresses", shared = "stays" }]', parts))
    assert people.problems() == ()
    assert planned(people) == {"customers": 3, "addresses": 3, "towns": 2}
    people.run()
    assert left(store, "addresses") == [3, 5, 6]
    assert left(store, "towns") == [2]


# -- meanwhile ---------------------------------------------------------------------------------


def meanwhile(monkeypatch: pytest.MonkeyPatch, before: str, what: Callable[[], None]) -> None:
    """`what` happens once, before the step of a batch is taken."""
    step = getattr(SharedParts, before)
    waiting = [what]

    def then(parts: SharedParts, *args: Any, **more: Any) -> Any:
        if waiting:
            waiting.pop()()
        return step(parts, *args, **more)

    monkeypatch.setattr(SharedParts, before, then)


@pytest.mark.parametrize("declared", [True, False], ids=["foreign key", "relation"])
def test_who_moves_in_while_the_last_goes_keeps_the_address(
    people: Workplace, store: Store, monkeypatch: pytest.MonkeyPatch, declared: bool
) -> None:
    """Somebody refers to the address after the batch looked it up, and before it is deleted."""
    if store.kind == "sqlite":
        pytest.skip("a batch has the whole database to itself")
    shop(store, f"(1, {OLD}, 1), (2, {OLD}, 2)")
    more = ""
    if not declared:
        store.script(
            "CREATE TABLE visits (id INTEGER PRIMARY KEY, house INTEGER); CREATE INDEX v ON visits (house)"
        )
        more = 'relations = ["visits.house -> addresses.id"]\n'
    people.connect(store, CUSTOMERS + more)
    people.init()
    came = f"INSERT INTO staff VALUES (9, {NEW}, 1)" if declared else "INSERT INTO visits VALUES (9, 1)"
    meanwhile(monkeypatch, "delete", lambda: store.script(came))
    outcome = people.run()
    assert [job.done for job in outcome.jobs if job.dataset == "customers"] == [2]
    assert left(store, "customers") == []
    assert left(store, "addresses") == [1, 3, 4, 5, 6]
    assert removed(outcome)[f"{store.place}addresses"] == 1


def test_who_comes_by_a_relation_after_the_last_look_undoes_the_batch(
    people: Workplace, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No constraint stops it: the row is looked for once more when the address is gone."""
    if store.kind == "sqlite":
        pytest.skip("a batch has the whole database to itself")
    shop(store, f"(1, {OLD}, 1), (2, {OLD}, 2)")
    store.script(
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, house INTEGER); CREATE INDEX v ON visits (house)"
    )
    people.connect(store, CUSTOMERS + 'relations = ["visits.house -> addresses.id"]\n')
    people.init()
    meanwhile(monkeypatch, "_gone", lambda: store.script("INSERT INTO visits VALUES (9, 1)"))
    people.run()
    assert left(store, "customers") == []
    assert left(store, "addresses") == [1, 3, 4, 5, 6]


@pytest.mark.parametrize("on_delete", [*HEAVY, "CASCADE"])
def test_nobody_can_move_in_once_the_address_is_about_to_go(
    people: Workplace, store: Store, monkeypatch: pytest.MonkeyPatch, on_delete: str
) -> None:
    """It is locked before what refers to it is looked for, so that there is never a row for the database to act on."""
    if store.kind == "sqlite":
        pytest.skip("a batch has the whole database to itself")
    shop(store, f"(1, {OLD}, 1), (2, {OLD}, 2)", on_delete=on_delete)
    people.connect(store, CUSTOMERS)
    people.init()
    refused: list[str] = []

    def move_in() -> None:
        patience = {"postgresql": "SET lock_timeout = 200", "mariadb": "SET innodb_lock_wait_timeout = 1"}
        with pytest.raises(Exception, match=r"lock timeout|Lock wait timeout") as error:
            store.script(f"{patience[store.kind]}; INSERT INTO customers VALUES (9, {NEW}, 1)")
        refused.append(str(error.value))

    meanwhile(monkeypatch, "_gone", move_in)
    people.run()
    assert len(refused) == 1
    assert left(store, "addresses") == [3, 4, 5, 6]


@pytest.mark.heavy
def test_who_is_about_to_move_in_leaves_the_last_for_later(people: Workplace, store: Store) -> None:
    """Somebody's transaction has referred to the address, and has not ended: it can't be told whether it may go."""
    if store.kind == "sqlite":
        pytest.skip("a batch has the whole database to itself")
    shop(store, f"(1, {OLD}, 1), (2, {OLD}, 2)")
    people.connect(store, CUSTOMERS)
    people.init()
    with opened(store) as session:
        session.cursor().execute(f"INSERT INTO staff VALUES (9, {NEW}, 1)")
        (job,) = people.run().jobs
        assert (job.status, job.done, job.skipped.locked) == (JobStatus.PARTIAL, 1, 1)
        assert (left(store, "customers"), left(store, "addresses")) == ([1], [1, 3, 4, 5, 6])
        session.rollback()
    assert [job.done for job in people.run().jobs] == [1]
    assert left(store, "addresses") == [3, 4, 5, 6]


@contextlib.contextmanager
def opened(store: Store) -> Iterator[Any]:
    """A session of somebody else, in a transaction."""
    session: Any = psycopg.connect(store.url) if store.kind == "postgresql" else mariadb.connect(store.url)
    try:
        yield session
    finally:
        session.close()


@pytest.mark.parametrize("on_delete", ["CASCADE", HEAVY[1]])
def test_a_neighbour_is_never_touched_whatever_the_reference_says(
    people: Workplace, store: Store, on_delete: str
) -> None:
    shop(store, f"(1, {OLD}, 1), (2, {NEW}, 1), (3, {OLD}, 2)", on_delete=on_delete)
    people.connect(store, CUSTOMERS)
    assert people.problems() == ()
    people.run()
    assert store.rows("SELECT id, address FROM customers") == [(2, 1)]
    assert left(store, "addresses") == [1, 3, 4, 5, 6]


def test_two_jobs_at_once_on_datasets_that_share_rows_are_refused(people: Workplace, sqlite: Store) -> None:
    """Each would see the other's record, and leave the address of both behind."""
    shop(sqlite, f"(1, {OLD}, 1)", f"(1, {OLD}, 1)")
    yearly(people, "staff")
    people.connect(sqlite, CUSTOMERS + STAFF + SHARES)
    people.init()
    with stores.opened(configuration(people.place), people.place) as state:
        with state.begin() as tx:
            token = tx.leases.acquire("db.staff", this_process(), people.now, timedelta(hours=1))
        (job,) = people.run("customers").jobs
        assert job.status is JobStatus.REFUSED
        assert "shares rows of `addresses`" in (job.reason or "")
        with state.begin() as tx:
            tx.leases.release("db.staff", token)
    assert [job.done for job in people.run().jobs] == [1, 1]
    assert left(sqlite, "addresses") == [2, 3, 4, 5, 6]


# -- what check refuses ------------------------------------------------------------------------


def test_what_cannot_be_a_shared_part_is_refused_with_what_to_write(people: Workplace, store: Store) -> None:
    shop(store, f"(1, {OLD}, 1)")
    store.script(
        "CREATE TABLE pets (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers (id));"
        "CREATE INDEX pets_customer ON pets (customer);"
        "CREATE TABLE far (id INTEGER PRIMARY KEY);"
        "CREATE TABLE parcels (id INTEGER PRIMARY KEY, house INTEGER REFERENCES addresses (id) ON DELETE CASCADE)"
    )

    def problems(parts: str, more: str = "") -> list[str]:
        people.connect(store, CUSTOMERS.replace('[{ table = "addresses", shared = "stays" }]', parts) + more)
        return [f"{problem.key}: {problem.found}; {problem.write}" for problem in people.problems()]

    (turned,) = problems('[{ table = "pets", shared = "stays" }]')
    assert "rows of it refer to the record" in turned
    assert 'parts = ["pets"]' in turned
    (unrelated,) = problems('[{ table = "far", shared = "stays" }]')
    assert "no reference leads from the record" in unrelated
    (misspelt,) = problems('[{ table = "addresses", via = "adress", shared = "stays" }]')
    assert "did you mean `address`?" in misspelt
    cascade, *index = problems('[{ table = "addresses", shared = "stays" }]')
    assert "parcels.house` refers to" in cascade
    assert "ON DELETE CASCADE" in cascade
    assert ["CREATE INDEX" in each for each in index] == [] if store.kind == "mariadb" else [True]


def test_a_shared_row_that_refers_back_or_to_its_like_is_not_supported_yet(
    people: Workplace, store: Store
) -> None:
    shop(store, f"(1, {OLD}, 1)")
    store.script(
        "ALTER TABLE addresses ADD COLUMN owner INTEGER REFERENCES customers (id);"
        "CREATE INDEX addresses_owner ON addresses (owner)"
    )
    people.connect(store, CUSTOMERS)
    assert any("not supported yet" in problem.found for problem in people.problems())
