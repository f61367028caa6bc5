"""Records that refer to each other go together: the largest set that leaves no reference behind."""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Mapping

import pytest

from retention.engine.pace import Pace
from retention.model.plan import JobStatus
from retention.verbs.running import working
from tests.support.mariadb import MariadbStore
from tests.support.stores import PostgresqlStore, Store
from tests.support.workplace import Workplace

OLD, NEW = "'2020-01-01 00:00:00'", "'2026-11-01 00:00:00'"
LONG = 1_500
"""Generations of a long chain: MariaDB by itself follows 1,000."""
STAFF = """
[datasets.staff]
data   = "staff"
table  = "staff"
events = { left = "gone" }
"""

ORDERS = """
[datasets.orders]
data   = "orders"
table  = "orders"
parts  = ["lines"]
events = { booked = "booked" }
"""


@pytest.fixture
def staff(work: Workplace) -> Workplace:
    work.rule("staff", 'data = "staff"\nkeep = "1 year"\nfrom = "left"')
    return work


def fill(store: Store, people: Mapping[int, tuple[str, int | None]], *, on_delete: str = "NO ACTION") -> None:
    """People by number: when they left, and their manager. References are checked at the end."""
    rows = ", ".join(f"({n}, {at}, {'NULL' if boss is None else boss})" for n, (at, boss) in people.items())
    store.script(
        "CREATE TABLE staff (id INTEGER PRIMARY KEY, gone TIMESTAMP, boss INTEGER"
        f" REFERENCES staff (id) ON DELETE {on_delete}); CREATE INDEX staff_boss ON staff (boss);"
        f"{unchecked(store)}INSERT INTO staff VALUES {rows}"
    )


def unchecked(store: Store) -> str:
    """MariaDB looks at references row by row: a ring can't even be put in."""
    return "SET SESSION foreign_key_checks = 0; " if store.kind == "mariadb" else ""


def left(store: Store, table: str = "staff") -> list[int]:
    return [n for (n,) in store.rows(f"SELECT id FROM {table} ORDER BY id")]


