"""What the policy makes of a record: every record in one fate, unknown never due."""

from __future__ import annotations

import pytest

from retention.errors import UsageError
from tests.support.stores import PostgresqlStore, SqliteStore, Store, changed
from tests.support.workplace import Workplace, adds_up, nonzero

PAST, RECENT, FUTURE = "'2020-05-05 10:00:00'", "'2026-05-05 10:00:00'", "'2030-05-05 10:00:00'"


def things(**keys: str) -> str:
    known = {"data": '"things"', "table": '"things"', "events": '{ made = "made" }'}
    return "[datasets.things]\n" + "\n".join(f"{k} = {v}" for k, v in (known | keys).items())


@pytest.fixture
def yearly(work: Workplace) -> Workplace:
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')
    return work


def fill(store: Store, *values: str, type_: str = "TIMESTAMP") -> None:
    """`things` with one record a value, keyed from 1 on."""
    rows = ", ".join(f"({i}, {value})" for i, value in enumerate(values, 1))
    store.script(
        f"CREATE TABLE things (id INTEGER PRIMARY KEY, made {type_}); INSERT INTO things VALUES {rows}"
    )


def each(work: Workplace, count: int) -> list[str]:
    """The fates of records 1 to `count`; explain says the same of the last."""
    fates = work.each("things")
    assert list(fates) == [str(key) for key in range(1, count + 1)]
    assert work.fate_of("db.things", str(count)) == fates[str(count)]
    return list(fates.values())


# -- one date ------------------------------------------------------------------------------


def test_every_record_has_one_fate(yearly: Workplace, store: Store) -> None:
    fill(
        store,
        PAST,
        RECENT,
        FUTURE,
        "NULL",
        "'1970-01-01 00:00:00'",
        "'1971-01-01 23:59:59'",
        "'1971-01-02 00:00:00'",
        "'0001-01-01 00:00:00'",
        "'9999-12-31 23:59:59'",
    )
    yearly.connect(store, things())

    assert each(yearly, 9) == [
        "due",
        "not_due",
        "not_due",
        "undated",
        "unclear",
        "unclear",
        "due",
        "unclear",
        "not_due",
    ]
    assert yearly.run().jobs[0].done == 2
    assert store.rows("SELECT id FROM things ORDER BY id") == [(n,) for n in (2, 3, 4, 5, 6, 8, 9)]


def test_the_boundary_is_exact(yearly: Workplace, store: Store) -> None:
    """Kept one year: what was made on 21 November 2025 is due on the 22nd of 2026, the 22nd's is not."""
    fill(store, "'2025-11-21 23:59:59'", "'2025-11-22 00:00:00'", "'2025-11-21 23:59:59.999999'")
    yearly.connect(store, things())

    assert each(yearly, 3) == ["due", "not_due", "due"]


def test_the_oldest_and_the_overdue(yearly: Workplace, store: Store) -> None:
    fill(store, PAST, "'2025-11-01 00:00:00'", "'2024-02-29 00:00:00'", "NULL", RECENT)
    yearly.connect(store, things())

    job = yearly.job("things")

    assert (job.due, job.overdue, job.oldest) == (3, 2, "2020-05-05")


def test_an_event_that_never_happens(yearly: Workplace, store: Store) -> None:
    fill(store, PAST, "NULL")
    yearly.connect(store, things(events='{ made = "never" }'))

    assert yearly.fates("things") == {"undated": 2}
    assert yearly.run().status == "nothing"


def test_an_empty_table(yearly: Workplace, store: Store) -> None:
    store.script("CREATE TABLE things (id INTEGER PRIMARY KEY, made TIMESTAMP)")
    yearly.connect(store, things())

    job = yearly.job("things")

    assert (job.total, job.oldest, job.status.value) == (0, None, "nothing")
    assert yearly.run().status == "nothing"


# -- text on SQLite ------------------------------------------------------------------------


