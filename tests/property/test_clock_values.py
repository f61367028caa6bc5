"""Numbers and texts that are clocks: SQL and a plain reading of the same value agree on its state.

Values lie around the cutoff, the floor and the end of the calendar, or are garbage. Every row must be in
exactly one state, the one that the oracle tells; whatever is past must pass the comparison that an index serves.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, Verbosity, example, given, settings
from hypothesis import strategies as st

from retention import periods
from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.mysql.dialect import Mysql
from retention.connectors.sql.postgresql.dialect import Postgresql
from retention.connectors.sql.predicates import Compiler
from retention.connectors.sql.sqlite.dialect import Sqlite
from retention.model import predicate as p
from retention.model.catalogue import Kind, TableId
from retention.model.clock import Boundary
from retention.model.encoding import EPOCHS, Encoding, Format, Unit
from retention.periods.encodings import read
from tests.oracles import clocks as oracle
from tests.support import servers

ROOT = p.Source(table=TableId(schema=None, name="clocks"), alias="r")
ZONES = ("UTC", "Europe/Oslo", "Asia/Kathmandu", "America/New_York", "Pacific/Apia")
DIGITS = [each for each in Format if each.digits]
GARBAGE_TEXTS = [
    "", " ", "abc", "NaN", "nan", "Infinity", "-inf", "1e308", "1.7e9", "0x10", "1_000", "+5", "--5", "5-", "-",
    ".", "5.", ".5", "1.2.3", "1700000000 ", " 1700000000", "٣٤٥", "17,5", "9" * 40, "-" + "9" * 18, "0",
    "00000000", "0000-00-00", "20240230", "20241301", "20240001", "20240100", "19000229", "20000229",
    "00010101", "2024013", "202401011", "2024-13", "2024-00", "2024-1", "202401012400", "202401012360",
    "20240101235960", "30.02.2024", "1.2.2024", "31.04.2024", "29.02.2023", "29.02.2024", "02/30/2024",
    "13/13/2024", "2024-02-30", "2023-02-29", "2024-04-31 10:00", "2024-01-01 24:00", "2024-01-01T",
    "2024-01-01 ", "2024-01-01  10:00", "2024-01-01 10:00:00+15:00", "9999-12-31", "99991231", "31.12.9999",
    "12/31/9999", "9999-12", "2024-01-01 10:00 +02:00 ", "2024-01-01t10:00", "'; DROP TABLE x --",
    "2024-01-01 10:00:00.", "2024-01-01 10:00:00.5 Z", "2024-01-01 10:00:60", "%s", ":x", "2024-01-01\n",
]  # fmt: skip
GARBAGE_NUMBERS = [
    0, -1, 1, 20240230, 20241301, 99991231, 4294967295, 2**63 - 1, -(2**63), 999999999999, 20240101235960, 202401012400,
]  # fmt: skip
HUGE = [1e308, -1.0, -1e308, 2.0**63, -(2.0**63), 1e20, 253402300800.0, -62135596801.0]
GARBAGE_FLOATS = [0.0, -0.0, 1e308, -1e308, math.inf, -math.inf, 5e-324, 0.5, -63114076800.0]


def examples(number: int) -> settings:
    """The same every time, and no time limit: a database answers when it does."""
    return settings(
        max_examples=number,
        derandomize=True,
        deadline=None,
        database=None,
        verbosity=Verbosity.quiet,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )


@dataclass(frozen=True, kw_only=True)
class Case:
    """A column, how it is read, from where it is seen, and what stands in it."""

    kind: Kind
    type: str
    encoding: Encoding
    floor: p.Line
    cutoff: p.Line
    values: tuple[Any, ...]


def lines(day: date, zone: str, wall_zone: str, ticks: int) -> tuple[p.Line, p.Line]:
    """(floor, cutoff): as planning makes them, the cutoff moved by some microseconds."""
    found = []
    for boundary in (
        periods.floor(zone),
        Boundary(day=day, instant=periods.first_instant(day, zone) + timedelta(microseconds=ticks)),
    ):
        naive = periods.naive_boundary(boundary, wall_zone)
        found.append(p.Line(day=boundary.day, instant=boundary.instant, naive=naive))
    return found[0], found[1]


AROUND = st.one_of(
    st.sampled_from(
        [0, 1, -1, 2, -2, 10**3, -(10**3), 10**6, -(10**6), 60 * 10**6, -60 * 10**6, 86_400 * 10**6]
    ),
    st.integers(-3 * 86_400 * 10**6, 3 * 86_400 * 10**6),
    st.integers(-80 * 366 * 86_400 * 10**6, 80 * 366 * 86_400 * 10**6),
)


def numbers(moment: datetime, encoding: Encoding) -> list[Fraction]:
    assert encoding.unit is not None
    since = moment - datetime.combine(encoding.epoch, datetime.min.time(), UTC)
    exact = Fraction(since // timedelta(microseconds=1), encoding.unit.microseconds)
    return [exact, Fraction(math.floor(exact)), Fraction(math.ceil(exact))]


def stored(number: Fraction, kind: Kind, whole: bool) -> list[Any]:
    """The number as columns of the kind hold it."""
    if kind is Kind.INTEGER:
        return [math.floor(number)]
    if kind is Kind.REAL:
        near = float(number)
        return [near, math.nextafter(near, math.inf), math.nextafter(near, -math.inf)]
    if kind is Kind.TEXT:
        text = f"{Decimal(math.floor(number * 10**6)) / 10**6:f}"
        return [str(math.floor(number))] if whole else [text, str(math.floor(number))]
    return [Decimal(math.floor(number * 10**9)) / 10**9, math.floor(number)]


def spellings(moment: datetime, format_: Format) -> list[str]:
    """The moment as people write it, in UTC; of ISO a few of many ways."""
    shown = {
        Format.YYYYMMDD: "%Y%m%d", Format.YYYYMMDDHHMM: "%Y%m%d%H%M", Format.YYYYMMDDHHMMSS: "%Y%m%d%H%M%S",
        Format.YYYY_MM: "%Y-%m", Format.DD_MM_YYYY: "%d.%m.%Y", Format.DD_SLASH_MM_YYYY: "%d/%m/%Y",
        Format.MM_DD_YYYY: "%m/%d/%Y",
    }  # fmt: skip
    if format_ in shown:
        return [moment.strftime(shown[format_])]
    ways = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S+14:00",
            "%Y-%m-%d %H:%M-11:30", "%Y-%m-%d %H:%M:%S.9999999z")  # fmt: skip
    return [moment.strftime(way) for way in ways]


@st.composite
def cases(draw: st.DrawFn, columns: list[tuple[Kind, str]]) -> Case:
    kind, type_ = draw(st.sampled_from(columns))
    epoch = draw(st.sampled_from(EPOCHS))
    units = [Encoding(unit=unit, epoch=epoch) for unit in Unit]
    formats = DIGITS if kind in (Kind.INTEGER, Kind.NUMERIC) else [] if kind is Kind.REAL else list(Format)
    encoding = draw(st.sampled_from([*units, *(Encoding(format=each) for each in formats)]))
    ticks = draw(st.sampled_from([0, 0, 1, -1, 333_333])) if encoding.unit is not None else 0
    day = draw(st.dates(date(1985, 1, 1), date(2090, 1, 1)))
    floor, cutoff = lines(day, draw(st.sampled_from(ZONES)), draw(st.sampled_from(ZONES)), ticks)
    values: list[Any] = [None]
    for line in (cutoff, cutoff, floor):
        for shift in draw(st.lists(AROUND, min_size=2, max_size=4)):
            moment = line.instant.astimezone(UTC) + timedelta(microseconds=shift)
            if encoding.unit is not None:
                whole = encoding.unit is Unit.MICROSECONDS
                values += [v for number in numbers(moment, encoding) for v in stored(number, kind, whole)]
                continue
            for at in (moment, line.naive + timedelta(microseconds=shift)):
                values += spellings(at, encoding.format)
    if kind in (Kind.INTEGER, Kind.NUMERIC) and encoding.format is not None:
        values = [int(v) if v is not None else None for v in values]
    garbage = {
        Kind.TEXT: GARBAGE_TEXTS,
        Kind.REAL: GARBAGE_FLOATS,
        Kind.NUMERIC: [*GARBAGE_NUMBERS, Decimal("NaN")],
    }
    values += draw(st.lists(st.sampled_from(garbage.get(kind, GARBAGE_NUMBERS)), max_size=12))
    if kind is Kind.TEXT:
        values += draw(st.lists(st.text("0123456789-:. TZ+/", max_size=20), max_size=4))
    never = draw(st.lists(st.sampled_from([v for v in values if _may_be_never(v)] or [None]), max_size=2))
    sentinels = tuple(dict.fromkeys(v for v in never if v is not None))
    encoding = Encoding(unit=encoding.unit, epoch=encoding.epoch, format=encoding.format, never=sentinels)
    return Case(kind=kind, type=type_, encoding=encoding, floor=floor, cutoff=cutoff, values=tuple(values))


WHOLE = {
    "BIGINT": (-(2**63), 2**63),
    "BIGINT UNSIGNED": (0, 2**64),
    "INTEGER": (-(2**31), 2**31),
    "INT": (-(2**31), 2**31),
}


def _fits(value: Any, type_: str) -> bool:
    """A column of whole numbers can hold it."""
    low, end = WHOLE.get(type_, (0, 0))
    return value is None or type_ not in WHOLE or low <= value < end


def _may_be_never(value: Any) -> bool:
    if isinstance(value, float):
        return False
    return value is not None and (not isinstance(value, Decimal) or value.is_finite())


def told(
    dialect: Dialect, connection: sa.Connection, case: Case
) -> dict[int, tuple[list[str], bool, str | None]]:
    """Row → the states that SQL finds it in, whether the index's comparison reaches it, the day that it shows."""
    field = p.Field(source=ROOT, column="at", kind=case.kind, type=case.type, encoding=case.encoding)
    compiler = Compiler(dialect)
    tests = [
        compiler.test(p.Dated(field=field, state=state, floor=case.floor, cutoff=case.cutoff))
        for state in p.State
    ]
    tests.append(compiler.test(p.Reaches(field=field, cutoff=case.cutoff)))
    tests += [sa.not_(test.self_group()) for test in tests[:4]]  # false, never unknown
    marks = [sa.case((test, sa.literal_column("1")), else_=sa.literal_column("0")) for test in tests]
    latest = p.LatestDay(own=(p.OwnField(field=field),), related=(), timezone="UTC")
    day = compiler.latest_day(latest)
    query = sa.select(compiler.column(ROOT, "id"), *marks, day).select_from(compiler.source(ROOT))
    found = {}
    for id_, *flags, shown in connection.execute(query):
        states = [state.value for state, flag in zip(p.State, flags[:4], strict=True) if flag]
        assert [1 - flag for flag in flags[5:]] == flags[:4], "a test is neither true nor false"
        found[id_] = (states, bool(flags[4]), None if shown is None else str(shown))
    return found