@pytest.fixture(params=[1, 2, 1000])
def paced(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The size of the first batches."""
    size: int = request.param
    monkeypatch.setattr(working, "Pace", functools.partial(Pace, size=size))
    return size


def test_a_chain_goes_in_one_run_whatever_its_keys(staff: Workplace, store: Store, paced: int) -> None:
    """10 reports to 9, 9 to 8, …; and 101 to 102, 102 to 103, …"""
    people = {n: (OLD, n - 1 if n > 1 else None) for n in range(1, 11)}
    people |= {n: (OLD, n + 1 if n < 110 else None) for n in range(110, 100, -1)}
    fill(store, people)
    staff.connect(store, STAFF)

    assert staff.fates("staff") == {"due": 20}
    (job,) = staff.run().jobs

    assert (job.status, job.done, job.skipped.total) == (JobStatus.DONE, 20, 0)
    assert left(store) == []


@pytest.mark.one_in(3)
def test_who_stays_keeps_all_above(staff: Workplace, store: Store, paced: int) -> None:
    """5 is still here: 5's manager 3 stays, and 3's manager 1. What hangs below goes."""
    fill(
        store,
        {
            1: (OLD, None),
            2: (OLD, 1),
            3: (OLD, 1),
            4: (OLD, 2),
            5: (NEW, 3),
            6: (OLD, 5),
            7: (OLD, 6),
            8: (OLD, None),
        },
    )
    staff.connect(store, STAFF)

    assert staff.each("staff") == {
        "1": "referenced",
        "2": "due",
        "3": "referenced",
        "4": "due",
        "5": "not_due",
        "6": "due",
        "7": "due",
        "8": "due",
    }
    job = staff.job("staff")
    assert job.referenced_by == {f"{store.place}staff.boss": 2}
    (why,) = staff.explain("db.staff", "1").rules
    assert why.fate == "referenced"
    assert staff.run().jobs[0].done == 5
    assert left(store) == [1, 3, 5]


def test_rings_go_whole_or_not_at_all(staff: Workplace, store: Store, paced: int) -> None:
    """1→2→3→1 and what hangs on it; 4 manages itself; 5→6→5, and 7, who is here, reports to 6."""
    fill(
        store,
        {
            1: (OLD, 2),
            2: (OLD, 3),
            3: (OLD, 1),
            4: (OLD, 4),
            5: (OLD, 6),
            6: (OLD, 5),
            7: (NEW, 6),
            8: (OLD, 1),
            9: (OLD, 10),
            10: (OLD, None),
        },
    )
    store.script("UPDATE staff SET boss = 10 WHERE id = 3; UPDATE staff SET boss = 1 WHERE id = 3")
    staff.connect(store, STAFF)

    assert staff.fates("staff") == {"due": 7, "referenced": 2, "not_due": 1}
    (job,) = staff.run().jobs

    assert (job.status, job.done) == (JobStatus.DONE, 7)
    assert left(store) == [5, 6, 7]


def test_a_ring_that_leads_to_a_ring(staff: Workplace, store: Store, paced: int) -> None:
    """1↔2, of which 2 knows 3 by another column; 3↔4; then a chain 4→5→6."""
    store.script(
        "CREATE TABLE staff (id INTEGER PRIMARY KEY, gone TIMESTAMP, boss INTEGER REFERENCES staff (id),"
        " mentor INTEGER REFERENCES staff (id));"
        "CREATE INDEX staff_boss ON staff (boss); CREATE INDEX staff_mentor ON staff (mentor);"
        f"{unchecked(store)}INSERT INTO staff VALUES (1, {OLD}, 2, NULL), (2, {OLD}, 1, 3),"
        f" (3, {OLD}, 4, NULL), (4, {OLD}, 3, 5),"
        f" (5, {OLD}, 6, NULL), (6, {OLD}, NULL, NULL), (7, {NEW}, 8, 6), (8, {OLD}, NULL, NULL)"
    )
    staff.connect(store, STAFF)

    assert staff.fates("staff") == {"due": 5, "referenced": 2, "not_due": 1}
    (job,) = staff.run().jobs

    assert (job.status, job.done) == (JobStatus.DONE, 5)
    assert left(store) == [6, 7, 8]


@pytest.mark.one_in(3)
@pytest.mark.parametrize("on_delete", ["NO ACTION", "RESTRICT"])
def test_a_delete_rule_that_is_looked_at_row_by_row(
    staff: Workplace, store: Store, on_delete: str, paced: int
) -> None:
    fill(store, {n: (OLD, n // 2 or None) for n in range(1, 64)}, on_delete=on_delete)
    staff.connect(store, STAFF)

    (job,) = staff.run().jobs

    assert (job.status, job.done, job.set_aside) == (JobStatus.DONE, 63, 0)
    assert left(store) == []


def test_parts_that_refer_to_parts_of_other_records(work: Workplace, store: Store, paced: int) -> None:
    """A corrected line refers to the one that it replaces, in another order; a line of order 5 to one of its own."""
    store.script(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, booked TIMESTAMP);"
        "CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id),"
        " replaces INTEGER REFERENCES lines (id));"
        "CREATE INDEX lines_order ON lines (order_id); CREATE INDEX lines_replaces ON lines (replaces);"
        f"INSERT INTO orders VALUES (1, {OLD}), (2, {OLD}), (3, {OLD}), (4, {NEW}), (5, {OLD});"
        "INSERT INTO lines VALUES (10, 1, NULL), (20, 2, 10), (30, 3, NULL), (40, 4, 30), (50, 5, NULL), (51, 5, 50)"
    )
    work.rule("orders", 'data = "orders"\nkeep = "1 year"\nfrom = "booked"')
    work.connect(store, ORDERS)

    assert work.each("orders") == {"1": "due", "2": "due", "3": "referenced", "4": "not_due", "5": "due"}
    (job,) = work.run().jobs

    assert (job.status, job.done) == (JobStatus.DONE, 3)
    assert left(store, "orders") == [3, 4]
    assert left(store, "lines") == [30, 40]


def test_a_composite_key_that_refers_to_itself(work: Workplace, store: Store, paced: int) -> None:
    store.script(
        "CREATE TABLE posts (site INTEGER, no INTEGER, at TIMESTAMP, answers INTEGER, PRIMARY KEY (site, no),"
        " FOREIGN KEY (site, answers) REFERENCES posts (site, no));"
        "CREATE INDEX posts_answers ON posts (site, answers);"
        f"INSERT INTO posts VALUES (1, 1, {OLD}, NULL), (1, 2, {OLD}, 1), (1, 3, {NEW}, 2), (2, 1, {OLD}, NULL),"
        f" (2, 2, {OLD}, 1), (2, 3, {OLD}, 2)"
    )
    work.rule("posts", 'data = "posts"\nkeep = "1 year"\nfrom = "at"')
    work.connect(store, '[datasets.posts]\ndata = "posts"\ntable = "posts"\nevents = { at = "at" }')

    assert work.fates("posts") == {"due": 3, "referenced": 2, "not_due": 1}
    work.run()
    assert store.rows("SELECT site, no FROM posts ORDER BY 1, 2") == [(1, 1), (1, 2), (1, 3)]


def test_a_key_without_case_that_refers_to_itself(staff: Workplace, mariadb: MariadbStore) -> None:
    """B reports to a by the name of "A ", which MariaDB takes for one."""
    mariadb.verbatim(
        "CREATE TABLE staff (id VARCHAR(10) PRIMARY KEY, gone DATETIME, boss VARCHAR(10) REFERENCES staff (id));"
        f"INSERT INTO staff VALUES ('a', {OLD}, NULL), ('b', {OLD}, 'A '), ('c', {OLD}, 'B'),"
        f" ('d', {OLD}, NULL), ('e', {NEW}, 'D ')"
    )
    staff.connect(mariadb, STAFF)

    assert staff.fates("staff") == {"due": 3, "referenced": 1, "not_due": 1}
    (job,) = staff.run().jobs

    assert (job.status, job.done, job.set_aside) == (JobStatus.DONE, 3, 0)
    assert mariadb.rows("SELECT id FROM staff ORDER BY id") == [("d",), ("e",)]


def test_a_relation_within_the_table(staff: Workplace, store: Store) -> None:
    store.script(
        "CREATE TABLE staff (id INTEGER PRIMARY KEY, gone TIMESTAMP, boss INTEGER);"
        "CREATE INDEX staff_boss ON staff (boss);"
        f"INSERT INTO staff VALUES (1, {OLD}, NULL), (2, {NEW}, 1), (3, {OLD}, 4), (4, {OLD}, 3), (5, {OLD}, 77)"
    )
    staff.connect(store, STAFF + 'relations = ["staff.boss -> staff.id"]')

    assert staff.each("staff") == {"1": "referenced", "2": "not_due", "3": "due", "4": "due", "5": "due"}
    staff.run()
    assert left(store) == [1, 2]


def test_another_dataset_counts_on_what_goes_together(work: Workplace, store: Store, paced: int) -> None:
    """A team goes after all who were in it; who is kept by somebody below keeps the team, too."""
    store.script(
        "CREATE TABLE teams (id INTEGER PRIMARY KEY, gone TIMESTAMP);"
        "CREATE TABLE staff (id INTEGER PRIMARY KEY, gone TIMESTAMP, boss INTEGER REFERENCES staff (id),"
        " team INTEGER REFERENCES teams (id));"
        "CREATE INDEX staff_boss ON staff (boss); CREATE INDEX staff_team ON staff (team);"
        f"INSERT INTO teams VALUES (1, {OLD}), (2, {OLD}), (3, {OLD});"
        f"INSERT INTO staff VALUES (1, {OLD}, NULL, 1), (2, {OLD}, 1, 1), (3, {OLD}, NULL, 2), (4, {NEW}, 3, NULL)"
    )
    for name in ("teams", "staff"):
        work.rule(name, f'data = "{name}"\nkeep = "1 year"\nfrom = "left"')
    work.connect(store, STAFF + STAFF.replace("staff", "teams"))

    assert work.each("teams") == {"1": "due", "2": "referenced", "3": "due"}
    assert all(job.left == 0 for job in work.run().jobs)
    assert left(store) == [3, 4]
    assert left(store, "teams") == [2]


def test_somebody_who_comes_while_a_chain_goes_keeps_all_above(
    staff: Workplace, postgresql: PostgresqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chain 6→5→…→1, two a batch; after the first batch somebody new reports to 3."""
    from retention.connectors.sql.batches.removal import KeyRemover

    fill(postgresql, {n: (OLD, n - 1 or None) for n in range(1, 7)})
    monkeypatch.setattr(working, "Pace", functools.partial(Pace, size=2))
    staff.connect(postgresql, STAFF)
    staff.init()
    commit, commits = KeyRemover.commit, []

    def committed(self: KeyRemover) -> None:
        commit(self)
        if not commits:
            postgresql.script(f"INSERT INTO staff VALUES (9, {NEW}, 3)")
        commits.append(1)

    monkeypatch.setattr(KeyRemover, "commit", committed)
    (job,) = staff.run().jobs

    assert (job.planned, job.done, job.skipped.changed) == (6, 3, 3)
    assert left(postgresql) == [1, 2, 3, 9]


def test_a_canary_takes_what_nothing_refers_to_first(staff: Workplace, store: Store) -> None:
    fill(store, {n: (OLD, n - 1 or None) for n in range(1, 7)})
    staff.connect(store, STAFF)

    assert staff.run(limit=2).jobs[0].done == 2
    assert left(store) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("kind", "on_delete"), [("sqlite", "RESTRICT"), ("mariadb", "RESTRICT"), ("mariadb", "NO ACTION")]
)
def test_a_ring_that_the_database_looks_at_row_by_row_goes(
    staff: Workplace, request: pytest.FixtureRequest, kind: str, on_delete: str
) -> None:
    """RESTRICT in SQLite lets no row of a ring go first, InnoDB never does."""
    store: Store = request.getfixturevalue(kind)
    fill(store, {1: (OLD, 2), 2: (OLD, 1), 3: (OLD, 3), 4: (NEW, None)}, on_delete=on_delete)
    staff.connect(store, STAFF)

    (job,) = staff.run().jobs

    assert (job.status, job.done, job.set_aside) == (JobStatus.DONE, 3, 0)
    assert left(store) == [4]


