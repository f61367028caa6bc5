"""Periods that each tenant instructs, looked up by the statement that deletes: a leaf table is emptied as fast."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from retention import periods
from retention.connectors.sql.batches.pages import PageRemover
from retention.connectors.sql.batches.removal import KeyRemover
from retention.engine.pace import Pace
from retention.model.clock import Clock, Period
from retention.verbs.running import working
from tests.support.workplace import Workplace

MANY = 40
DATASET = """
[datasets.visits]
data = "visits"
table = "visits"
events = { made = "at" }
[datasets.visits.periods.instructed]
column = "tenants.days"
unit = "days"
between = ["1 day", "10 years"]
"""


@pytest.fixture
def visits(work, store, monkeypatch) -> Workplace:
    """Tenant 1 wants thirty days, tenant 2 ten years, tenant 3 has said nothing, and tenant 4 what can't be meant."""
    monkeypatch.setattr(working, "Pace", partial(Pace, size=10))  # more are due than a batch takes
    rows = [(n, 1 + n % 4, "2026-06-01 00:00:00") for n in range(1, MANY + 1)]
    rows += [(MANY + 1, 1, "2026-11-20 00:00:00"), (MANY + 2, None, "2020-01-01 00:00:00")]
    values = ", ".join(f"({n}, {tenant or 'NULL'}, '{at}')" for n, tenant, at in rows)
    store.script(
        "CREATE TABLE tenants (id INTEGER PRIMARY KEY, days INTEGER);"
        "INSERT INTO tenants VALUES (1, 30), (2, 3600), (3, NULL), (4, 0);"
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, tenant_id INTEGER, at TIMESTAMP NULL,"
        " FOREIGN KEY (tenant_id) REFERENCES tenants (id));"
        "CREATE INDEX visits_tenant ON visits (tenant_id);"
        f"INSERT INTO visits VALUES {values};"
    )
    work.connect(store, DATASET)
    work.rule("old", 'data = "visits"\nkeep = { period = "instructed" }\nfrom = "made"')
    work.init()
    return work


def left(store, tenant: int) -> int:
    ((n,),) = store.rows(f"SELECT count(*) FROM visits WHERE tenant_id = {tenant}")
    return int(n)


def test_what_its_tenant_wants_gone_goes_and_what_is_not_known_stays(visits, store):
    assert visits.fates("old") == {"due": 10, "not_due": 11, "unclear": 21}
    (job,) = visits.run().jobs
    assert (job.done, job.left) == (10, 0)
    assert [left(store, tenant) for tenant in (1, 2, 3, 4)] == [1, 10, 10, 10]
    assert visits.fates("old") == {"not_due": 11, "unclear": 21}


@pytest.mark.parametrize("days", ["3600", "NULL"])
def test_a_period_that_a_tenant_changes_after_the_plan_holds_in_the_next_batch(
    visits, store, monkeypatch, days
):
    original, begun = KeyRemover.begin, []

    def begin(self):
        if not begun:
            store.script(f"UPDATE tenants SET days = {days} WHERE id = 1")
        begun.append(True)
        original(self)

    monkeypatch.setattr(KeyRemover, "begin", begin)
    (job,) = visits.run().jobs
    assert begun
    assert (job.done, job.skipped.changed, job.left) == (0, 10, 0)
    assert left(store, 1) == 11


@pytest.mark.parametrize("store", ["postgresql", "mariadb"], indirect=True)
def test_a_batch_locks_no_tenant(visits, store, monkeypatch):
    """A DELETE that looks a tenant up would, on MariaDB."""
    changed = []

    def mark(self, marker, original=KeyRemover.mark):
        store.script("SET LOCAL lock_timeout = '1s'" if store.kind == "postgresql" else "SELECT 1")
        store.script("UPDATE tenants SET days = days + 1 WHERE id = 1")
        changed.append(marker.count)
        original(self, marker)

    monkeypatch.setattr(KeyRemover, "mark", mark)
    (job,) = visits.run().jobs
    assert sum(changed) == job.done == 10


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_ranges_are_taken_though_tenants_differ(visits, store, monkeypatch):
    ranges: list[int] = []

    def take(self, window, most, *, wait=False, original=PageRemover.take):
        found = original(self, window, most, wait=wait)
        ranges.extend([len(found.keys)] * (window.pages is not None))
        return found

    monkeypatch.setattr(PageRemover, "take", take)
    visits.run()
    assert sum(ranges) == 10


