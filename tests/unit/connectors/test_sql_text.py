"""A predicate's exact SQL on each database, without any server."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.postgresql.dialect import Postgresql
from retention.connectors.sql.predicates import Compiler
from retention.connectors.sql.sqlite.dialect import Sqlite
from retention.model import predicate as p
from retention.model.catalogue import Column, Kind, TableId
from retention.model.encoding import Encoding, Format, Unit
from retention.model.lists import Lists

ROOT = p.Source(table=TableId(schema="shop", name="orders"), alias="r")
LINES = p.Source(table=TableId(schema="shop", name='od"d'), alias="t1")
LINE = p.Line(
    day=date(2021, 11, 22),
    instant=datetime(2021, 11, 21, 23, tzinfo=UTC),
    naive=datetime(2021, 11, 22),
)
FLOOR = p.Line(day=date(1971, 1, 2), instant=datetime(1971, 1, 1, 23, tzinfo=UTC), naive=datetime(1971, 1, 2))


def field(name: str, kind: Kind = Kind.TEXT, source: p.Source = ROOT) -> p.Field:
    return p.Field(source=source, column=name, kind=kind)


def clock(kind: Kind, encoding: Encoding, type_: str = "INTEGER") -> p.Field:
    return p.Field(source=ROOT, column="at", kind=kind, type=type_, encoding=encoding)


def value(item: object) -> p.Constant:
    return p.Constant(value=item)  # type: ignore[arg-type]


STATUS = p.Compare(operator="=", left=field("status"), right=value("it's :x %(y)s 100%"))
SIZE = p.Compare(operator=">", left=field("size", Kind.INTEGER), right=value(3))
JOIN = p.SameValues(left=(field("order id", source=LINES),), right=(field("id", Kind.INTEGER),))


def dated(kind: Kind, state: p.State) -> p.Dated:
    return p.Dated(field=field("at", kind), state=state, floor=FLOOR, cutoff=LINE)


FATE = p.Choice(cases=((p.IsNull(item=field("at")), "undated"),), otherwise="due")
BOTH = {
    "compare": (STATUS, """r."status" = 'it''s :x %(y)s 100%'"""),
    "a name with a quote": (
        p.Compare(operator="<>", left=field('a"b%'), right=value("x")),
        """r."a""b%" != 'x'""",
    ),
    "two columns": (
        p.Compare(operator="<=", left=field("a"), right=field("b")),
        'r."a" <= r."b"',
    ),
    "like": (p.Compare(operator="LIKE", left=field("a"), right=value("x_%")), """r."a" LIKE 'x_%'"""),
    "in": (p.In(item=field("a"), values=("x", "y")), """r."a" IN ('x', 'y')"""),
    "null": (p.IsNull(item=field("a")), 'r."a" IS NULL'),
    "a function": (
        p.Compare(operator="=", left=p.Call(function="lower", arguments=(field("a"),)), right=value("x")),
        """lower(r."a") = 'x'""",
    ),
    "and, or": (
        p.AnyOf(items=(p.All(items=(STATUS, SIZE)), SIZE)),
        """r."status" = 'it''s :x %(y)s 100%' AND #r."size" > 3 OR #r."size" > 3""",
    ),
    "not of and": (
        p.Not(item=p.All(items=(SIZE, SIZE))),
        'NOT (#r."size" > 3 AND #r."size" > 3)',
    ),
    "a reference": (
        p.Exists(source=LINES, where=JOIN),
        'EXISTS (SELECT 1 FROM "shop"."od""d" AS t1 WHERE t1."order id" = r."id")',
    ),
    "composite": (
        p.SameValues(
            left=(field("a", source=LINES), field("b", source=LINES)), right=(field("c"), field("d"))
        ),
        't1."a" = r."c" AND t1."b" = r."d"',
    ),
    "a fate": (
        p.Chosen(choice=FATE, label="undated"),
        """CASE WHEN (r."at" IS NULL) THEN 'undated' ELSE 'due' END = 'undated'""",
    ),
}