@pytest.mark.parametrize("seed", range(4))
def test_a_run_leaves_what_a_plain_search_leaves(staff: Workplace, store: Store, seed: int) -> None:
    """A hundred people, managers drawn at random: taken back one by one, what stays for whoever stays."""
    rnd = random.Random(seed)
    people = {
        n: (OLD if rnd.random() < 0.9 else NEW, rnd.choice([None, *range(1, 101)])) for n in range(1, 101)
    }
    stay = {n for n, (at, _) in people.items() if at == NEW}
    while more := {b for n, (_, b) in people.items() if n in stay and b is not None} - stay:
        stay |= more
    fill(store, people)
    staff.connect(store, STAFF)

    (job,) = staff.run().jobs

    assert (job.planned, job.done, job.set_aside) == (100 - len(stay), 100 - len(stay), 0)
    assert left(store) == sorted(stay)


def test_a_long_chain_goes_in_a_run(staff: Workplace, store: Store) -> None:
    long = LONG
    fill(store, {n: (OLD, n - 1 or None) for n in range(1, long + 1)})
    staff.connect(store, STAFF)

    (job,) = staff.run().jobs

    assert (job.planned, job.done, job.left) == (long, long, 0)


def test_who_stays_keeps_all_above_however_far(staff: Workplace, store: Store) -> None:
    """MariaDB ends a recursive query after 1,000 rounds, and gives what it has: here nothing else would save them."""
    long = LONG
    people = ", ".join(f"({n}, {OLD if n < long else NEW}, {n - 1})" for n in range(1, long + 1))
    store.script(
        "CREATE TABLE staff (id INTEGER PRIMARY KEY, gone TIMESTAMP, boss INTEGER);"
        f"CREATE INDEX staff_boss ON staff (boss); INSERT INTO staff VALUES {people}"
    )
    staff.connect(store, STAFF + 'relations = ["staff.boss -> staff.id"]')

    assert staff.fates("staff") == {"referenced": long - 1, "not_due": 1}
    staff.run()
    assert len(left(store)) == long


