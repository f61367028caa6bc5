"""Told events as commands: what they reach, what a file of them may hold, and that nobody stands in the ledger."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from retention.store.owners import account_name
from tests.support.stores import SqliteStore, Store
from tests.support.workplace import Workplace

DATASETS = """
[datasets.accounts]
data = "accounts"
table = "customers"
subject = { customer_id = "id", email = "email" }
began = "created_at"
events = { closed = "created_at" }

[datasets.orders]
data = "orders"
table = "orders"
subject = { customer_id = "customer_id" }
began = "at"
events = { closed = "at" }

[datasets.letters]
data = "letters"
table = "letters"
subject = { email = "email", phone = "phone" }
began = "at"
events = { closed = "at" }

[datasets.prices]
data = "prices"
table = "prices"
subject = "none"
began = "at"
events = { closed = "at" }
"""
TABLES = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(100), created_at TIMESTAMP NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, at TIMESTAMP NULL);
CREATE TABLE letters (id INTEGER PRIMARY KEY, email VARCHAR(100), phone VARCHAR(30), at TIMESTAMP NULL);
CREATE TABLE prices (id INTEGER PRIMARY KEY, at TIMESTAMP NULL);
INSERT INTO customers VALUES
    (1, 'anna@example.com', '2020-01-01 00:00:00'), (2, 'anna@example.com ', '2026-11-10 00:00:00'),
    (3, NULL, '2020-01-01 00:00:00'), (4, '', '2020-01-01 00:00:00');
INSERT INTO orders VALUES
    (10, 1, '2020-01-01 00:00:00'), (11, 1, '2026-11-01 00:00:00'), (12, 1, NULL), (13, 3, '2020-01-01 00:00:00');
INSERT INTO letters VALUES
    (20, 'anna@example.com', '+47 1', '2020-01-01 00:00:00'), (21, 'bo@example.com', '+47 1', '2020-01-01 00:00:00'),
    (22, '', '+47 9', '2020-01-01 00:00:00');
INSERT INTO prices VALUES (30, '2020-01-01 00:00:00');
"""
EVENTS = """
[events.erasure_requested]
by = ["email", "customer_id"]
[events.unsubscribed]
by = ["email"]
[identifiers]
email = ["trim", "lower"]
"""


def set_up(work: Workplace, store: Store) -> Workplace:
    store.script(TABLES)
    work.connect(store, DATASETS)
    work.rules["told"] = EVENTS
    work.rule("erasure", 'data = "any"\nupon = ["erasure_requested"]')
    work.rule("letters", 'data = "letters"\nfrom = "closed"\nuntil = ["unsubscribed"]')
    work.init()
    return work


@pytest.fixture
def shop(work: Workplace, sqlite: SqliteStore) -> Workplace:
    return set_up(work, sqlite)


def tell(work: Workplace, *words: str, code: int = 0) -> dict[str, Any]:
    result = work.cli("event", "add", *words, "--yes", "--format", "json")
    assert result.exit_code == code, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def reach(document: dict[str, Any]) -> dict[str, tuple[int, int, int]]:
    """Dataset → records reached, unclear, begun later; those with none left out."""
    found = {r["dataset"]: (r["records"], r["unclear"], r["later"]) for r in document["reach"]}
    return {name: numbers for name, numbers in found.items() if any(numbers)}


def listed(work: Workplace) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(work.cli("event", "list", "--format", "json").stdout)["events"]
    return found


def identifiers(told: dict[str, Any]) -> set[tuple[str, str, str | None]]:
    return {(s["kind"], s["value"], s["source"]) for s in told["subjects"]}


def seen(work: Workplace, dataset: str, key: str, rule: str = "erasure") -> list[tuple[str | None, str]]:
    """Each telling as `explain` shows it."""
    (view,) = [each for each in work.explain(dataset, key).rules if each.rule == rule]
    return [(each.value, each.state) for each in view.components if each.column == "told"]


def test_explain_shows_a_telling_that_does_not_concern_the_record_and_why(shop):
    """Who told it on the day on which the order came would not find out why nothing happens."""
    said = shop.cli(
        "event", "add", "erasure_requested", "--subject", "customer_id=1", "--at", "2026-11-01", "--yes"
    )
    assert said.exit_code == 0
    assert "1 that did not begin before it, and are not concerned" in " ".join(said.stdout.split())
    assert seen(shop, "db.orders", "10") == [("2026-11-01", "past")]
    assert seen(shop, "db.orders", "11") == [("2026-11-01", "early")]
    assert seen(shop, "db.orders", "12") == [("2026-11-01", "unclear")]
    assert shop.fate_of("db.orders", "11", rule="erasure") == "out_of_scope"
    for key, why in (
        ("11", "told = 2026-11-01 the record did not begin before that, and is not concerned"),
        ("12", "told = 2026-11-01 it can't be told whether the record began before that: unclear"),
    ):
        assert why in " ".join(shop.cli("explain", "db.orders", key).stdout.split())


