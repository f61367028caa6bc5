"""Dates that mean never in schemas of fifteen years: zero dates, infinity, the end of the calendar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from retention.connectors.sql.mysql import session as mysql_session
from tests.support.mariadb import MariadbStore
from tests.support.stores import PostgresqlStore, Store
from tests.support.workplace import Workplace

AS_OF = "2026-11-22"


@dataclass(frozen=True)
class Form:
    """A column's type, what `never` lists of it, and the values that stand in it: literal → fate."""

    type: str
    never: str
    values: Mapping[str, str]
    zone: str | None = "UTC"
    undeclared: Mapping[str, str] | None = None  # without `never`, where it is another fate


MARIADB = {
    "date, zero": Form(
        "DATE",
        '["0000-00-00"]',
        {"'0000-00-00'": "undated", "'2025-11-21'": "due", "'2025-11-22'": "not_due", "'2020-00-00'": "unclear"},
        None,
        {"'0000-00-00'": "unclear"},
    ),
    "date, zero and the end": Form(
        "DATE NOT NULL",
        '["0000-00-00", "9999-12-31", 2999-12-31]',
        {"'0000-00-00'": "undated", "'9999-12-31'": "undated", "'2999-12-31'": "undated", "'2025-11-21'": "due",
         "'9999-12-30'": "not_due"},
        None,
        {"'0000-00-00'": "unclear", "'9999-12-31'": "not_due", "'2999-12-31'": "not_due"},
    ),
    "date, a year alone": Form(
        "DATE", '["1999-00-00"]', {"'1999-00-00'": "undated", "'1999-01-00'": "unclear"}, None
    ),
    "datetime, zero": Form(
        "DATETIME NOT NULL",
        '["0000-00-00 00:00:00", "9999-12-31 23:59:59"]',
        {"'0000-00-00 00:00:00'": "undated", "'9999-12-31 23:59:59'": "undated", "'9999-12-31'": "not_due",
         "'2025-11-21 23:59:59'": "due", "'2025-11-22'": "not_due"},
        "UTC",
        {"'0000-00-00 00:00:00'": "unclear", "'9999-12-31 23:59:59'": "not_due"},
    ),
    "datetime of microseconds, by its day": Form(
        "DATETIME(6)",
        '["0000-00-00", "9999-12-31"]',
        {"'0000-00-00 00:00:00.000000'": "undated", "'9999-12-31'": "undated", "'9999-12-31 00:00:00.1'": "not_due"},
    ),
    "timestamp, zero": Form(
        "TIMESTAMP NOT NULL DEFAULT '2020-01-01 00:00:00'",
        '["0000-00-00 00:00:00", "2038-01-19 04:14:07"]',
        {"'0000-00-00 00:00:00'": "undated", "'2038-01-19 03:14:07'": "undated", "'2025-11-21 22:59:59'": "due",
         "'2025-11-22 00:00:00'": "not_due", "'2038-01-19 03:14:06'": "not_due"},
        "Europe/Oslo",
        {"'0000-00-00 00:00:00'": "unclear", "'2038-01-19 03:14:07'": "not_due"},
    ),
    "timestamp, zero by its day": Form(
        "TIMESTAMP(6) NULL", '["0000-00-00"]', {"'0000-00-00 00:00:00'": "undated", "NULL": "undated"}, None
    ),
}  # fmt: skip
POSTGRESQL = {
    "date": Form(
        "DATE",
        '["infinity", "-Infinity", "9999-12-31"]',
        {"'infinity'": "undated", "'-infinity'": "undated", "'9999-12-31'": "undated", "'2025-11-21'": "due",
         "'2025-11-22'": "not_due", "'9999-12-30'": "not_due"},
        None,
        {"'infinity'": "not_due", "'-infinity'": "unclear", "'9999-12-31'": "not_due"},
    ),
    "date, minus infinity alone": Form("DATE", '["-infinity"]', {"'infinity'": "not_due", "'-infinity'": "undated"}),
    "timestamp": Form(
        "TIMESTAMP",
        '["infinity", "-infinity", "9999-12-31", "9999-12-31 23:59:59.999999", 0001-01-01]',
        {"'infinity'": "undated", "'-infinity'": "undated", "'9999-12-31'": "undated", "'0001-01-01'": "undated",
         "'9999-12-31 23:59:59.999999'": "undated", "'9999-12-31 00:00:01'": "not_due", "'2025-11-21'": "due"},
        "America/New_York",
        {"'infinity'": "not_due", "'-infinity'": "unclear", "'9999-12-31'": "not_due", "'0001-01-01'": "unclear",
         "'9999-12-31 23:59:59.999999'": "not_due"},
    ),
    "timestamptz": Form(
        "TIMESTAMPTZ",
        '["infinity", "-infinity", "9999-12-31", "2999-12-31T00:00:00+02:00"]',
        {"'infinity'": "undated", "'-infinity'": "undated", "'9999-12-31 00:00 Europe/Oslo'": "undated",
         "'2999-12-30 22:00Z'": "undated", "'9999-12-31Z'": "not_due", "'2025-11-21Z'": "due"},
        "Europe/Oslo",
        {"'infinity'": "not_due", "'-infinity'": "unclear", "'9999-12-31 00:00 Europe/Oslo'": "not_due",
         "'2999-12-30 22:00Z'": "not_due"},
    ),
    "timestamptz, where the day's end is no instant of Python's": Form(
        "TIMESTAMPTZ",
        '["9999-12-31 23:59:59", "9999-12-31"]',
        {"'9999-12-31 23:59:59 America/New_York'": "undated", "'9999-12-31 00:00 America/New_York'": "undated",
         "'9999-12-31 23:59:59Z'": "not_due"},
        "America/New_York",
    ),
    "timestamptz, infinity needs no zone": Form("TIMESTAMPTZ", '["infinity"]', {"'infinity'": "undated"}, None),
    "a domain": Form("stamp", '["infinity"]', {"'infinity'": "undated", "'2020-01-01Z'": "due"}, None),
}  # fmt: skip


