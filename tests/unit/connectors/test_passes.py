"""How several jobs are counted in one pass: the exact SQL of two rules on each database, without any server."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from retention.connectors.sql import once
from retention.connectors.sql.alike import alike
from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.mysql.dialect import Mysql
from retention.connectors.sql.passes import Between, Pass, short
from retention.connectors.sql.postgresql.dialect import Postgresql
from retention.connectors.sql.sqlite.dialect import Sqlite
from retention.model import predicate as p
from retention.model.catalogue import Column, Kind, TableId
from retention.model.drawn import Lines
from retention.model.lists import NO_LISTS, SLOTS, Lists

ID = TableId(schema=None, name="account")
ROOT = p.Source(table=ID, alias="r")
LINE = p.Line(day=date(2021, 1, 1), instant=datetime(2021, 1, 1, tzinfo=UTC), naive=datetime(2021, 1, 1))
CLOSED = p.Field(source=ROOT, column="closed", kind=Kind.DATE)
RECENT = p.Dated(field=CLOSED, state=p.State.RECENT, floor=LINE, cutoff=LINE)


def referred(alias: str) -> p.Test:
    """A row of another table refers to the record: the same, whatever the alias."""
    other = p.Source(table=TableId(schema=None, name="bill"), alias=alias)
    mine = p.Field(source=ROOT, column="id", kind=Kind.INTEGER)
    theirs = p.Field(source=other, column="account", kind=Kind.INTEGER)
    return p.Exists(source=other, where=p.SameValues(left=(theirs,), right=(mine,)))


def job(alias: str, label: str) -> Any:
    key = (Column(name="id", kind=Kind.INTEGER, type="integer", nullable=False),)
    bound = SimpleNamespace(parts=(), key=key, root=SimpleNamespace(id=ID, only=False))
    fate = p.Choice(cases=((RECENT, label), (referred(alias), "referenced")), otherwise="due")
    late = p.IsNull(item=CLOSED)
    latest = p.LatestDay(own=(p.OwnField(field=CLOSED),), related=(), timezone="UTC")
    return SimpleNamespace(
        root=ROOT, bound=bound, fate=fate, late=late, latest_day=latest, records=p.All(items=()),
        referring=(), ringed=None, lists=NO_LISTS, labels=("due",), taking=("due",), part_rewrites=(),
    )  # fmt: skip


def sql(dialect: Dialect) -> str:
    made = Pass(dialect, (job("t1", "not_due"), job("t7", "retained")))
    where = Between(after=(5,))
    return " ".join(dialect.shown(made.counting(where.limits(made.first)), where.values(made.first)).split())


@pytest.mark.parametrize("dialect", [Sqlite(), Postgresql(), Mysql()], ids=lambda d: d.name)
def test_what_two_rules_ask_is_worked_out_once(dialect: Dialect) -> None:
    text = sql(dialect)

    assert text.count("EXISTS") == 1
    assert text.count("2021-01-01") == 1
    assert text.count("LIMIT 9223372036854775807") == 2


EXPECTED = {
    "sqlite": """
        SELECT r."isfate0", r."isfate1", count(*) AS count_1,
        min(CASE WHEN (r."isfate0" IN ('due', 'due late')) THEN substr(r."closed", 1, 10) END) AS min_1,
        min(CASE WHEN (r."isfate1" IN ('due', 'due late')) THEN substr(r."closed", 1, 10) END) AS min_2
        FROM (SELECT r."closed" AS "closed",
        CASE WHEN r."is0" THEN 'not_due' WHEN r."is1" THEN CASE WHEN (r."closed" IS NULL) THEN 'referenced late'
        ELSE 'referenced' END ELSE CASE WHEN (r."closed" IS NULL) THEN 'due late' ELSE 'due' END END
        AS "isfate0",
        CASE WHEN r."is0" THEN 'retained' WHEN r."is1" THEN CASE WHEN (r."closed" IS NULL) THEN 'referenced
        late' ELSE 'referenced' END ELSE CASE WHEN (r."closed" IS NULL) THEN 'due late' ELSE 'due' END END
        AS "isfate1"
        FROM (SELECT r."closed" AS "closed",
        EXISTS (SELECT 1 FROM "bill" AS t1 WHERE t1."account" = r."id") AS "is1", r."closed" IS NOT NULL AND
        r."closed" >= '2021-01-01' AS "is0"
        FROM "account" AS r WHERE r."id" > 5 /* known in the batch */ LIMIT 9223372036854775807 OFFSET 0) AS r
        LIMIT 9223372036854775807 OFFSET 0) AS r
        GROUP BY r."isfate0", r."isfate1"
    """,
    "postgresql": """
        SELECT r."isfate0", r."isfate1", count(*) AS count_1,
        min(CASE WHEN (r."isfate0" IN ('due', 'due late')) THEN CASE WHEN (r."closed" >= '0001-01-02' AND
        r."closed" < '9999-12-31') THEN CAST(r."closed" AS DATE) END END) AS min_1,
        min(CASE WHEN (r."isfate1" IN ('due', 'due late')) THEN CASE WHEN (r."closed" >= '0001-01-02' AND
        r."closed" < '9999-12-31') THEN CAST(r."closed" AS DATE) END END) AS min_2
        FROM (SELECT r."closed" AS "closed",
        CASE WHEN r."is0" THEN 'not_due' WHEN r."is1" THEN CASE WHEN (r."closed" IS NULL) THEN 'referenced late'
        ELSE 'referenced' END ELSE CASE WHEN (r."closed" IS NULL) THEN 'due late' ELSE 'due' END END
        AS "isfate0",
        CASE WHEN r."is0" THEN 'retained' WHEN r."is1" THEN CASE WHEN (r."closed" IS NULL) THEN 'referenced
        late' ELSE 'referenced' END ELSE CASE WHEN (r."closed" IS NULL) THEN 'due late' ELSE 'due' END END
        AS "isfate1"
        FROM (SELECT r."closed" AS "closed",
        EXISTS (SELECT 1 FROM "bill" AS t1 WHERE t1."account" = r."id") AS "is1", r."closed" IS NOT NULL AND
        r."closed" >= '2021-01-01' AS "is0"
        FROM "account" AS r WHERE r."id" > 5 /* known in the batch */ LIMIT 9223372036854775807) AS r LIMIT
        9223372036854775807) AS r
        GROUP BY r."isfate0", r."isfate1"
    """,
    "mysql": """
        SELECT r.`isfate0`, r.`isfate1`, count(*) AS count_1,
        min(CASE WHEN (r.`isfate0` IN ('due', 'due late')) THEN CAST(r.`closed` AS DATE) END) AS min_1,
        min(CASE WHEN (r.`isfate1` IN ('due', 'due late')) THEN CAST(r.`closed` AS DATE) END) AS min_2
        FROM (SELECT r.`closed` AS `closed`,
        CASE WHEN r.`is0` THEN 'not_due' WHEN r.`is1` THEN CASE WHEN (r.`closed` <=> NULL) THEN 'referenced
        late' ELSE 'referenced' END ELSE CASE WHEN (r.`closed` <=> NULL) THEN 'due late' ELSE 'due' END END
        AS `isfate0`,
        CASE WHEN r.`is0` THEN 'retained' WHEN r.`is1` THEN CASE WHEN (r.`closed` <=> NULL) THEN 'referenced
        late' ELSE 'referenced' END ELSE CASE WHEN (r.`closed` <=> NULL) THEN 'due late' ELSE 'due' END END
        AS `isfate1`
        FROM (SELECT r.`closed` AS `closed`,
        EXISTS (SELECT 1 FROM `bill` AS t1 WHERE t1.`account` = r.`id`) AS `is1`, r.`closed` IS NOT NULL AND
        r.`closed` >= '2021-01-01' AND coalesce(dayofmonth(r.`closed`) BETWEEN 1 AND
        dayofmonth(last_day(r.`closed`)), 0) = 1 AS `is0`
        FROM `account` AS r WHERE r.`id` > 5 /* known in the batch */ LIMIT 9223372036854775807) AS r LIMIT
        9223372036854775807) AS r
        GROUP BY r.`isfate0`, r.`isfate1`
    """,
}


@pytest.mark.parametrize("dialect", [Sqlite(), Postgresql(), Mysql()], ids=lambda d: d.name)
def test_the_statement(dialect: Dialect) -> None:
    assert sql(dialect) == " ".join(EXPECTED[dialect.name].split())


def test_a_range_in_order_ends_with_its_last_record() -> None:
    made = Pass(Postgresql(), (job("t1", "not_due"),))
    where = Between(after=(5,), most=50)
    text = str(
        Postgresql().shown(made.counting(where.limits(made.first), where.most), where.values(made.first))
    )

    assert made.in_order
    assert 'max(r."id") AS max_1' in text
    assert 'WHERE r."id" > 5 /* known in the batch */ ORDER BY r."id" \n LIMIT 50) AS r' in text
    assert where.shape != Between(after=(5,), most=51).shape


def test_records_of_a_where_or_of_a_key_of_several_types_are_counted_in_ranges_with_an_end() -> None:
    some = job("t1", "not_due")
    some.records = p.Untrue(item=p.Not(item=RECENT))

    assert not Pass(Postgresql(), (some,)).in_order
    assert not Pass(Sqlite(), (job("t1", "not_due"),)).in_order


def test_whether_a_record_is_late_is_no_layer_where_it_is_a_date_or_two() -> None:
    plain = job("t1", "not_due")
    plain.late = p.AnyOf(items=(p.All(items=(RECENT,)),))
    plain.fate = p.Choice(
        cases=((p.IsNull(item=CLOSED), "undated"), (referred("t1"), "referenced")), otherwise="due"
    )
    made = Pass(Postgresql(), (plain,))

    assert str(Postgresql().shown(made.counting(()))).count("LIMIT") == 1
    assert not short(p.AnyOf(items=(RECENT,) * 5))
    assert not short(p.All(items=(RECENT, p.IsNull(item=CLOSED))))


def test_parts_that_differ_have_different_numbers() -> None:
    numbers = once.Numbers(ROOT, lambda _: True)
    other = p.Exists(source=p.Source(table=ID, alias="t2"), where=p.All(items=()))
    for node in (referred("t1"), referred("t2"), other):
        numbers.add(node)

    assert len(numbers.parts) == 2 + 1  # what is inside of `other` names no row, and is a part, too


def test_records_are_looked_at_together_with_those_on_the_same_lists() -> None:
    days = {date(2020, 1, n % 28 + 1): [(n,)] for n in range(3)}
    lists = Lists(
        keys={"db.a/held": [(1,)], "db.a/r/come": [(0,), (1,), (2,)], "db.b/held": [(9,)]},
        days={"db.a/r/day": days},
    )

    found = list(alike("db.a", lists, [(0,), (1,), (2,), (3,)], 10))

    assert sorted((sorted(some.lists.every), sorted(some.keys)) for some in found) == [
        ([], [(3,)]),
        (["db.a/held", "db.a/r/come"], [(1,)]),
        (["db.a/r/come"], [(0,), (2,)]),
    ]
    assert all(some.lists.keys == {"db.b/held": [(9,)]} for some in found)
    both = next(some for some in found if len(some.keys) == 2)
    assert len(both.days) == len(both.listed) == SLOTS
    assert {(day, tuple(both.listed[f"{name}_keys"])) for name, day in both.days.items()} == {
        (date(2020, 1, 1), ((0,),)),
        (date(2020, 1, 3), ((2,),)),
    }


def test_more_days_than_a_statement_takes_are_said_in_several() -> None:
    days = {date.fromordinal(737_000 + n): [(n,)] for n in range(SLOTS + 5)}
    keys = [(n,) for n in range(SLOTS + 5)]

    found = list(alike("db.a", Lists(days={"db.a/r/day": days}), keys, 1_000))

    assert [len(some.keys) for some in found] == [SLOTS, 5]
    assert found[0].lists == found[1].lists


def test_what_a_joined_row_tells_is_passed_on_where_it_was_worked_out_before() -> None:
    """A layer read a period by the name that it had two layers below: no database had such a column."""
    tenants = p.Source(table=TableId(schema=None, name="tenant"), alias="t")
    mine, theirs = (p.Field(source=s, column="id", kind=Kind.INTEGER) for s in (ROOT, tenants))
    field = p.Field(source=tenants, column="years", kind=Kind.INTEGER)
    where = p.SameValues(left=(theirs,), right=(mine,))
    years = p.Whole(item=p.Lookup(field=field, where=where, single=True), least=1, most=2)
    line = p.Drawn(times=years, lines=Lines(1, (LINE, LINE)), kind=Kind.DATE)
    numbers = once.Numbers(ROOT, lambda _: True)
    numbers.add((p.Not(item=p.IsNull(item=years)), line))
    of_years, of_line = numbers.of(years), numbers.of(line)
    assert of_years is not None
    assert of_line is not None
    assert once.read(numbers, [of_line], frozenset({of_years})).given == {of_years}
    assert once.read(numbers, [of_line], frozenset()).columns == {"id"}


def defined(alias: str, name: str = "goes") -> p.Test:
    """The record is such as a definition beside the statement says."""
    other = p.Source(table=ID, alias=alias)
    key = p.Field(source=other, column="id", kind=Kind.INTEGER)
    closed = p.Field(source=other, column="closed", kind=Kind.DATE)
    where = p.Defined(
        fields=(key,), name="kept", root=other, key=(key,), where=p.IsNull(item=closed)
    )  # one that asks for another is asked for by itself
    return p.Defined(
        fields=(p.Field(source=ROOT, column="id", kind=Kind.INTEGER),),
        name=name,
        root=other,
        key=(key,),
        where=where,
    )


@pytest.mark.parametrize(
    ("dialect", "order"),
    [
        (Postgresql(), ["kept AS", "goes AS", "FROM (SELECT"]),
        (Mysql(), ["kept AS", "goes AS", "rows1 AS", "rows2 AS", "FROM rows2 GROUP BY"]),
    ],
    ids=lambda item: getattr(item, "name", ""),
)
def test_what_is_read_from_stands_behind_all_definitions_on_mariadb(
    dialect: Dialect, order: list[str]
) -> None:
    """In FROM, or before them, MariaDB prepared it again with every copy of a definition: 3.7 GB for 70 MB."""
    work = job("t1", "not_due")
    work.fate = p.Choice(
        cases=((RECENT, "not_due"), (defined("t2"), "retained"), *work.fate.cases[1:]), otherwise="due"
    )
    made = Pass(dialect, (work, job("t7", "retained")))
    text = " ".join(dialect.shown(made.counting(())).split())

    found = [text.find(each) for each in order]
    assert -1 not in found
    assert found == sorted(found)
    assert ("FROM (SELECT" in text) == (dialect.name == "postgresql")


def test_what_only_other_statements_ask_for_does_not_stand_beside_one() -> None:
    """MariaDB prepares what nothing asks for all the same: with 35 such definitions it took more than 7 GB."""
    work = job("t1", "not_due")
    work.fate = p.Choice(cases=((RECENT, "not_due"), (defined("t2"), "retained")), otherwise="due")
    made = Pass(Mysql(), (work,))
    made.first.compiler.test(defined("t3", name="waits"))
    text = Mysql().shown(made.counting(()))

    assert "goes AS" in text
    assert "kept AS" in text
    assert "waits AS" not in text