TEXTS = [
    ("2025-11-21", "due"),
    ("2025-11-22", "not_due"),
    ("2025-11-21T23:59:59", "due"),
    ("2025-11-22T00:00:00", "not_due"),
    ("2025-11-21 23:59", "due"),
    ("2025-11-22 00:00", "not_due"),
    ("2025-11-21 23:59:59.999", "due"),
    ("2025-11-21T23:59:59.9999999", "due"),
    ("2025-11-22 00:00:00.000", "not_due"),
    ("2025-11-21T23:59:59Z", "due"),
    ("2025-11-22T00:00:00Z", "not_due"),
    ("2025-11-21 23:59:59.999Z", "due"),
    ("2025-11-22T01:59:59+02:00", "due"),
    ("2025-11-22T02:00:00+02:00", "not_due"),
    ("2025-11-21T18:59:59-05:00", "due"),
    ("2025-11-21T19:00:00-05:00", "not_due"),
    ("2025-11-22T01:59:59.999999+02:00", "due"),
    ("2025-11-22T01:59+02:00", "due"),
    ("2025-11-22T02:00+02:00", "not_due"),
    ("2025-11-21 23:59:59 +00:00", "due"),
    ("2025-11-21T23:59Z", "due"),
    ("2025-11-23T13:59:59+14:00", "not_due"),
    ("2025-11-22T13:59:59+14:00", "due"),
    ("2024-02-29", "due"),
    ("2030-01-01", "not_due"),
    ("2021-02-30", "unclear"),
    ("2021-02-29", "unclear"),
    ("2021-13-01", "unclear"),
    ("2021-00-10", "unclear"),
    ("2021-1-1", "unclear"),
    ("0000-00-00", "unclear"),
    ("0000-00-00 00:00:00", "unclear"),
    ("1970-01-01", "unclear"),
    ("1971-01-01", "unclear"),
    ("1971-01-02", "due"),
    ("1970-01-01T00:00:00Z", "unclear"),
    ("", "unclear"),
    (" ", "unclear"),
    ("yesterday", "unclear"),
    ("now", "unclear"),
    ("01/02/2021", "unclear"),
    ("20210101", "unclear"),
    ("2021", "unclear"),
    ("2021-01", "unclear"),
    ("2021-W01-1", "unclear"),
    ("2021-001", "unclear"),
    (" 2021-01-01", "unclear"),
    ("2021-01-01x", "unclear"),
    ("2021-01-01 25:00", "unclear"),
    ("2021-01-01 10:61", "unclear"),
    ("2021-01-01 10", "unclear"),
    ("2021-01-01 10:00:00 CET", "unclear"),
    ("2021-01-01T10:00:00+0200", "unclear"),
    ("2025-11-21 24:00:00", "unclear"),
    ("2025-11-22 ", "unclear"),
    ("2025-11-22T", "unclear"),
    ("2025-11-22  00:00:00", "unclear"),
    ("2025-11-22TT00:00:00", "unclear"),
    ("2025-11-21 23:59:60", "unclear"),
    ("12021-01-01", "unclear"),
    ("-2021-01-01", "unclear"),
    ("２０２１-01-01", "unclear"),
    ("2021-01-01\n", "unclear"),
]


@pytest.mark.parametrize("type_", ["DATETIME", "TEXT", "TIMESTAMP", "DATE"])
def test_a_text_is_read_as_iso_or_not_at_all(yearly: Workplace, sqlite: SqliteStore, type_: str) -> None:
    """Whatever the column is declared as; looked for in the order of an index on it."""
    fill(sqlite, *("'" + text + "'" for text, _ in TEXTS), type_=type_)
    sqlite.script("CREATE INDEX things_made ON things (made)")
    yearly.connect(sqlite, things())

    found = dict(zip((text for text, _ in TEXTS), each(yearly, len(TEXTS)), strict=True))

    assert found == dict(TEXTS)
    due = [key for key, (_, fate) in enumerate(TEXTS, 1) if fate == "due"]
    assert yearly.run().jobs[0].done == len(due)
    left = {key for (key,) in sqlite.rows("SELECT id FROM things")}
    assert left == {*range(1, len(TEXTS) + 1)} - {*due}


def test_a_number_in_a_date_column_is_unclear(yearly: Workplace, sqlite: SqliteStore) -> None:
    values = ["0", "1577836800", "20200101", "2458849.5", "x'2020'", "1577836800000", "'1577836800'"]
    fill(sqlite, *values, type_="DATETIME")
    yearly.connect(sqlite, things())

    assert each(yearly, len(values)) == ["unclear"] * len(values)


# -- types on PostgreSQL -------------------------------------------------------------------


