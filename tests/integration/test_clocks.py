"""Clocks as databases have them: numbers, spelt dates, sentinels, conditions; on SQLite and PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import pytest

from tests.support.stores import PostgresqlStore, SqliteStore, Store, changed
from tests.support.workplace import Workplace, removed

AS_OF = "2026-11-22"
DUE = datetime(2025, 11, 21, 23, 59, 59, tzinfo=UTC)
"""One second before the cutoff of a rule of one year, in UTC."""
NOT_DUE = datetime(2025, 11, 22, tzinfo=UTC)


@pytest.fixture
def visits(work: Workplace) -> Workplace:
    work.rule("visits", 'data = "visits"\nkeep = "1 year"\nfrom = "seen"')
    return work


def dataset(event: str, more: str = "") -> str:
    return f'[datasets.visits]\ndata = "visits"\ntable = "visits"\nevents = {{ seen = {event} }}\n{more}'


def table(store: Store, type_: str, values: Sequence[object], more: str = "") -> None:
    """visits (id, at), a row for each value, from 1 on."""
    rows = ", ".join(f"({i}, {literal(v)})" for i, v in enumerate(values, 1))
    store.script(
        f"CREATE TABLE visits (id INTEGER PRIMARY KEY, at {type_}{more});"
        + (f"INSERT INTO visits (id, at) VALUES {rows};" if values else "")
    )


def literal(value: object) -> str:
    if value is None:
        return "NULL"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


SECONDS = [int(DUE.timestamp()), int(NOT_DUE.timestamp())]
FATES = {"1": "due", "2": "not_due", "3": "undated", "4": "unclear"}
FORMS: dict[str, tuple[str, str, list[object]]] = {
    "seconds": ("INTEGER", 'unit = "s"', [*SECONDS, None, 0]),
    "milliseconds": ("BIGINT", 'unit = "ms"', [SECONDS[0] * 1000 + 999, SECONDS[1] * 1000, None, -1]),
    "microseconds since 1601": (
        "BIGINT",
        'unit = "us", epoch = "1601-01-01"',
        [(SECONDS[0] + 11644473600) * 10**6 + 999_999, (SECONDS[1] + 11644473600) * 10**6, None, 0],
    ),
    "seconds since 2001, floating": (
        "DOUBLE PRECISION",
        'unit = "s", epoch = "2001-01-01"',
        [SECONDS[0] - 978307200 + 0.999, SECONDS[1] - 978307200, None, -63114076800.0],
    ),
    "minutes": ("BIGINT", 'unit = "min"', [SECONDS[0] // 60, SECONDS[1] // 60, None, 4294967295]),
    "days": ("INTEGER", 'unit = "days"', [SECONDS[0] // 86400, SECONDS[1] // 86400, None, 0]),
    "seconds in a text": ("TEXT", 'unit = "s"', [f"{SECONDS[0]}.999", str(SECONDS[1]), None, "1e308"]),
    "seconds, exact": ("NUMERIC(30, 6)", 'unit = "s"', [SECONDS[0], SECONDS[1], None, 10**17]),
    "iso": ("VARCHAR(40)", "", ["2025-11-21T23:59:59.9Z", "2025-11-22", None, "2025-11-31"]),
    "yyyymmdd": ("CHAR(8)", 'format = "yyyymmdd"', ["20251121", "20251122", None, "20250230"]),
    "yyyymmdd in a number": ("INTEGER", 'format = "yyyymmdd"', [20251121, 20251122, None, 20251301]),
    "yyyymmddhhmm": (
        "TEXT",
        'format = "yyyymmddhhmm"',
        ["202511212359", "202511220000", None, "202511212400"],
    ),
    "yyyymmddhhmmss": (
        "BIGINT",
        'format = "yyyymmddhhmmss"',
        [20251121235959, 20251122000000, None, 20251121235960],
    ),
    "yyyy-mm": ("TEXT", 'format = "yyyy-mm"', ["2025-10", "2025-11", None, "2025-13"]),
    "dd.mm.yyyy": ("TEXT", 'format = "dd.mm.yyyy"', ["21.11.2025", "22.11.2025", None, "11/21/2025"]),
    "dd/mm/yyyy": ("TEXT", 'format = "dd/mm/yyyy"', ["21/11/2025", "22/11/2025", None, "11/21/2025"]),
    "mm/dd/yyyy": ("TEXT", 'format = "mm/dd/yyyy"', ["11/21/2025", "11/22/2025", None, "21/11/2025"]),
}


@pytest.mark.one_in(3)
@pytest.mark.parametrize("form", FORMS)
def test_a_clock_of_each_kind_is_planned_explained_and_run(
    visits: Workplace, store: Store, form: str
) -> None:
    type_, keys, values = FORMS[form]
    table(store, type_, values)
    visits.connect(store, dataset(f'{{ column = "at", {keys} }}' if keys else '"at"'))

    assert visits.problems() == ()
    assert visits.each("visits", as_of=AS_OF) == FATES
    assert visits.job("visits", as_of=AS_OF).oldest == ("2025-10-31" if form == "yyyy-mm" else "2025-11-21")
    (view,) = visits.explain("db.visits", "1", as_of=AS_OF).rules
    assert (view.fate, view.event) == ("due", "2025-10-31" if form == "yyyy-mm" else "2025-11-21")
    assert [c.state for c in view.components] == ["past"]
    assert view.components[0].value is not None
    before = store.snapshot()

    outcome = visits.run(as_of=AS_OF)

    assert outcome.jobs[0].done == 1
    assert changed(before, store.snapshot()) == {"visits": (1, 0)}
    assert {str(id_) for (id_,) in store.rows("SELECT id FROM visits")} == {"2", "3", "4"}


@pytest.mark.parametrize("form", ["seconds", "yyyymmdd in a number", "days", "dd.mm.yyyy"])
def test_instants_and_days_need_no_zone(visits: Workplace, store: Store, form: str) -> None:
    type_, keys, values = FORMS[form]
    table(store, type_, values)
    visits.connect(store, dataset(f'{{ column = "at", {keys} }}'), timezone=None)

    assert visits.each("visits", as_of=AS_OF) == FATES


@pytest.mark.parametrize("form", ["iso", "yyyymmddhhmm", "yyyymmddhhmmss"])
def test_wall_clocks_want_the_connectors_zone(visits: Workplace, store: Store, form: str) -> None:
    type_, keys, values = FORMS[form]
    table(store, type_, values)
    visits.connect(store, dataset(f'{{ column = "at", {keys} }}' if keys else '"at"'), timezone=None)

    (problem,) = visits.problems()
    assert "has no zone" in problem.found
    assert 'timezone = "Europe/Oslo"' in problem.write


def test_a_wall_clock_is_of_the_connectors_zone_and_the_day_of_the_rules(
    visits: Workplace, store: Store
) -> None:
    """Midnight in Oslo is 23:00 in UTC, where the new day has not begun."""
    visits.timezone = "Europe/Oslo"
    table(store, "TEXT", ["202511211459", "202511211800", "202511211801"])
    visits.connect(store, dataset('{ column = "at", format = "yyyymmddhhmm" }'), timezone="America/New_York")

    assert visits.each("visits", as_of=AS_OF) == {"1": "due", "2": "not_due", "3": "not_due"}


# -- values that mean never ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "keys", "value"),
    [
        ("BIGINT", 'unit = "s", never = [0, 4294967295]', 0),
        ("BIGINT", 'unit = "s", never = [0, 4294967295]', 4294967295),
        ("DOUBLE PRECISION", 'unit = "s", never = [-63114076800.5]', -63114076800.5),
        ("NUMERIC(30, 6)", 'unit = "s", never = [1.25]', 1.25),
        ("TEXT", 'unit = "s", never = [0]', "0"),
        ("TEXT", 'unit = "s", never = ["", "-"]', "-"),
        ("TEXT", 'never = ["9999-12-31", ""]', "9999-12-31"),
        ("TEXT", 'never = ["9999-12-31", ""]', ""),
        ("TEXT", 'format = "yyyymmdd", never = ["00000000"]', "00000000"),
        ("INTEGER", 'format = "yyyymmdd", never = [99991231]', 99991231),
        ("DATE", 'never = ["9999-12-31"]', "9999-12-31"),
        ("DATE", "never = [9999-12-31]", "9999-12-31"),
        ("TIMESTAMP", 'never = ["9999-12-31 00:00:00"]', "9999-12-31 00:00:00"),
        ("TIMESTAMP", "never = [1970-01-01T00:00:00]", "1970-01-01 00:00:00"),
    ],
)
def test_a_value_that_means_never_has_not_happened(
    visits: Workplace, store: Store, type_: str, keys: str, value: object
) -> None:
    table(store, type_, [value, None])
    visits.connect(store, dataset(f'{{ column = "at", {keys} }}'))

    assert visits.each("visits", as_of=AS_OF) == {"1": "undated", "2": "undated"}
    (view,) = visits.explain("db.visits", "1", as_of=AS_OF).rules
    assert [(c.state, view.event) for c in view.components] == [("missing", None)]


def test_a_value_that_means_never_is_no_latest(visits: Workplace, store: Store) -> None:
    """The sentinel lies in 2106: as a date it would keep the record, and be its latest day."""
    store.script(
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, at BIGINT, ended BIGINT);"
        f"INSERT INTO visits VALUES (1, {SECONDS[0]}, 4294967295), (2, {SECONDS[0]}, {SECONDS[1]})"
    )
    ended = '{ column = "ended", unit = "s", never = [4294967295] }'
    visits.connect(store, dataset(f'{{ latest = [{{ column = "at", unit = "s" }}, {ended}] }}'))

    assert visits.each("visits", as_of=AS_OF) == {"1": "due", "2": "not_due"}
    assert visits.job("visits", as_of=AS_OF).oldest == "2025-11-21"
    (view,) = visits.explain("db.visits", "1", as_of=AS_OF).rules
    assert view.event == "2025-11-21"
    shown = visits.cli("explain", "db.visits", "1", "--as-of", AS_OF).stdout
    assert "ended = 4294967295" in shown
    assert "not happened" in shown


def test_a_sentinel_of_a_zoned_timestamp_is_an_instant(
    visits: Workplace, postgresql: PostgresqlStore
) -> None:
    table(postgresql, "TIMESTAMPTZ", ["9999-12-31 00:00:00+00"])
    visits.connect(postgresql, dataset('{ column = "at", never = ["9999-12-31T00:00:00+00:00"] }'))
    assert visits.each("visits") == {"1": "undated"}

    visits.connect(postgresql, dataset('{ column = "at", never = ["9999-12-31"] }'))
    assert visits.each("visits") == {"1": "undated"}

    visits.connect(postgresql, dataset('{ column = "at", never = ["9999-12-31"] }'), timezone=None)
    (problem,) = visits.problems()
    assert "without an offset" in problem.found


# -- conditions ------------------------------------------------------------------------------


def test_an_event_with_a_condition_has_happened_only_while_that_holds(
    visits: Workplace, store: Store
) -> None:
    store.script(
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, at BIGINT, state TEXT);"
        f"INSERT INTO visits VALUES (1, {SECONDS[0]}, 'closed'), (2, {SECONDS[0]}, 'open'),"
        f" (3, {SECONDS[0]}, NULL), (4, {SECONDS[1]}, 'closed'), (5, {SECONDS[1]}, 'open'), (6, NULL, 'closed'),"
        " (7, 0, 'closed'), (8, 0, 'open')"
    )
    visits.connect(store, dataset("""{ column = "at", unit = "s", where = "state = 'closed'" }"""))

    assert visits.each("visits", as_of=AS_OF) == {
        "1": "due",
        "2": "undated",
        "3": "unclear",
        "4": "not_due",
        "5": "undated",
        "6": "undated",
        "7": "unclear",
        "8": "undated",
    }
    (view,) = visits.explain("db.visits", "2", as_of=AS_OF).rules
    ((column, state),) = [(c.column, c.state) for c in view.components]
    assert (column, state, view.event) == ("at where state = 'closed'", "missing", None)
    before = store.snapshot()
    assert visits.run(as_of=AS_OF).jobs[0].done == 1
    assert changed(before, store.snapshot()) == {"visits": (1, 0)}


def test_one_column_twice_under_two_conditions(visits: Workplace, store: Store) -> None:
    store.script(
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, at BIGINT, gone BIGINT, state TEXT);"
        f"INSERT INTO visits VALUES (1, {SECONDS[0]}, {SECONDS[1]}, 'a'), (2, {SECONDS[0]}, {SECONDS[1]}, 'b'),"
        f" (3, {SECONDS[0]}, {SECONDS[1]}, 'c')"
    )
    one = """{ column = "at", unit = "s", where = "state = 'a'" }"""
    two = """{ column = "gone", unit = "s", where = "state = 'b'" }"""
    three = """{ column = "at", unit = "s", where = "state = 'b'" }"""
    visits.connect(store, dataset(f"{{ latest = [{one}, {two}, {three}] }}"))

    assert visits.each("visits", as_of=AS_OF) == {"1": "due", "2": "not_due", "3": "undated"}
    (view,) = visits.explain("db.visits", "2", as_of=AS_OF).rules
    assert [c.state for c in view.components] == ["missing", "recent", "past"]

    visits.connect(store, dataset(f"{{ latest = [{one}, {one}] }}"))
    (problem,) = visits.problems()
    assert "one of its components twice" in problem.found


RELATED = """
CREATE TABLE visits (id INTEGER PRIMARY KEY, at BIGINT);
CREATE TABLE calls (
    id INTEGER PRIMARY KEY, visit_id INTEGER REFERENCES visits (id), ended BIGINT, state TEXT
);
CREATE INDEX calls_visit ON calls (visit_id);
"""


def test_a_condition_on_related_rows_leaves_out_those_of_which_it_is_false(
    visits: Workplace, store: Store
) -> None:
    """False: as if the row were not there. Unknown: unclear. True: with no date, or one that means never, unclear."""
    calls = [
        (1, SECONDS[0], "done"), (2, None, "open"), (3, None, "done"), (4, SECONDS[0], None), (5, SECONDS[1], "open"),
        (6, SECONDS[1], "done"), (7, 0, "done"), (8, 0, "open"),
    ]  # fmt: skip
    rows = ", ".join(f"({i}, {i}, {literal(at)}, {literal(state)})" for i, at, state in calls)
    ids = ", ".join(f"({i}, {SECONDS[0]})" for i in range(1, 10))
    store.script(f"{RELATED} INSERT INTO visits VALUES {ids}; INSERT INTO calls VALUES {rows}")
    ended = """{ column = "calls.ended", unit = "s", never = [0], where = "state = 'done'" }"""
    visits.connect(
        store, dataset(f'{{ latest = [{{ column = "at", unit = "s" }}, {ended}] }}', 'parts = ["calls"]')
    )

    assert visits.each("visits", as_of=AS_OF) == {
        "1": "due",
        "2": "due",
        "3": "unclear",
        "4": "unclear",
        "5": "due",
        "6": "not_due",
        "7": "unclear",
        "8": "due",
        "9": "due",
    }
    (view,) = visits.explain("db.visits", "1", as_of=AS_OF).rules
    assert [(c.value, c.state) for c in view.components] == [
        (str(SECONDS[0]), "past"),
        (str(SECONDS[0]), "past"),
    ]
    (open_,) = visits.explain("db.visits", "5", as_of=AS_OF).rules
    assert [(c.value, c.state) for c in open_.components][1] == (None, "missing")
    outcome = visits.run(as_of=AS_OF)
    assert {name.rpartition(".")[2]: rows for name, rows in removed(outcome).items()} == {
        "visits": 5,
        "calls": 4,
    }


def test_of_related_rows_the_latest_in_time_is_shown_not_the_latest_in_letters(
    visits: Workplace, store: Store
) -> None:
    store.script(
        "CREATE TABLE visits (id INTEGER PRIMARY KEY);"
        "CREATE TABLE calls (id INTEGER PRIMARY KEY, visit_id INTEGER REFERENCES visits (id), ended TEXT);"
        "CREATE INDEX calls_visit ON calls (visit_id); INSERT INTO visits VALUES (1);"
        "INSERT INTO calls VALUES (1, 1, '31.01.2020'), (2, 1, '01.02.2021'), (3, 1, '15.12.2019')"
    )
    visits.connect(store, dataset('{ column = "calls.ended", format = "dd.mm.yyyy" }', 'parts = ["calls"]'))

    (view,) = visits.explain("db.visits", "1", as_of=AS_OF).rules
    assert (view.components[0].value, view.event) == ("01.02.2021", "2021-02-01")
    assert visits.job("visits", as_of=AS_OF).oldest == "2021-02-01"


def test_an_own_date_that_may_mean_never_does_not_tell_a_record_whose_event_goes_first(
    work: Workplace, store: Store
) -> None:
    """Its date is NOT NULL, and yet the record is due by its calls, which go before it."""
    store.script(
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, at BIGINT NOT NULL);"
        "CREATE TABLE calls (id INTEGER PRIMARY KEY, visit_id INTEGER REFERENCES visits (id), ended BIGINT);"
        f"CREATE INDEX calls_visit ON calls (visit_id); INSERT INTO visits VALUES (1, 0), (2, {SECONDS[1]});"
        f"INSERT INTO calls VALUES (1, 1, {SECONDS[0]}), (2, 2, {SECONDS[0]})"
    )
    work.rule("visits", 'data = "visits"\nkeep = "1 year"\nfrom = "seen"')
    work.rule("calls", 'data = "calls"\nkeep = "1 year"\nfrom = "ended"')
    ended = '{ column = "calls.ended", unit = "s" }'
    at = '{ column = "at", unit = "s", never = [0] }'
    work.connect(
        store,
        dataset(f"{{ latest = [{at}, {ended}] }}")
        + '[datasets.calls]\ndata = "calls"\ntable = "calls"\nevents = { ended = { column = "ended", unit = "s" } }',
    )

    outcome = work.run(as_of=AS_OF)

    assert {job.rule: job.done for job in outcome.jobs} == {"calls": 2, "visits": 1}
    assert store.rows("SELECT id FROM visits") == [(2,)]


# -- what can't be meant ---------------------------------------------------------------------

BOTH = [
    ("INTEGER", '"at"', "a number that may mean anything", 'unit = "s|ms|us|min|days"'),
    ("NUMERIC", '"at"', "a number that may mean anything", '"yyyymmdd"'),
    ("INTEGER", '{ column = "at", format = "dd.mm.yyyy" }', "is one of texts", '"yyyymmdd"'),
    ("INTEGER", '{ column = "at", format = "iso" }', "is one of texts", 'unit = "s|ms|us|min|days"'),
    ("REAL", '{ column = "at", format = "yyyymmdd" }', "spell no date exactly", "unit ="),
    ("INTEGER", """{ column = "at", unit = "s", where = "stat = 'x'" }""", "no column `stat`", "did you mean"),
    ("INTEGER", """{ column = "at", unit = "s", where = "at = 'x'" }""", "the text 'x'", "a number"),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "event", "found", "write"), BOTH)
def test_what_a_column_can_not_be(
    visits: Workplace, store: Store, type_: str, event: str, found: str, write: str
) -> None:
    table(store, type_, [])
    visits.connect(store, dataset(event))

    (problem,) = visits.problems()
    assert problem.key == "datasets.visits.events.seen"
    assert found in problem.found
    assert write in problem.write


TYPED = [
    ("BOOLEAN", '{ column = "at", unit = "s" }', "is BOOLEAN, which is no date", "dates, numbers or texts"),
    ("TIMESTAMP", '{ column = "at", unit = "s" }', "a date by itself", "take `unit` out"),
    ("DATE", '{ column = "at", format = "iso" }', "a date by itself", "take `format` out"),
    ("JSONB", '{ column = "at", unit = "s" }', "which is no date", "dates, numbers or texts"),
    ("UUID", '"at"', "which is no date", "dates, numbers or texts"),
    ("BIGINT", '{ column = "at", unit = "s", never = ["0"] }', "the text '0'", "never = [0]"),
    ("BIGINT", '{ column = "at", unit = "s", never = [0.5] }', "0.5", "a whole number"),
    ("BIGINT", '{ column = "at", unit = "s", never = [2026-01-01] }', "2026-01-01", "a number"),
    ("DATE", '{ column = "at", never = [0] }', "`never` has 0", '"9999-12-31"'),
    ("DATE", '{ column = "at", never = ["0000-00-00"] }', "the text '0000-00-00'", '"9999-12-31"'),
    ("DATE", '{ column = "at", never = ["9999-12-31 10:00"] }', "with a time of day", '"9999-12-31"'),
    ("TIMESTAMP", '{ column = "at", never = ["9999-12-31T00:00:00Z"] }', "without a zone", '"9999-12-31"'),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "event", "found", "write"), TYPED)
def test_what_a_column_of_a_type_can_not_be(
    visits: Workplace, postgresql: PostgresqlStore, type_: str, event: str, found: str, write: str
) -> None:
    table(postgresql, type_, [])
    visits.connect(postgresql, dataset(event))

    (problem,) = visits.problems()
    assert problem.key == "datasets.visits.events.seen"
    assert found in problem.found
    assert write in problem.write


def test_a_column_without_a_type_wants_to_know_what_it_holds(visits: Workplace, sqlite: SqliteStore) -> None:
    table(sqlite, "", [SECONDS[0], SECONDS[1], None, str(SECONDS[0])])
    visits.connect(sqlite, dataset('"at"'))
    (problem,) = visits.problems()
    assert "is untyped, which may hold anything" in problem.found

    visits.connect(sqlite, dataset('{ column = "at", unit = "s" }'))
    assert visits.each("visits", as_of=AS_OF) == FATES


# -- garbage ---------------------------------------------------------------------------------


def test_texts_that_are_no_numbers_are_counted_as_unclear_and_never_an_error(
    visits: Workplace, store: Store
) -> None:
    values = ["abc", "", " ", "1e308", "NaN", "Infinity", "-1", "1.2.3", "٣", "0x10", "17,5", "9" * 30]
    table(store, "TEXT", [*values, str(SECONDS[0])])
    visits.connect(store, dataset('{ column = "at", unit = "s" }'))

    assert visits.fates("visits", as_of=AS_OF) == {"unclear": len(values), "due": 1}
    assert visits.run(as_of=AS_OF).jobs[0].done == 1


def test_floating_numbers_that_are_none_are_unclear(visits: Workplace, postgresql: PostgresqlStore) -> None:
    table(postgresql, "DOUBLE PRECISION", ["NaN", "Infinity", "-Infinity", 1e308, SECONDS[0]])
    visits.connect(postgresql, dataset('{ column = "at", unit = "s" }'))

    assert visits.each("visits", as_of=AS_OF) == {**dict.fromkeys("1234", "unclear"), "5": "due"}
    assert visits.explain("db.visits", "1", as_of=AS_OF).rules[0].event is None


# -- check warns -----------------------------------------------------------------------------


LOST = "no index can serve, and a run looks at every row"
PROBABLY = [
    ("BIGINT", 'unit = "s"', [s * 60 for s in SECONDS], "in the future, all 2: is it another unit or epoch?"),
    ("BIGINT", 'unit = "ms"', SECONDS, "is unclear, all 2: is it another unit or epoch?"),
    (
        "BIGINT",
        'unit = "s"',
        [SECONDS[0] * 60, SECONDS[0] * 1000],
        "1 lie in the future and 1 are unclear: is it",
    ),
    ("TEXT", 'format = "yyyymmdd"', ["2024-01-01"], "is unclear, all 1: is it another format?"),
    (
        "TEXT",
        'format = "dd.mm.yyyy"',
        ["01.01.2024"],
        f"are dd.mm.yyyy, whose order is not that of time: {LOST}",
    ),
    ("TEXT", 'unit = "s"', ["1700000000"], f"are texts, whose order is not that of time: {LOST}"),
]


@pytest.mark.parametrize(("type_", "keys", "values", "said"), PROBABLY)
def test_a_clock_that_is_probably_misread_is_said_by_check(
    visits: Workplace, store: Store, type_: str, keys: str, values: list[object], said: str
) -> None:
    table(store, type_, values)
    visits.connect(store, dataset(f'{{ column = "at", {keys} }}'))

    (warning,) = [w for w in visits.check().warnings if "retention_marker" not in w]
    assert said in warning
    assert "visits.at`" in warning
    assert "`seen` of db.visits" in warning


def test_a_clock_of_which_some_date_has_passed_is_not_warned_of(visits: Workplace, store: Store) -> None:
    table(store, "BIGINT", [*SECONDS, None, 0, SECONDS[0] * 60])
    visits.connect(store, dataset('{ column = "at", unit = "s" }'))
    assert [w for w in visits.check().warnings if "retention_marker" not in w] == []

    store.script("DELETE FROM visits")
    assert [w for w in visits.check().warnings if "retention_marker" not in w] == []


@pytest.mark.parametrize(
    ("keys", "values"),
    [
        ('unit = "days"', range(366, 900)),  # a key, of which each value is a day of 1971 or 1972
        ('unit = "s"', [*(SECONDS[0] * 40 for _ in range(3)), *SECONDS]),
        ('unit = "ms"', [*(SECONDS[0] for _ in range(3)), SECONDS[0] * 1000]),
    ],
)
def test_a_clock_of_which_most_values_are_unlikely_is_warned_of(
    visits: Workplace, store: Store, keys: str, values: Iterable[object]
) -> None:
    table(store, "BIGINT", list(values))
    visits.connect(store, dataset(f'{{ column = "at", {keys} }}'))

    (warning,) = [w for w in visits.check().warnings if "retention_marker" not in w]

    assert "lie before 1990 or more than 50 years ahead, or can't be read" in warning
    assert "is it another column, unit or epoch?" in warning


# -- an index of the bare column serves --------------------------------------------------------

INDEXED = [
    ("BIGINT", '{ column = "at", unit = "ms" }', [day * 86_400_000 for day in range(20_000, 24_000)]),
    ("DOUBLE PRECISION", '{ column = "at", unit = "s" }', [day * 86_400.5 for day in range(20_000, 24_000)]),
    ("NUMERIC", '{ column = "at", unit = "s" }', [day * 86_400 for day in range(20_000, 24_000)]),
    ("TEXT", '"at"', ["2026-01-01"] * 4_000),
    ("TEXT", '{ column = "at", format = "yyyymmdd" }', ["20260101"] * 4_000),
    ("INTEGER", '{ column = "at", format = "yyyymmdd" }', [20260101] * 4_000),
]


@pytest.mark.parametrize(("type_", "event", "values"), INDEXED, ids=lambda v: str(v)[:40])
def test_the_cutoff_is_compared_with_the_bare_column_so_that_an_index_serves(
    visits: Workplace, store: Store, type_: str, event: str, values: list[object]
) -> None:
    table(store, type_, values)
    analyze = "ANALYZE TABLE visits" if store.kind == "mariadb" else "ANALYZE visits"
    store.script(f"CREATE INDEX visits_at ON visits (at); {analyze}")
    visits.connect(store, dataset(event))
    statements = visits.statements(as_of="2024-11-22")

    (find,) = [s.sql for s in statements if s.purpose.endswith(": candidates, without locks")]
    first = r"""WHERE (?:r\."id" IS NOT NULL AND )?(r\."?at"? < (?:'[^']*'|[-\d.]+))"""
    reaches = re.search(first, " ".join(find.replace("`", '"').split()))
    assert reaches is not None, find
    query = f"SELECT r.id FROM visits AS r WHERE {reaches[1]}"
    if store.kind == "sqlite":
        plan = " ".join(str(row[-1]) for row in store.rows(f"EXPLAIN QUERY PLAN {query}"))
        assert "SEARCH r USING" in plan
        assert "visits_at (at<?)" in plan
        return
    if store.kind == "mariadb":
        ((_, _, _, way, _, key, *_),) = store.rows(f"EXPLAIN {query}")
        assert (way, key) == ("range", "visits_at")
        return
    plan = " ".join(row[0] for row in store.rows(f"EXPLAIN {query}"))
    assert "visits_at" in plan
    assert "Index Cond: (at <" in plan