# -- what can't be set to NULL first -------------------------------------------------------


STUBBORN = ("sqlite", "mariadb")
"""Databases that look at references as each row goes: SQLite at those with RESTRICT."""


@pytest.fixture(params=STUBBORN)
def strict(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(request.param)
    return found


def bosses(
    store: Store, people: Mapping[int, tuple[str, int, int | None]], *, column: str = "INTEGER NOT NULL"
) -> None:
    """As `fill`, each with a manager who must be known, and a mentor who need not."""
    rows = ", ".join(f"({n}, {at}, {boss}, {mentor or 'NULL'})" for n, (at, boss, mentor) in people.items())
    rule = "REFERENCES staff (id) ON DELETE RESTRICT"
    store.script(
        f"CREATE TABLE staff (id INTEGER PRIMARY KEY, gone TIMESTAMP, boss {column} {rule}, mentor INTEGER {rule});"
        "CREATE INDEX staff_boss ON staff (boss); CREATE INDEX staff_mentor ON staff (mentor);"
        f"{unchecked(store)}INSERT INTO staff VALUES {rows}"
    )


def test_a_ring_that_can_not_be_opened_is_planned_as_staying(
    staff: Workplace, strict: Store, paced: int
) -> None:
    """1 manages itself; 4→5→4; what hangs on them goes; 10 is mentor of one of the ring, and 9 comes after it."""
    bosses(
        strict,
        {
            1: (OLD, 1, None),
            2: (OLD, 1, 3),
            3: (OLD, 2, 2),
            4: (OLD, 5, None),
            5: (OLD, 4, 10),
            6: (OLD, 4, None),
            7: (OLD, 6, 9),
            8: (NEW, 1, None),
            9: (OLD, 1, None),
            10: (OLD, 1, None),
        },
    )
    staff.connect(strict, STAFF)

    report = staff.check()
    assert report.problems == ()
    (warning,) = [w for w in report.warnings if "ring" in w]
    assert f"by `{strict.place}staff.boss` stay: `boss` is NOT NULL" in warning
    assert [n for n, fate in staff.each("staff").items() if fate == "referenced"] == ["1", "4", "5", "10"]
    assert staff.fates("staff") == {"due": 5, "referenced": 4, "not_due": 1}
    job = staff.job("staff")
    assert (job.ringed, job.ringed_by) == (4, (f"{strict.place}staff.boss: `boss` is NOT NULL",))
    (why,) = staff.explain("db.staff", "1").rules
    assert why.because.endswith(f"in a ring that can't go, by {strict.place}staff.boss: `boss` is NOT NULL")

    (job,) = staff.run().jobs

    assert (job.status, job.done, job.set_aside) == (JobStatus.DONE, 5, 0)
    assert left(strict) == [1, 4, 5, 8, 10]


def test_why_a_ring_stays_is_said_in_the_plan(staff: Workplace, mariadb: MariadbStore) -> None:
    bosses(mariadb, {1: (OLD, 2, None), 2: (OLD, 1, None), 3: (OLD, 3, None)})
    staff.connect(mariadb, STAFF)

    said = " ".join(staff.cli("plan").output.split())

    assert "3 referred to by rows that stay" in said
    assert "3 of them for rows that refer to each other in a ring, which can't go by" in said
    assert f"{mariadb.place}staff.boss: `boss` is NOT NULL" in said
    document = json.loads(staff.cli("plan", "--format", "json").output)
    by = [f"{mariadb.place}staff.boss: `boss` is NOT NULL"]
    assert document["jobs"][0]["rings"] == {"records": 3, "by": by}


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    ("column", "more", "why"),
    [
        ("INTEGER CHECK (boss <> id + 1 AND NOT boss IN (77, 78))", "", None),
        ("INTEGER", "ALTER TABLE staff ADD changed TIMESTAMP ON UPDATE CURRENT_TIMESTAMP", None),
        (
            "INTEGER",
            "CREATE TRIGGER seen AFTER UPDATE ON staff FOR EACH ROW SET @n = 1",
            "the trigger `seen` runs",
        ),
        ("INTEGER CHECK (boss IS NOT NULL)", "", "CHECK (`boss` is not null) might not hold then"),
        (
            "INTEGER",
            "ALTER TABLE staff ADD n INTEGER AS (COALESCE(boss, 0)) STORED, ADD UNIQUE (n)",
            "(coalesce(`boss`,0)) is computed from it",
        ),
        (
            "INTEGER UNIQUE",
            "CREATE TABLE cars (boss INTEGER REFERENCES staff (boss))",
            "others refer to `boss`",
        ),
    ],
    ids=["harmless CHECK", "ON UPDATE", "trigger", "CHECK", "computed", "referred to"],
)
def test_what_holds_a_referring_column_as_it_is(
    staff: Workplace, mariadb: MariadbStore, column: str, more: str, why: str | None
) -> None:
    bosses(mariadb, {3: (OLD, 6, None), 6: (OLD, 3, None)}, column=column)
    if more:
        mariadb.verbatim(more)
    staff.connect(mariadb, STAFF)

    assert staff.fates("staff") == ({"due": 2} if why is None else {"referenced": 2})
    if why is not None:
        assert why in staff.job("staff").ringed_by[0]
    (job,) = staff.run().jobs
    assert job.set_aside == 0
    assert left(mariadb) == ([] if why is None else [3, 6])


