"""Columns of every odd type: as clock, condition, key, subject or bystander each works, or `check` says why not."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from retention.model.plan import JobStatus
from tests.support.mariadb import MariadbStore
from tests.support.stores import Store
from tests.support.workplace import Workplace

CLOCKS = [
    '"c"',
    '{ column = "c", unit = "s" }',
    '{ column = "c", format = "yyyymmdd" }',
    '{ column = "c", format = "iso" }',
]
DUE = "2020-01-01"


@dataclass(frozen=True)
class Odd:
    """A column's type and two values of it; whether it can be a clock in some encoding, and a key.

    `condition`: one that can be asked of it and is true of the first value; `wrong`: one that can't be.
    """

    type: str
    values: tuple[str, str]
    clock: bool = False
    key: bool = False
    condition: str = "c IS NOT NULL"
    wrong: str | None = None


MARIADB = [
    Odd("YEAR", ("2020", "2021"), key=True, condition="c < 2021", wrong="c = 'a'"),
    Odd("TIME", ("'10:00'", "'11:00'")),
    Odd("BIT(8)", ("5", "6"), key=True, condition="c = 5", wrong="c = 'a'"),
    Odd("BIT(1)", ("0", "1"), key=True, condition="NOT c", wrong="c < 3"),
    Odd("ENUM('a', 'b')", ("'a'", "'b'"), condition="c = 'a'", wrong="c < 3"),
    Odd("SET('a', 'b')", ("'a'", "'a,b'"), condition="c = 'a'", wrong="c < 3"),
    Odd("JSON", ("'{}'", "'[1]'"), clock=True, condition="c = '{}'", wrong="c < 3"),
    Odd("POINT", ("POINT(1, 1)", "POINT(2, 2)"), wrong="c < 3"),
    Odd("GEOMETRY", ("POINT(1, 1)", "POINT(2, 2)"), wrong="c < 3"),
    Odd("BIGINT UNSIGNED", ("1577836800", "18446744073709551615"), clock=True, key=True, condition="c < 2000000000"),
    Odd("DECIMAL(20, 0) UNSIGNED", ("20200101", "20200102"), clock=True, key=True, condition="c = 20200101"),
    Odd("INT(8) ZEROFILL", ("20200101", "20200102"), clock=True, key=True, condition="c = 20200101"),
    Odd("INET6", ("'::1'", "'::2'"), condition="c = '::1'", wrong="c < 3"),
    Odd("FLOAT UNSIGNED", ("1.5", "2.5"), clock=True, condition="c < 2"),
    Odd("TIMESTAMP(6) NULL ON UPDATE CURRENT_TIMESTAMP(6)", ("'2020-01-01'", "'2020-01-02'"), clock=True,
        condition="c < TIMESTAMP '2020-01-02 00:00:00'", wrong="c < 3"),
    Odd("DATE AS (at + INTERVAL 1 DAY)", ("DEFAULT", "DEFAULT"), clock=True, condition="c < DATE '2021-01-01'"),
    Odd("INT AS (id * 2) PERSISTENT", ("DEFAULT", "DEFAULT"), clock=True, condition="c = 2"),
    Odd("TINYBLOB", ("'a'", "'b'")),
]  # fmt: skip
DOMAINS = (
    "CREATE DOMAIN amount AS INTEGER CHECK (VALUE > 0); CREATE DOMAIN name_of AS VARCHAR(20);"
    "CREATE DOMAIN stamped AS DATE; CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE TYPE pair AS (a INT, b INT);"
)
POSTGRESQL = [
    Odd("INTEGER[]", ("'{1}'", "'{2}'"), condition="c = '{1}'", wrong="c = 'a'"),
    Odd("TEXT[]", ("'{a}'", "'{b}'"), wrong="c < 3"),
    Odd("INT4RANGE", ("'[1,2)'", "'[3,4)'"), condition="c = '[1,2)'", wrong="c = 'a'"),
    Odd("TSTZRANGE", ("'[2020-01-01,2021-01-01)'", "'[2020-01-02,2021-01-01)'"), wrong="c < 3"),
    Odd("amount", ("1", "2"), clock=True, key=True, condition="c < 2", wrong="c = 'a'"),
    Odd("name_of", ("'a'", "'b'"), clock=True, key=True, condition="c = 'a'", wrong="c < 3"),
    Odd("stamped", (f"'{DUE}'", "'2026-11-01'"), clock=True, key=True, condition="c < DATE '2021-01-01'"),
    Odd("mood", ("'sad'", "'happy'"), condition="c = 'sad'", wrong="c = 'glad'"),
    Odd("pair", ("'(1,2)'", "'(3,4)'"), wrong="c < 3"),
    Odd("JSON", ("'{}'", "'[1]'"), wrong="c = '{}'"),
    Odd("JSONB", ("'{}'", "'[1]'"), condition="c = '{}'", wrong="c = 'a'"),
    Odd("POINT", ("'(1,1)'", "'(2,2)'"), wrong="c < 3"),
    Odd("TIME", ("'10:00'", "'11:00'"), condition="c = '10:00'", wrong="c = 'noon'"),
    Odd("INTERVAL", ("'1 day'", "'2 days'"), condition="c = '1 day'", wrong="c < 3"),
    Odd("MONEY", ("1", "2"), wrong="c < TRUE"),
    Odd("INET", ("'::1'", "'::2'"), condition="c = '::1'", wrong="c = 'a'"),
    Odd("BIT(8)", ("B'00000001'", "B'00000010'"), wrong="c < 3"),
    Odd("XML", ("'<a/>'", "'<b/>'"), wrong="c = '<a/>'"),
    Odd("TSVECTOR", ("'a'", "'b'"), wrong="c < 3"),
    Odd("INTEGER GENERATED ALWAYS AS (id * 2) STORED", ("DEFAULT", "DEFAULT"), clock=True, key=True, condition="c = 2"),
]  # fmt: skip
QUICK = ("YEAR", "ENUM('a', 'b')", "POINT", "BIGINT UNSIGNED", "mood", "INT4RANGE", "JSON", "amount")
EVERY = [
    pytest.param(
        database, odd, id=f"{database} {odd.type}", marks=() if odd.type in QUICK else pytest.mark.heavy
    )
    for database, every in (("mariadb", MARIADB), ("postgresql", POSTGRESQL))
    for odd in every
]


@pytest.fixture
def things(work: Workplace) -> Workplace:
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')
    return work


def connect(things: Workplace, store: Store, *, clock: str = '"at"', more: str = "") -> None:
    events = f"events = {{ made = {clock} }}"
    things.connect(store, f'[datasets.things]\ndata = "things"\ntable = "things"\n{events}\n{more}')


def fill(store: Store, odd: Odd) -> None:
    unique = " NOT NULL UNIQUE" if odd.key else ""
    sql = (
        f"CREATE TABLE things (id INTEGER PRIMARY KEY, at DATE, c {odd.type}{unique});"
        f"INSERT INTO things (id, at, c) VALUES (1, '{DUE}', {odd.values[0]}), (2, '2026-11-01', {odd.values[1]})"
    )
    if isinstance(store, MariadbStore):
        store.verbatim(sql)
    else:
        store.script(DOMAINS + sql)


@pytest.mark.one_in(3)
@pytest.mark.parametrize(("database", "odd"), EVERY)
def test_each_role_works_or_is_refused_with_a_sentence(
    things: Workplace, request: pytest.FixtureRequest, database: str, odd: Odd
) -> None:
    store: Store = request.getfixturevalue(database)
    fill(store, odd)
    works = []
    for clock in CLOCKS:
        connect(things, store, clock=clock)
        found = things.problems()
        assert all(p.key == "datasets.things.events.made" and p.found and p.write for p in found)
        if not found:
            works.append(clock)
            things.fates("things")
            things.explain("db.things", "1")
    assert bool(works) == odd.clock
    if odd.wrong is not None:
        connect(things, store, more=f'where = "{odd.wrong}"\n')
        (problem,) = things.problems()
        assert problem.key == "datasets.things.where"
        assert problem.write
    connect(things, store, more=f'where = "{odd.condition}"\nsubject = {{ customer = "c" }}\n')
    assert things.problems() == ()
    assert things.fate_of("db.things", "1") == "due"
    connect(things, store, more='key = ["c"]\n')
    assert (things.problems() == ()) == odd.key

    connect(things, store, more='key = ["c"]\n' if odd.key else "")
    (job,) = things.run().jobs

    assert (job.status, job.done) == (JobStatus.DONE, 1)
    assert store.rows("SELECT id FROM things") == [(2,)]