def check(
    dialect: Dialect, connection: sa.Connection, case: Case, inside: dict[int, Any], never: tuple[Any, ...]
) -> None:
    """`inside`: row → the value as the database holds it, which holds those of `never`, too."""
    cut, floor = (
        oracle.Cut(day=line.day, instant=line.instant, wall=line.naive) for line in (case.cutoff, case.floor)
    )
    unit, format_ = case.encoding.unit, case.encoding.format
    found = told(dialect, connection, case)
    assert found.keys() == inside.keys()
    for id_, value in inside.items():
        expected = oracle.state(
            value,
            unit=unit.value if unit is not None else None,
            epoch=case.encoding.epoch,
            format_=format_.value if format_ is not None else None,
            never=never,
            floor=floor,
            cutoff=cut,
        )
        states, reached, day = found[id_]
        assert states == [expected], (value, case.encoding, case.type)
        assert reached or expected != "past", (value, case.encoding, case.type)
        if expected == "missing":
            assert day is None
        if expected in ("past", "recent"):
            assert day in shown_days(str(value), case.encoding, dialect), (value, case.encoding)


def shown_days(value: str, encoding: Encoding, dialect: Dialect) -> set[str]:
    """The day of the value in UTC; SQLite shows that of a text with an offset as it is written."""
    moment = read(value, encoding)
    assert moment is not None
    if dialect.name == "sqlite" and encoding.format is Format.ISO:
        return {value[:10]}
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
    found = [moment]
    if dialect.name == "mysql" and encoding.unit is not None:  # to the billionth of a unit, for showing only
        rounded = read(format(round(Decimal(value), 9), "f"), encoding)
        found += [rounded.astimezone(UTC) if isinstance(rounded, datetime) else rounded] if rounded else []
    if dialect.name == "sqlite" and isinstance(moment, datetime):
        found.append(moment + timedelta(microseconds=1))  # floating-point numbers, for showing only
    return {each.isoformat()[:10] for each in found}