POSTGRESQL_DATES = {
    "DATE": {
        "'2025-11-21'": "due",
        "'2025-11-22'": "not_due",
        "'infinity'": "not_due",
        "'-infinity'": "unclear",
        "'1971-01-01'": "unclear",
        "'0001-01-01 BC'": "unclear",
        "NULL": "undated",
    },
    "TIMESTAMP": {
        "'2025-11-21 23:59:59.999999'": "due",
        "'2025-11-22'": "not_due",
        "'infinity'": "not_due",
        "'-infinity'": "unclear",
        "'12026-01-01'": "not_due",
    },
    "TIMESTAMPTZ": {
        "'2025-11-22 00:59:59+01'": "due",
        "'2025-11-22 01:00:00+01'": "not_due",
        "'infinity'": "not_due",
        "'-infinity'": "unclear",
        "'4000-01-01 BC'": "unclear",
        "NULL": "undated",
    },
    "stamp": {"'2025-11-21'": "due", "'2025-11-22 00:00:00+00'": "not_due"},
}


@pytest.mark.one_in(4)
@pytest.mark.parametrize("type_", POSTGRESQL_DATES)
def test_dates_as_postgresql_has_them(yearly: Workplace, postgresql: PostgresqlStore, type_: str) -> None:
    """Infinite ones and those beyond what Python's calendar holds too."""
    values = POSTGRESQL_DATES[type_]
    postgresql.script("CREATE DOMAIN stamp AS TIMESTAMPTZ")
    fill(postgresql, *values, type_=type_)
    yearly.connect(postgresql, things())

    assert dict(zip(values, each(yearly, len(values)), strict=True)) == values
    for key, fate in enumerate(values.values(), 1):
        assert yearly.fate_of("db.things", str(key)) == fate
    assert yearly.run().jobs[0].done == 1


# -- zones ---------------------------------------------------------------------------------


def test_the_rules_zone_draws_the_line_and_the_connectors_reads_the_clock(
    yearly: Workplace, store: Store
) -> None:
    """Midnight in Tokyo is three in the afternoon before in London."""
    yearly.timezone = "Asia/Tokyo"
    fill(store, "'2025-11-21 14:59:59'", "'2025-11-21 15:00:00'")
    yearly.connect(store, things(), timezone="Europe/London")

    assert each(yearly, 2) == ["due", "not_due"]


def test_a_day_is_never_moved_between_zones(yearly: Workplace, store: Store) -> None:
    yearly.timezone = "Asia/Tokyo"
    fill(store, "'2025-11-21'", "'2025-11-22'", type_="DATE")
    yearly.connect(store, things(), timezone="America/New_York")

    assert each(yearly, 2) == ["due", "not_due"]


def test_the_hour_that_comes_twice(yearly: Workplace, store: Store) -> None:
    """In Oslo the clocks went from 3 back to 2 on 26 October 2025: midnight in Azores lies in between."""
    yearly.timezone = "Atlantic/Azores"
    yearly.connect(store, things(), timezone="Europe/Oslo")
    fill(
        store,
        "'2025-10-26 00:59:59'",
        "'2025-10-26 01:00:00'",
        "'2025-10-26 02:00:00'",
        "'2025-10-26 02:30:00'",
    )

    fates = [yearly.fate_of("db.things", str(key), as_of="2026-10-26") for key in range(1, 5)]

    # The Azores' 26 October began at 00:00 UTC, in Oslo's summer time 02:00; read again in winter time, 02:00
    # is 01:00 UTC: a reading that came twice means the later.
    assert fates == ["due", "due", "not_due", "not_due"]


def test_a_day_that_has_not_begun_in_the_rules_zone(yearly: Workplace, store: Store) -> None:
    fill(store, "'2025-11-21 12:00:00'")
    yearly.connect(store, things())
    yearly.timezone = "America/Los_Angeles"

    assert yearly.fates("things", as_of="2026-11-22T07:59:59Z") == {"not_due": 1}
    assert yearly.fates("things", as_of="2026-11-22T08:00:00Z") == {"due": 1}


# -- the latest of several -----------------------------------------------------------------

FAMILY = """
CREATE TABLE things (id INTEGER PRIMARY KEY, made TIMESTAMP, seen TIMESTAMP);
CREATE TABLE visits (id INTEGER PRIMARY KEY, thing INTEGER REFERENCES things (id), at TIMESTAMP);
CREATE INDEX visits_thing ON visits (thing);
"""
LATEST = '{ made = { latest = ["made", "seen", "visits.at"] } }'


