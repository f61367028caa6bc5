"""A hold on one record by its key, as people type keys, and as each database compares and gives them back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from retention.verbs.running import execution
from tests.integration.test_told_fates import fates, hold
from tests.support.stores import Store
from tests.support.workplace import Workplace

OLD = "2020-01-01 00:00:00"
UUIDS = [f"3f2504e0-4f89-11d3-9a0c-0305e82c330{n}" for n in range(1, 4)]
LETTERS, NUMBERS = ["ABC", "DEF", "GHI"], ["17", "18", "19"]
KEYS = [
    ("sqlite", "TEXT COLLATE NOCASE", LETTERS, "abc"),
    ("sqlite", "TEXT", LETTERS, "ABC"),
    ("postgresql", "NUMERIC(10)", NUMBERS, "17"),
    ("postgresql", "CHAR(5)", LETTERS, "ABC"),
    ("postgresql", "UUID", UUIDS, UUIDS[0].upper()),
    ("postgresql", "DATE", ["2020-01-01", "2020-01-02", "2020-01-03"], "2020-01-01"),
    ("mariadb", "DECIMAL(10)", NUMBERS, "17"),
    ("mariadb", "VARCHAR(10) COLLATE utf8mb4_general_ci", LETTERS, "abc"),
    ("mariadb", "UUID", UUIDS, UUIDS[0].upper()),
    ("mariadb", "BIGINT", NUMBERS, "17"),
]
"""(database, type of the key, keys, the first as somebody types it)"""
MAKES = ["a leaf", "a parent", "rewritten", "with another key"]
LATER = [how for how in MAKES if how != "a parent"]


def made(work: Workplace, store: Store, type_: str, keys: list[str], how: str) -> None:
    """Three old visits: a leaf, or calls may refer to them; or their names go; or their key is two columns."""
    values = ", ".join(f"('{key}', 7, 'Ann', '{OLD}')" for key in keys)
    key = "id, place" if how == "with another key" else "id"
    store.script(
        f"CREATE TABLE visits (id {type_} NOT NULL, place INTEGER NOT NULL, name VARCHAR(60), at TIMESTAMP NULL,"
        f" PRIMARY KEY ({key})); INSERT INTO visits VALUES {values};"
    )
    rewritten = 'anonymize = { name = "null" }\n' if how == "rewritten" else ""
    datasets = f'[datasets.visits]\ndata = "visits"\ntable = "visits"\nsubject = "none"\n{rewritten}'
    datasets += 'events = { made = "at" }\n'
    if how == "a parent":
        store.script(
            f"CREATE TABLE calls (id INTEGER PRIMARY KEY, visit_id {type_} REFERENCES visits (id), at TIMESTAMP NULL);"
            "CREATE INDEX calls_visit ON calls (visit_id);"
        )
        datasets += '[datasets.calls]\ndata = "calls"\ntable = "calls"\nevents = { made = "at" }\n'
        work.rule("calls", 'data = "calls"\nkeep = "1 year"\nfrom = "made"')
    action = "\naction = 'pseudonymize'" if rewritten else ""
    work.rule("old", f'data = "visits"\nkeep = "1 year"\nfrom = "made"{action}')
    work.connect(store, datasets)
    work.init()


def as_they_were(store: Store) -> Iterator[str]:
    """The keys of the visits that nobody touched."""
    for (key,) in store.rows("SELECT id FROM visits WHERE name = 'Ann' ORDER BY id"):
        yield str(key).strip()


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    "how", [*MAKES[1:3], *(pytest.param(how, marks=pytest.mark.heavy) for how in MAKES[::3])]
)
@pytest.mark.parametrize(("kind", "type_", "keys", "typed"), KEYS, ids=lambda value: str(value).split("(")[0])
def test_a_record_that_is_held_by_its_key_stays_whatever_the_key_is_and_however_it_is_typed(
    work: Workplace,
    request: pytest.FixtureRequest,
    kind: str,
    type_: str,
    keys: list[str],
    typed: str,
    how: str,
) -> None:
    """The plan said that it is held, and the run deleted it: batches compared what they read with what was typed."""
    store: Store = request.getfixturevalue(kind)
    made(work, store, type_, keys, how)
    hold(work, "--key", "db.visits", f"{typed},7" if how == "with another key" else typed)
    assert fates(work, "old")["visits"] == {"held": 1, "due": 2}

    (job,) = (job for job in work.run().jobs if job.rule == "old")

    assert list(as_they_were(store)) == keys[:1]
    assert (job.planned, job.done, job.skipped.total, job.left) == (2, 2, 0, 0)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("how", ["a parent", *(pytest.param(how, marks=pytest.mark.heavy) for how in LATER)])
@pytest.mark.parametrize(("kind", "type_", "keys", "typed"), KEYS, ids=lambda value: str(value).split("(")[0])
def test_so_does_one_that_comes_while_the_run_is_under_way(
    work: Workplace,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    type_: str,
    keys: list[str],
    typed: str,
    how: str,
) -> None:
    """`hold add` says that what comes later is covered; a batch compared it with what was typed."""
    store: Store = request.getfixturevalue(kind)
    made(work, store, type_, keys, how)
    store.script("DELETE FROM visits WHERE id = '" + keys[0] + "'")
    hold(work, "--key", "db.visits", f"{typed},7" if how == "with another key" else typed)
    before = execution.remember

    def then_comes(*given: Any) -> Any:
        found = before(*given)
        store.script(f"INSERT INTO visits VALUES ('{keys[0]}', 7, 'Ann', '{OLD}')")
        return found

    monkeypatch.setattr(execution, "remember", then_comes)

    work.run()

    assert list(as_they_were(store)) == keys[:1]


@pytest.mark.parametrize("key", ["99999999999999999999", "9223372036854775808", "3000000000"])
def test_a_number_that_no_record_can_have_for_a_key_holds_nothing_and_stops_nothing(
    work: Workplace, store: Store, key: str
) -> None:
    """SQLite and its driver know no integer of more than 64 bits: an error that nobody expected."""
    made(work, store, "INTEGER", NUMBERS, "a leaf")
    result = work.cli("hold", "add", "--key", "db.visits", key, "--reason", "audit")
    database = urlsplit(store.url).scheme
    refused = {"sqlite": key > "4" and len(key) > 10, "postgresql": True}.get(
        database, key.startswith("9999")
    )
    assert result.exit_code == (2 if refused else 0), result.output
    assert ("is no value of the key column id" in result.output) == refused
    assert work.job("old").due == 3