def huge(unit: Unit, type_: str, values: list[Any]) -> Case:
    """Negative and huge numbers, a second before the calendar's begin and at its end, from where 2026 is now."""
    floor, cutoff = lines(date(2026, 1, 1), "UTC", "UTC", 0)
    kind = Kind.REAL if type_ in ("REAL", "DOUBLE PRECISION", "DOUBLE") else Kind.TEXT
    return Case(
        kind=kind, type=type_, encoding=Encoding(unit=unit), floor=floor, cutoff=cutoff, values=tuple(values)
    )


# -- SQLite ----------------------------------------------------------------------------------

SQLITE = [
    (Kind.INTEGER, "INTEGER"), (Kind.REAL, "REAL"), (Kind.TEXT, "TEXT"), (Kind.TEXT, "VARCHAR(30)"),
    (Kind.TEXT, "DATETIME"), (Kind.NUMERIC, "NUMERIC"), (Kind.OTHER, ""),
]  # fmt: skip


def _adapted(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value) if value.is_finite() else "NaN"
    return value


def _held(value: Any, type_: str, unit: Unit | None, never: tuple[Any, ...]) -> Any:
    """A text in a column that is not one of texts is no number, whatever it says."""
    if value in never:
        return value
    if (
        unit is not None
        and isinstance(value, str)
        and type_ in ("INTEGER", "REAL", "DATETIME", "NUMERIC", "")
    ):
        return b""
    if unit is not None and isinstance(value, str) and "." in value:
        try:  # a text with a fraction is read as a floating-point number
            oracle.number(value)
        except oracle.UnreadableError:
            return value
        return float(value)
    return value


