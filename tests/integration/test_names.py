"""Hostile names and keys of every type: plan, run and explain agree on both databases."""

from __future__ import annotations

import json
from datetime import date
from uuid import UUID

import pytest

from retention.errors import UsageError
from retention.model.typed import as_typed, pieces
from tests.support.stores import PostgresqlStore, Store, changed, quoted
from tests.support.workplace import Workplace, adds_up

NAMES = [
    "CamelCase",
    "select",
    'it\'s "said"',
    "dotted.name; -- /* and",
    "50% %(x)s %s",
    ":param_1 a:b ? $1",
    "back\\slash \\t",
    "{curly} [bracket] `tick`",
    "emoji 🦊 naïve ß",
]


def toml(text: str) -> str:
    """A TOML string, quoted as one piece of a name."""
    return json.dumps('"' + text.replace('"', '""') + '"', ensure_ascii=False)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_taken_as_it_stands(work: Workplace, store: Store, name: str) -> None:
    """The same name for the table, its part, the key, the dates and the reference."""
    if store.kind == "mariadb" and not all(ord(letter) < 0x10000 for letter in name):
        pytest.skip("MariaDB's names are of the basic multilingual plane")
    table, part = name, name + " part"
    key, day, owner = name + " key", name + " day", name + " owner"
    q = quoted
    store.script(
        f"CREATE TABLE {q(table)} ({q(key)} TEXT PRIMARY KEY, {q(day)} TIMESTAMP, {q(name)} TEXT);"
        f"CREATE TABLE {q(part)} ({q(key)} INTEGER PRIMARY KEY, {q(owner)} TEXT REFERENCES {q(table)} ({q(key)}));"
        f"CREATE INDEX {q('i ' + name)} ON {q(part)} ({q(owner)});"
        f"INSERT INTO {q(table)} VALUES ('old', '2020-01-01 10:00:00', 'yes'), ('new', '2026-11-01 10:00:00', 'yes'),"
        f" ('gone', '2020-01-01 10:00:00', 'no');"
        f"INSERT INTO {q(part)} VALUES (1, 'old'), (2, 'old'), (3, 'new'), (4, 'gone')"
    )
    condition = json.dumps(f"{q(name)} = 'yes'", ensure_ascii=False)
    work.connect(
        store,
        f"""
        [datasets.things]
        data   = "things"
        table  = {toml(table)}
        key    = {toml(key)}
        where  = {condition}
        events = {{ made = {toml(day)} }}
        parts  = [{{ table = {toml(part)}, via = {toml(owner)} }}]
        """,
    )
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')
    before = store.snapshot()

    assert work.problems() == ()
    assert work.fates("things") == {"due": 1, "not_due": 1}
    assert work.fate_of("db.things", "old") == "due"
    assert all(statement.sql for statement in work.statements())
    outcome = work.run()

    assert outcome.status == "done"
    assert changed(before, store.snapshot()) == {table: (1, 0), part: (2, 0)}


def test_schemas_with_hostile_names(work: Workplace, postgresql: PostgresqlStore) -> None:
    postgresql.script(
        'CREATE SCHEMA "a.b c"; CREATE TABLE "a.b c"."Or;ders" (id INTEGER PRIMARY KEY, at DATE);'
        'CREATE SCHEMA other; CREATE TABLE other."Or;ders" (id INTEGER PRIMARY KEY, at DATE);'
        'CREATE TABLE other.lines (id INTEGER PRIMARY KEY, o INTEGER REFERENCES "a.b c"."Or;ders" (id));'
        "CREATE INDEX ON other.lines (o);"
        "INSERT INTO \"a.b c\".\"Or;ders\" VALUES (1, '2020-01-01'), (2, '2026-11-01');"
        "INSERT INTO other.\"Or;ders\" VALUES (1, '2020-01-01'); INSERT INTO other.lines VALUES (1, 1)"
    )
    work.connect(
        postgresql,
        """
        [datasets.things]
        data   = "things"
        schema = "\\"a.b c\\""
        table  = "\\"Or;ders\\""
        events = { made = "at" }
        parts  = ["other.lines"]
        """,
    )
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')
    before = postgresql.snapshot()

    assert work.problems() == ()
    assert work.run().status == "done"

    assert changed(before, postgresql.snapshot()) == {"a.b c.Or;ders": (1, 0), "other.lines": (1, 0)}