def test_who_is_known_and_did_not_begin_before_it_is_not_taken_for_somebody_else(shop):
    words = ("event", "add", "erasure_requested", "--at", "2019-05-05", "--yes", "--subject")
    assert "reaches no record now: what is known of the person did not begin before it" in " ".join(
        shop.cli(*words, "customer_id=3").stdout.split()
    )
    assert "reaches no record now: is that the person's identifier?" in " ".join(
        shop.cli(*words, "customer_id=77").stdout.split()
    )


def test_what_it_reaches_is_one_step_away_and_began_before_it(work, store):
    shop = set_up(work, store)
    document = tell(
        shop,
        "erasure_requested",
        "--subject",
        "email= Anna@Example.com",
        "--at",
        "2026-11-05",
        "--ref",
        "R-1",
    )
    assert reach(document) == {"accounts": (1, 0, 1), "orders": (2, 1, 0), "letters": (1, 0, 0)} | {
        "orders": (2, 1, 0)
    }
    (told,) = listed(shop)
    assert identifiers(told) == {
        ("email", " Anna@Example.com", None), ("customer_id", "1", "db.accounts"),
        ("customer_id", "2", "db.accounts"),
    }  # fmt: skip
    (event,) = [e for e in shop.events() if e["type"] == "event.told"]
    assert event["data"]["event"] == "erasure_requested"
    assert event["data"]["kinds"] == ["email"]
    assert event["data"]["reaches"] == [
        {"dataset": "db.accounts", "records": 1}, {"dataset": "db.orders", "records": 2},
        {"dataset": "db.letters", "records": 1},
    ]  # fmt: skip


def test_people_who_share_a_number_do_not_take_each_others_data_along(shop):
    document = tell(shop, "unsubscribed", "--subject", "email=anna@example.com")
    assert reach(document) == {"letters": (1, 0, 0)}
    shop.rules["told"] = EVENTS.replace('by = ["email"]', 'by = ["email", "phone"]')
    document = tell(shop, "unsubscribed", "--subject", "email=anna@example.com", "--at", "2026-11-20")
    told = listed(shop)[-1]
    assert identifiers(told) == {("email", "anna@example.com", None), ("phone", "+47 1", "db.letters")}


def test_a_store_that_could_have_led_on_and_does_not_answer_is_said(shop):
    shop.connectors["gone"] = (
        'type = "sql"\nurl = "postgresql://nobody@127.0.0.1:1/none"\n'
        '[datasets.members]\ndata = "members"\ntable = "members"\n'
        'subject = { email = "email", customer_id = "number" }\n'
        'events = { closed = "at" }\n'
    )
    shop.rules["erasure"] = shop.rules["erasure"].replace('"any"', '["accounts", "orders", "prices"]')
    shop.rule("members", 'data = "members"\nkeep = "1 year"\nfrom = "closed"')
    document = tell(shop, "erasure_requested", "--subject", "email=anna@example.com", code=5)
    silent = [line["dataset"] for line in document["reach"] if line["because"]]
    assert (silent, document["told"]) == (["members"], 1)


def test_an_identifier_that_reaches_nobody_is_said(shop):
    result = shop.cli("event", "add", "erasure_requested", "--subject", "email=ana@example.com", "--yes")
    assert (result.exit_code, "It reaches no record now" in result.output) == (0, True)
    document = of_file(
        shop, "kind,value\nemail,an@example.com\nemail,anna@example.com\n", "erasure_requested"
    )
    assert [line["records"] for line in document["lines"]] == [0, 5]


def test_a_blank_leads_to_nobody(shop):
    tell(shop, "erasure_requested", "--subject", "customer_id=4")
    (told,) = listed(shop)
    assert identifiers(told) == {("customer_id", "4", None)}


def test_only_datasets_that_rules_with_the_event_are_on_are_reached(shop):
    document = tell(shop, "unsubscribed", "--subject", "email=anna@example.com")
    assert [line["dataset"] for line in document["reach"]] == ["letters"]
    text = shop.cli("event", "add", "erasure_requested", "--subject", "customer_id=3", "--yes").output
    assert "1 event told" in text