def text(dialect: Dialect, test: p.Test) -> str:
    """What stands behind WHERE in a query of the root, on one line."""
    compiler = Compiler(dialect)
    query = sa.select(sa.literal_column("1")).select_from(compiler.source(ROOT)).where(compiler.test(test))
    return " ".join(dialect.shown(query).split()).partition(" WHERE ")[2]


def guarded(sql: str) -> str:
    """`#` before a column: SQLite asks of it what it holds, and of anything but a number nothing is known."""
    return re.sub(r'#(r\."\w+")', r"CASE WHEN (typeof(\1) IN ('integer', 'real')) THEN \1 END", sql)


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("dialect", [Sqlite(), Postgresql()], ids=lambda d: d.name)
def test_the_same_on_both(dialect: Dialect, name: str) -> None:
    test, sql = BOTH[name]

    assert text(dialect, test) == (guarded(sql) if dialect.name == "sqlite" else sql.replace("#", ""))


NEGATED = p.Not(item=SIZE)
LIVE = p.Truth(item=field("live", Kind.BOOLEAN))
EACH: dict[str, tuple[p.Test, str, str]] = {
    "no test": (p.All(items=()), "1 = 1", "true"),
    "no way": (p.AnyOf(items=()), "1 = 0", "1 = 0"),
    "true": (p.IsTrue(item=SIZE), '(#r."size" > 3) IS 1', '(r."size" > 3) IS true'),
    "a negation that is true": (
        p.IsTrue(item=NEGATED),
        '(NOT (#r."size" > 3)) IS 1',
        '(NOT (r."size" > 3)) IS true',
    ),
    "a negation that is not true": (
        p.Untrue(item=NEGATED),
        '(NOT (#r."size" > 3)) IS NOT 1',
        '(NOT (r."size" > 3)) IS NOT true',
    ),
    "a negation that is unknown": (
        p.IsUnknown(item=NEGATED),
        '(NOT (#r."size" > 3)) IS NULL',
        '(NOT (r."size" > 3)) IS NULL',
    ),
    "the fate that is left": (
        p.Chosen(choice=FATE, label="due"),
        '(r."at" IS NULL) IS NOT 1',
        '(r."at" IS NULL) IS NOT true',
    ),
    "a boolean": (LIVE, '#r."live" != 0', 'r."live"'),
    "not a boolean": (p.Not(item=LIVE), 'NOT (#r."live" != 0)', 'NOT (r."live")'),
    "true as a value": (
        p.Compare(operator="=", left=field("live", Kind.BOOLEAN), right=value(True)),
        '#r."live" = 1',
        'r."live" = true',
    ),
    "numbers": (
        p.In(item=field("size", Kind.NUMERIC), values=(Decimal("1.50"), Decimal(2), 3)),
        '#r."size" IN (1.5, 2, 3)',
        'r."size" IN (1.50, 2, 3)',
    ),
    "a moment": (
        p.Compare(operator=">=", left=field("at", Kind.TIMESTAMP), right=value(datetime(2020, 2, 29, 1, 2))),
        """r."at" >= '2020-02-29 01:02:00'""",
        """r."at" >= '2020-02-29T01:02:00'""",
    ),
    "an index's help": (
        p.Reaches(field=field("at", Kind.TIMESTAMPTZ), cutoff=LINE),
        """r."at" < '2021-11-24'""",
        """r."at" < '2021-11-21T23:00:00+00:00'""",
    ),
    "no related row": (
        p.Not(item=p.Exists(source=LINES, where=JOIN)),
        """(EXISTS (SELECT 1 FROM "shop"."od""d" AS t1 WHERE t1."order id" = r."id")) = 0""",
        """NOT (EXISTS (SELECT 1 FROM "shop"."od""d" AS t1 WHERE t1."order id" = r."id"))""",
    ),
}


@pytest.mark.parametrize("name", EACH)
def test_what_differs(name: str) -> None:
    test, sqlite, postgresql = EACH[name]

    assert text(Sqlite(), test) == guarded(sqlite)
    assert text(Postgresql(), test) == postgresql


