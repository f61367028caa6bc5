"""Partitioned tables on PostgreSQL: one table to the operator, many to the database."""

from __future__ import annotations

import pytest

from retention.connectors.sql.batches.removal import KeyRemover
from retention.model.plan import JobStatus
from tests.support.stores import PostgresqlStore
from tests.support.workplace import Workplace, adds_up

VISITS = '[datasets.visits]\ndata = "visits"\ntable = "visits"\nevents = { at = "at" }\n'
COLUMNS = "id INTEGER NOT NULL, at TIMESTAMP, site TEXT NOT NULL"
ROWS = (
    "INSERT INTO visits SELECT i, TIMESTAMP '2019-01-01' + i * INTERVAL '1 day', (ARRAY['a','b','c'])[i % 3 + 1]"
    " FROM generate_series(1, 3000) s(i)"
)
DUE = 2516
"""Of 3,000 days from 2 January 2019 on those that lie before 22 November 2025."""


@pytest.fixture
def visits(work: Workplace) -> Workplace:
    work.rule("visits", 'data = "visits"\nkeep = "1 year"\nfrom = "at"')
    return work


def by_range(key: str = "", default: bool = True) -> str:
    years = "".join(
        f"CREATE TABLE visits_{y} PARTITION OF visits FOR VALUES FROM ('{y}-01-01') TO ('{y + 1}-01-01');"
        for y in range(2019, 2025)
    )
    rest = "CREATE TABLE visits_rest PARTITION OF visits DEFAULT;" if default else ""
    return f"CREATE TABLE visits ({COLUMNS}{key}) PARTITION BY RANGE (at); {years}{rest}"


BY_LIST = (
    f"CREATE TABLE visits ({COLUMNS}, PRIMARY KEY (id, site)) PARTITION BY LIST (site);"
    "CREATE TABLE visits_a PARTITION OF visits FOR VALUES IN ('a');"
    "CREATE TABLE visits_bc PARTITION OF visits FOR VALUES IN ('b', 'c');"
)
BY_HASH = f"CREATE TABLE visits ({COLUMNS}, PRIMARY KEY (id)) PARTITION BY HASH (id);" + "".join(
    f"CREATE TABLE visits_{n} PARTITION OF visits FOR VALUES WITH (MODULUS 3, REMAINDER {n});"
    for n in range(3)
)
TWO_DEEP = (
    f"CREATE TABLE visits ({COLUMNS}, PRIMARY KEY (site, id)) PARTITION BY LIST (site);"
    "CREATE TABLE visits_a PARTITION OF visits FOR VALUES IN ('a') PARTITION BY HASH (id);"
    "CREATE TABLE visits_a0 PARTITION OF visits_a FOR VALUES WITH (MODULUS 2, REMAINDER 0) PARTITION BY RANGE (id);"
    "CREATE TABLE visits_a0_low PARTITION OF visits_a0 FOR VALUES FROM (0) TO (1000);"
    "CREATE TABLE visits_a0_rest PARTITION OF visits_a0 DEFAULT;"
    "CREATE TABLE visits_a1 PARTITION OF visits_a FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
    "CREATE TABLE visits_rest PARTITION OF visits DEFAULT;"
)
KEYED_APART = by_range() + "".join(
    f"ALTER TABLE visits_{name} ADD PRIMARY KEY (id);" for name in [*range(2019, 2025), "rest"]
)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("referred_to", [False, True], ids=["a leaf", "with a part"])
@pytest.mark.parametrize(
    ("schema", "key"),
    [
        (by_range(", PRIMARY KEY (id, at)"), ""),
        (BY_LIST, ""),
        (BY_HASH, ""),
        (TWO_DEEP, ""),
        (KEYED_APART, 'key = ["id"]'),
    ],
    ids=["range", "list", "hash", "three deep", "keys on the partitions"],
)
def test_plan_and_run_agree(
    visits: Workplace, postgresql: PostgresqlStore, schema: str, key: str, referred_to: bool
) -> None:
    postgresql.script(schema + ROWS)
    more = key
    if referred_to:
        postgresql.script(
            "CREATE TABLE clicks (id INTEGER PRIMARY KEY, visit INTEGER, site TEXT, at TIMESTAMP);"
            "CREATE INDEX ON clicks (visit, site); CREATE INDEX ON clicks (visit); CREATE INDEX ON clicks (visit, at);"
            "INSERT INTO clicks SELECT id, id, site, at FROM visits WHERE id % 100 = 0"
        )
        columns = {
            "(id, at)": ('["visit", "at"]', '["id", "at"]'),
            "(id, site)": ('["visit", "site"]', '["id", "site"]'),
            "(site, id)": ('["visit", "site"]', '["id", "site"]'),
        }
        left, right = next((c for k, c in columns.items() if k in schema), ('["visit"]', '["id"]'))
        more += (
            '\nparts = ["clicks"]\nrelations = [{ table = "clicks", columns = '
            f'{left}, target = "visits", target_columns = {right} }}]'
        )
    visits.connect(postgresql, VISITS + more)

    job = visits.job("visits")
    assert (job.total, job.due) == (3000, DUE)
    (done,) = visits.run().jobs

    assert (done.status, done.done, done.left) == (JobStatus.DONE, DUE, 0)
    assert postgresql.rows("SELECT min(id), count(*) FROM visits") == [(DUE + 1, 3000 - DUE)]
    if referred_to:
        assert dict(done.rows)["public.clicks"] == DUE // 100
        assert postgresql.rows("SELECT min(id), count(*) FROM clicks") == [(2600, 5)]


