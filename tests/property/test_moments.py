"""Instants, days and ends of periods: SQL on each database agrees with the calendar law, value by value.

The values lie around month ends, 29 February and the nights on which clocks change.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from retention import periods
from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.mysql.dialect import Mysql
from retention.connectors.sql.postgresql.dialect import Postgresql
from retention.connectors.sql.predicates import Compiler
from retention.connectors.sql.sqlite.dialect import Sqlite
from retention.model import predicate as p
from retention.model.catalogue import Kind, TableId
from retention.model.clock import Clock, Period, Start
from retention.model.encoding import Encoding, Unit
from tests.support.stores import Store

ROOT = p.Source(table=TableId(schema=None, name="moments"), alias="r")
ZONES = ("UTC", "Europe/Oslo", "America/St_Johns", "Pacific/Apia")
DAYS = [
    date(year, month, day)
    for year in (1999, 2000, 2023, 2024)
    for month, day in (
        (1, 1),
        (1, 30),
        (1, 31),
        (2, 27),
        (2, 28),
        (3, 1),
        (3, 31),
        (6, 29),
        (6, 30),
        (12, 30),
        (12, 31),
    )
] + [date(2000, 2, 29), date(2024, 2, 29)]
READINGS = [
    datetime(2023, 3, 26, 1, 59), datetime(2023, 3, 26, 3, 0), datetime(2023, 10, 29, 1, 59),
    datetime(2023, 10, 29, 2, 30), datetime(2023, 10, 29, 3, 0), datetime(2024, 2, 29, 23, 59, 59, 999999),
    datetime(2024, 3, 1), datetime(2011, 12, 29, 23, 0), datetime(2011, 12, 31, 1, 0), datetime(2020, 7, 1, 22, 30),
    datetime(1999, 12, 31, 23, 30), datetime(2037, 6, 30, 12, 0), datetime(2045, 6, 30, 23, 30),
]  # fmt: skip
COLUMNS = {
    "d": (Kind.DATE, "DATE", Encoding()),
    "t": (Kind.TIMESTAMP, "TIMESTAMP", Encoding()),
    "x": (Kind.TEXT, "VARCHAR(40)", Encoding()),
    "n": (Kind.INTEGER, "BIGINT", Encoding(unit=Unit.MILLISECONDS)),
    "m": (Kind.INTEGER, "BIGINT", Encoding(unit=Unit.DAYS)),
}


def rows() -> list[dict[str, Any]]:
    found = []
    for i, reading in enumerate(READINGS):
        instant = reading.replace(tzinfo=UTC)
        text = [reading.isoformat(sep=" "), instant.isoformat(), reading.date().isoformat()][i % 3]
        found.append({
            "d": reading.date(), "t": reading, "x": text, "n": int(instant.timestamp() * 1000),
            "m": (reading.date() - date(1970, 1, 1)).days,
        })  # fmt: skip
    return [*found, dict.fromkeys(COLUMNS)]


def value(row: dict[str, Any], name: str) -> date | datetime | None:
    """What the column says: a day, a wall clock's reading, or an instant."""
    held = row[name]
    if held is None:
        return None
    if name == "n":
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=held)
    if name == "m":
        return date(1970, 1, 1) + timedelta(days=held)
    if name == "x":
        return date.fromisoformat(held) if len(held) == 10 else datetime.fromisoformat(held)
    return held


def instant(moment: date | datetime | None, naive: str) -> datetime | None:
    if not isinstance(moment, datetime):
        return None
    return moment if moment.tzinfo is not None else periods.instant_of_naive(moment, naive)


def later(left: date | datetime | None, right: date | datetime | None, zone: str, naive: str) -> bool:
    if left is None or right is None:
        return False
    instants = instant(left, naive), instant(right, naive)
    if None not in instants:
        return instants[0] > instants[1]  # type: ignore[operator]
    days = [m if i is None else periods.day_of(i, zone) for m, i in zip((left, right), instants, strict=True)]
    return days[0] > days[1]