@pytest.fixture
def visits(work: Workplace) -> Workplace:
    work.rule("visits", 'data = "visits"\nkeep = "1 year"\nfrom = "seen"')
    return work


def connect(visits: Workplace, store: Store, never: str | None, zone: str | None) -> None:
    event = '"at"' if never is None else f'{{ column = "at", never = {never} }}'
    visits.connect(
        store,
        f'[datasets.visits]\ndata = "visits"\ntable = "visits"\nevents = {{ seen = {event} }}\n',
        timezone=zone,
    )


def fill(store: Store, form: Form) -> None:
    rows = ", ".join(f"({n}, {value})" for n, value in enumerate(form.values, 1))
    sql = (
        f"CREATE TABLE visits (id INTEGER PRIMARY KEY, at {form.type}); CREATE INDEX visits_at ON visits (at);"
        f" INSERT INTO visits VALUES {rows}"
    )
    if isinstance(store, MariadbStore):
        store.verbatim(sql, mode="STRICT_ALL_TABLES")  # and without NO_ZERO_DATE, as servers were then
    else:
        store.script(f"CREATE DOMAIN stamp AS TIMESTAMPTZ; {sql}")


def planned_explained_and_run(visits: Workplace, store: Store, form: Form) -> None:
    """In the plan, for each record, and in what is deleted: a value of `never` has not happened."""
    zone = form.zone or ("UTC" if form.type.startswith(("DATETIME", "TIMESTAMP ")) else None)
    fill(store, form)
    if form.undeclared is not None:
        connect(visits, store, None, zone)
        expected = {**form.values, **form.undeclared}
        assert list(visits.each("visits", as_of=AS_OF).values()) == list(expected.values())
    connect(visits, store, form.never, zone)

    assert visits.problems() == ()
    fates = visits.each("visits", as_of=AS_OF)
    assert dict(zip(form.values, fates.values(), strict=True)) == dict(form.values)
    for key, fate in fates.items():
        (view,) = visits.explain("db.visits", key, as_of=AS_OF).rules
        assert view.fate == fate
        if fate == "undated":
            assert ([c.state for c in view.components], view.event) == (["missing"], None)
    due = list(form.values.values()).count("due")
    assert sum(job.done for job in visits.run(as_of=AS_OF).jobs) == due
    kept = [(int(key),) for key, fate in fates.items() if fate != "due"]
    assert store.rows("SELECT id FROM visits ORDER BY id") == kept


@pytest.mark.one_in(3)
@pytest.mark.parametrize("name", MARIADB)
def test_dates_that_mean_never_on_mariadb(visits: Workplace, mariadb: MariadbStore, name: str) -> None:
    planned_explained_and_run(visits, mariadb, MARIADB[name])


@pytest.mark.one_in(3)
@pytest.mark.parametrize("name", POSTGRESQL)
def test_dates_that_mean_never_on_postgresql(
    visits: Workplace, postgresql: PostgresqlStore, name: str
) -> None:
    planned_explained_and_run(visits, postgresql, POSTGRESQL[name])