JUST_BEFORE = (math.nextafter(-366.0, -math.inf), -366.0, math.nextafter(366.0, 0.0), 366.0)
"""A billionth of a microsecond before a day, which as seconds rounds to that day; and the day."""


@examples(250)
@example(
    Case(
        kind=Kind.REAL,
        type="REAL",
        encoding=Encoding(unit=Unit.DAYS, epoch=date(2001, 1, 1)),
        floor=lines(date(2026, 1, 1), "UTC", "UTC", 0)[0],
        cutoff=lines(date(2026, 1, 1), "UTC", "UTC", 0)[1],
        values=JUST_BEFORE,
    ),
    False,
)
@given(cases(SQLITE), st.booleans())
def test_sqlite_reads_a_clock_as_python_does(case: Case, mixed: bool) -> None:
    values = [_adapted(v) for v in case.values]
    if mixed:  # any column may hold anything
        values += [
            "abc",
            b"\x00\xff",
            1.5,
            -3,
            "20240101",
            20240101,
            "1700000000",
            1700000000,
            "2024-01-01",
            "",
        ]
    with sqlite3.connect(":memory:", isolation_level=None) as raw:
        raw.execute(f"CREATE TABLE clocks (id INTEGER PRIMARY KEY, at {case.type})")
        raw.executemany("INSERT INTO clocks (at) VALUES (?)", [(v,) for v in values])
        raw.execute(f"CREATE TABLE sentinels (at {case.type})")
        raw.executemany("INSERT INTO sentinels VALUES (?)", [(_adapted(v),) for v in case.encoding.never])
        never = tuple(value for (value,) in raw.execute("SELECT at FROM sentinels"))
        inside = {
            id_: _held(value, case.type, case.encoding.unit, never)
            for id_, value in raw.execute("SELECT id, at FROM clocks")
        }
        engine = sa.create_engine("sqlite://", creator=lambda: raw, poolclass=sa.StaticPool)
        with engine.connect() as connection:
            check(Sqlite(), connection, case, inside, never)
    raw.close()