KEYS = [
    ("TEXT", ["'a'", "'B'", "'ä'", "'with '' quote'", "''", "' spaced '"]),
    ("VARCHAR(20)", ["'a'", "'b'", "'{x,\"y\"}'", "'NULL'", "'back\\slash'", "'%s'"]),
    ("INTEGER", ["-5", "0", "1", "2", "1000", "70000"]),
    ("BIGINT", ["-9223372036854775808", "0", "1", "2", "3", "9223372036854775807"]),
]
POSTGRESQL_KEYS = [
    ("UUID", [f"'00000000-0000-4000-8000-00000000000{n}'" for n in range(6)]),
    ("DATE", [f"'2020-01-0{n}'" for n in range(1, 7)]),
    ("TIMESTAMP", [f"'2020-01-01 10:00:00.00000{n}'" for n in range(6)]),
    ("TIMESTAMPTZ", [f"'2020-01-01 10:00:00.00000{n}+02'" for n in range(6)]),
    ("BYTEA", [rf"'\x00{n:02x}ff'" for n in range(6)]),
    ("SMALLINT", ["1", "2", "3", "4", "5", "6"]),
    ("CHAR(4)", ["'a'", "'b'", "'c'", "'d'", "'e'", "'f'"]),
    ("mood", ["'sad'", "'ok'", "'happy'", "'great'", "'a b'", "'c,d'"]),
    ("positive", ["1", "2", "3", "4", "5", "6"]),
    ("NUMERIC(12, 2)", ["-1.5", "0", "1", "1.25", "2.25", "1000000.75"]),
    ("BOOLEAN", ["false", "true"]),
    ('"Odd Type"', ["1", "2", "3", "4", "5", "6"]),
    ("CITEXT", ["'a'", "'b'", "'c'", "'d'", "'e'", "'F'"]),
    ('"char"', ["'a'", "'b'", "'c'", "'d'", "'e'", "'f'"]),
    ("NAME", ["'a'", "'b'", "'c'", "'d'", "'e'", "'f'"]),
    ("OID", ["1", "2", "3", "4", "5", "6"]),
]
TYPES = """
CREATE EXTENSION citext;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy', 'great', 'a b', 'c,d');
CREATE DOMAIN positive AS INTEGER CHECK (value > 0);
CREATE DOMAIN "Odd Type" AS BIGINT;
"""


@pytest.mark.parametrize(("type_", "keys"), KEYS)
def test_keys_on_both(work: Workplace, store: Store, type_: str, keys: list[str]) -> None:
    _half_of_them_go(work, store, type_, keys)


@pytest.mark.one_in(4)
@pytest.mark.parametrize(("type_", "keys"), POSTGRESQL_KEYS)
def test_keys_that_postgresql_has(
    work: Workplace, postgresql: PostgresqlStore, type_: str, keys: list[str]
) -> None:
    postgresql.script(TYPES)
    _half_of_them_go(work, postgresql, type_, keys)


@pytest.mark.parametrize(
    "type_", ["INET", "DOUBLE PRECISION", "REAL", "INTERVAL", "JSONB", "INTEGER[]", "INT4RANGE", "TIME"]
)
def test_a_key_whose_values_are_no_evidence_is_refused(
    work: Workplace, postgresql: PostgresqlStore, type_: str
) -> None:
    _nothing_but_a_key(work, postgresql, type_)

    (problem,) = work.problems()

    assert (problem.key, type_ in problem.found) == ("datasets.things.key", True)


@pytest.mark.parametrize("type_", ["REAL", "NUMERIC(12, 2)"])
def test_a_key_in_floating_point_is_refused(work: Workplace, sqlite: Store, type_: str) -> None:
    _nothing_but_a_key(work, sqlite, type_)

    (problem,) = work.problems()

    assert "can't stand in the evidence" in problem.found


def _nothing_but_a_key(work: Workplace, store: Store, type_: str) -> None:
    store.script(f"CREATE TABLE things (id {type_} PRIMARY KEY, made TIMESTAMP)")
    work.connect(store, '[datasets.things]\ndata = "things"\ntable = "things"\nevents = { made = "made" }')
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')


def _half_of_them_go(work: Workplace, store: Store, type_: str, keys: list[str]) -> None:
    """With a part, so that records are claimed by key, in ranges of two."""
    rows = [f"({key}, '{2020 if i % 2 else 2026}-11-01 00:00:00')" for i, key in enumerate(keys)]
    parts = [f"({i}, {key})" for i, key in enumerate(keys)]
    store.script(
        f"CREATE TABLE things (id {type_} PRIMARY KEY, made TIMESTAMP);"
        f"CREATE TABLE bits (id INTEGER PRIMARY KEY, thing {type_} REFERENCES things (id));"
        "CREATE INDEX bits_thing ON bits (thing);"
        f"INSERT INTO things VALUES {', '.join(rows)}; INSERT INTO bits VALUES {', '.join(parts)}"
    )
    work.connect(
        store,
        '[datasets.things]\ndata = "things"\ntable = "things"\nevents = { made = "made" }\nparts = ["bits"]',
    )
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')
    due = len(keys) // 2

    assert work.fates("things") == {"due": due, "not_due": len(keys) - due}
    outcome = work.run()

    (job,) = outcome.jobs
    assert (job.status.value, job.done, adds_up(job)) == ("done", due, True)
    assert store.rows("SELECT count(*) FROM bits") == [(len(keys) - due,)]
    assert store.rows("SELECT count(*) FROM things WHERE made < '2021-01-01 00:00:00'") == [(0,)]