def test_nobody_stands_in_the_ledger(shop):
    document = tell(shop, "erasure_requested", "--subject", "email=anna@example.com", "--by", "Anna herself")
    tell(shop, "erasure_requested", "--subject", "email=anna@example.com", "--at", "2026-01-01")
    shop.cli("event", "withdraw", document["lines"][0]["id"], "--by", "Anna herself")
    events = [e for e in shop.events() if e["type"].startswith("event.")]
    assert [e["type"] for e in events] == ["event.told", "event.told", "event.withdrawn"]
    text = json.dumps(events, ensure_ascii=False).casefold()
    for word in ("anna", "example.com", "+47", "herself"):
        assert word not in text
    assert len({e["data"]["words"] for e in events}) == 3


def test_the_same_is_told_once(shop):
    words = ("erasure_requested", "--subject", "email=anna@example.com", "--at", "2026-03-01T12:00:00Z")
    first = tell(shop, *words)
    again = tell(shop, *words[:2], "email= ANNA@example.com ", "--at", "2026-03-01T13:00:00+01:00")
    assert (again["told"], again["known"]) == (0, 1)
    assert again["lines"][0]["id"] == first["lines"][0]["id"]
    assert len(listed(shop)) == 1
    for _ in range(2):
        tell(shop, *words[:3], "--ref", "R-1")  # at another moment, under one reference
    assert len(listed(shop)) == 2
    assert "told before" in shop.cli("event", "add", *words, "--yes").output


def test_what_was_withdrawn_never_was_and_can_be_told_again(shop, sqlite):
    words = ("erasure_requested", "--subject", "email=anna@example.com", "--at", "2026-03-01")
    id = tell(shop, *words)["lines"][0]["id"]
    assert shop.cli("event", "withdraw", id).exit_code == 0
    assert listed(shop) == []
    again = shop.cli("event", "withdraw", id)
    assert (again.exit_code, "withdrawn already" in again.output) == (2, True)
    for odd in ("nothing", "\x00", "\udc80"):
        assert shop.cli("event", "withdraw", odd).exit_code == 2
    told = " ".join(shop.cli("audit", "log").output.split())
    assert f"erasure_requested told by root: {id}" in told.replace(account_name(), "root")
    assert f"erasure_requested {id} withdrawn by" in told
    assert tell(shop, *words)["told"] == 1


def test_told_again_it_learns_what_did_not_answer_at_first(shop, sqlite):
    words = ("erasure_requested", "--subject", "email=late@example.com", "--at", "2026-11-20")
    tell(shop, *words)
    sqlite.script("INSERT INTO customers VALUES (7, 'late@example.com', '2020-01-01')")
    assert tell(shop, *words)["known"] == 1
    (told,) = listed(shop)
    assert ("customer_id", "7", "db.accounts") in identifiers(told)
    assert [e["type"] for e in shop.events()][-2:] == ["event.told", "event.extended"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "which event?"),
        (["erasure_request"], "did you mean `erasure_requested`?"),
        (["erasure_requested"], "it says of nobody"),
        (["unsubscribed", "--subject", "customer_id=1"], "comes with email, not with `customer_id`"),
        (["unsubscribed", "--subject", "email= \u2003"], "nobody's identifier"),
        (["unsubscribed", "--subject", "=x"], "no KIND=VALUE"),
        (["unsubscribed", "--subject", "email=a@b", "--at", "2026-11-23"], "lies ahead"),
        (["unsubscribed", "--subject", "email=a@b", "--at", "2026-11-22T12:00:01Z"], "lies ahead"),
        (["unsubscribed", "--subject", "email=a@b", "--at", "1970-01-01"], "lies before 1971-01-02"),
        (["unsubscribed", "--subject", "email=a@b", "--at", "yesterday"], "is not a point in time"),
        (["unsubscribed", "--subject", "email=a@b", "--at", "2026-01-01T12:00:00"], "has no offset"),
        (["unsubscribed", "--subject", "email=a@b", "--ref", "for a@b"], "in the ledger for ever"),
        (["unsubscribed", "--subject", "email=a@b", "--from", "x"], "exclude each other"),
        (["unsubscribed", "--from", "no such file"], "can't be read"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_what_can_not_be_meant_is_a_usage_error_and_nothing_is_stored(shop, words, said):
    result = shop.cli("event", "add", *words, "--yes")
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.output.split())
    assert listed(shop) == []


