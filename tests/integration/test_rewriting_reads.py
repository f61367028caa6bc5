"""What is read of records before they are rewritten: ahead of their batch, and by a second run not at all."""

from __future__ import annotations

import re
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from retention.connectors.sql.batches.reading_ahead import ReadingAhead

RECORDS = 2_500
DATASET = """
[datasets.people]
data = "people"
table = "people"
events = { made = "made_at" }
anonymize = { email = "hash", name = "redact" }
"""


@pytest.fixture
def people(work, store):
    null = "NULL" if store.kind == "mariadb" else ""
    store.script(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(60), name VARCHAR(40),"
        f" made_at TIMESTAMP {null})"
    )
    rows = (f"({n}, 'p{n}@example.org', 'P {n}', '2020-01-01 00:00:00')" for n in range(1, RECORDS + 1))
    store.script(f"INSERT INTO people VALUES {', '.join(rows)}")
    work.rule("people", 'data = "people"\nkeep = "1 year"\nfrom = "made"', action='"pseudonymize"')
    work.connect(store, DATASET)
    work.store = store
    return work


_PEOPLE = re.compile(r"\b(FROM|UPDATE|STRAIGHT_JOIN)\s+\S*\bpeople\b")
_READ = {
    "postgresql": "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
    " WHERE relname = 'people'",
    "mariadb": "SHOW SESSION STATUS LIKE 'Handler_read%'",
}


@contextmanager
def reading(store):
    """How many rows of the table each statement on it reads, as its own session counts them; SQLite does not: 1 each.

    A session's count is of all that it reads: it is asked before and after, and once more for what asking adds.
    """
    seen: list[int] = []

    def counted(connection):
        with connection.connection.cursor() as cursor:
            cursor.execute(_READ[store.kind])
            return sum(int(row[-1]) for row in cursor.fetchall())

    def before(connection, _cursor, text, _given, context, _many):
        context.counts_reads = _PEOPLE.search(text) is not None
        if context.counts_reads and store.kind in _READ:
            first = counted(connection)
            context.reads_before = counted(connection)
            context.asking_reads = context.reads_before - first

    def after(connection, _cursor, _text, _given, context, _many):
        if context.counts_reads and store.kind in _READ:
            seen.append(counted(connection) - context.reads_before - context.asking_reads)
        elif context.counts_reads:
            seen.append(1)

    told = ("before_cursor_execute", before), ("after_cursor_execute", after)
    for event, listener in told:
        sa.event.listen(sa.Engine, event, listener)
    try:
        yield seen
    finally:
        for event, listener in told:
            sa.event.remove(sa.Engine, event, listener)


def test_a_second_run_reads_what_a_plan_reads_and_no_row_besides(people, store):
    with reading(store) as first:
        (job,) = people.run().jobs
    assert job.done == RECORDS
    with reading(store) as plan:
        people.plan()
    with reading(store) as second:
        (job,) = people.run().jobs
    assert (job.status.value, job.planned, job.done) == ("nothing", 0, 0)
    assert sum(second) == sum(plan)
    once = {"sqlite": 0, "postgresql": 1, "mariadb": 3}  # and twice in MariaDB's own temporary tables
    assert sum(plan) // RECORDS == once[store.kind]
    assert sum(first) > sum(plan)


def hashed(store) -> int:
    return sum(email.startswith("rh1-") for (email,) in store.rows("SELECT email FROM people"))


def test_what_was_read_ahead_is_looked_at_again(people, store, monkeypatch):
    rows, changed = ReadingAhead.rows, []

    def meddled(self, position):
        found = rows(self, position)
        if found and not changed:
            changed.extend(row[0] for row in found[0][5:8])
            store.script(f"UPDATE people SET email = 'other@example.org' WHERE id = {changed[0]}")
            store.script(f"UPDATE people SET made_at = '2026-11-01 00:00:00' WHERE id = {changed[1]}")
            store.script(f"DELETE FROM people WHERE id = {changed[2]}")
        return found

    monkeypatch.setattr(ReadingAhead, "rows", meddled)
    (job,) = people.run().jobs
    assert len(changed) == (0 if store.kind == "sqlite" else 3)  # a reader would keep SQLite's writer waiting
    left = 2 if changed else 0
    assert (job.status.value, job.done, job.skipped.changed) == ("done", RECORDS - left, left)
    assert hashed(store) == RECORDS - left
    made = {email for (email,) in store.rows("SELECT email FROM people")}
    assert len(made) == RECORDS - bool(
        changed
    )  # the address that came meanwhile was hashed, and no other for it


def test_a_connection_that_reads_ahead_may_fail(people, store, monkeypatch):
    failed = []

    def fails(self, *_):
        failed.append(1)
        raise sa.exc.OperationalError("SELECT", {}, Exception("gone away"))

    monkeypatch.setattr(ReadingAhead, "_read", fails)
    (job,) = people.run().jobs
    assert (job.status.value, job.done, len(failed)) == ("done", RECORDS, store.kind != "sqlite")
    assert hashed(store) == RECORDS
