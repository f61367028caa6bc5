"""What the engine makes comes to the rows that it was made of, however their keys lie and whatever they hold."""

from __future__ import annotations

import pymysql
import pytest

from retention.connectors.sql.mysql.placed import Placed
from retention.connectors.sql.mysql.session import MARIADB
from tests.support.workplace import Workplace

TABLE = """
CREATE TABLE people (id BIGINT PRIMARY KEY, seen_at {moment}, email VARCHAR(60), nick VARCHAR(60) NOT NULL,
 name VARCHAR(40), made_at {moment})
"""
DATASET = """
[datasets.people]
data = "people"
table = "people"
events = { made = "made_at" }
done = "seen_at"
anonymize = { email = "hash", nick = "hash", name = { strategy = "mask", keep = 1 } }
"""
ODD = (
    "'", '"', "\\", "%s %", "a b ", " ", "", "æøå", "日本語", "😀", "x\ny\r\t\x1a", "1:a", "n", "0:", "v" * 60,
)  # fmt: skip
KEYS = {
    "close": range(1, 41),
    "with gaps": range(-60, 60, 3),
    "far apart": range(5, 4_000_005, 100_000),
}


@pytest.fixture
def people(work, store):
    moment = {"sqlite": "TIMESTAMP", "postgresql": "TIMESTAMP", "mariadb": "DATETIME"}[store.kind]
    store.script(TABLE.format(moment=moment))
    work.rule("people", 'data = "people"\nkeep = "1 year"\nfrom = "made"', action='"pseudonymize"')
    work.connect(store, DATASET)
    return work


def filled(store, keys):
    """(key, e-mail, nick) of rows that are due, and how many are not: each number behind one of those."""
    every = [None, *ODD, *(("a\x00b",) if store.kind == "mariadb" else ())]
    rows = [(key, every[n % len(every)], every[1 + n % (len(every) - 1)]) for n, key in enumerate(keys)]
    others = [key + 1 for key in keys if key + 1 not in keys]
    literals = [
        *(f"({key}, {_text(store, e)}, {_text(store, n)}, 'Ann', '2020-01-01')" for key, e, n in rows),
        *(f"({key}, 'other', 'other', 'Oda', '2026-11-01')" for key in others),
    ]
    store.script(f"INSERT INTO people (id, email, nick, name, made_at) VALUES {', '.join(literals)}")
    return rows, len(others)


def _text(store, text):
    if text is None:
        return "NULL"
    if store.kind == "mariadb":
        return f"CONVERT(X'{text.encode().hex()}' USING utf8mb4)"
    return "'" + text.replace("'", "''") + "'"


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
def test_each_row_gets_what_was_made_of_it(people: Workplace, store, keys, monkeypatch):
    placed, given = [], Placed.given
    monkeypatch.setattr(Placed, "given", lambda self, rows: placed.append(given(self, rows)) or placed[-1])
    rows, others = filled(store, keys)
    (job,) = people.run().jobs
    assert (job.status.value, job.done, job.rolled_back) == ("done", len(rows), 0), job
    assert {each is None for each in placed} == (
        {len(keys) < keys[-1] // 4} if store.kind == "mariadb" else set()
    )
    found = {row[0]: row[1:] for row in store.rows("SELECT id, email, nick, name FROM people")}
    made: dict[str | None, set[str | None]] = {}
    for key, email, nick in rows:
        made.setdefault(email, set()).add(found[key][0])
        made.setdefault(nick, set()).add(found[key][1])
        assert found[key][2] == "A***"
    assert made.pop(None) == {None}
    hashes = [hashed for (hashed,) in made.values()]  # one of each text
    assert len(set(hashes)) == len(made)
    assert {(len(hashed), hashed[:4]) for hashed in hashes} == {(30, "rh1-")}
    assert sum(row == ("other", "other", "Oda") for row in found.values()) == others


@pytest.mark.parametrize("store", ["mariadb"], indirect=True)
def test_a_row_between_them_that_others_hold_is_not_waited_for(people: Workplace, store):
    rows, _ = filled(store, KEYS["with gaps"])
    held = pymysql.connect(host="127.0.0.1", user="root", database=store.url.rpartition("/")[2])
    try:
        with held.cursor() as cursor:
            others = ", ".join(str(key + 1) for key, _, _ in rows)
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            assert cursor.execute(f"SELECT id FROM people WHERE id IN ({others}) FOR UPDATE") == len(rows)
            (job,) = people.run().jobs
    finally:
        held.close()
    assert (job.status.value, job.done, job.batches, job.rolled_back) == ("done", len(rows), 1, 0), job
    assert job.seconds < 0.9  # InnoDB waits for a lock for a second, at least


@pytest.mark.parametrize("store", ["mariadb"], indirect=True)
def test_a_row_that_changed_between_reading_and_writing_is_not_written_over(
    people: Workplace, store, monkeypatch
):
    """Nor by a text that only begins, or goes on, as what was read."""
    rows, _ = filled(store, KEYS["close"])
    execute, changed = Placed.execute, []

    def meddled(self, connection, given):
        if not changed:
            changed.extend(rows[n][0] for n in (3, 9))
            store.script(
                f"UPDATE people SET nick = concat(nick, ' ') WHERE id = {changed[0]};"
                f"UPDATE people SET email = NULL, nick = 'n' WHERE id = {changed[1]}"
            )
        return execute(self, connection, given)

    monkeypatch.setattr(Placed, "execute", meddled)
    (job,) = people.run().jobs
    assert (job.status.value, job.done) == ("done", len(rows)), job
    hashes = dict(store.rows("SELECT id, nick FROM people"))
    assert (
        len({hashes[key] for key in changed} - {hashes[key] for key, _, nick in rows if key not in changed})
        == 1
    )


def test_a_marker_that_the_table_has_before_the_columns_hides_none_of_them(people: Workplace, store):
    """MariaDB sets one column after the other, and looks at those that it has set."""
    people.connect(store, DATASET.replace('email = "hash", nick = "hash", ', ""))
    rows, _ = filled(store, KEYS["close"])
    (job,) = people.run().jobs
    assert (job.status.value, job.done) == ("done", len(rows)), job
    assert {name for (name,) in store.rows("SELECT name FROM people WHERE made_at < '2026-01-01'")} == {
        "A***"
    }


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
def test_what_the_database_makes_comes_to_no_other_row(people: Workplace, store, keys):
    people.connect(store, DATASET.replace('email = "hash", nick = "hash", ', 'nick = "redact", '))
    rows, others = filled(store, keys)
    (job,) = people.run().jobs
    assert (job.status.value, job.done, job.rolled_back) == ("done", len(rows), 0), job
    found = {key: both for key, *both in store.rows("SELECT id, nick, name FROM people")}
    assert [found.pop(key) for key in keys] == [["[redacted]", "A***"]] * len(rows)
    assert list(found.values()) == [["other", "Oda"]] * others


@pytest.mark.parametrize("store", ["mariadb"], indirect=True)
def test_rows_that_the_server_cuts_short_are_read_one_by_one(people: Workplace, store, monkeypatch):
    monkeypatch.setitem(MARIADB.session, "group_concat_max_len", "300")
    rows, _ = filled(store, KEYS["close"])
    (job,) = people.run().jobs
    assert (job.status.value, job.done, job.rolled_back) == ("done", len(rows), 0), job
