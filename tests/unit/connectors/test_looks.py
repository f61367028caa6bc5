"""Rows that records lead to: joined once, and beside a DELETE only where no due record is without."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa

from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.looks import known_of, looked_up
from retention.connectors.sql.mysql.dialect import Mysql
from retention.connectors.sql.postgresql.dialect import Postgresql
from retention.connectors.sql.predicates import Compiler
from retention.connectors.sql.sqlite.dialect import Sqlite
from retention.model import predicate as p
from retention.model.catalogue import Kind, TableId

ROOT = p.Source(table=TableId(schema=None, name="visit"), alias="r")
AT = p.Field(source=ROOT, column="at", kind=Kind.TIMESTAMP)


def line(day: int) -> p.Line:
    return p.Line(
        day=date(2026, 1, day), instant=datetime(2026, 1, day, tzinfo=UTC), naive=datetime(2026, 1, day)
    )


def months(alias: str, *, single: bool = True, rows: int | None = 5) -> p.Whole:
    tenant = p.Source(table=TableId(schema=None, name="tenant"), alias=alias)
    mine = p.Field(source=ROOT, column="tenant_id", kind=Kind.INTEGER)
    theirs = p.Field(source=tenant, column="id", kind=Kind.INTEGER)
    said = p.Field(source=tenant, column="months", kind=Kind.INTEGER)
    where = p.SameValues(left=(mine,), right=(theirs,))
    return p.Whole(item=p.Lookup(field=said, where=where, single=single, rows=rows), least=1, most=3)


def known(whole: p.Whole) -> p.Test:
    return p.Not(item=p.IsNull(item=whole))


def past(whole: p.Whole) -> p.Test:
    drawn = p.Drawn(times=whole, lines=p.Lines(1, (line(20), line(9), line(2))), kind=Kind.TIMESTAMP)
    return p.DatedBy(field=AT, state=p.State.PAST, floor=line(1), cutoff=drawn)


def due(first: p.Whole, second: p.Whole) -> p.Test:
    return p.All(items=(known(first), past(second)))


def text(dialect: Dialect, test: p.Test) -> str:
    compiler = Compiler(dialect).looking(ROOT)
    query = sa.select(sa.literal_column("1")).where(compiler.test(test))
    query = query.select_from(compiler.joined(compiler.source(ROOT)))
    return " ".join(dialect.shown(query).split())


@pytest.mark.parametrize("dialect", [Postgresql(), Mysql()], ids=lambda d: d.name)
def test_a_tenant_is_joined_once_whatever_is_asked_of_it(dialect: Dialect) -> None:
    sql = text(dialect, due(months("t1"), months("t7")))

    assert sql.count("tenant") - sql.count("tenant_id") == 1
    assert sql.count("LEFT OUTER JOIN") == 1
    assert (
        sql.count("LIMIT 9223372036854775807") == 1
    )  # read apart, so that a lock of the records is none of it


def test_the_lines_are_picked_in_the_tenants_rows() -> None:
    sql = text(Postgresql(), due(months("t1"), months("t1")))

    assert sql == (
        'SELECT 1 FROM "visit" AS r LEFT OUTER JOIN (SELECT t1."id" AS k0,'
        ' CASE WHEN (t1."months" IS NOT NULL AND t1."months" >= 1 AND t1."months" <= 3'
        ' AND floor(t1."months") = t1."months") THEN t1."months" END AS v0,'
        " (CAST('{2026-01-20T00:00:00,2026-01-09T00:00:00,2026-01-02T00:00:00}' AS timestamp[]))"
        '[(CAST(CASE WHEN (t1."months" IS NOT NULL AND t1."months" >= 1 AND t1."months" <= 3'
        ' AND floor(t1."months") = t1."months") THEN t1."months" END AS INTEGER) - 1) + 1] AS v1'
        ' FROM "tenant" AS t1 LIMIT 9223372036854775807) AS look0 ON r."tenant_id" = look0.k0'
        ' WHERE NOT (look0.v0 IS NULL) AND r."at" IS NOT NULL AND r."at" >= \'2026-01-01T00:00:00\''
        ' AND (r."at" < look0.v1) IS true'
    )


@pytest.mark.parametrize(
    ("dialect", "whole"),
    [
        (Postgresql(), months("t1", single=False)),  # two rows could be met, and the record be counted twice
        (Mysql(), months("t1", rows=1_000_000)),  # a query of so many for each statement takes longer
        (Mysql(), months("t1", rows=None)),
        (Sqlite(), months("t1")),
    ],
)
def test_else_each_is_looked_up_where_it_is_asked_for(dialect: Dialect, whole: p.Whole) -> None:
    sql = text(dialect, known(whole))

    assert "JOIN" not in sql
    assert sql.count("SELECT") == 2


NAME = looked_up(months("t1").item, ROOT)  # type: ignore[arg-type]
KNOWN, OTHER = known(months("t1")), p.IsNull(item=AT)
FATE = p.Choice(cases=((p.Untrue(item=KNOWN), "unclear"), (OTHER, "undated")), otherwise="due")
KEPT = p.Choice(cases=((p.All(items=(p.Untrue(item=KNOWN), OTHER)), "unclear"),), otherwise="due")


@pytest.mark.parametrize(
    ("test", "is_known"),
    [
        (KNOWN, True),
        (known(months("t9")), True),
        (p.All(items=(OTHER, KNOWN)), True),
        (p.AnyOf(items=(KNOWN, OTHER)), False),
        (p.AnyOf(items=(KNOWN, p.All(items=(OTHER, KNOWN)))), True),
        (p.AnyOf(items=()), False),
        (p.Untrue(item=KNOWN), False),
        (p.Untrue(item=p.Untrue(item=KNOWN)), True),
        (p.Untrue(item=p.AnyOf(items=(p.Untrue(item=KNOWN), OTHER))), True),
        (p.Untrue(item=p.All(items=(p.Untrue(item=KNOWN), OTHER))), False),
        (p.IsUnknown(item=KNOWN), False),
        (p.Chosen(choice=FATE, label="due"), True),
        (p.Chosen(choice=FATE, label="undated"), False),
        (p.Chosen(choice=KEPT, label="due"), False),
        (OTHER, False),
    ],
)
def test_what_is_known_of_every_row_that_passes(test: p.Test, is_known: bool) -> None:
    assert known_of(test, ROOT) == (frozenset({NAME}) if is_known else frozenset())