@contextmanager
def filled(store: Store) -> Iterator[tuple[Dialect, sa.Connection]]:
    exact = {"mariadb": "DATETIME(6)"}.get(store.kind, "TIMESTAMP")
    names = ", ".join(
        f"{name} {exact if type_ == 'TIMESTAMP' else type_}" for name, (_, type_, _) in COLUMNS.items()
    )
    store.script(f"CREATE TABLE moments (id INTEGER PRIMARY KEY, {names})")
    dialect: Dialect = {"sqlite": Sqlite, "postgresql": Postgresql, "mariadb": Mysql}[store.kind]()  # type: ignore[abstract]
    if store.kind == "sqlite":
        engine = dialect.engine(store.url.removeprefix("sqlite:///"), read_only=False)
    else:
        driver = {"postgresql": "postgresql+psycopg", "mariadb": "mysql+pymysql"}[store.kind]
        engine = sa.create_engine(f"{driver}://{store.url.split('://')[1]}")
    with engine.begin() as connection:
        if store.kind == "postgresql":
            connection.exec_driver_sql("SET timezone TO 'UTC'")
        for id_, row in enumerate(rows()):
            values = ", ".join(
                "NULL" if v is None else str(v) if isinstance(v, int) else f"'{v}'" for v in row.values()
            )
            connection.exec_driver_sql(f"INSERT INTO moments VALUES ({id_}, {values})")
        yield dialect, connection
    engine.dispose()


def field(store: Store, name: str) -> p.Field:
    kind, type_, encoding = COLUMNS[name]
    kind = Kind.TEXT if store.kind == "sqlite" and kind in (Kind.DATE, Kind.TIMESTAMP) else kind
    return p.Field(source=ROOT, column=name, kind=kind, type=type_, encoding=encoding)


def test_one_date_is_later_than_another_as_instants_or_by_days(store: Store) -> None:
    with filled(store) as (dialect, connection):
        every = rows()
        for zone, naive in (
            ("Europe/Oslo", "Europe/Oslo"),
            ("UTC", "America/St_Johns"),
            ("Pacific/Apia", "UTC"),
        ):
            for a in COLUMNS:
                for b in COLUMNS:
                    compiler = Compiler(dialect)
                    other = p.Source(table=ROOT.table, alias="o")
                    right = p.Field(**{**vars(field(store, b)), "source": other})
                    test = p.Later(left=field(store, a), right=right, timezone=zone, naive=naive)
                    query = sa.select(compiler.column(ROOT, "id"), compiler.column(other, "id"))
                    pairs = sa.join(compiler.source(ROOT), compiler.source(other), sa.true())
                    found = {
                        tuple(row)
                        for row in connection.execute(query.select_from(pairs).where(compiler.test(test)))
                    }
                    expected = {
                        (i, j)
                        for i, left in enumerate(every)
                        for j, right_ in enumerate(every)
                        if later(value(left, a), value(right_, b), zone, naive)
                    }
                    assert found == expected, (a, b, zone, naive, sorted(found ^ expected)[:5])


@pytest.mark.parametrize("start", list(Start))
def test_a_period_ends_on_the_day_that_the_law_says(store: Store, start: Start) -> None:
    chance = random.Random(start.value)
    clocks = [
        Clock(period=Period(months=months, days=days), start=start, fiscal_year_end=end)
        for months, days in ((0, 0), (1, 0), (13, 5), (60, 0), (0, 90))
        for end in ((12, 31), (2, 28), chance.choice([(1, 30), (6, 30), (3, 15), (4, 5)]))
    ]
    store.script("CREATE TABLE days (d DATE)" if store.kind != "sqlite" else "CREATE TABLE days (d TEXT)")
    store.script("".join(f"INSERT INTO days VALUES ('{day}');" for day in DAYS))
    with filled(store) as (dialect, connection):
        column: Any = sa.column("d")
        for clock in clocks:
            thrice = dialect.ended(column, clock, sa.literal_column("3"))
            query = sa.select(
                column, dialect.ended(column, clock, None), thrice, dialect.days_after(column, clock.period)
            )
            for day, end, many, after in connection.execute(query.select_from(sa.table("days"))):
                began = date.fromisoformat(str(day))
                tripled = Clock(
                    period=Period(months=clock.period.months * 3, days=clock.period.days * 3),
                    start=start, fiscal_year_end=clock.fiscal_year_end,
                )  # fmt: skip
                assert str(end) == str(periods.ended_day(began, clock)), (began, clock)
                assert str(many) == str(periods.ended_day(began, tripled)), (began, clock)
                assert str(after) == str(periods.ended_day(began, Clock(period=clock.period))), (began, clock)