@pytest.mark.parametrize(
    ("kind", "floor", "cutoff"),
    [
        (Kind.DATE, "1971-01-02", "2021-11-22"),
        (Kind.TIMESTAMP, "1971-01-02T00:00:00", "2021-11-22T00:00:00"),
        (Kind.TIMESTAMPTZ, "1971-01-01T23:00:00+00:00", "2021-11-21T23:00:00+00:00"),
    ],
)
def test_dates_on_postgresql(kind: Kind, floor: str, cutoff: str) -> None:
    """The bare column beside a constant in its own form: nothing that an index could not serve."""
    known = 'r."at" IS NOT NULL'
    assert {state: text(Postgresql(), dated(kind, state)) for state in p.State} == {
        p.State.MISSING: 'r."at" IS NULL',
        p.State.UNCLEAR: f"""{known} AND r."at" < '{floor}'""",
        p.State.PAST: f"""{known} AND r."at" >= '{floor}' AND r."at" < '{cutoff}'""",
        p.State.RECENT: f"""{known} AND r."at" >= '{cutoff}'""",
    }


READABLE = (
    """typeof(r."at") = 'text' AND (r."at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*')"""
    """ AND date(substr(r."at", 1, 10), '+0 days') IS substr(r."at", 1, 10) AND datetime(r."at") IS NOT NULL"""
    """ AND (length(r."at") = 10 OR (r."at" GLOB '????-??-??[ T][01][0-9]:[0-5][0-9]*')"""
    """ OR (r."at" GLOB '????-??-??[ T]2[0-3]:[0-5][0-9]*'))"""
)
SECONDS = "????-??-???[0-2][0-9]:[0-5][0-9]:[0-5][0-9]"
BEFORE = (
    """CASE WHEN (length(r."at") = 10) THEN r."at" < '{day}'"""
    f""" WHEN (r."at" GLOB '{SECONDS}*[Zz]') THEN datetime(substr(r."at", 1, 19)) < '{{instant}}'"""
    f""" WHEN (r."at" GLOB '{SECONDS}*[+-][0-9][0-9]:[0-9][0-9]')"""
    """ THEN datetime(substr(r."at", 1, 19) || substr(r."at", -6)) < '{instant}'"""
    """ WHEN (length(r."at") > 16 AND ((r."at" GLOB '*[Zz]') OR (r."at" GLOB '*[+-][0-9][0-9]:[0-9][0-9]')))"""
    """ THEN datetime(r."at") < '{instant}' ELSE replace(r."at", 'T', ' ') < '{naive}' END"""
)


def test_dates_on_sqlite() -> None:
    """Text, read as ISO 8601 or not at all."""
    floor = BEFORE.format(day="1971-01-02", instant="1971-01-01 23:00:00", naive="1971-01-02 00:00")
    before = BEFORE.format(day="2021-11-22", instant="2021-11-21 23:00:00", naive="2021-11-22 00:00")
    at, known = 'r."at"', 'r."at" IS NOT NULL'

    def told(moment: str, day: str, other: str) -> str:
        """SQLite's own two spellings by plain comparison, others taken apart."""
        return (
            f"CASE WHEN (datetime({at}, '+0 days') IS {at}) THEN {moment}"
            f" WHEN (date({at}, '+0 days') IS {at}) THEN {day} ELSE {other} END = 1"
        )

    early = told(f"{at} < '1971-01-02 00:00'", f"{at} < '1971-01-02'", f"NOT ({READABLE}) OR {floor} = 1")
    past = told(
        f"{at} >= '1971-01-02 00:00' AND {at} < '2021-11-22 00:00'",
        f"{at} >= '1971-01-02' AND {at} < '2021-11-22'",
        f"{READABLE} AND {floor} = 0 AND {before} = 1",
    )
    recent = told(f"{at} >= '2021-11-22 00:00'", f"{at} >= '2021-11-22'", f"{READABLE} AND {before} = 0")
    assert {state: text(Sqlite(), dated(Kind.TEXT, state)) for state in p.State} == {
        p.State.MISSING: 'r."at" IS NULL',
        p.State.UNCLEAR: f"{known} AND {early}",
        p.State.PAST: f"{known} AND {past}",
        p.State.RECENT: f"{known} AND {at} >= '2021-11-20' AND {recent}",
    }