# -- PostgreSQL ------------------------------------------------------------------------------

POSTGRESQL = [
    (Kind.INTEGER, "BIGINT"), (Kind.INTEGER, "INTEGER"), (Kind.REAL, "DOUBLE PRECISION"), (Kind.REAL, "REAL"),
    (Kind.TEXT, "TEXT"), (Kind.TEXT, "VARCHAR(60)"), (Kind.TEXT, "CHAR(24)"),
    (Kind.NUMERIC, "NUMERIC"), (Kind.NUMERIC, "NUMERIC(30,9)"),
]  # fmt: skip
READ_BACK = {"REAL": "at::float8", "CHAR(24)": "at::text"}


@pytest.fixture(scope="module")
def connection() -> Iterator[sa.Connection]:
    url = sa.make_url(servers.postgresql().url).set(drivername="postgresql+psycopg")
    engine = Postgresql().engine(url, read_only=False)
    with engine.connect() as connection:
        yield connection
        connection.rollback()
    engine.dispose()


@examples(200)
@given(case=cases(POSTGRESQL))
def test_postgresql_reads_a_clock_as_python_does(connection: sa.Connection, case: Case) -> None:
    values = list(case.values)
    if case.type == "CHAR(24)":
        values = [v for v in values if v is None or len(v) <= 24]
    if case.kind is Kind.NUMERIC:
        values = [Decimal(v) if v is not None else None for v in values]
    if case.type == "NUMERIC(30,9)":
        values = [v for v in values if v is None or v.is_nan() or abs(v) < 10**20]
    if case.type == "REAL":
        values = [v for v in values if v is None or not math.isfinite(v) or 1e-30 < abs(v) < 1e38]
    values = [v for v in values if _fits(v, case.type)]
    if case.type == "NUMERIC":
        values += [Decimal("Infinity"), Decimal("-Infinity"), Decimal("1e308"), Decimal("-1e308")]
    if case.kind is Kind.NUMERIC:
        values.append(Decimal("NaN"))
    if case.kind is Kind.REAL:
        values.append(math.nan)
    raw: Any = connection.connection.driver_connection
    with raw.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.clocks")
        cursor.execute(f"CREATE TEMP TABLE clocks (id SERIAL, at {case.type})")
        cursor.executemany("INSERT INTO clocks (at) VALUES (%s)", [(v,) for v in values])
        cursor.execute(f"SELECT id, {READ_BACK.get(case.type, 'at')} FROM clocks")
        inside = dict(cursor.fetchall())
    never = case.encoding.never
    if case.type == "CHAR(24)":  # blanks at its end are none
        never = tuple(str(v).rstrip(" ") for v in never)
    check(Postgresql(), connection, case, inside, never)


# -- MariaDB ---------------------------------------------------------------------------------

MARIADB = [
    (Kind.INTEGER, "BIGINT"), (Kind.REAL, "DOUBLE"), (Kind.TEXT, "TEXT"), (Kind.TEXT, "VARCHAR(60)"),
    (Kind.TEXT, "VARCHAR(60) CHARACTER SET latin1"), (Kind.NUMERIC, "DECIMAL(30,9)"), (Kind.NUMERIC, "DECIMAL(30,0)"),
    (Kind.INTEGER, "BIGINT UNSIGNED"), (Kind.INTEGER, "INT"),
]  # fmt: skip