LATEST_OF = [
    (PAST, "NULL", [], "due"),
    (PAST, PAST, [], "due"),
    (PAST, RECENT, [], "not_due"),
    (PAST, FUTURE, [], "not_due"),
    ("NULL", "NULL", [], "undated"),
    (PAST, "'1970-01-01 00:00:00'", [], "unclear"),
    (RECENT, "'1970-01-01 00:00:00'", [], "not_due"),
    ("NULL", "NULL", [PAST], "due"),
    (PAST, "NULL", [PAST, RECENT], "not_due"),
    (PAST, "NULL", [PAST, FUTURE], "not_due"),
    (PAST, "NULL", [PAST, "NULL"], "unclear"),
    ("NULL", "NULL", ["NULL"], "unclear"),
    (PAST, "NULL", ["NULL", RECENT], "not_due"),
    (RECENT, "NULL", ["NULL"], "not_due"),
    (PAST, "NULL", ["'1970-01-01 00:00:00'"], "unclear"),
]


def test_the_latest_of_own_and_related_dates(yearly: Workplace, store: Store) -> None:
    own = ", ".join(f"({n}, {made}, {seen})" for n, (made, seen, _, _) in enumerate(LATEST_OF, 1))
    related = [(n, visit) for n, (_, _, visits, _) in enumerate(LATEST_OF, 1) for visit in visits]
    rows = ", ".join(f"({i}, {n}, {visit})" for i, (n, visit) in enumerate(related))
    store.script(FAMILY + f"INSERT INTO things VALUES {own}; INSERT INTO visits VALUES {rows}")
    yearly.connect(store, things(events=LATEST, parts='["visits"]'))
    wanted = [fate for *_, fate in LATEST_OF]

    assert each(yearly, len(LATEST_OF)) == wanted
    for key in (11, 13):
        assert yearly.fate_of("db.things", str(key)) == wanted[key - 1]
    assert yearly.run().jobs[0].done == wanted.count("due")
    assert {key for (key,) in store.rows("SELECT id FROM things")} == {
        key for key, fate in enumerate(wanted, 1) if fate != "due"
    }


def test_a_date_two_references_away(yearly: Workplace, store: Store) -> None:
    store.script(
        FAMILY
        + "CREATE TABLE photos (id INTEGER PRIMARY KEY, visit INTEGER REFERENCES visits (id), at TIMESTAMP);"
        "CREATE INDEX photos_visit ON photos (visit);"
        f"INSERT INTO things VALUES (1, {PAST}, NULL), (2, {PAST}, NULL), (3, {PAST}, NULL);"
        f"INSERT INTO visits VALUES (1, 1, {PAST}), (2, 2, {PAST});"
        f"INSERT INTO photos VALUES (1, 1, {PAST}), (2, 1, {RECENT}), (3, 2, {PAST})"
    )
    yearly.connect(
        store, things(events='{ made = { latest = ["made", "photos.at"] } }', parts='["visits", "photos"]')
    )

    assert each(yearly, 3) == ["not_due", "due", "due"]


def test_a_date_of_what_the_record_refers_to(yearly: Workplace, store: Store) -> None:
    store.script(
        "CREATE TABLE owners (id INTEGER PRIMARY KEY, left_at TIMESTAMP);"
        "CREATE TABLE things (id INTEGER PRIMARY KEY, owner INTEGER REFERENCES owners (id));"
        f"INSERT INTO owners VALUES (1, {PAST}), (2, NULL), (3, {RECENT});"
        "INSERT INTO things VALUES (1, 1), (2, 2), (3, 3), (4, NULL)"
    )
    yearly.connect(store, things(events='{ made = "owners.left_at" }'))

    assert each(yearly, 4) == ["due", "unclear", "not_due", "undated"]


# -- where ---------------------------------------------------------------------------------


def test_where_false_is_no_record_and_unknown_is_unclear(yearly: Workplace, store: Store) -> None:
    store.script(
        "CREATE TABLE things (id INTEGER PRIMARY KEY, made TIMESTAMP, kind TEXT);"
        f"INSERT INTO things VALUES (1, {PAST}, 'a'), (2, {PAST}, 'b'), (3, {PAST}, NULL), (4, {RECENT}, NULL),"
        f" (5, {RECENT}, 'a'), (6, {RECENT}, 'b')"
    )
    yearly.connect(store, things(where="\"kind <> 'b'\""))

    job = yearly.job("things")

    assert job.total == 4
    assert nonzero(job.fates) == {"due": 1, "unclear": 2, "not_due": 1}
    assert yearly.fate_of("db.things", "3") == "unclear"
    yearly.run()
    assert store.rows("SELECT id FROM things ORDER BY 1") == [(2,), (3,), (4,), (5,), (6,)]