@pytest.mark.one_in(3)
@pytest.mark.parametrize("nullable", [True, False])
def test_rings_of_rows_of_parts(work: Workplace, strict: Store, nullable: bool, paced: int) -> None:
    """Lines that replace each other: 10↔11 of one order, 20→30→20 of two, 40 itself; 50→51→52 make no ring."""
    replaces = f"INTEGER {'' if nullable else 'NOT NULL'} REFERENCES lines (id) ON DELETE RESTRICT"
    last = "NULL" if nullable else "60"
    strict.script(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, booked TIMESTAMP);"
        f"CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id), replaces {replaces});"
        "CREATE INDEX lines_order ON lines (order_id); CREATE INDEX lines_replaces ON lines (replaces);"
        f"INSERT INTO orders VALUES (1, {OLD}), (2, {OLD}), (3, {OLD}), (4, {OLD}), (5, {OLD}), (6, {NEW});"
        f"{unchecked(strict)}INSERT INTO lines VALUES (10, 1, 11), (11, 1, 10), (20, 2, 30), (30, 3, 20),"
        f" (40, 4, 40), (50, 5, 51), (51, 5, 52), (52, 5, {last}), (60, 6, 60)"
    )
    work.rule("orders", 'data = "orders"\nkeep = "1 year"\nfrom = "booked"')
    work.connect(strict, ORDERS)

    expected = {"due": 5, "not_due": 1} if nullable else {"due": 1, "referenced": 4, "not_due": 1}
    assert work.fates("orders") == expected
    (job,) = work.run().jobs

    assert (job.status, job.done, job.set_aside) == (JobStatus.DONE, expected["due"], 0)
    assert left(strict, "orders") == ([6] if nullable else [1, 2, 3, 4, 6])
    assert left(strict, "lines") == ([60] if nullable else [10, 11, 20, 30, 40, 60])


