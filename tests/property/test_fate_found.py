"""What the oracle found first, each as a case of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from retention.connectors.sql.postgresql.dialect import Postgresql
from retention.connectors.sql.predicates import Compiler
from retention.connectors.sql.sqlite.dialect import Sqlite
from retention.model import predicate as p
from retention.model.catalogue import Kind, TableId
from tests.support import servers

R = p.Source(table=TableId(schema=None, name="t"), alias="r")
UNKNOWN = p.Compare(
    operator="=", left=p.Field(source=R, column="c", kind=Kind.TEXT), right=p.Constant(value="x")
)


def truth(test: p.Test) -> object:
    """The test over one row whose `c` is NULL."""
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE t (c TEXT)")
        connection.exec_driver_sql("INSERT INTO t VALUES (NULL)")
        compiler = Compiler(Sqlite())
        query = sa.select(compiler.test(test)).select_from(compiler.source(R))
        found = connection.execute(query).scalar_one()
    engine.dispose()
    return None if found is None else bool(found)


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        (p.Not(item=UNKNOWN), None),
        (p.IsUnknown(item=p.Not(item=UNKNOWN)), True),
        (p.Untrue(item=p.Not(item=UNKNOWN)), True),
        (p.IsTrue(item=p.Not(item=UNKNOWN)), False),
        (p.Untrue(item=p.Not(item=p.Not(item=UNKNOWN))), True),
        (p.IsUnknown(item=p.Not(item=p.AnyOf(items=(UNKNOWN, UNKNOWN)))), True),
        (p.Not(item=p.IsUnknown(item=p.Not(item=UNKNOWN))), False),
        (p.IsUnknown(item=p.IsNull(item=p.Field(source=R, column="c", kind=Kind.TEXT))), False),
    ],
)
def test_unknown_stays_unknown_whatever_stands_around_it(test: p.Test, expected: bool | None) -> None:
    assert truth(test) is expected


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("2020-02-29", "past"),
        ("2021-02-29", "unclear"),
        ("2020-02-30", "unclear"),
        ("2020-04-31", "unclear"),
        ("2020-04-31 10:00:00", "unclear"),
        ("2020-04-30 24:00", "unclear"),
        ("2020-04-30  10:00", "unclear"),
        ("2020-04-30T", "unclear"),
        ("2020-04-30T23:59", "past"),
        ("2020-04-30 19:59:59.999+02:00", "past"),
    ],
)
def test_a_day_that_the_calendar_lacks_is_unclear(text: str, state: str) -> None:
    def line(year: int) -> p.Line:
        start = datetime(year, 1, 1)
        return p.Line(day=start.date(), instant=start.replace(tzinfo=UTC), naive=start)

    field = p.Field(source=R, column="c", kind=Kind.TEXT)
    found = []
    with sqlite3.connect(":memory:", isolation_level=None) as raw:
        raw.execute("CREATE TABLE t (c)")
        raw.execute("INSERT INTO t VALUES (?)", (text,))
        engine = sa.create_engine("sqlite://", creator=lambda: raw, poolclass=sa.StaticPool)
        for item in p.State:
            compiler = Compiler(Sqlite())
            test = p.Dated(field=field, state=item, floor=line(1971), cutoff=line(2024))
            query = sa.select(compiler.test(test)).select_from(compiler.source(R))
            with engine.connect() as connection:
                if connection.execute(query).scalar_one():
                    found.append(item.value)
    raw.close()
    assert found == [state]


@pytest.fixture
def postgresql() -> Iterator[sa.Engine]:
    url = sa.make_url(servers.postgresql().url).set(drivername="postgresql+psycopg")
    engine = Postgresql().engine(url, read_only=True)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("type_", ["date", "timestamp", "timestamptz"])
@pytest.mark.parametrize("value", ["infinity", "-infinity", "20000-01-01", "0044-03-15 BC"])
def test_dates_that_python_can_not_hold_are_read_as_text(
    postgresql: sa.Engine, type_: str, value: str
) -> None:
    with postgresql.connect() as connection:
        found = connection.exec_driver_sql(f"SELECT '{value}'::{type_}, '2024-02-29'::{type_}").one()
    assert isinstance(found[0], str)
    assert found[0].startswith(value[:10])
    assert found[1].isoformat()[:10] == "2024-02-29"


def test_an_event_that_never_happens_has_no_day() -> None:
    latest = p.LatestDay(own=(), related=(), timezone="UTC")
    assert str(Compiler(Sqlite()).latest_day(latest)) == "NULL"