def test_explain_names_the_condition_that_is_unknown_or_false(yearly: Workplace, store: Store) -> None:
    store.script(
        "CREATE TABLE things (id INTEGER PRIMARY KEY, made TIMESTAMP, size INTEGER);"
        f"INSERT INTO things VALUES (1, {PAST}, NULL), (2, {PAST}, -5), (3, {PAST}, 5), (4, 'NULL', 5)"
        if store.kind == "sqlite"
        else "CREATE TABLE things (id INTEGER PRIMARY KEY, made TIMESTAMP, size INTEGER);"
        f"INSERT INTO things VALUES (1, {PAST}, NULL), (2, {PAST}, -5), (3, {PAST}, 5), (4, '1960-01-01', 5)"
    )
    yearly.connect(store, things(where='"size > 0"'))

    (view,) = yearly.explain("db.things", "1").rules
    assert (view.fate, view.event, view.due_on) == ("unclear", "2020-05-05", None)
    assert view.because == (
        "the dataset's `where` (size > 0) is neither true nor false of it: unknown never deletes"
    )
    (view,) = yearly.explain("db.things", "4").rules
    assert (view.fate, view.because) == (
        "unclear",
        "whether or when `made` happened can't be told: unknown never deletes",
    )
    with pytest.raises(UsageError, match=r"the row 2 exists, and the `where` of `db.things` leaves it out"):
        yearly.explain("db.things", "2")
    assert yearly.fate_of("db.things", "3") == "due"
    with pytest.raises(UsageError, match="has no record 9"):
        yearly.explain("db.things", "9")


@pytest.mark.parametrize(
    ("condition", "due", "unclear"),
    [
        ("kind = 'a'", 2, 1),
        ("NOT kind = 'a'", 1, 1),
        ("kind IN ('a', 'b')", 3, 1),
        ("kind NOT IN ('a')", 1, 1),
        ("kind IS NULL", 1, 0),
        ("kind IS NOT NULL AND size > 1", 1, 0),
        ("size BETWEEN 1 AND 2", 2, 1),
        ("kind LIKE 'a%'", 2, 1),
        ("size = 1 OR kind = 'b'", 2, 1),
        ("coalesce(kind, 'none') = 'none'", 1, 0),
        ("lower(kind) = 'a' AND NOT live", 1, 0),
        ("live", 3, 0),
        ("live IS TRUE AND length(kind) = 1", 2, 1),
        ("abs(size) > 1", 2, 1),
        ("things.size <> 1.0", 2, 1),
        ("trim(upper(kind)) = 'A'", 2, 1),
        ("day >= DATE '2020-02-01'", 2, 1),
        ("day < '2020-02-01'", 1, 1),
    ],
)
def test_conditions_mean_the_same_on_both(
    yearly: Workplace, store: Store, condition: str, due: int, unclear: int
) -> None:
    store.script(
        "CREATE TABLE things"
        " (id INTEGER PRIMARY KEY, made TIMESTAMP, kind TEXT, size INTEGER, live BOOLEAN, day DATE);"
        f"INSERT INTO things VALUES (1, {PAST}, 'a', 1, TRUE, '2020-01-01'), (2, {PAST}, 'a', 2, FALSE, '2020-02-01'),"
        f" (3, {PAST}, 'b', -3, TRUE, '2020-03-01'), (4, {PAST}, NULL, NULL, TRUE, NULL)"
    )
    yearly.connect(store, things(where=f'"{condition}"'))

    job = yearly.job("things")

    assert (job.due, job.fates["unclear"], job.total) == (due, unclear, due + unclear)


# -- several rules -------------------------------------------------------------------------