AT, KNOWN = 'r."at"', 'r."at" IS NOT NULL'
SECONDS = Encoding(unit=Unit.SECONDS, never=(0,))
ENCODED: dict[str, tuple[p.Test, str, str]] = {
    "a number that is past": (
        p.Dated(field=clock(Kind.INTEGER, SECONDS), state=p.State.PAST, floor=FLOOR, cutoff=LINE),
        f"{KNOWN} AND NOT ({AT} IN (0)) AND typeof({AT}) IN ('integer', 'real')"
        f" AND {AT} >= 31618800 AND {AT} < 1637535600",
        f"{KNOWN} AND NOT ({AT} IN (0)) AND {AT} >= 31618800 AND {AT} < 1637535600",
    ),
    "a number that is unclear": (
        p.Dated(field=clock(Kind.INTEGER, SECONDS), state=p.State.UNCLEAR, floor=FLOOR, cutoff=LINE),
        f"{KNOWN} AND NOT ({AT} IN (0)) AND (NOT (typeof({AT}) IN ('integer', 'real'))"
        f" OR {AT} < 31618800 OR {AT} >= 253402300800)",
        f"{KNOWN} AND NOT ({AT} IN (0)) AND ({AT} < 31618800 OR {AT} >= 253402300800)",
    ),
    "a number that means never": (
        p.Dated(field=clock(Kind.INTEGER, SECONDS), state=p.State.MISSING, floor=FLOOR, cutoff=LINE),
        f"{AT} IS NULL OR {AT} IN (0)",
        f"{AT} IS NULL OR {AT} IN (0)",
    ),
    "a number within reach of an index": (
        p.Reaches(field=clock(Kind.INTEGER, Encoding(unit=Unit.MILLISECONDS)), cutoff=LINE),
        f"{AT} < 1637535600000",
        f"{AT} < 1637535600000",
    ),
    "a floating-point number within reach": (
        p.Reaches(field=clock(Kind.REAL, Encoding(unit=Unit.MINUTES), "REAL"), cutoff=LINE),
        f"{AT} < 27292260",
        f"{AT} < 27292260.0",
    ),
    "digits in a text": (
        p.Reaches(field=clock(Kind.TEXT, Encoding(format=Format.YYYYMMDD), "TEXT"), cutoff=LINE),
        f"{AT} < '20211122'",
        f"{AT} < '20211122'",
    ),
    "digits in a number": (
        p.Reaches(field=clock(Kind.INTEGER, Encoding(format=Format.YYYYMMDD)), cutoff=LINE),
        f"{AT} < 20211122",
        f"{AT} < 20211122",
    ),
    "a month": (
        p.Reaches(field=clock(Kind.TEXT, Encoding(format=Format.YYYY_MM), "TEXT"), cutoff=LINE),
        f"{AT} < '2021-11'",
        f"{AT} < '2021-11'",
    ),
    "iso in a text": (
        p.Reaches(field=clock(Kind.TEXT, Encoding(format=Format.ISO), "TEXT"), cutoff=LINE),
        f"{AT} < '2021-11-24'",
        f"{AT} < '2021-11-24'",
    ),
    "an order that is not that of time": (
        p.Reaches(field=clock(Kind.TEXT, Encoding(format=Format.DD_MM_YYYY), "TEXT"), cutoff=LINE),
        "1 = 1",
        "true",
    ),
    "numbers in texts are in no order": (
        p.Reaches(field=clock(Kind.TEXT, Encoding(unit=Unit.SECONDS), "TEXT"), cutoff=LINE),
        "1 = 1",
        "true",
    ),
}


@pytest.mark.parametrize("name", ENCODED)
def test_clocks_in_their_own_terms(name: str) -> None:
    test, sqlite, postgresql = ENCODED[name]

    assert text(Sqlite(), test) == guarded(sqlite)
    assert text(Postgresql(), test) == postgresql