@pytest.mark.parametrize("name", ["date, zero and the end", "datetime, zero", "timestamp, zero"])
def test_zero_dates_where_sessions_forbid_new_ones(
    visits: Workplace, mariadb: MariadbStore, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """NO_ZERO_DATE keeps new ones out; those that are there are still found."""
    mode = f"'{mysql_session._MODE},NO_ZERO_DATE,NO_ZERO_IN_DATE'"
    monkeypatch.setitem(mysql_session._SAME, "sql_mode", mode)
    planned_explained_and_run(visits, mariadb, MARIADB[name])


@pytest.mark.parametrize(("database", "never"), [("mariadb", "0000-00-00"), ("postgresql", "infinity")])
def test_a_sentinel_in_a_related_row(
    work: Workplace, request: pytest.FixtureRequest, database: str, never: str
) -> None:
    """A related row whose date means never makes the event unclear; another that is recent outweighs it."""
    store: Store = request.getfixturevalue(database)
    schema = (
        "CREATE TABLE things (id INT PRIMARY KEY); CREATE TABLE notes (id INT PRIMARY KEY, thing INT, made DATE NOT"
        " NULL, FOREIGN KEY (thing) REFERENCES things (id)); CREATE INDEX notes_thing ON notes (thing);"
        f"INSERT INTO things VALUES (1), (2), (3); INSERT INTO notes VALUES (1, 1, '{never}'), (2, 1, '2020-01-01'),"
        f" (3, 2, '2020-01-01'), (4, 3, '{never}'), (5, 3, '2026-01-01')"
    )
    if isinstance(store, MariadbStore):
        store.verbatim(schema, mode="")
    else:
        store.script(schema)
    event = f'{{ column = "notes.made", never = ["{never}"] }}'
    work.connect(
        store,
        f'[datasets.things]\ndata = "things"\ntable = "things"\nevents = {{ made = {event} }}\nparts = ["notes"]\n',
    )
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')

    assert work.each("things") == {"1": "unclear", "2": "due", "3": "not_due"}


def test_an_index_finds_what_is_due_beside_many_zero_dates(visits: Workplace, mariadb: MariadbStore) -> None:
    mariadb.verbatim(
        "CREATE TABLE visits (id INTEGER PRIMARY KEY AUTO_INCREMENT, at DATE NOT NULL, KEY visits_at (at));"
        "INSERT INTO visits (at) SELECT IF(seq % 100, '2026-06-01', '0000-00-00') FROM seq_1_to_3000;"
        "INSERT INTO visits (at) VALUES ('2020-01-01'); ANALYZE TABLE visits",
        mode="",
    )
    connect(visits, mariadb, '["0000-00-00"]', None)

    shown = visits.statements(as_of=AS_OF)
    (find,) = [s.sql for s in shown if s.purpose.endswith(": candidates, without locks")]
    (plan,) = mariadb.rows(f"EXPLAIN {find}".replace("`", '"'))
    assert (plan[3], plan[5]) == ("range", "visits_at")
    assert visits.fates("visits", as_of=AS_OF) == {"undated": 30, "not_due": 2970, "due": 1}


REFUSED_ON_MARIADB = [
    ("DATE", "0000-00-00 00:00:00", "with a time of day"),
    ("DATE", "infinity", "the text 'infinity'"),
    ("DATE", "2020-02-30", "the text '2020-02-30'"),
    ("DATETIME", "2020-13-00", "the text '2020-13-00'"),
    ("TIMESTAMP", "9999-12-31", "which ends before 9999-12-31"),
    ("TIMESTAMP", "2020-00-00", "neither a day nor zero"),
    ("DATETIME", "9999-12-31T00:00:00Z", "with an offset"),
]
REFUSED_ON_POSTGRESQL = [
    ("DATE", "0000-00-00", "the text '0000-00-00'"),
    ("TIMESTAMP", "0000-00-00 00:00:00", "the text '0000-00-00 00:00:00'"),
    ("TIMESTAMPTZ", "+infinity", "the text '+infinity'"),
    ("DATE", "forever", "the text 'forever'"),
    ("TIMESTAMPTZ", "12000-01-01", "the text '12000-01-01'"),
]


def refused(visits: Workplace, store: Store, type_: str, value: str, found: str) -> None:
    connect(visits, store, f'["{value}"]', "UTC")
    (problem,) = visits.problems()
    assert problem.key == "datasets.visits.events.seen"
    assert found in problem.found
    assert problem.write


@pytest.mark.parametrize(("type_", "value", "found"), REFUSED_ON_MARIADB)
def test_what_no_date_of_mariadb_can_be(
    visits: Workplace, mariadb: MariadbStore, type_: str, value: str, found: str
) -> None:
    mariadb.verbatim(f"CREATE TABLE visits (id INTEGER PRIMARY KEY, at {type_} NULL)")
    refused(visits, mariadb, type_, value, found)


@pytest.mark.parametrize(("type_", "value", "found"), REFUSED_ON_POSTGRESQL)
def test_what_no_date_of_postgresql_can_be(
    visits: Workplace, postgresql: PostgresqlStore, type_: str, value: str, found: str
) -> None:
    postgresql.script(f"CREATE TABLE visits (id INTEGER PRIMARY KEY, at {type_})")
    refused(visits, postgresql, type_, value, found)