def test_a_ring_by_a_composite_key(work: Workplace, strict: Store, paced: int) -> None:
    """One column of the reference is enough: the site can't be NULL."""
    strict.script(
        "CREATE TABLE posts (site INTEGER, no INTEGER, at TIMESTAMP, answers INTEGER, PRIMARY KEY (site, no),"
        " FOREIGN KEY (site, answers) REFERENCES posts (site, no) ON DELETE RESTRICT);"
        f"CREATE INDEX posts_answers ON posts (site, answers); {unchecked(strict)}"
        f"INSERT INTO posts VALUES (1, 1, {OLD}, 2), (1, 2, {OLD}, 1), (1, 3, {OLD}, 3), (2, 1, {OLD}, 2),"
        f" (2, 2, {OLD}, 1), (2, 3, {NEW}, 2)"
    )
    work.rule("posts", 'data = "posts"\nkeep = "1 year"\nfrom = "at"')
    work.connect(strict, '[datasets.posts]\ndata = "posts"\ntable = "posts"\nevents = { at = "at" }')

    assert work.fates("posts") == {"due": 3, "referenced": 2, "not_due": 1}
    (job,) = work.run().jobs
    assert (job.done, job.set_aside) == (3, 0)
    assert strict.rows("SELECT site, no, answers FROM posts ORDER BY 1, 2") == [
        (2, 1, 2),
        (2, 2, 1),
        (2, 3, 2),
    ]


def test_a_chain_that_can_not_be_loosened_goes_in_a_batch(staff: Workplace, strict: Store) -> None:
    bosses(strict, {n: (OLD if n > 1 else NEW, max(n - 1, 1), None) for n in range(1, 101)})
    staff.connect(strict, STAFF)

    (job,) = staff.run().jobs

    assert (job.planned, job.done, job.batches) == (99, 99, 1)
    assert left(strict) == [1]


