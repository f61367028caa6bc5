"""What a second run over records that are done reads of them."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import sqlalchemy as sa

RECORDS = 300
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


@contextmanager
def reading(store):
    """How many rows are read meanwhile, as the database counts them; where it does not, statements on the table."""
    seen: list[int] = []

    def counted():
        query = "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables"
        return int(store.rows(query + " WHERE relname = 'people'")[0][0])

    def statement(_connection, _cursor, text, *_):
        if "people" in text:
            seen.append(1)

    def closed(connection, _record):
        if type(connection).__module__.startswith("pymysql"):
            with connection.cursor() as cursor:
                cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
                seen.append(sum(int(value) for _, value in cursor.fetchall()))

    if store.kind == "postgresql":
        before = counted()
        yield seen
        seen.append(counted() - before)
        return
    told = (
        (sa.Engine, "before_cursor_execute", statement)
        if store.kind == "sqlite"
        else (sa.pool.Pool, "close", closed)
    )
    sa.event.listen(*told)
    try:
        yield seen
    finally:
        sa.event.remove(*told)


def test_a_second_run_reads_what_a_plan_reads_and_no_row_besides(people, store):
    with reading(store) as first:
        (job,) = people.run().jobs
    assert job.done == RECORDS
    with reading(store) as plan:
        people.plan()
    with reading(store) as second:
        (job,) = people.run().jobs
    assert (job.status.value, job.planned, job.done) == ("nothing", 0, 0)
    besides = sum(second) - sum(plan)
    assert (
        0 <= besides < (20 if store.kind == "mariadb" else 1)
    )  # its own markers, of all that a session reads
    assert sum(first) > sum(plan)
