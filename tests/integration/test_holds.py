"""Legal holds as commands: what is covered, what is out of reach, and that nobody stands in the ledger."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace

import pytest

from retention.store.batches import BatchRow
from retention.store.runs import JobRow, RunRow
from retention.verbs import holds
from retention.verbs.opening import stores
from retention.verbs.opening.configured import configuration
from retention.verbs.opening.prepared import prepared
from retention.verbs.persons.carried import carry_over
from tests.support.stores import SqliteStore, Store
from tests.support.workplace import Workplace

DATASETS = """
[datasets.accounts]
data = "accounts"
table = "customers"
subject = { customer_id = "id", email = "email" }
events = { closed = "closed_at" }

[datasets.orders]
data = "orders"
table = "orders"
subject = { customer_id = "customer_id" }
events = { closed = "at" }

[datasets.letters]
data = "letters"
table = "letters"
subject = { email = "email", phone = "phone" }
events = { closed = "at" }

[datasets.prices]
data = "prices"
table = "prices"
subject = "none"
events = { closed = "at" }
"""
TABLES = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(100), closed_at TIMESTAMP NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, at TIMESTAMP NULL);
CREATE TABLE letters (id INTEGER PRIMARY KEY, email VARCHAR(100), phone VARCHAR(30), at TIMESTAMP NULL);
CREATE TABLE prices (id INTEGER PRIMARY KEY, at TIMESTAMP NULL);
INSERT INTO customers VALUES
    (1, 'anna@example.com', NULL), (2, 'Bo@Example.com', NULL), (3, NULL, NULL), (4, '', NULL);
INSERT INTO orders VALUES
    (10, 1, '2020-01-01 00:00:00'), (11, 1, '2026-11-01 00:00:00'), (12, 2, '2020-01-01 00:00:00'), (13, NULL, NULL);
INSERT INTO letters VALUES
    (20, 'anna@example.com', '+47 1', '2020-01-01 00:00:00'), (21, 'anna@work.example', '+47 1', NULL),
    (22, '', '+47 9', NULL);
INSERT INTO prices VALUES (30, '2020-01-01 00:00:00');
"""
PERSONAL = ("anna", "bo@", "example.com", "work.example", "+47", "Mallory", "tingrett", "lawyers")


def set_up(work: Workplace, store: Store) -> Workplace:
    store.script(TABLES)
    work.connect(store, DATASETS)
    for data in ("accounts", "orders", "letters", "prices"):
        work.rule(data, f'data = "{data}"\nkeep = "1 year"\nfrom = "closed"')
    work.init()
    return work


@pytest.fixture
def shop(work: Workplace, sqlite: SqliteStore) -> Workplace:
    return set_up(work, sqlite)