@pytest.mark.parametrize("seed", range(4))
def test_a_run_leaves_what_a_plain_search_leaves_where_rings_stay(
    staff: Workplace, strict: Store, seed: int
) -> None:
    """The same where managers must be known: rings by managers stay, and all that they lead to."""
    rnd = random.Random(seed)
    people = {
        n: (
            OLD if rnd.random() < 0.97 else NEW,
            rnd.randrange(1, 81) if rnd.random() < 0.04 else max(1, n - rnd.randrange(1, 4)),
            rnd.randrange(1, 81) if rnd.random() < 0.2 else None,
        )
        for n in range(1, 81)
    }

    def returns(n: int) -> bool:
        at = people[n][1]
        for _ in people:
            if at == n:
                return True
            at = people[at][1]
        return False

    stay = {n for n in people if people[n][0] == NEW or returns(n)}
    while more := {k for n in stay for k in people[n][1:] if isinstance(k, int)} - stay:
        stay |= more
    bosses(strict, people)
    staff.connect(strict, STAFF)

    (job,) = staff.run().jobs

    assert (job.planned, job.done, job.set_aside) == (80 - len(stay), 80 - len(stay), 0)
    assert left(strict) == sorted(stay)


# -- a cycle inside a record ---------------------------------------------------------------


def cycle(store: Store, on_delete: str = "NO ACTION") -> None:
    """Orders know their first line; that of order 4 is one of order 3, and that of 6 one of 5, who stays."""
    rule = f"REFERENCES lines (id) ON DELETE {on_delete}"
    first = f" {rule}" if store.kind == "sqlite" else ""
    store.script(
        f"CREATE TABLE orders (id INTEGER PRIMARY KEY, booked TIMESTAMP, first_line INTEGER{first});"
        "CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders (id));"
        "CREATE INDEX orders_line ON orders (first_line); CREATE INDEX lines_order ON lines (order_id);"
        f"INSERT INTO orders VALUES (1, {OLD}, NULL), (2, {NEW}, NULL), (3, {OLD}, NULL), (4, {OLD}, NULL),"
        f" (5, {NEW}, NULL), (6, {OLD}, NULL), (7, {OLD}, NULL), (8, {NEW}, NULL);"
        "INSERT INTO lines VALUES (10, 1), (11, 1), (20, 2), (30, 3), (40, 4), (50, 5), (60, 6), (70, 7);"
        "UPDATE orders SET first_line = id * 10 WHERE id IN (1, 2, 3, 5);"
        "UPDATE orders SET first_line = 30 WHERE id = 4; UPDATE orders SET first_line = 50 WHERE id = 6;"
        "UPDATE orders SET first_line = 70 WHERE id = 8"
    )
    if store.kind != "sqlite":
        waits = " DEFERRABLE" if store.kind == "postgresql" else ""
        store.script(f"ALTER TABLE orders ADD FOREIGN KEY (first_line) {rule}{waits}")


@pytest.mark.parametrize(
    ("kind", "on_delete"),
    [
        ("sqlite", "NO ACTION"),
        ("sqlite", "RESTRICT"),
        ("postgresql", "NO ACTION"),
        ("mariadb", "NO ACTION"),
        ("mariadb", "RESTRICT"),
        ("mariadb", "SET NULL"),
    ],
)
def test_a_cycle_inside_a_record_goes(
    work: Workplace,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    on_delete: str,
) -> None:
    """Where constraints can wait for the end of a transaction, and where the order forgets its line first."""
    store: Store = request.getfixturevalue(kind)
    monkeypatch.setattr(working, "Pace", functools.partial(Pace, size=2))
    cycle(store, on_delete)
    work.rule("orders", 'data = "orders"\nkeep = "1 year"\nfrom = "booked"')
    work.connect(store, ORDERS)

    assert work.fates("orders") == {"due": 4, "not_due": 3, "referenced": 1}
    (job,) = work.run().jobs

    assert (job.status, job.done, job.set_aside) == (JobStatus.DONE, 4, 0)
    assert job.rows == {f"{store.place}orders": 4, f"{store.place}lines": 5}
    assert store.rows("SELECT id, first_line FROM orders ORDER BY id") == [
        (2, 20),
        (5, 50),
        (7, None),
        (8, 70),
    ]
    assert left(store, "lines") == [20, 50, 70]
    if store.kind == "sqlite":
        assert store.rows("PRAGMA foreign_key_check") == []