def test_of_two_rules_the_longest_acts(work: Workplace, store: Store) -> None:
    fill(store, "'2024-05-05 10:00:00'", PAST, RECENT, "NULL", "'1970-01-01 00:00:00'")
    work.connect(store, things())
    work.rule("short", 'data = "things"\nkeep = "1 year"\nfrom = "made"')
    work.rule("long", 'data = "things"\nkeep = "3 years"\nfrom = "made"')

    same = {"not_due": 1, "undated": 1, "unclear": 1}
    assert work.fates("short") == {"retained": 1, "elsewhere": 1, **same}
    assert work.fates("long") == {"due": 1, "undated": 1, "unclear": 1, "not_due": 2}
    assert work.fate_of("db.things", "1", rule="short") == "retained"
    (view,) = [v for v in work.explain("db.things", "1").rules if v.rule == "short"]
    assert [(s.kind, s.by) for s in view.stopped_by] == [("retained", "long")]
    outcome = work.run()
    assert {job.rule: job.done for job in outcome.jobs} == {"short": 0, "long": 1}


def test_naming_one_rule_narrows_what_acts_and_not_what_protects(work: Workplace, store: Store) -> None:
    fill(store, "'2024-05-05 10:00:00'", PAST)
    work.connect(store, things())
    work.rule("short", 'data = "things"\nkeep = "1 year"\nfrom = "made"')
    work.rule("long", 'data = "things"\nkeep = "3 years"\nfrom = "made"')

    (job,) = work.plan("short").jobs
    assert nonzero(job.fates) == {"retained": 1, "elsewhere": 1}
    assert work.run("short").status == "nothing"
    assert store.rows("SELECT count(*) FROM things") == [(2,)]


def test_two_rules_of_the_same_length_act_once(work: Workplace, store: Store) -> None:
    fill(store, PAST)
    work.connect(store, things())
    work.rule("first", 'data = "things"\nkeep = "12 months"\nfrom = "made"')
    work.rule("second", 'data = "things"\nkeep = "1 year"\nfrom = "made"')

    assert work.fates("first") == {"due": 1}
    assert work.fates("second") == {"elsewhere": 1}
    outcome = work.run()
    assert all(adds_up(job) for job in outcome.jobs)
    assert sum(job.done for job in outcome.jobs) == 1


def test_a_rule_on_other_data_does_not_protect(work: Workplace, store: Store) -> None:
    fill(store, PAST)
    store.script("CREATE TABLE others (id INTEGER PRIMARY KEY, made TIMESTAMP)")
    work.connect(
        store, things() + '\n[datasets.others]\ndata = "others"\ntable = "others"\nevents = { made = "made" }'
    )
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')
    work.rule("others", 'data = "others"\nkeep = "30 years"\nfrom = "made"')

    assert work.fates("things") == {"due": 1}


# -- references ----------------------------------------------------------------------------

CHAIN = """
CREATE TABLE things (id INTEGER PRIMARY KEY, made TIMESTAMP);
CREATE TABLE orders (id INTEGER PRIMARY KEY, thing INTEGER REFERENCES things (id), made TIMESTAMP);
CREATE INDEX orders_thing ON orders (thing);
CREATE TABLE slips (id INTEGER PRIMARY KEY, orders INTEGER REFERENCES orders (id), made TIMESTAMP);
CREATE INDEX slips_orders ON slips (orders);
"""
CHAINED = (
    things()
    + """
[datasets.orders]
data   = "orders"
table  = "orders"
events = { made = "made" }
[datasets.slips]
data   = "slips"
table  = "slips"
events = { made = "made" }
"""
)


def chained(work: Workplace, store: Store) -> None:
    """Five things: without an order; with an old one; with an old and a new; and two with slips, old and new."""
    store.script(
        CHAIN + f"INSERT INTO things VALUES {', '.join(f'({n}, {PAST})' for n in range(1, 6))};"
        f"INSERT INTO orders VALUES (1, 2, {PAST}), (2, 3, {PAST}), (3, 3, {RECENT}), (4, 4, {PAST}), (5, 5, {PAST});"
        f"INSERT INTO slips VALUES (1, 4, {PAST}), (2, 5, {RECENT})"
    )
    work.connect(store, CHAINED)


def test_what_stays_keeps_what_it_refers_to(work: Workplace, store: Store) -> None:
    chained(work, store)
    for data in ("things", "orders", "slips"):
        work.rule(data, f'data = "{data}"\nkeep = "1 year"\nfrom = "made"')
    before = store.snapshot()

    assert [work.fate_of("db.things", str(n)) for n in range(1, 6)] == [
        "due",
        "due",
        "referenced",
        "due",
        "referenced",
    ]
    assert work.fates("orders") == {"due": 3, "not_due": 1, "referenced": 1}
    assert work.fates("slips") == {"due": 1, "not_due": 1}
    outcome = work.run()

    assert [job.rule for job in outcome.jobs] == ["slips", "orders", "things"]
    assert [job.done for job in outcome.jobs] == [1, 3, 3]
    assert changed(before, store.snapshot()) == {"slips": (1, 0), "orders": (3, 0), "things": (3, 0)}


