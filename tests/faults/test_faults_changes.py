"""Data that changes while a run is on its way."""

import random

import pytest

from retention.model.plan import JobStatus
from tests.support_faults.removers import adds_up

EVENT = {"visits": "seen", "orders": "booked"}


@pytest.fixture(params=["visits", "orders"])
def table(request):
    return request.param


@pytest.fixture
def filled(shop, table):
    getattr(shop, table)(due=900)
    return shop.ready()


def test_rows_that_come_into_the_due_range_are_the_next_runs(filled, table, hooks):
    before = filled.keys()
    hooks.before("window", lambda _: getattr(filled, f"add_{table}")(20_001, 300), nth=1)
    job = filled.job()
    assert (job.planned, job.done) == (900, 900)
    assert filled.left(table) == 300
    assert filled.plan().jobs[0].due == 300
    assert filled.job().done == 300
    filled.must_be_whole({table: before[table] | set(range(20_001, 20_301))})


@pytest.mark.parametrize("step", ["window", "begin"])
def test_rows_that_were_updated_or_deleted_meanwhile_count_as_changed(filled, table, hooks, step):
    def changed(_remover):
        recent = filled.recently()
        filled.database.run(f"UPDATE {table} SET {EVENT[table]} = '{recent}' WHERE id BETWEEN 850 AND 854")
        if table == "orders":
            filled.database.run("DELETE FROM order_lines WHERE order_id BETWEEN 860 AND 862")
        filled.database.run(f"DELETE FROM {table} WHERE id BETWEEN 860 AND 862")

    hooks.before(step, changed, nth=1)
    job = filled.job()
    assert (job.status, job.done, job.skipped.changed) == (JobStatus.DONE, 892, 8)
    assert adds_up(job)
    assert filled.count(table, "id BETWEEN 850 AND 854") == 5


def test_a_part_that_comes_between_search_and_lock_goes_with_its_record(shop, hooks):
    shop.orders(due=300)
    shop.ready()
    before = shop.keys()
    hooks.before(
        "begin", lambda _: shop.database.run("INSERT INTO order_lines VALUES (999, 5, 'late')"), nth=1
    )
    job = shop.job()
    assert job.done == 300
    assert sum(job.rows.values()) == 300 * 3 + 1
    shop.must_be_whole(before)


def test_a_reference_that_comes_between_search_and_recheck_keeps_the_record(shop, hooks):
    shop.orders(due=300)
    shop.database.run(
        "CREATE TABLE refunds (id integer PRIMARY KEY, order_id integer REFERENCES orders (id))",
        "CREATE INDEX refunds_order ON refunds (order_id)",
    )
    shop.ready()
    before = shop.keys()
    hooks.before("begin", lambda _: shop.database.run("INSERT INTO refunds VALUES (1, 5)"), nth=1)
    job = shop.job()
    assert (job.done, job.skipped.changed) == (299, 1)
    assert shop.count("order_lines", "order_id = 5") == 2
    shop.must_be_whole(before)


def test_a_table_that_is_rewritten_during_the_run_loses_nothing(postgresql, hooks):
    postgresql.visits(due=3000)
    postgresql.ready()
    before = postgresql.keys()
    hooks.before("begin", lambda _: postgresql.database.run("VACUUM FULL visits"), nth=3)
    assert postgresql.job().done == 3000
    postgresql.must_be_whole(before)


def partitioned(shop, due):
    shop.datasets += ("visits",)
    shop.database.run(
        "CREATE TABLE visits (id integer, seen date, note text, half integer, PRIMARY KEY (id, half))"
        " PARTITION BY LIST (half)",
        "CREATE TABLE visits_0 PARTITION OF visits FOR VALUES IN (0)",
        "CREATE TABLE visits_1 PARTITION OF visits FOR VALUES IN (1)",
        f"INSERT INTO visits SELECT n, '2015-03-01', 'v', n % 2 FROM generate_series(1, {due}) s(n)",
    )
    return shop.ready()


def test_rows_that_move_to_another_partition_are_the_sweeps(postgresql, hooks):
    partitioned(postgresql, 2000)
    move = "UPDATE visits SET half = 1 - half WHERE id BETWEEN 1500 AND 1600"
    hooks.before("begin", lambda _: postgresql.database.run(move), nth=2)
    job = postgresql.job()
    assert (job.status, job.done) == (JobStatus.DONE, 2000)
    assert postgresql.count("visits") == 0
    postgresql.verify()


def test_a_partition_that_is_dropped_during_the_run_fails_nothing_else(postgresql, hooks):
    """Its size could not be told, and the run ended with an unexpected error."""
    partitioned(postgresql, 2000)
    hooks.before("window", lambda _: postgresql.database.run("DROP TABLE visits_1"), nth=2)
    outcome = postgresql.run()
    [job] = outcome.jobs
    assert adds_up(job)
    assert job.done == 1000
    assert postgresql.count("visits") == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_others_do_the_numbers_add_up(filled, table, hooks, seed):
    dice = random.Random(seed)
    before = filled.keys()
    added = iter(range(30_001, 90_000, 10))

    def something(_remover):
        first = dice.randint(1, 890)
        rows = f"id BETWEEN {first} AND {first + 4}"
        match dice.randint(0, 4):
            case 0:
                filled.database.run(f"UPDATE {table} SET {EVENT[table]} = '{filled.recently()}' WHERE {rows}")
            case 1:
                getattr(filled, f"add_{table}")(next(added), 10)
            case 2:
                filled.database.run(f"UPDATE {table} SET note = 'other' WHERE {rows}")

    hooks.before("begin", something)
    job = filled.job()
    assert adds_up(job)
    assert job.done <= job.planned == 900
    everything = before[table] | {n + i for n in range(30_001, next(added), 10) for i in range(10)}
    filled.must_be_whole({table: everything})