def test_where_nobody_can_be_asked_it_wants_a_yes(shop):
    result = shop.cli("event", "add", "unsubscribed", "--subject", "email=a@b")
    assert (result.exit_code, "add --yes" in result.output) == (2, True)


def test_a_no_tells_nothing(shop):
    from retention.verbs.events import tell_event

    shown = []
    told = tell_event(
        shop.place,
        "erasure_requested",
        subjects=("email=anna@example.com",),
        by="ida",
        clock=shop.clock,
        confirm=lambda reach: bool(shown.append(reach)),
    )
    assert told.declined
    assert listed(shop) == []
    assert sum(line.records for line in shown[0].lines) > 0


@pytest.mark.parametrize(
    ("reply", "told"), [("y\n", True), ("YES\n", True), ("\n", False), ("no\n", False), ("", False)]
)
def test_who_is_at_a_terminal_is_shown_what_it_reaches_and_asked(shop, monkeypatch, reply, told):
    from io import StringIO

    from retention.cli.people import ReachAsker
    from retention.verbs.events import tell_event

    screen = StringIO()
    monkeypatch.setattr("sys.stdin", StringIO(reply))
    outcome = tell_event(
        shop.place, "erasure_requested", subjects=("email=anna@example.com\x1b[2J", "customer_id=1"), by="ida",
        at="2026-11-05", clock=shop.clock, confirm=ReachAsker(screen),
    )  # fmt: skip
    assert outcome.declined is not told
    assert len(listed(shop)) == told
    shown = " ".join(screen.getvalue().split())
    assert "db.orders 2 1 of which it can't be told when they began" in shown
    assert "customer_id 1" in shown
    assert shown.endswith("Tell it? [y/N]")
    assert "\x1b" not in shown


def test_a_misspelt_event_is_said_before_a_yes_is_wanted(shop):
    result = shop.cli("event", "add", "erasure_requsted", "--subject", "email=ana@example.com")
    assert (result.exit_code, "erasure_requested" in result.output, "--yes" in result.output) == (
        2,
        True,
        False,
    )


def test_a_file_from_standard_input_wants_a_yes(shop):
    text = "event,kind,value\nunsubscribed,email,a@b\n"
    assert shop.cli("event", "add", "--from", "-", typed=text).exit_code == 2
    result = shop.cli("event", "add", "--from", "-", "--yes", typed=text)
    assert (result.exit_code, len(listed(shop))) == (0, 1)


# -- files ---------------------------------------------------------------------------------


def of_file(shop: Workplace, content: str | bytes, *words: str, code: int = 0) -> dict[str, Any]:
    path = Path(shop.folder) / "told.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return tell(shop, *words, "--from", str(path), code=code)


def test_a_file_of_csv_tells_each_line_for_itself(shop):
    document = of_file(
        shop,
        "\ufeffref,Value,kind, event,at\r\n"
        "R-1,anna@example.com,email,erasure_requested,2026-03-01\r\n"
        '"R-2","bo@example.com ",email,unsubscribed,\r\n'
        "\r\n"
        "\r\n"
        "R-3,bo@example.com,phone,unsubscribed,\r\n"
        "R-4,bo@example.com,email,unsubscribd,\r\n"
        "R-5,,email,unsubscribed,\r\n"
        "R-6,bo@example.com,email,unsubscribed,2027-01-01\r\n"
        "R-7,bo@example.com,email\r\n"
        "R-2,BO@example.com ,email,unsubscribed,\r\n"
        "R-9,Bo@Example.com,email,unsubscribed,2026-03-01T12:00:00Z\r\n",
        code=5,
    )
    assert {line["line"]: line["state"] for line in document["lines"]} == {
        2: "told", 3: "told", 6: "bad", 7: "bad", 8: "bad", 9: "bad", 10: "bad", 11: "known", 12: "told",
    }  # fmt: skip
    why = {line["line"]: line["because"] for line in document["lines"] if line["state"] == "bad"}
    for line, words in {
        6: "not with `phone`",
        7: "did you mean `unsubscribed`",
        8: "nobody's",
        9: "ahead",
        10: "3 fields",
    }.items():
        assert words in why[line]
    assert not any("bo@" in each for each in why.values())
    assert {t["ref"]: t["at"] for t in listed(shop)}["R-1"] == "2026-03-01"
    assert len(listed(shop)) == 3