def test_a_key_that_one_partition_does_not_hold_unique(
    visits: Workplace, postgresql: PostgresqlStore
) -> None:
    postgresql.script(KEYED_APART + "ALTER TABLE visits_2021 DROP CONSTRAINT visits_2021_pkey")
    visits.connect(postgresql, VISITS + 'key = ["id"]')

    (problem,) = visits.problems()
    assert (problem.key, problem.found) == (
        "datasets.visits.key",
        "(id) is not unique in `public.visits`",
    )


def test_a_key_that_two_partitions_share_takes_no_row_that_is_not_due(
    visits: Workplace, postgresql: PostgresqlStore
) -> None:
    """5 is a visit of 2019 and one of today: the batch that would remove both is undone, and 5 set aside."""
    postgresql.script(
        KEYED_APART
        + "INSERT INTO visits VALUES (5, '2019-05-05', 'a'), (5, '2026-11-01', 'a'), (6, '2019-05-05', 'a')"
    )
    visits.connect(
        postgresql, VISITS + 'key = ["id"]\nparts = ["clicks"]\nrelations = ["clicks.visit -> visits.id"]'
    )
    postgresql.script(
        "CREATE TABLE clicks (id INTEGER PRIMARY KEY, visit INTEGER); CREATE INDEX ON clicks (visit)"
    )

    (job,) = visits.run().jobs

    assert (job.status, job.done, job.set_aside) == (JobStatus.PARTIAL, 1, 1)
    assert postgresql.rows("SELECT id FROM visits") == [(5,), (5,)]


def test_a_detached_partition_is_another_table(visits: Workplace, postgresql: PostgresqlStore) -> None:
    postgresql.script(
        by_range(", PRIMARY KEY (id, at)") + ROWS + "; ALTER TABLE visits DETACH PARTITION visits_2020"
    )
    visits.connect(postgresql, VISITS)
    (there,) = postgresql.rows("SELECT count(*) FROM visits_2020")

    assert visits.fates("visits")["due"] == DUE - there[0]
    visits.run()

    assert postgresql.rows("SELECT count(*) FROM visits_2020") == [there]


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    ("sql", "lost"),
    [
        ("ALTER TABLE visits DETACH PARTITION visits_2022", 365),
        ("ALTER TABLE visits DETACH PARTITION visits_2022; DROP TABLE visits_2022", 365),
        (
            "CREATE TABLE visits_old PARTITION OF visits FOR VALUES FROM ('2001-01-01') TO ('2002-01-01');"
            "INSERT INTO visits VALUES (-1, '2001-05-05', 'z')",
            0,
        ),
    ],
    ids=["detached", "dropped", "attached"],
)
@pytest.mark.parametrize("way", ["pages", "keys"])
def test_a_partition_that_changes_during_the_run(
    visits: Workplace,
    postgresql: PostgresqlStore,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    sql: str,
    lost: int,
) -> None:
    """Nothing that is not due goes, and the numbers add up; what came is the sweep's or the next run's."""
    postgresql.script(by_range(", PRIMARY KEY (id, at)", default=False))
    postgresql.script(
        ROWS.replace(
            "INSERT",
            "CREATE TABLE visits_more PARTITION OF visits FOR VALUES FROM ('2025-01-01') TO"
            " ('2030-01-01'); INSERT",
        )
    )
    more = ""
    if way == "keys":
        postgresql.script(
            "CREATE TABLE clicks (id INTEGER PRIMARY KEY, visit INTEGER, at TIMESTAMP);"
            "CREATE INDEX ON clicks (visit, at)"
        )
        more = (
            'parts = ["clicks"]\nrelations = [{ table = "clicks", columns = ["visit", "at"], target = "visits",'
            ' target_columns = ["id", "at"] }]'
        )
    visits.connect(postgresql, VISITS + more)
    visits.init()
    from retention.connectors.sql.batches.pages import PageRemover

    windows: list[int] = []
    for kind in (KeyRemover, PageRemover):

        def window(self, *given, _real=kind.window, **named):  # type: ignore[no-untyped-def]
            windows.append(1)
            if len(windows) == 2:
                postgresql.script(sql)
            return _real(self, *given, **named)

        monkeypatch.setattr(kind, "window", window)
    (job,) = visits.run().jobs

    assert adds_up(job)
    assert job.planned == DUE
    assert DUE - lost <= job.done <= DUE
    due_left = postgresql.rows("SELECT count(*) FROM visits WHERE at < '2025-11-22'")[0][0]
    assert due_left <= 1
    assert postgresql.rows("SELECT count(*) FROM visits WHERE at >= '2025-11-22'") == [(3000 - DUE,)]