def add(work: Workplace, *words: str, code: int = 0, **invoke: object) -> dict:
    result = work.cli("hold", "add", "--reason", "dispute", *words, "--format", "json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def covered(document: dict) -> dict[str, tuple[str, int]]:
    return {line["dataset"]: (line["state"], line["records"]) for line in document["datasets"]}


def test_a_person_is_held_through_every_dataset_that_leads_on(work, store):
    place = set_up(work, store)
    document = add(place, "--subject", "email= ANNA@example.com\u00a0", "--ref", "CASE-12")
    assert covered(document) == {
        "accounts": ("covered", 1),
        "orders": ("covered", 2),
        "letters": ("covered", 2),
        "prices": ("covered (none now)", 0),
    }
    subjects = {(s["kind"], s["value"], s["source"]) for s in document["hold"]["cover"]["subjects"]}
    assert subjects == {
        ("email", " ANNA@example.com\u00a0", None),
        ("customer_id", "1", "db.accounts"),
        ("phone", "+47 1", "db.letters"),
        ("email", "anna@work.example", "db.letters"),
    }
    (event,) = [e for e in place.events() if e["type"] == "hold.placed"]
    assert event["data"]["reason"] == "dispute"
    assert event["data"]["ref"] == "CASE-12"
    assert {(d["dataset"], d["records"]) for d in event["data"]["datasets"]} == {
        ("accounts", 1), ("orders", 2), ("letters", 2), ("prices", 0),
    }  # fmt: skip


def test_nobody_stands_in_the_ledger(shop):
    words = ["--text", "Mallory sues us", "--authority", "Oslo tingrett", "--by", "the lawyers"]
    placed = add(shop, "--subject", "email=anna@example.com", *words)
    add(shop, "--key", "db.accounts", "2", *words)
    shop.cli("hold", "release", placed["hold"]["id"], "--reason", "Mallory gave up", "--by", "anna")
    lines = "\n".join(json.dumps(event, ensure_ascii=False) for event in shop.events())
    assert [e["type"] for e in shop.events()][-3:] == ["hold.placed", "hold.placed", "hold.released"]
    for word in PERSONAL:
        assert word.casefold() not in lines.casefold()
    data = [e["data"] for e in shop.events() if e["type"] == "hold.placed"]
    assert (data[1]["on"], data[1]["name"]) == ("record", "db.accounts")
    assert '"2"' not in json.dumps(data[1])
    assert len({each["words"] for each in data}) == 2


def test_the_log_tells_what_was_done_with_holds(shop):
    id = add(shop, "--subject", "email=new@example.com", "--ref", "CASE-12", "--accept")["hold"]["id"]
    add(shop, "--key", "db.orders", "10")
    shop.cli("hold", "release", id, "--reason", "settled")
    told = " ".join(shop.cli("audit", "log").output.split())
    assert f"hold {id} placed by " in told
    assert "on people (dispute, CASE-12); out of reach: db.orders (accepted)" in told
    assert "on a record of db.orders (dispute); 1 of db.orders" in told
    assert f"hold {id} released by " in told


def test_the_same_person_in_two_holds_can_not_be_told_to_be_the_same(shop):
    for ref in ("CASE-1", "CASE-2"):
        add(shop, "--subject", "email=anna@example.com", "--ref", ref)
    hashes = {e["data"]["words"] for e in shop.events() if e["type"] == "hold.placed"}
    assert len(hashes) == 2


def test_somebody_unknown_is_held_all_the_same_and_what_knows_nothing_is_out_of_reach(shop):
    document = add(shop, "--subject", "email=new@example.com", code=5)
    assert document["found"] is False
    assert covered(document) == {
        "accounts": ("covered (none now)", 0),
        "orders": ("out of reach", 0),
        "letters": ("covered (none now)", 0),
        "prices": ("covered (none now)", 0),
    }
    again = add(shop, "--subject", "email=New@Example.com ", "--accept")
    assert (again["new"], again["hold"]["id"]) == (False, document["hold"]["id"])
    assert len([e for e in shop.events() if e["type"] == "hold.placed"]) == 1
    text = shop.cli("hold", "add", "--reason", "audit", "--subject", "email=new@example.com")
    assert text.exit_code == 5
    assert "out of reach" in text.output
    assert "Nobody and nothing of it is known now" in text.output


def test_blank_identifiers_lead_to_nobody(shop):
    document = add(shop, "--subject", "customer_id=4", code=5)
    assert [s["value"] for s in document["hold"]["cover"]["subjects"]] == ["4"]
    assert covered(document)["letters"] == ("out of reach", 0)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--dataset", "db.orders"], {"orders": ("covered", 4)}),
        (["--data", "accounts"], {"accounts": ("covered", 4)}),
        (["--rule", "letters"], {"letters": ("covered", 3)}),
        (["--key", "db.orders", "12"], {"orders": ("covered", 1)}),
        (["--key", "db.orders", "99"], {"orders": ("covered (none now)", 0)}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_holds_on_what_has_a_name(shop, words, expected):
    document = add(shop, *words)
    assert covered(document) == expected
    cover = {key: value for key, value in document["hold"]["cover"].items() if value}
    (listed,) = json.loads(shop.cli("hold", "list", "--format", "json").stdout)["holds"]
    assert {key: value for key, value in listed["cover"].items() if value} == cover


def test_the_records_of_a_rule_are_those_of_which_its_where_is_not_false(work, sqlite):
    sqlite.script(TABLES + "INSERT INTO orders VALUES (14, NULL, '2020-01-01');")
    work.connect(
        sqlite,
        DATASETS.replace(
            'customer_id = "customer_id" }\n',
            'customer_id = "customer_id" }\nfacts = { first = "customer_id = 1" }\n',
            1,
        ),
    )
    work.rule("orders", 'data = "orders"\nkeep = "1 year"\nfrom = "closed"\nwhere = "first"')
    work.init()
    assert covered(add(work, "--rule", "orders")) == {"orders": ("covered", 4)}  # two of hers, two unknown


def test_a_list_of_people_is_one_hold_and_each_is_looked_at_by_herself(shop, tmp_path):
    people = tmp_path / "people.txt"
    people.write_text(
        "\ufeffemail=anna@example.com\n\nemail=nobody@example.com\r\nemail=bo@example.com\n", encoding="utf-8"
    )
    document = add(shop, "--from", str(people), code=5)
    lines = {line["dataset"]: line for line in document["datasets"]}
    assert (lines["orders"]["state"], lines["orders"]["records"]) == ("out of reach", 3)
    assert "1 of 3 people" in lines["orders"]["because"]
    assert "nobody" not in lines["orders"]["because"]


def test_a_store_that_does_not_answer_is_out_of_reach_and_the_hold_in_force(shop):
    shop.connectors["gone"] = (
        'type = "sql"\nurl = "postgresql://nobody@127.0.0.1:1/none"\n'
        '[datasets.visits]\ndata = "visits"\ntable = "visits"\n'
        'subject = { email = "email" }\nevents = { closed = "at" }\n'
    )
    shop.rule("visits", 'data = "visits"\nkeep = "1 year"\nfrom = "closed"')
    document = add(shop, "--subject", "email=anna@example.com", code=5)
    assert covered(document)["visits"] == ("out of reach", 0)
    assert covered(document)["orders"] == ("covered", 2)
    assert len(json.loads(shop.cli("hold", "list", "--format", "json").stdout)["holds"]) == 1


def test_a_schema_that_does_not_fit_is_out_of_reach_and_no_reason_not_to_hold(shop, sqlite):
    sqlite.script("ALTER TABLE letters RENAME TO mail")
    document = add(shop, "--dataset", "db.orders", code=5)
    (line,) = document["datasets"]
    assert "retention check" in line["because"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "a hold is on one of"),
        (["--dataset", "db.orders", "--data", "orders"], "a hold is on one of"),
        (["--subject", "email=a@b", "--from", "people.txt"], ""),
        (["--subject", "emial=a@b"], "did you mean `email`?"),
        (["--subject", "email"], "no KIND=VALUE"),
        (["--subject", "email=  "], "nobody's identifier"),
        (["--subject", "email=a\x00b"], "no database holds"),
        (["--subject", "email=" + "a" * 1001], "longer than"),
        (["--dataset", "db.order"], "did you mean `db.orders`?"),
        (["--data", "nothing"], "there is no data `nothing`"),
        (["--rule", "nothing"], "there is no rule `nothing`"),
        (["--key", "db.orders", "x"], "`x` is no value of the key column"),
        (["--dataset", "db.orders", "--review", "soon"], "is no day"),
        (["--dataset", "db.orders", "--review", "2026-01-01"], "has passed"),
        (["--dataset", "db.orders", "--text", "a\x00b"], "--text has a character"),
        (["--dataset", "db.orders", "--by", "a\udc80b"], "--by has a character"),
        (["--dataset", "db.orders", "--authority", "\udc80"], "--authority has a character"),
        (["--key", "db.orders", "1\x00"], "--key has a character"),
        (["--dataset", "db.orders", "--ref", "anna@example.com"], "in the ledger for ever"),
        (["--subject", "customer_id=17", "--ref", "17"], "not whom it is about"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_what_can_not_be_meant_is_a_usage_error_and_nothing_is_stored(shop, words, said):
    result = shop.cli("hold", "add", "--reason", "dispute", *words)
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.output.split())
    assert not [e for e in shop.events() if e["type"].startswith("hold.")]


def test_holds_end_and_what_they_were_on_is_forgotten(shop):
    id = add(shop, "--subject", "email=anna@example.com", "--review", "2026-12-01")["hold"]["id"]
    assert "anna@example.com" in shop.cli("hold", "list").output
    assert shop.cli("hold", "release", id).exit_code == 2
    assert shop.cli("hold", "release", id, "--reason", "settled").exit_code == 0
    again = shop.cli("hold", "release", id, "--reason", "settled")
    assert (again.exit_code, "released already" in again.output) == (2, True)
    assert re.search(r"at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]", " ".join(again.output.split()))
    for odd in ("nothing", "\x00", "\udc80", "'; --"):
        assert shop.cli("hold", "release", odd, "--reason", "x").exit_code == 2
    assert "No hold is in force" in shop.cli("hold", "list").output


def test_a_day_of_review_that_has_passed_is_a_reminder(shop):
    id = add(shop, "--dataset", "db.orders", "--review", "2026-11-22")["hold"]["id"]
    assert json.loads(shop.cli("status", "--format", "json").stdout)["reviews"] == []
    shop.now = shop.now.replace(day=23)
    (line,) = json.loads(shop.cli("status", "--format", "json").stdout)["reviews"]
    assert line["id"] == id
    assert "to be looked at again" in " ".join(shop.cli("status").output.split())
    assert "has passed" in " ".join(shop.cli("hold", "list").output.split())


def test_hostile_identifiers_are_harmless_on_a_terminal(shop):
    add(shop, "--subject", "email=\x1b[2J\u202e'; DROP TABLE orders; --@x", "--text", "\x1b[31m", code=5)
    for words in (["hold", "list"], ["hold", "list", "--format", "json"], ["audit", "log"]):
        output = shop.cli(*words).output
        assert "\x1b" not in output
        assert "\u202e" not in output


def test_what_becomes_known_of_a_person_later_is_added_at_a_run(shop, sqlite):
    id = add(shop, "--subject", "email=late@example.com", code=5)["hold"]["id"]
    add(shop, "--dataset", "db.prices")
    sqlite.script("INSERT INTO customers VALUES (7, ' LATE@example.com', NULL)")
    config = configuration(shop.place)
    with stores.opened(config, shop.place) as state, prepared(shop.place, config) as ready:
        told = carry_over(ready, shop.place, state, config, shop.clock)
        assert told.failed == {}
        (hold,) = [each for each in told.told.holds if each.id == id]
        assert [(s.kind, s.value, s.source) for s in hold.cover.subjects][1:] == [
            ("customer_id", "7", "db.accounts")
        ]
        epoch = told.told.epoch
        sqlite.script("DELETE FROM customers WHERE id = 7")
        again = carry_over(ready, shop.place, state, config, shop.clock)
        assert again.told.epoch == epoch
        assert [each for each in again.told.holds if each.id == id] == [hold]
    (event,) = [e for e in shop.events() if e["type"] == "hold.extended"]
    assert event["data"]["found"] == [{"dataset": "db.accounts", "kind": "customer_id", "identifiers": 1}]
    assert "late" not in json.dumps(event)
    assert covered(add(shop, "--subject", "email=late@example.com"))["orders"] == ("covered (none now)", 0)


@pytest.mark.parametrize(
    ("words", "change", "said"),
    [
        (["--dataset", "db.orders"], ("[datasets.orders]", "[datasets.purchases]"), "dataset `db.orders`"),
        (["--key", "db.orders", "10"], ("[datasets.orders]", "[datasets.purchases]"), "dataset `db.orders`"),
        (["--data", "orders"], ('data = "orders"', 'data = "letters"'), "data `orders`"),
        (["--rule", "orders"], None, "rule `orders`"),
        (["--subject", "phone=+47 1"], ('email = "email", phone = "phone"', 'email = "email"'), ""),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_hold_whose_name_has_changed_under_it_stops_everything(shop, words, change, said):
    id = add(shop, *words)["hold"]["id"]
    if change is not None:
        shop.connectors["db"] = shop.connectors["db"].replace(*change)
    if said in ("rule `orders`", "data `orders`"):
        shop.rules["orders"] = (
            shop.rules["orders"].replace("rules.orders", "rules.o").replace('"orders"', '"letters"', 1)
        )
        shop.rules["orders"] = (
            shop.rules["orders"].replace('data = "letters"', 'data = ["letters", "orders"]')
            if change is None
            else ""
        )
    if not said:
        assert shop.cli("plan").exit_code == 0  # her address, which the letters led to, is known there still
        return
    for command in (["plan"], ["run", "--yes"]):
        result = shop.cli(*command)
        assert result.exit_code == 4, result.output
        assert f"hold {id}: it is on {said}, which is not configured any more" in " ".join(
            result.output.split()
        )
    assert "covers nothing" in " ".join(shop.cli("hold", "list").output.split())
    assert shop.cli("hold", "release", id, "--reason", "renamed").exit_code == 0
    assert shop.cli("plan").exit_code == 0


def test_a_record_whose_key_can_not_be_one_any_more_holds_its_dataset(shop, sqlite):
    add(shop, "--key", "db.orders", "10")
    with stores.opened(configuration(shop.place), shop.place) as state, state.begin() as tx:
        (hold,) = tx.holds.in_force()
        tx.holds.place(replace(hold, id="odd", cover=replace(hold.cover, key="ten")))
    document = json.loads(shop.cli("plan", "--rule", "orders", "--format", "json").stdout)
    (job,) = document["jobs"]
    assert (job["held"], job["due"]) == (2, 0)


def test_identifiers_are_read_from_standard_input(shop):
    result = shop.cli("hold", "add", "--reason", "audit", "--from", "-", typed="email=anna@example.com\n")
    assert result.exit_code == 0, result.output
    assert "covered (2)" in result.output


@pytest.fixture
def begun(shop):
    """A batch of a run has an intent and no outcome."""
    config = configuration(shop.place)
    at = shop.clock()
    with stores.opened(config, shop.place) as state, state.begin() as tx:
        tx.runs.start(RunRow(id="r1", as_of=at, started=at, by="ida", policy="p", plan=None))
        tx.jobs.put(
            JobRow(
                run="r1",
                job="j",
                rule="orders",
                connector="db",
                dataset="orders",
                as_of=at,
                started=at,
                planned=1,
            )
        )
        tx.batches.intent(
            BatchRow(run="r1", job="j", batch=1, connector="db", count=1, root="ab" * 32, at=at)
        )
    return shop


def place(shop, pause):
    return holds.place_hold(
        shop.place,
        dataset="db.orders",
        reason="dispute",
        by="ida",
        clock=shop.clock,
        patience=0.5,
        pause=pause,
    )


def test_a_hold_waits_for_batches_that_were_begun_before_it(begun):
    waited = []

    def pause(seconds):
        waited.append(seconds)
        if len(waited) == 2:
            config = configuration(begun.place)
            with stores.opened(config, begun.place) as state, state.begin() as tx:
                tx.batches.outcome("r1", "j", 1, "committed")
                tx.batches.intent(
                    BatchRow(
                        run="r1", job="j", batch=2, connector="db", count=1, root="ab" * 32, at=begun.clock()
                    )
                )

    assert place(begun, pause).unsettled == 0
    assert len(waited) == 2


def test_a_batch_that_is_never_settled_is_said_after_a_while(begun):
    waited = []
    placed = place(begun, waited.append)
    assert placed.unsettled == 1
    assert sum(waited) == pytest.approx(0.5)
    assert len(json.loads(begun.cli("hold", "list", "--format", "json").stdout)["holds"]) == 1


@pytest.mark.parametrize("many", [1_000, pytest.param(10_000, marks=pytest.mark.heavy)])
def test_many_people_are_held_in_seconds(shop, sqlite, tmp_path, many):
    people = tmp_path / "people.txt"
    rows = ",".join(f"({n}, 'p{n}@example.com', NULL)" for n in range(1000, 1000 + many // 2))
    sqlite.script(f"INSERT INTO customers VALUES {rows}")
    people.write_text("".join(f"email=p{n}@example.com\n" for n in range(1000, 1000 + many)))
    began = time.perf_counter()
    document = add(shop, "--from", str(people), code=5)
    assert time.perf_counter() - began < many / 250
    assert covered(document)["accounts"] == ("covered", many // 2)
    assert len(document["hold"]["cover"]["subjects"]) == many * 3 // 2


@pytest.mark.parametrize("store", ["postgresql", "mariadb"], indirect=True)
def test_an_identifier_that_no_column_can_hold_is_refused_and_nothing_is_stored(work, store):
    place = set_up(work, store)
    for given in ("customer_id=abc", "customer_id=3,4"):
        result = place.cli("hold", "add", "--reason", "dispute", "--subject", given)
        assert result.exit_code == 2
        told = " ".join(result.output.split())
        assert "`customer_id` is int" in told.lower()
        assert given.partition("=")[2] not in told
    assert not [e for e in place.events() if e["type"] == "hold.placed"]
    add(place, "--subject", "customer_id=99", code=5)


@pytest.mark.parametrize("given", ["007", "+7"])
def test_a_whole_number_that_no_column_writes_so_is_refused_and_the_record_is_not_left_unheld(
    work, store, given
):
    """The hold was in force, covered nobody, and the customer of that number went."""
    place = set_up(work, store)
    result = place.cli("hold", "add", "--reason", "dispute", "--subject", f"customer_id={given}")
    assert result.exit_code == 2
    assert "without leading zeros" in " ".join(result.output.split())
    assert not [e for e in place.events() if e["type"] == "hold.placed"]


def test_a_kind_that_some_column_of_texts_holds_may_be_any_text(work, postgresql):
    postgresql.script(TABLES + "CREATE TABLE notes (id INTEGER PRIMARY KEY, whom TEXT, at TIMESTAMP NULL);")
    notes = DATASETS.partition("[datasets.letters]")[2].replace("letters", "notes")
    notes = notes.replace('{ email = "email", phone = "phone" }', '{ customer_id = "whom" }')
    work.connect(postgresql, f"{DATASETS}\n[datasets.notes]{notes.partition('[datasets')[0]}")
    work.rule(
        "all", 'data = ["accounts", "orders", "letters", "prices", "notes"]\nkeep = "1 year"\nfrom = "closed"'
    )
    work.init()
    result = work.cli(
        "hold", "add", "--reason", "dispute", "--subject", "customer_id=abc", "--accept", "--format", "json"
    )
    assert result.exit_code == 0, result.output
