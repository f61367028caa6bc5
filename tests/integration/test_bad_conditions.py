"""What can't stand in a condition is refused by check and plan alike, before a row is read."""

from __future__ import annotations

import json

import pytest

from tests.support.stores import Store
from tests.support.workplace import Workplace

TABLES = (
    "CREATE TABLE owners (id INTEGER PRIMARY KEY, country TEXT);"
    "CREATE TABLE things (id INTEGER PRIMARY KEY, made DATE, kind TEXT, size INTEGER,"
    " owner INTEGER REFERENCES owners (id));"
    "INSERT INTO owners VALUES (1, 'DE');"
    "INSERT INTO things VALUES (1, '2020-01-01', 'a', 1, 1), (2, '2020-01-01', 'b', 2, 1)"
)
NOT_CONDITIONS = {
    "DELETE FROM things": "statement",
    "SELECT 1": "statement",
    "kind = 'a'; DROP TABLE things": "semicolon",
    "kind = 'a' -- and more": "comment",
    "kind = 'a' /* and more */": "comment",
    "size IN (SELECT id FROM owners)": "subquery",
    "EXISTS (SELECT 1 FROM owners)": "subquery",
    "pg_sleep(10) IS NULL": "function",
    "sleep(10) = 0": "function",
    "load_extension('x') IS NULL": "function",
    "set_config('a', 'b', false) = 'b'": "function",
    "lower(pg_read_file('/etc/passwd')) = 'x'": "function",
    "made < now()": "asks for the time",
    "made < CURRENT_DATE": "asks for the time",
    "size + 1 = 2": "calculates",
    "kind = :kind": "placeholder",
    "kind = 'a' OR " * 1_000 + "kind = 'a'": "longer than 10,000 characters",
    "size < 9223372036854775808": "has the number",
    "size IN (1, 99999999999999999999)": "has the number",
    "(" * 60 + "size = 1" + ")" * 60: "nested too deeply",
    "made < DATE '2026-02-30'": "no day of the calendar",
}
NOT_COLUMNS = {
    "knid = 'a'": "no column `knid`",
    "country = 'DE'": "no column `country`",
    "owners.country = 'DE'": "`owners.country`",
    "\"kind \" = 'a'": "no column",
}
NOT_COMPARED = ("kind = 5", "kind < 5", "size = 'many'", "size LIKE 'a%'", "kind IN ('a', 5)")


def things(**keys: str) -> str:
    lines = {"data": '"things"', "table": '"things"', "events": '{ made = "made" }', **keys}
    return "[datasets.things]\n" + "\n".join(f"{key} = {value}" for key, value in lines.items())


@pytest.fixture
def shop(work: Workplace, store: Store) -> Workplace:
    """A rule that would delete everything, but for what it says where."""
    store.script(TABLES)
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')
    return work


def refused(work: Workplace, store: Store, place: str) -> str:
    """What `check` says is wrong at `place`, the only place; `plan` says it too, and nothing is touched."""
    before = store.snapshot()
    (problem,) = work.problems()
    assert problem.key == place
    result = work.cli("plan", "--format", "json")
    assert result.exit_code == 3, result.output
    said = json.loads(result.stdout)["error"]["problems"]
    assert [(each["key"], each["found"]) for each in said] == [(place, problem.found)]
    assert store.snapshot() == before
    return problem.found


def quoted(text: str) -> str:
    return json.dumps(text)


def split(text: str) -> str:
    """As TOML over several lines, since a line has its most."""
    pieces = [text[at : at + 2_000] for at in range(0, len(text), 2_000)]
    return '"""' + "\\\n".join(piece.replace("\\", "\\\\").replace('"', '\\"') for piece in pieces) + '"""'


@pytest.mark.parametrize(("text", "word"), NOT_CONDITIONS.items(), ids=lambda v: str(v)[:40])
def test_no_statement_comment_subquery_or_function(
    shop: Workplace, store: Store, text: str, word: str
) -> None:
    shop.connect(store, things(where=split(text)))
    assert word in refused(shop, store, "datasets.things.where")