def test_constraints_that_waited_speak_before_the_intent(
    work: Workplace, postgresql: PostgresqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reference that nobody could see, deferred as well: the batch is undone and no intent is left."""
    from retention.connectors.sql.batches.removal import KeyRemover

    cycle(postgresql)
    work.rule("orders", 'data = "orders"\nkeep = "1 year"\nfrom = "booked"')
    work.connect(postgresql, ORDERS)
    work.init()
    mark = KeyRemover.mark

    def late(self: KeyRemover, marker: object) -> None:
        self._connection.exec_driver_sql("UPDATE orders SET first_line = 10 WHERE id = 2")
        mark(self, marker)  # type: ignore[arg-type]

    monkeypatch.setattr(KeyRemover, "mark", late)
    (job,) = work.run().jobs

    assert job.set_aside >= 1
    assert left(postgresql, "orders")[:2] == [1, 2]
    intents = [e for e in work.events() if e["type"] == "batch.intent"]
    assert len(intents) == job.batches


def test_records_that_keep_each_other_are_rewritten_together(work: Workplace, store: Store) -> None:
    """Nobody goes of those that a batch rewrites: who is referred to by one of them is rewritten, too, in one run."""
    work.rule("staff", 'data = "staff"\nkeep = "1 year"\nfrom = "left"\notherwise = ["pseudonymize"]')
    fill(store, {1: (OLD, None), 2: (OLD, 1), 3: (NEW, 2)})
    store.script("ALTER TABLE staff ADD name VARCHAR(20); UPDATE staff SET name = 'Ann'")
    work.connect(store, STAFF + 'anonymize = { name = "null" }\n')

    assert work.fates("staff") == {"due": 2, "not_due": 1}
    (job,) = work.run().jobs

    assert (job.planned, job.done, job.skipped.changed) == (2, 2, 0)
    assert store.rows("SELECT id FROM staff WHERE name IS NULL ORDER BY id") == [(1,), (2,)]
    assert work.fates("staff") == {"done": 2, "not_due": 1}


def test_what_waits_for_records_that_a_canary_left_is_left_too(work: Workplace, store: Store) -> None:
    """It counted as changed, and the job as complete, though nobody changed anything and all went with the next run."""
    store.script(
        "CREATE TABLE tasks (id INTEGER PRIMARY KEY, closed TIMESTAMP);"
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, made TIMESTAMP, task INTEGER REFERENCES tasks (id));"
        "CREATE INDEX notes_task ON notes (task);"
        + "".join(f"INSERT INTO tasks VALUES ({n}, {OLD});" for n in range(1, 6))
        + "".join(f"INSERT INTO notes VALUES ({n}, {OLD}, {n % 5 + 1});" for n in range(1, 21))
    )
    work.connect(
        store,
        '[datasets.tasks]\ndata = "tasks"\ntable = "tasks"\n'
        'events = { closed = { latest = ["closed", "notes.made"] } }\n'
        '[datasets.notes]\ndata = "notes"\ntable = "notes"\nevents = { made = "made" }\n',
    )
    work.rule("tasks", 'data = "tasks"\nkeep = "1 year"\nfrom = "closed"')
    work.rule("notes", 'data = "notes"\nkeep = "1 year"\nfrom = "made"')
    work.init()

    jobs = {job.rule: job for job in work.run(limit=4).jobs}

    assert (jobs["notes"].done, jobs["notes"].skipped.total, jobs["notes"].left) == (4, 0, 16)
    tasks = jobs["tasks"]
    assert (tasks.planned, tasks.done, tasks.skipped.total, tasks.left) == (5, 0, 0, 5)
    assert {job.rule: job.done for job in work.run().jobs} == {"notes": 16, "tasks": 5}


def test_what_keeps_a_record_is_told_though_the_rule_that_ended_last_is_left_out(
    work: Workplace, store: Store
) -> None:
    """Under --rule it was called `elsewhere`: another rule ended later, and would delete it, but does not run."""
    for name, keep in (("first", "1 year"), ("second", "2 years")):
        work.rule(name, f'data = "staff"\nkeep = "{keep}"\nfrom = "left"')
    fill(store, {1: (NEW, 2), 2: (OLD, None), 3: (OLD, None)})
    work.connect(store, STAFF)
    (job,) = work.plan("first").jobs
    assert (job.fates["referenced"], job.fates["elsewhere"], job.fates["not_due"]) == (1, 1, 1)