@pytest.mark.parametrize(
    ("type_", "key", "typed"),
    [
        ("TEXT", "'a b'", "a b"),
        ("TEXT", "'with, comma'", "with, comma"),
        ("TEXT", "' spaced '", " spaced "),
        ("INTEGER", "-5", "-5"),
    ],
)
def test_a_record_is_explained_by_its_key_as_typed(
    work: Workplace, store: Store, type_: str, key: str, typed: str
) -> None:
    _one(work, store, type_, key)

    assert work.fate_of("db.things", typed) == "due"


@pytest.mark.parametrize(
    ("type_", "key", "typed"),
    [
        ("UUID", "'00000000-0000-4000-8000-000000000001'", "00000000-0000-4000-8000-000000000001"),
        ("DATE", "'2020-01-01'", "2020-01-01"),
        ("BYTEA", r"'\x00ff'", "00ff"),
        ("TIMESTAMPTZ", "'2020-01-01 10:00:00+00'", "2020-01-01T10:00:00+00:00"),
        ("TIMESTAMPTZ", "'2020-01-01 10:00:00+00'", "2020-01-01 12:00:00+02"),
        ("CHAR(4)", "'a'", "a"),
        ("NUMERIC(12, 2)", "1.25", "1.25"),
    ],
)
def test_a_record_is_explained_by_a_key_that_postgresql_has(
    work: Workplace, postgresql: PostgresqlStore, type_: str, key: str, typed: str
) -> None:
    _one(work, postgresql, type_, key)

    assert work.fate_of("db.things", typed) == "due"


def _one(work: Workplace, store: Store, type_: str, key: str) -> None:
    store.script(
        f"CREATE TABLE things (id {type_} PRIMARY KEY, made TIMESTAMP);"
        f"INSERT INTO things VALUES ({key}, '2020-01-01 00:00:00')"
    )
    work.connect(store, '[datasets.things]\ndata = "things"\ntable = "things"\nevents = { made = "made" }')
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')