@pytest.fixture(scope="module")
def mariadb_connection() -> Iterator[sa.Connection]:
    store = servers.mariadb().create()
    engine = Mysql().engine(sa.make_url(store.url).set(drivername="mysql+pymysql"), read_only=False)
    with engine.connect() as connection:
        yield connection
        connection.rollback()
    engine.dispose()
    servers.mariadb().drop(store)


@examples(200)
@given(case=cases(MARIADB))
def test_mariadb_reads_a_clock_as_python_does(mariadb_connection: sa.Connection, case: Case) -> None:
    values = [v for v in case.values if not isinstance(v, float) or math.isfinite(v)]
    values = [v for v in values if _fits(v, case.type)]
    if case.kind is Kind.NUMERIC:
        values = [Decimal(v) if v is not None else None for v in values]
        values = [v for v in values if v is None or (not v.is_nan() and abs(v) < 10**20)]
    if "latin1" in case.type:
        values = [v for v in values if v is None or v.isascii()]
    raw: Any = mariadb_connection.connection.driver_connection
    with raw.cursor() as cursor:
        cursor.execute("DROP TEMPORARY TABLE IF EXISTS clocks")
        cursor.execute(
            f"CREATE TEMPORARY TABLE clocks (id INTEGER AUTO_INCREMENT PRIMARY KEY, at {case.type})"
        )
        cursor.executemany("INSERT INTO clocks (at) VALUES (%s)", [(v,) for v in values])
        cursor.execute("SELECT id, at FROM clocks")
        inside = dict(cursor.fetchall())
    never = case.encoding.never
    if case.kind is Kind.TEXT:  # blanks at the end, and capitals, do not tell texts apart there
        never = tuple(
            v for v in inside.values() for n in never
            if v is not None and str(v).rstrip(" ").casefold() == str(n).rstrip(" ").casefold()
        )  # fmt: skip
    check(Mysql(), mariadb_connection, case, inside, never)


@pytest.mark.parametrize("unit", Unit)
def test_huge_and_negative_numbers(
    unit: Unit, connection: sa.Connection, mariadb_connection: sa.Connection
) -> None:
    """On all three databases; NaN and infinity where a column can hold them."""
    with sqlite3.connect(":memory:", isolation_level=None) as raw:
        engine = sa.create_engine("sqlite://", creator=lambda: raw, poolclass=sa.StaticPool)
        with engine.connect() as sqlite:
            for type_, values in (("REAL", [*HUGE, math.inf]), ("TEXT", [str(v) for v in HUGE])):
                raw.execute(f"CREATE TABLE clocks (id INTEGER PRIMARY KEY, at {type_})")
                raw.executemany("INSERT INTO clocks (at) VALUES (?)", [(v,) for v in values])
                inside = {
                    id_: _held(value, type_, unit, ())
                    for id_, value in raw.execute("SELECT id, at FROM clocks")
                }
                check(Sqlite(), sqlite, huge(unit, type_, values), inside, ())
                raw.execute("DROP TABLE clocks")
    raw.close()
    for database, dialect, double in (
        (connection, Postgresql(), "DOUBLE PRECISION"),
        (mariadb_connection, Mysql(), "DOUBLE"),
    ):
        extremes = [math.nan, math.inf, -math.inf] if double == "DOUBLE PRECISION" else []
        driver: Any = database.connection.driver_connection
        for type_, values in (
            (double, [*HUGE, *extremes]),
            ("VARCHAR(60)", [*map(str, HUGE), "NaN", "Infinity"]),
        ):
            with driver.cursor() as cursor:
                drop = (
                    "DROP TABLE IF EXISTS pg_temp.clocks"
                    if extremes
                    else "DROP TEMPORARY TABLE IF EXISTS clocks"
                )
                cursor.execute(drop)
                cursor.execute(f"CREATE TEMPORARY TABLE clocks (id INTEGER, at {type_})")
                cursor.executemany("INSERT INTO clocks VALUES (%s, %s)", list(enumerate(values)))
                cursor.execute("SELECT id, at FROM clocks")
                inside = dict(cursor.fetchall())
            check(dialect, database, huge(unit, type_, values), inside, ())
