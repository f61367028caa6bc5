"""Keys of every type: plan, run and explain agree, survivors are exact, the evidence holds each record."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from retention.errors import UsageError
from retention.model.plan import JobStatus
from tests.support.mariadb import MariadbStore
from tests.support.stores import PostgresqlStore, SqliteStore, Store
from tests.support.workplace import Workplace

THINGS = (
    '[datasets.things]\ndata = "things"\ntable = "things"\nevents = { made = "made" }\nparts = ["bits"]\n'
)


@dataclass(frozen=True)
class Kind:
    """A key: the columns, the type of each, literals of keys, and how one of those is typed."""

    columns: dict[str, str]
    keys: list[str]
    typed: list[str]
    only: str = ""  # the databases that have it


KINDS = {
    "composite": Kind(
        {"a": "INTEGER", "b": "INTEGER"}, ["1, 2", "2, 1", "1, 1", "2, 2"], ["1,2", "2,1", "1,1", "2,2"]
    ),
    "composite of text": Kind(
        {"a": "TEXT", "b": "INTEGER"},
        ["'x', 1", "'x ', 1", "'X', 1", "'y,z', 2", "'', 3"],
        ["x,1", "x ,1", "X,1", '"y,z",2', ",3"],
    ),
    "text": Kind(
        {"a": "TEXT"},
        ["'x'", "'x '", "' x'", "'X'", "'ß'", "'''; --'", "'x,y'", "'NULL'"],
        ["x", "x ", " x", "X", "ß", "'; --", "x,y", "NULL"],
    ),
    "varchar": Kind({"a": "VARCHAR(10)"}, ["'x'", "'x '", "'X'"], ["x", "x ", "X"], only="sqlite postgresql"),
    "bigint": Kind(
        {"a": "BIGINT"},
        ["9223372036854775807", "-9223372036854775808", "0"],
        ["9223372036854775807", "-9223372036854775808", "0"],
    ),
    "date": Kind({"a": "DATE"}, ["'2020-02-29'", "'1969-12-31'"], ["2020-02-29", "1969-12-31"]),
    "date and number": Kind(
        {"a": "DATE", "b": "INTEGER"},
        ["'2020-01-01', 1", "'2020-01-01', 2"],
        ["2020-01-01,1", "2020-01-01,2"],
    ),
    "timestamp": Kind(
        {"a": "TIMESTAMP"},
        ["'2020-01-01 00:00:00'", "'2020-01-01 00:00:00.000001'"],
        ["2020-01-01 00:00:00", "2020-01-01 00:00:00.000001"],
    ),
    "uuid": Kind(
        {"a": "UUID"},
        ["'6f1b8f0e-0000-4000-8000-000000000001'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"],
        ["6f1b8f0e-0000-4000-8000-000000000001", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"],
        only="postgresql",
    ),
    "bytea": Kind(
        {"a": "BYTEA"},
        [r"'\x00ff'", r"'\x00'", r"'\x'", r"'\x27'"],
        ["00ff", "00", "", "27"],
        only="postgresql",
    ),
    "bytea and number": Kind(
        {"a": "BYTEA", "b": "INTEGER"},
        [r"'\x00ff', 1", r"'\x00ff', 2"],
        ["00ff,1", "00FF,2"],
        only="postgresql",
    ),
    "blob": Kind(
        {"a": "BLOB"}, ["x'00ff'", "x'00'", "x''", "x'27'"], ["00ff", "00", "", "27"], only="sqlite"
    ),
    "numeric": Kind(
        {"a": "NUMERIC(20, 4)"},
        ["1.5", "12345678901234.5678", "-0.0001", "2"],
        ["1.5", "12345678901234.5678", "-0.0001", "2"],
        only="postgresql",
    ),
    "char": Kind({"a": "CHAR(4)"}, ["'x'", "'xyz'", "'X'"], ["x", "xyz", "X"], only="postgresql"),
    "timestamptz": Kind(
        {"a": "TIMESTAMPTZ"},
        ["'2020-01-01 00:00:00+00'", "'2020-01-01 00:00:00+02'"],
        ["2020-01-01T00:00:00+00:00", "2019-12-31T22:00:00+00:00"],
        only="postgresql",
    ),
    "boolean and number": Kind(
        {"a": "BOOLEAN", "b": "INTEGER"}, ["true, 1", "false, 1"], ["true,1", "false,1"], only="postgresql"
    ),
    "text of C": Kind({"a": 'TEXT COLLATE "C"'}, ["'x'", "'X'", "'é'"], ["x", "X", "é"], only="postgresql"),
    "text without case": Kind(
        {"a": "TEXT COLLATE NOCASE"}, ["'x'", "'Y'", "'z '"], ["x", "Y", "z "], only="sqlite"
    ),
    "text without trailing spaces": Kind(
        {"a": "TEXT COLLATE RTRIM"}, ["'x'", "'y '"], ["x", "y "], only="sqlite"
    ),
    "varchar of MariaDB, without case and spaces": Kind(
        {"a": "VARCHAR(10)"}, ["'x'", "'Y'", "'z '"], ["x", "Y", "z "], only="mariadb"
    ),
    "char of MariaDB": Kind({"a": "CHAR(4)"}, ["'x'", "'xyz'", "'w'"], ["x", "xyz", "w"], only="mariadb"),
    "unsigned": Kind(
        {"a": "BIGINT UNSIGNED"}, ["18446744073709551615", "0"], ["18446744073709551615", "0"], only="mariadb"
    ),
    "bit": Kind({"a": "BIT(8)"}, ["5", "255", "0"], ["5", "255", "0"], only="mariadb"),
    "decimal": Kind(
        {"a": "DECIMAL(20, 4)"},
        ["1.5", "12345678901234.5678", "-0.0001", "2"],
        ["1.5", "12345678901234.5678", "-0.0001", "2"],
        only="mariadb",
    ),
    "varbinary": Kind(
        {"a": "VARBINARY(8)"}, ["x'00ff'", "x'00'", "x''", "x'27'"], ["00ff", "00", "", "27"], only="mariadb"
    ),
    "binary and number": Kind(
        {"a": "BINARY(2)", "b": "INTEGER"}, ["x'00ff', 1", "x'00ff', 2"], ["00ff,1", "00FF,2"], only="mariadb"
    ),
    "uuid of MariaDB": Kind(
        {"a": "UUID"},
        ["'6f1b8f0e-0000-4000-8000-000000000001'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"],
        ["6f1b8f0e-0000-4000-8000-000000000001", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"],
        only="mariadb",
    ),
    "timestamp of MariaDB": Kind(
        {"a": "timestamp(6)"},
        ["'2020-01-01 00:00:00'", "'2020-01-01 00:00:00.000001'"],
        ["2020-01-01T00:00:00+00:00", "2020-01-01T00:00:00.000001+00:00"],
        only="mariadb",
    ),
}


@pytest.fixture
def things(work: Workplace) -> Workplace:
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')
    return work


def fill(store: Store, kind: Kind) -> None:
    """Every other key is due; each has a bit."""
    columns, names = ", ".join(f"{n} {t}" for n, t in kind.columns.items()), ", ".join(kind.columns)
    store.script(
        f"CREATE TABLE things ({columns}, made TIMESTAMP, PRIMARY KEY ({names}));"
        f"CREATE TABLE bits (id INTEGER PRIMARY KEY, {columns}, FOREIGN KEY ({names}) REFERENCES things ({names}));"
        f"CREATE INDEX bits_things ON bits ({names})"
    )
    for number, key in enumerate(kind.keys):
        at = "2026-11-01" if number % 2 else "2020-01-01"
        store.script(
            f"INSERT INTO things VALUES ({key}, '{at} 00:00:00'); INSERT INTO bits VALUES ({number}, {key})"
        )


@pytest.mark.one_in(3)
@pytest.mark.parametrize("name", KINDS)
def test_a_key_of_any_type(things: Workplace, store: Store, name: str) -> None:
    kind = KINDS[name]
    if kind.only and store.kind not in kind.only.split():
        pytest.skip(f"a type of {kind.only} alone")
    fill(store, kind)
    things.connect(store, THINGS)
    names = ", ".join(kind.columns)
    due = len(kind.keys[::2])

    assert things.problems() == ()
    assert things.fates("things") == {"due": due, "not_due": len(kind.keys) - due}
    for number, typed in enumerate(kind.typed):
        assert things.fate_of("db.things", typed) == ("not_due" if number % 2 else "due"), typed
    kept = store.rows(f"SELECT {names} FROM things WHERE made > '2026-01-01' ORDER BY {names}")
    (job,) = things.run().jobs

    assert (job.status, job.done, job.set_aside) == (JobStatus.DONE, due, 0)
    assert store.rows(f"SELECT {names} FROM things ORDER BY {names}") == kept
    assert store.rows("SELECT id FROM bits ORDER BY id") == [(n,) for n in range(1, len(kind.keys), 2)]
    (batch,) = [e["data"] for e in things.events() if e["type"] == "batch.committed"]
    assert batch["count"] == due


@pytest.mark.parametrize("name", ["blob", "bytea"])
def test_a_binary_key_is_typed_in_hexadecimal(
    things: Workplace, request: pytest.FixtureRequest, name: str
) -> None:
    store: Store = request.getfixturevalue(KINDS[name].only)
    fill(store, KINDS[name])
    things.connect(store, THINGS)

    assert things.fate_of("db.things", r"\x00ff" if name == "bytea" else "00ff") == "due"
    with pytest.raises(UsageError, match="is no value of the key column a") as refused:
        things.fate_of("db.things", "zz")
    assert "hexadecimal" in str(refused.value)


def test_a_text_key_that_sqlite_compares_without_case(things: Workplace, sqlite: SqliteStore) -> None:
    """x and X are one key there: a bit that says X belongs to x, and goes with it."""
    fill(sqlite, KINDS["text without case"])
    sqlite.script("INSERT INTO bits VALUES (50, 'X'), (51, 'y')")
    things.connect(sqlite, THINGS)

    assert things.job("things").rows == {"things": 2, "bits": 3}
    (job,) = things.run().jobs

    assert (job.status, job.done) == (JobStatus.DONE, 2)
    assert sqlite.rows("SELECT id FROM bits ORDER BY id") == [(1,), (51,)]


def test_a_text_key_that_mariadb_compares_without_case_and_spaces(
    things: Workplace, mariadb: MariadbStore
) -> None:
    """As its texts are where nothing else is said."""
    fill(mariadb, KINDS["varchar of MariaDB, without case and spaces"])
    mariadb.script("INSERT INTO bits VALUES (50, 'X'), (51, 'y'), (52, 'x ')")
    things.connect(mariadb, THINGS)

    assert things.job("things").rows == {f"{mariadb.place}things": 2, f"{mariadb.place}bits": 4}
    (job,) = things.run().jobs

    assert (job.status, job.done) == (JobStatus.DONE, 2)
    assert mariadb.rows("SELECT id FROM bits ORDER BY id") == [(1,), (51,)]


def test_a_text_key_that_postgresql_compares_without_case(
    things: Workplace, postgresql: PostgresqlStore
) -> None:
    """The same by a collation of ICU."""
    (icu,) = postgresql.rows("SELECT count(*) FROM pg_collation WHERE collprovider = 'i'")
    if icu == (0,):
        pytest.skip("this server was built without ICU")
    postgresql.script(
        "CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
    )
    fill(postgresql, Kind({"a": "TEXT COLLATE nocase"}, ["'x'", "'Y'", "'z'"], ["x", "Y", "z"]))
    postgresql.script("INSERT INTO bits VALUES (50, 'X'), (51, 'y')")
    things.connect(postgresql, THINGS)

    assert things.job("things").rows == {"public.things": 2, "public.bits": 3}
    (job,) = things.run().jobs

    assert (job.status, job.done) == (JobStatus.DONE, 2)
    assert postgresql.rows("SELECT id FROM bits ORDER BY id") == [(1,), (51,)]