def test_composite_keys(work: Workplace, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts that refer by part of the key's columns in another order, and ranges of two records."""
    from retention.connectors.sql import counting

    monkeypatch.setattr(counting, "RANGE", 2)
    store.script(
        "CREATE TABLE things (shop TEXT, nr INTEGER, made TIMESTAMP, PRIMARY KEY (shop, nr));"
        "CREATE TABLE bits (id INTEGER PRIMARY KEY, thing_nr INTEGER, thing_shop TEXT,"
        " FOREIGN KEY (thing_nr, thing_shop) REFERENCES things (nr, shop));"
        "CREATE INDEX bits_thing ON bits (thing_nr, thing_shop);"
        if store.kind == "sqlite"
        else "CREATE TABLE things (shop TEXT, nr INTEGER, made TIMESTAMP, PRIMARY KEY (shop, nr), UNIQUE (nr, shop));"
        "CREATE TABLE bits (id INTEGER PRIMARY KEY, thing_nr INTEGER, thing_shop TEXT,"
        " FOREIGN KEY (thing_nr, thing_shop) REFERENCES things (nr, shop));"
        "CREATE INDEX bits_thing ON bits (thing_nr, thing_shop);"
    )
    shops = [("a", 1, 2020), ("a", 2, 2026), ("b", 1, 2026), ("b", 2, 2020), ("b", 3, 2020)]
    things = ", ".join(f"('{s}', {n}, '{y}-10-01 00:00:00')" for s, n, y in shops)
    bits = ", ".join(f"({i}, {n}, '{s}')" for i, (s, n, _) in enumerate(shops))
    if store.kind == "sqlite":
        store.script("CREATE UNIQUE INDEX things_swapped ON things (nr, shop)")
    store.script(f"INSERT INTO things VALUES {things}; INSERT INTO bits VALUES {bits}")
    work.connect(
        store,
        '[datasets.things]\ndata = "things"\ntable = "things"\nevents = { made = "made" }\nparts = ["bits"]',
    )
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')

    assert work.job("things").rows == {store.place + name: 3 for name in ("things", "bits")}
    assert [work.fate_of("db.things", key) for key in ("a,1", "a,2", '"b",3')] == ["due", "not_due", "due"]
    assert work.run().jobs[0].done == 3

    assert store.rows("SELECT shop, nr FROM things ORDER BY 1, 2") == [("a", 2), ("b", 1)]
    assert store.rows("SELECT id FROM bits ORDER BY 1") == [(1,), (2,)]


def test_parts_of_parts_by_columns_that_are_no_key(work: Workplace, store: Store) -> None:
    """A part refers to a unique column of the root, another to the part's own composite key."""
    store.script(
        "CREATE TABLE things (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, made TIMESTAMP);"
        "CREATE TABLE bits (code TEXT REFERENCES things (code), nr INTEGER, PRIMARY KEY (code, nr));"
        "CREATE TABLE crumbs (id INTEGER PRIMARY KEY, bit_code TEXT, bit_nr INTEGER,"
        " FOREIGN KEY (bit_code, bit_nr) REFERENCES bits (code, nr));"
        "CREATE INDEX crumbs_bit ON crumbs (bit_code, bit_nr);"
        "INSERT INTO things VALUES (1, 'x', '2020-01-01 00:00:00'), (2, 'y', '2026-11-01 00:00:00');"
        "INSERT INTO bits VALUES ('x', 1), ('x', 2), ('y', 1);"
        "INSERT INTO crumbs VALUES (1, 'x', 1), (2, 'x', 2), (3, 'x', 2), (4, 'y', 1)"
    )
    work.connect(
        store,
        """
        [datasets.things]
        data   = "things"
        table  = "things"
        events = { made = "made" }
        parts  = ["crumbs", "bits"]
        """,
    )
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')
    before = store.snapshot()

    rows = {name.rpartition(".")[2]: count for name, count in work.job("things").rows.items()}
    assert rows == {"things": 1, "bits": 2, "crumbs": 3}
    assert work.explain("db.things", "1").parts.values()
    assert work.run().status == "done"

    assert changed(before, store.snapshot()) == {"things": (1, 0), "bits": (2, 0), "crumbs": (3, 0)}


def test_a_composite_key_with_a_comma_in_it_is_typed_in_quotes(work: Workplace, store: Store) -> None:
    store.script(
        "CREATE TABLE things (name TEXT, nr INTEGER, made TIMESTAMP, PRIMARY KEY (name, nr));"
        "INSERT INTO things VALUES ('Smith, \"J\"', 3, '2020-01-01 00:00:00'), ('b', 3, '2026-11-01 00:00:00')"
    )
    work.connect(store, '[datasets.things]\ndata = "things"\ntable = "things"\nevents = { made = "made" }')
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')

    assert work.fate_of("db.things", '"Smith, ""J""",3') == "due"
    assert work.fate_of("db.things", "b, 3") == "not_due"
    with pytest.raises(UsageError, match="stands in double quotes"):
        work.explain("db.things", "Smith, Ltd,3")


def test_keys_are_shown_as_they_are_typed() -> None:
    for values in (["7", "3"], ["a,b", "3"], ['"', ""], [" a ", "b"], ["a,b"], ["one\ntwo", "3"]):
        assert pieces(as_typed(values), len(values)) == values


@pytest.mark.parametrize("number", [10**23, -(10**23), 2**63])
def test_a_key_larger_than_any_of_the_database_s_is_no_record(
    work: Workplace, store: Store, number: int
) -> None:
    """explain lite.orders 99999999999999999999999"""
    _one(work, store, "INTEGER", "1")
    work.connect(
        store,
        '[datasets.things]\ndata = "things"\ntable = "things"\nevents = { made = "made" }\nwhere = "id > 0"',
    )

    with pytest.raises(UsageError, match=f"has no record {number}"):
        work.explain("db.things", str(number))


@pytest.mark.parametrize("typed", ["abc", "1,2", "", "1.5"])
def test_a_key_of_another_type_is_refused(work: Workplace, store: Store, typed: str) -> None:
    _one(work, store, "INTEGER", "1")

    with pytest.raises(UsageError):
        work.explain("db.things", typed)


def test_keys_come_back_exactly() -> None:
    """What a cursor stores is what it gives back."""
    from decimal import Decimal

    from retention.connectors.sql.positions import frozen, thawed

    values = (None, True, 7, "ä", 0.1, Decimal("1.10"), UUID(int=7), b"\x00\xff", date(2020, 2, 29))
    assert thawed(json.loads(json.dumps(frozen(values)))) == values