def test_without_the_rule_that_removes_them_orders_keep_their_things(work: Workplace, store: Store) -> None:
    chained(work, store)
    for data in ("things", "orders", "slips"):
        work.rule(data, f'data = "{data}"\nkeep = "1 year"\nfrom = "made"')

    (job,) = work.plan("things").jobs
    assert nonzero(job.fates) == {"due": 1, "referenced": 4}
    (things_job, orders_job) = sorted(work.plan("things", "orders").jobs, key=lambda j: j.rule, reverse=True)
    assert nonzero(orders_job.fates) == {"due": 2, "not_due": 1, "referenced": 2}
    assert nonzero(things_job.fates) == {"due": 2, "referenced": 3}
    assert {job.rule: job.done for job in work.run("things", "orders").jobs} == {"orders": 2, "things": 2}


def test_a_chain_of_five_datasets_goes_in_one_run(work: Workplace, store: Store) -> None:
    """Each refers to the one before; the fate of the first rests on all the others'."""
    scripts, datasets = [], []
    for n in range(5):
        owner = f", owner INTEGER REFERENCES t{n - 1} (id)" if n else ""
        scripts.append(f"CREATE TABLE t{n} (id INTEGER PRIMARY KEY, made TIMESTAMP{owner});")
        if n:
            scripts.append(f"CREATE INDEX t{n}_owner ON t{n} (owner);")
        rows = [(1, PAST), (2, PAST if n < 4 else RECENT)]
        values = ", ".join(f"({key}, {made}{f', {key}' if n else ''})" for key, made in rows)
        scripts.append(f"INSERT INTO t{n} VALUES {values};")
        datasets.append(f'[datasets.t{n}]\ndata = "t{n}"\ntable = "t{n}"\nevents = {{ made = "made" }}')
        work.rule(f"t{n}", f'data = "t{n}"\nkeep = "1 year"\nfrom = "made"')
    store.script("".join(scripts))
    work.connect(store, "\n".join(datasets))

    assert {j.rule: (j.due, j.fates["referenced"]) for j in work.plan().jobs} == {
        "t4": (1, 0),
        **{f"t{n}": (1, 1) for n in range(4)},
    }
    assert [(j.rule, j.done) for j in work.run().jobs] == [(f"t{n}", 1) for n in (4, 3, 2, 1, 0)]


def test_a_table_that_no_dataset_names_keeps_too(work: Workplace, store: Store) -> None:
    chained(work, store)
    work.connect(store, things())
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')

    assert work.fates("things") == {"due": 1, "referenced": 4}
    assert work.job("things").referenced_by == {f"{store.place}orders.thing": 4}
    assert work.run().jobs[0].done == 1


def test_rows_that_refer_to_a_part_keep_the_record(work: Workplace, store: Store) -> None:
    chained(work, store)
    work.connect(store, things(parts='["orders"]'))
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')

    assert work.fates("things") == {"due": 3, "referenced": 2}
    assert work.job("things").referenced_by == {f"{store.place}slips.orders": 2}
    (view,) = work.explain("db.things", "4").rules
    assert [(s.by, s.count, s.rows) for s in view.stopped_by] == [(f"{store.place}slips.orders", 1, ("1",))]


def test_records_that_refer_to_each_other(work: Workplace, store: Store) -> None:
    """A record goes with those of the same table that refer to it, and stays with those that stay."""
    store.script(
        "CREATE TABLE things (id INTEGER PRIMARY KEY, made TIMESTAMP, parent INTEGER REFERENCES things (id));"
        "CREATE INDEX things_parent ON things (parent);"
        f"INSERT INTO things VALUES (1, {PAST}, NULL), (2, {PAST}, 1), (3, {PAST}, 3), (4, {PAST}, NULL),"
        f" (5, {RECENT}, 4)"
    )
    work.connect(store, things())
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')

    assert each(work, 5) == ["due", "due", "due", "referenced", "not_due"]
    outcome = work.run().jobs[0]
    assert (outcome.done, outcome.set_aside) == (3, 0)
    assert store.rows("SELECT id FROM things ORDER BY 1") == [(4,), (5,)]