def test_a_fact_and_a_condition_of_the_policy_are_read_as_strictly(shop: Workplace, store: Store) -> None:
    shop.connect(store, things(facts="{ odd = \"kind = 'a'; DELETE FROM things\" }"))
    assert "semicolon" in refused(shop, store, "datasets.things.facts.odd")
    shop.connect(store, things(facts='{ odd = "kind" }'))
    shop.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"\nwhere = "sleep(9) = odd"')
    assert "function" in refused(shop, store, "rules.things.where")
    shop.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"\nwhere = "kind = \'a\'"')
    assert "kind" in refused(shop, store, "rules.things.where")


@pytest.mark.parametrize(("text", "word"), NOT_COLUMNS.items(), ids=lambda v: str(v)[:40])
def test_a_column_that_the_table_lacks(shop: Workplace, store: Store, text: str, word: str) -> None:
    """A misspelt name in double quotes is a text to SQLite: here it is a column that is not there."""
    shop.connect(store, things(where=quoted(text)))
    assert word in refused(shop, store, "datasets.things.where")


@pytest.mark.parametrize("text", NOT_COMPARED)
def test_what_can_not_be_compared(shop: Workplace, store: Store, text: str) -> None:
    shop.connect(store, things(where=quoted(text)))
    assert text.split()[0] in refused(shop, store, "datasets.things.where")


@pytest.mark.parametrize(
    ("facts", "where", "place"),
    [
        ('{ odd = "kind" }', "odd = 5", "rules.things.where"),
        ('{ odd = "size" }', "odd = 'many'", "rules.things.where"),
        ('{ odd = "owners.country" }', "odd > 5", "rules.things.where"),
        ('{ odd = "kind = 5" }', "odd", "datasets.things.facts.odd"),
        ('{ odd = { any = "notes", where = "text = 5" } }', "odd", "datasets.things.facts.odd"),
        ('{ odd = { any = "notes", where = "txet = \'a\'" } }', "odd", "datasets.things.facts.odd"),
        ('{ odd = "knid" }', "odd = 'a'", "datasets.things.facts.odd"),
        ('{ odd = "kind" }', "odd", "rules.things.where"),
    ],
)
def test_what_can_not_be_compared_by_way_of_a_fact(
    shop: Workplace, store: Store, facts: str, where: str, place: str
) -> None:
    store.script(
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, thing INTEGER REFERENCES things (id), text TEXT);"
        "CREATE INDEX notes_thing ON notes (thing)"
    )
    shop.connect(store, things(facts=facts, parts='["notes"]'))
    shop.rule("things", f'data = "things"\nkeep = "1 year"\nfrom = "made"\nwhere = "{where}"')
    assert refused(shop, store, place)


# -- what can't be kept --------------------------------------------------------------------


@pytest.mark.parametrize("words", [("check",), ("check", "--offline")], ids=" ".join)
def test_check_warns_of_rules_without_an_end(shop: Workplace, store: Store, words: tuple[str, ...]) -> None:
    shop.connect(store, things(events='{ made = "made", closed = "never" }'))
    shop.rule("closed", 'data = "things"\nuntil = "closed"')

    result = shop.cli(*words, "--format", "json")

    assert result.exit_code == 0, result.output
    (warning,) = [w for w in json.loads(result.stdout)["warnings"] if "retention_marker" not in w]
    assert warning.startswith("the rule `closed` never ends in `db.things`, where `closed` never happens")
    assert "(`things`)" in warning


def test_check_dates_a_broken_promise_from_today_in_the_policys_zone(shop: Workplace, store: Store) -> None:
    """It is noon of 22 November in UTC, and the 23rd on Kiritimati."""
    shop.connect(store, things())
    shop.timezone = "Pacific/Kiritimati"
    shop.rule("things", 'data = "things"\nkeep = "1 year"\nat_most = "3 years"\nfrom = "made"')
    shop.rule("law", 'data = "things"\nkeep = "5 years"\nfrom = "made"\nbasis = "legal obligation"')

    (warning,) = [w for w in shop.check().warnings if "retention_marker" not in w]

    assert "of `made` on 2026-11-23 the one ends by 2029-11-23 at the latest" in warning
    assert "the other keeps until 2031-11-23" in warning