def test_a_file_of_json_lines_tells_each_line_for_itself(shop):
    lines = [
        {"event": "erasure_requested", "kind": "customer_id", "value": 1, "at": "2026-11-05"},
        {"kind": "email", "value": "anna@example.com", "ref": None},
        {"event": "unsubscribed", "kind": "email", "value": ["a"]},
        {"event": "unsubscribed", "kind": "email", "value": "a", "extra": 1},
        {"event": "unsubscribed", "kind": "email", "value": "a\x00b"},
        {"event": "unsubscribed", "kind": "email", "value": "\ud800"},
    ]
    text = "\n".join(json.dumps(line) for line in lines) + "\n[1]\n{\n" + "[" * 100_000 + "\n"
    document = of_file(shop, text, "unsubscribed", code=5)
    assert [line["state"] for line in document["lines"]] == ["told", "told", *["bad"] * 7]
    assert reach(document)["orders"] == (2, 1, 0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "its first line is empty"),
        (b"event,kind\nunsubscribed,email\n", "event,kind,value"),
        (b"event;kind;value\n", "event,kind,value"),
        (b"event,kind,value,value\n", "event,kind,value"),
        (b"event,kind,value,name\n", "event,kind,value"),
        (b"event,kind,value\n", "has no lines"),
        (b"event,kind,value,\xff\nunsubscribed,email,a@b\n", "is not UTF-8 (byte 17)"),
        (b"kind,value\nemail,a@b\n", "event,kind,value"),
    ],
)
def test_a_file_that_is_neither_is_refused_whole(shop, content, said):
    path = Path(shop.folder) / "told.txt"
    path.write_bytes(content)
    result = shop.cli("event", "add", "--from", str(path), "--yes")
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.output.split())


def test_lines_behind_a_quote_that_is_left_open_are_told(shop):
    """They became one identifier, of nobody, and the file was well; or were bad with the first, and not named."""
    document = of_file(
        shop,
        'kind,value\nemail,anna@example.com\nemail,"bo@example.com\nemail,c@example.com\nemail,"d@example.com"\n',
        "unsubscribed",
        code=5,
    )
    states = {line["line"]: line["state"] for line in document["lines"]}
    assert states == {2: "told", 3: "bad", 4: "told", 5: "told"}
    (because,) = [line["because"] for line in document["lines"] if line["state"] == "bad"]
    assert because == "it can't be read as CSV: a quote is not closed on it"


def test_a_line_that_is_no_utf_8_is_bad_and_changes_nothing_of_the_others(shop):
    path = Path(shop.folder) / "told.csv"
    path.write_bytes(b"kind,value\nemail,a@b\nemail,\xff\xfe\nemail,c@d\n")
    result = shop.cli("event", "add", "unsubscribed", "--from", str(path), "--yes")
    assert result.exit_code == 5
    said = " ".join(result.output.split())
    assert "2 events told" in said
    assert "line 3: its value has a character that no database holds, or is not UTF-8" in said


def test_a_bad_file_is_said_in_words_too(shop):
    path = Path(shop.folder) / "told.csv"
    path.write_text("kind,value\nemail,a@b\nemial,a@b\n")
    result = shop.cli("event", "add", "unsubscribed", "--from", str(path), "--yes")
    assert result.exit_code == 5
    said = " ".join(result.output.split())
    assert "1 event told" in said
    assert "line 3: `unsubscribed` comes with email, not with `emial`" in said