def test_a_part_of_another_record_that_refers_into_this_one(work: Workplace, store: Store) -> None:
    """Lines belong to orders and may name the line of another order: that keeps the other."""
    store.script(
        "CREATE TABLE things (id INTEGER PRIMARY KEY, made TIMESTAMP);"
        "CREATE TABLE bits (id INTEGER PRIMARY KEY, thing INTEGER REFERENCES things (id),"
        " copied_from INTEGER REFERENCES bits (id));"
        "CREATE INDEX bits_thing ON bits (thing); CREATE INDEX bits_copied ON bits (copied_from);"
        f"INSERT INTO things VALUES (1, {PAST}), (2, {RECENT}), (3, {PAST});"
        "INSERT INTO bits VALUES (1, 1, NULL), (2, 2, 1), (3, 3, NULL), (4, 3, 3)"
    )
    work.connect(store, things(parts='["bits"]'))
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')

    assert each(work, 3) == ["referenced", "not_due", "due"]
    assert work.run().jobs[0].rows == {f"{store.place}bits": 2, f"{store.place}things": 1}
    assert store.rows("SELECT id FROM bits ORDER BY 1") == [(1,), (2,)]


def test_a_composite_reference_that_is_partly_null_refers_to_nothing(work: Workplace, store: Store) -> None:
    store.script(
        "CREATE TABLE things (a INTEGER, b INTEGER, made TIMESTAMP, PRIMARY KEY (a, b));"
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER,"
        " FOREIGN KEY (a, b) REFERENCES things (a, b));"
        "CREATE INDEX notes_thing ON notes (a, b);"
        f"INSERT INTO things VALUES (1, 1, {PAST}), (1, 2, {PAST});"
        "INSERT INTO notes VALUES (1, 1, NULL), (2, NULL, 1), (3, 1, 2)"
    )
    work.connect(store, things())
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')

    assert work.fate_of("db.things", "1,1") == "due"
    assert work.fate_of("db.things", "1,2") == "referenced"
    assert work.run().jobs[0].done == 1


def test_a_key_that_is_null_on_sqlite_is_unclear(work: Workplace, sqlite: SqliteStore) -> None:
    sqlite.script(
        "CREATE TABLE things (id TEXT PRIMARY KEY, made TIMESTAMP);"
        f"INSERT INTO things VALUES (NULL, {PAST}), (NULL, {PAST}), ('a', {PAST})"
    )
    work.connect(sqlite, things())
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')

    assert work.fates("things") == {"due": 1, "unclear": 2}
    assert work.run().jobs[0].done == 1
    assert sqlite.rows("SELECT count(*) FROM things") == [(2,)]


def test_a_record_whose_clock_is_in_its_parts_goes_whole(work: Workplace, store: Store) -> None:
    """Its parts go first, and with them its clock: asked again for the root, it would stay without them."""
    store.script(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, note VARCHAR(9));"
        "CREATE TABLE deliveries (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL, at TIMESTAMP NULL,"
        " FOREIGN KEY (order_id) REFERENCES orders (id));"
        "CREATE INDEX deliveries_order ON deliveries (order_id);"
        "INSERT INTO orders VALUES (1, 'old'), (2, 'young'), (3, 'under way'), (4, 'none');"
        "INSERT INTO deliveries VALUES (10, 1, '2019-01-01 00:00:00'), (11, 1, '2020-01-01 00:00:00'),"
        " (20, 2, '2020-01-01 00:00:00'), (21, 2, '2026-11-01 00:00:00'),"
        " (30, 3, '2020-01-01 00:00:00'), (31, 3, NULL);"
    )
    work.connect(
        store,
        '[datasets.orders]\ndata = "orders"\ntable = "orders"\nparts = ["deliveries"]\n'
        'events = { delivered = "deliveries.at" }\n',
    )
    work.rule("orders", 'data = "orders"\nkeep = "1 year"\nfrom = "delivered"')
    work.init()
    assert work.fates("orders") == {"due": 1, "not_due": 1, "unclear": 1, "undated": 1}
    (job,) = work.run().jobs
    assert (job.done, sorted(job.rows.values())) == (1, [1, 2])
    assert [row[0] for row in store.rows("SELECT id FROM orders ORDER BY id")] == [2, 3, 4]
    assert [row[0] for row in store.rows("SELECT id FROM deliveries ORDER BY id")] == [20, 21, 30, 31]