MONTHS = DATASET.replace("tenants.days", "tenants.months").replace('unit = "days"', 'unit = "months"')


def test_each_tenants_line_is_that_of_a_plain_period_to_the_second(work, store):
    """At the line and a second before it, of tenants with one month to ten years."""
    as_of = datetime(2026, 10, 31, tzinfo=UTC)
    tenants, visits = [], []
    for n in range(1, 121):
        clock = Clock(period=Period(months=n, days=0))
        line = datetime.combine(periods.cutoff(as_of, clock).day, datetime.min.time())
        tenants.append(f"({n}, {n})")
        visits.append(f"({2 * n}, {n}, '{line}')")
        visits.append(f"({2 * n + 1}, {n}, '{line - timedelta(seconds=1)}')")
    store.script(
        "CREATE TABLE tenants (id INTEGER PRIMARY KEY, months INTEGER);"
        f"INSERT INTO tenants VALUES {', '.join(tenants)};"
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, tenant_id INTEGER, at TIMESTAMP NULL,"
        " FOREIGN KEY (tenant_id) REFERENCES tenants (id));"
        "CREATE INDEX visits_tenant ON visits (tenant_id);"
        f"INSERT INTO visits VALUES {', '.join(visits)};"
    )
    work.connect(store, MONTHS)
    work.rule("old", 'data = "visits"\nkeep = { period = "instructed" }\nfrom = "made"')
    work.init()
    work.run(as_of="2026-10-31")
    assert store.rows("SELECT id FROM visits ORDER BY id") == [(2 * n,) for n in range(1, 121)]


def test_a_record_without_a_tenant_goes_by_another_limb(work, store, monkeypatch):
    """A DELETE that took the tenants beside its records would leave it."""
    monkeypatch.setattr(working, "Pace", partial(Pace, size=10))
    rows = [(n, "NULL" if n % 2 else 1, "2026-06-01 00:00:00", "2026-07-01 00:00:00") for n in range(1, 31)]
    values = ", ".join(f"({n}, {tenant}, '{at}', '{left}')" for n, tenant, at, left in rows)
    store.script(
        "CREATE TABLE tenants (id INTEGER PRIMARY KEY, days INTEGER); INSERT INTO tenants VALUES (1, 3600);"
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, tenant_id INTEGER, at TIMESTAMP NULL, quit TIMESTAMP NULL,"
        " FOREIGN KEY (tenant_id) REFERENCES tenants (id));"
        "CREATE INDEX visits_tenant ON visits (tenant_id);"
        f"INSERT INTO visits VALUES {values}, (31, NULL, '2020-01-01 00:00:00', NULL);"
    )
    work.connect(store, DATASET.replace('made = "at"', 'made = "at", quit = "quit"'))
    work.rule("old", 'data = "visits"\nkeep = { period = "instructed" }\nfrom = "made"\nuntil = ["quit"]')
    work.init()
    assert work.fates("old") == {"due": 30, "unclear": 1}
    (job,) = work.run().jobs
    assert (job.done, job.left) == (30, 0)
    assert store.rows("SELECT id FROM visits") == [(31,)]


@pytest.mark.parametrize(
    "type_", ["INT UNSIGNED", "TINYINT UNSIGNED", "BIGINT UNSIGNED ZEROFILL", "DECIMAL(5, 0)"]
)
@pytest.mark.parametrize("at", ["DATE", "DATETIME"])
def test_days_in_a_column_without_a_sign(work, mariadb, type_, at):
    """MariaDB refused the plan: a number without a sign can't be counted backwards."""
    mariadb.script(
        f"CREATE TABLE visits (id INTEGER PRIMARY KEY, days {type_}, at {at} NULL);"
        "INSERT INTO visits VALUES (1, 30, '2026-06-01'), (2, 250, '2026-06-01'), (3, NULL, '2026-06-01')"
    )
    work.connect(mariadb, DATASET.replace("tenants.days", "days"))
    work.rule("old", 'data = "visits"\nkeep = { period = "instructed" }\nfrom = "made"')
    assert work.fates("old") == {"due": 1, "not_due": 1, "unclear": 1}