@pytest.mark.parametrize("many", [1_000, pytest.param(10_000, marks=pytest.mark.heavy)])
def test_many_lines_are_told_in_seconds(shop, sqlite, many):
    rows = ",".join(f"({n}, 'p{n}@example.com', '2020-01-01')" for n in range(1000, 1000 + many // 2))
    sqlite.script(f"INSERT INTO customers VALUES {rows}")
    text = "kind,value,at\n" + "".join(
        f"email,p{n}@example.com,2026-03-01\n" for n in range(1000, 1000 + many)
    )
    began = time.perf_counter()
    document = of_file(shop, text, "erasure_requested")
    assert time.perf_counter() - began < many / 250
    assert document["told"] == many
    assert reach(document)["accounts"] == (many // 2, 0, 0)
    assert of_file(shop, text, "erasure_requested")["known"] == many


# -- identifiers as databases write them ---------------------------------------------------

WRITTEN = {
    "Straße@x": "STRASSE@X",
    "\u0130stanbul@x": "i\u0307STANBUL@x",
    "\u212aelvin@x": "kelvin@x",
    "\u00a0\u2003 blank@x\t\r\n": "blank@x",
    "tab\t@x": "TAB\t@x",
    "quote'\"\\%_@x": "QUOTE'\"\\%_@x",
    "\u03c3\u03c2@x": "\u03a3\u03a3@x",
    "\x1fseparated@x": "separated@x",
    "Vera@vv": "vera@VV",
    "\x0b\x0cfed@x": "fed@x",
}
IDS = {"sqlite": "TEXT", "postgresql": "UUID", "mariadb": "UUID"}


def test_identifiers_are_found_however_they_are_written(work, store):
    store.script(
        f"CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(100), token {IDS[store.kind]}, at TIMESTAMP NULL);"
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, person BIGINT, at TIMESTAMP NULL);"
    )
    place = "%s" if store.kind != "sqlite" else "?"
    token = "0f8fad5b-d9cb-469f-a165-70867728950e"
    rows = [(n, text, token if n == 1 else None) for n, text in enumerate(WRITTEN, 1)]
    inserted(store, f"INSERT INTO people (id, email, token) VALUES ({place}, {place}, {place})", rows)
    inserted(
        store,
        f"INSERT INTO visits (id, person) VALUES ({place}, {place})",
        [(n, n) for n, _, _ in rows] + [(99, None)],
    )
    work.connect(
        store,
        """
        [datasets.people]
        data = "people"
        table = "people"
        subject = { email = "email", person = "id", token = "token" }
        events = { closed = "at" }
        [datasets.visits]
        data = "visits"
        table = "visits"
        subject = { person = "person" }
        events = { closed = "at" }
        """,
    )
    for data in ("people", "visits"):
        work.rule(data, f'data = "{data}"\nkeep = "1 year"\nfrom = "closed"')
    work.init()
    people = work.folder / "people.txt"
    people.write_text("\n".join(f"email={typed}" for typed in WRITTEN.values()), encoding="utf-8")
    result = work.cli("hold", "add", "--reason", "audit", "--from", str(people), "--format", "json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert [line["records"] for line in document["datasets"]] == [len(WRITTEN)] * 2
    found = {(s["kind"], s["value"]) for s in document["hold"]["cover"]["subjects"]}
    assert {value for kind, value in found if kind == "person"} == {str(n) for n, _ in enumerate(WRITTEN, 1)}
    result = work.cli(
        "hold", "add", "--reason", "audit", "--subject", f"token={token.upper()}", "--format", "json"
    )
    assert [line["records"] for line in json.loads(result.stdout)["datasets"]] == [1, 1]


def inserted(store: Any, statement: str, rows: list[tuple[Any, ...]]) -> None:
    if store.kind == "sqlite":
        import sqlite3

        with sqlite3.connect(store.path) as connection:
            connection.executemany(statement, rows)
        connection.close()
    elif store.kind == "postgresql":
        import psycopg

        with psycopg.connect(store.url) as connection:
            connection.cursor().executemany(statement, rows)
    else:
        from tests.support.mariadb import connect

        connection = connect(store.url)
        connection.cursor().executemany(statement, rows)
        connection.commit()
        connection.close()


@pytest.mark.parametrize("store", ["postgresql", "mariadb"], indirect=True)
def test_an_identifier_that_no_column_can_hold_is_refused_and_in_a_file_its_line_is_bad(work, store):
    place = set_up(work, store)
    result = place.cli("event", "add", "erasure_requested", "--subject", "customer_id=abc", "--yes")
    assert result.exit_code == 2
    told = " ".join(result.output.split())
    assert "`customer_id` is int" in told.lower()
    assert "abc" not in told

    document = of_file(
        place,
        "value,kind,event\nabc,customer_id,erasure_requested\n3,customer_id,erasure_requested\n",
        code=5,
    )

    assert {line["line"]: line["state"] for line in document["lines"]} == {2: "bad", 3: "told"}
    assert len(listed(place)) == 1


def test_a_record_does_not_begin_with_the_latest_of_its_related_rows(shop):
    """Who logs in after asking to be erased would no longer be concerned."""
    shop.connectors["db"] = (
        shop.connectors["db"]
        .replace('began = "created_at"', 'began = { column = "orders.at", via = "customer_id" }')
        .replace(
            'data = "accounts"',
            'data = "accounts"\nrelations = ["orders.customer_id -> customers.id"]',
        )
    )
    (problem,) = [p for p in shop.problems() if p.key == "datasets.accounts.began"]
    assert "`orders.at` is a column of another table" in problem.found
    assert "add one with CURRENT_TIMESTAMP" in problem.write