def test_what_sqlite_stores_in_a_column_of_dates_is_a_number_in_the_order_of_time() -> None:
    """`DATETIME` has numeric affinity there, `VARCHAR` that of text."""
    seconds = Encoding(unit=Unit.SECONDS)
    said = {
        declared: text(Sqlite(), p.Reaches(field=clock(Kind.TEXT, seconds, declared), cutoff=LINE))
        for declared in ("DATETIME", "VARCHAR(20)", "")
    }

    assert said == {"DATETIME": f"{AT} < 1637535600", "VARCHAR(20)": "1 = 1", "": f"{AT} < 1637535600"}


def test_no_text_is_cast_on_postgresql_before_it_was_looked_at() -> None:
    field = clock(Kind.TEXT, Encoding(unit=Unit.SECONDS), "TEXT")
    found = text(Postgresql(), p.Dated(field=field, state=p.State.PAST, floor=FLOOR, cutoff=LINE))

    number = f"(CAST({AT} AS TEXT) ~ '^-?[0-9]{{1,18}}([.][0-9]{{1,18}})?$')"
    cast = f"CASE WHEN {number} THEN CAST(CAST({AT} AS TEXT) AS NUMERIC) END"
    assert found == f"{KNOWN} AND {number} AND {cast} >= 31618800 AND {cast} < 1637535600"


def test_keys_are_handed_over_whole() -> None:
    """Composite keys too: in an array a column on PostgreSQL, in a temporary table on SQLite."""
    key = tuple(
        Column(name=name, kind=kind, type=type_)
        for name, kind, type_ in (("shop", Kind.TEXT, "VARCHAR(3)"), ("nr", Kind.INTEGER, "INTEGER"))
    )
    written = {}
    for dialect in (Sqlite(), Postgresql()):
        compiler = Compiler(dialect)
        columns = [compiler.column(ROOT, column.name) for column in key]
        query = sa.select(sa.literal_column("1")).select_from(compiler.source(ROOT))
        for many in (1, 2):
            found = dialect.shown(query.where(dialect.key_in(columns[:many], key[:many])))
            written[dialect.name, many] = " ".join(found.split()).partition(" WHERE ")[2]

    claim, keys = '"temp".retention_claim', "'{}' /* known in the batch */"
    assert written == {
        ("sqlite", 1): f'r."shop" IN (SELECT {claim}.k0 FROM {claim})',
        ("sqlite", 2): f'(r."shop", r."nr") IN (SELECT {claim}2.k0, {claim}2.k1 FROM {claim}2)',
        ("postgresql", 1): f'r."shop" = ANY (CAST({keys} AS VARCHAR(3)[]))',
        ("postgresql", 2): '(r."shop", r."nr") IN (SELECT anon_1.k0, anon_1.k1'
        f" FROM unnest(CAST({keys} AS VARCHAR(3)[]), CAST({keys} AS INTEGER[])) AS anon_1(k0, k1))",
    }


@pytest.mark.parametrize("width", [1, 2])
def test_a_list_is_one_parameter_a_column_on_postgresql_which_takes_65_535(width: int) -> None:
    """A run ended there: of each of several rules a statement has such lists of whom people's words concern."""
    key = (p.Field(source=ROOT, column="id", kind=Kind.INTEGER, type="INTEGER"),) * width
    lists = Lists(
        keys={"held": [(n,) * width for n in range(70_000)]},
        days={"asked": {date(2021, 1, n): [(n,) * width] * 9_000 for n in range(1, 11)}},
    )
    compiler = Compiler(Postgresql(), lists=lists)
    asked = p.Ending(come=p.All(items=()), latest=None, listed="asked", fields=key)
    for found, days in (
        (compiler.test(p.Listed(fields=key, name="held")), 0),
        (compiler.ending(asked), 10),
    ):
        query = (
            sa.select(sa.literal_column("1"))
            .select_from(compiler.source(ROOT))
            .where(found.is_not(sa.null()))
        )
        made = query.compile(dialect=postgresql.dialect(), compile_kwargs={"render_postcompile": True})
        assert len(made.params) == width * max(1, days) + days
