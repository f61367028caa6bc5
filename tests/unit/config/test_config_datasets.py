"""What a dataset says of its records: facts, fields, periods, subject, began, slices, shared parts."""

from __future__ import annotations

import pytest

from retention.model.condition import Condition
from retention.model.dataset import (
    ColumnPath,
    EventColumn,
    InstructedPeriod,
    Name,
    PartName,
    PeriodUnit,
    SomeRow,
)
from retention.model.encoding import Encoding, Unit

POLICY = """
[policy]
timezone = "Europe/Oslo"
[rules.orders]
promise = "p"
data = "orders"
keep = "5 years"
from = "booked"
action = "delete"
"""
SHOP = """
type = "sql"
url = "env:URL"
[datasets.others]
data = "others"
table = "others"
[datasets.orders]
data = "orders"
table = "orders"
events = { booked = "created_at" }
"""


def column(text, *pieces, via=None):
    return ColumnPath(column=Name(pieces=pieces or tuple(text.split(".")), text=text), via=via)


@pytest.fixture
def dataset(loaded):
    """`dataset(line)`: the dataset with one more line."""
    return lambda line: loaded(policies=POLICY, shop=SHOP + line).connectors["shop"].datasets["orders"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('"country"', column("country")),
        ('"Country_2"', column("Country_2")),
        ('"tenants.country"', column("tenants.country")),
        ('"crm.tenants.country"', column("crm.tenants.country")),
        ("'\"the country\"'", column('"the country"', "the country")),
        ('\'"my.tenants"."a b"\'', column('"my.tenants"."a b"', "my.tenants", "a b")),
        ('{ column = "tenants.country", via = "t_id" }', column("tenants.country", via="t_id")),
        ('{ column = "country" }', column("country")),
    ],
)
def test_a_fact_that_is_a_name_is_a_column_or_a_path(dataset, written, expected):
    assert dataset(f"facts = {{ country = {written} }}").facts == {"country": expected}


@pytest.mark.parametrize(
    "written",
    [
        "status = 'open'",
        "NOT paid",
        "(paid)",
        "paid IS TRUE",
        "a.b = 1",
        "status IN ('open', 'new')",
        "paid AND x",
    ],
)
def test_any_other_text_of_a_fact_is_a_condition(dataset, written):
    found = dataset(f'facts = {{ open = "{written}" }}').facts["open"]
    assert isinstance(found, Condition)
    assert found.text == written


@pytest.mark.parametrize(
    ("written", "text", "via"),
    [
        ('{ any = "disputes" }', None, None),
        ('{ any = "disputes", where = "closed_at IS NULL" }', "closed_at IS NULL", None),
        ('{ any = "disputes", via = "order_id", where = "x" }', "x", "order_id"),
    ],
)
def test_a_fact_may_be_that_some_related_row_is_there(dataset, written, text, via):
    found = dataset(f"facts = {{ disputed = {written} }}").facts["disputed"]
    assert isinstance(found, SomeRow)
    assert (found.table.text, found.via) == ("disputes", via)
    assert (found.where.text if found.where else None) == text


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('{ customer_id = "customer_id" }', {"customer_id": column("customer_id")}),
        (
            '{ customer_id = "orders.customer_id", email = { column = "people.email", via = "buyer" } }',
            {"customer_id": column("orders.customer_id"), "email": column("people.email", via="buyer")},
        ),
        ('"none"', None),
    ],
)
def test_a_subject_is_read_from_columns_and_paths_or_there_is_none(dataset, written, expected):
    assert dataset(f"subject = {written}").subject == expected


def test_a_dataset_that_says_nothing_of_a_subject_has_none_written(dataset):
    assert dataset("").subject == {}


def test_fields_are_columns_of_the_table_or_of_parts(dataset):
    assert dataset('fields = { name = ["first", "addresses.last"], city = "city" }').fields == {
        "name": (("first",), ("addresses", "last")),
        "city": (("city",),),
    }


def test_when_a_record_began_is_a_column_of_any_encoding(dataset):
    assert dataset('began = "created_at"').began == EventColumn(column=column("created_at").column)
    assert dataset('began = { column = "c", unit = "s" }').began.encoding == Encoding(unit=Unit.SECONDS)


def test_a_slice_is_some_columns_of_the_row(problems, loaded):
    policy = POLICY.replace('"orders"', '"any"')
    shop = SHOP.replace(
        'table = "others"', 'table = "others"\nevents = { booked = "x" }\ncolumns = ["a", "b"]'
    )
    assert loaded(policies=policy, shop=shop).connectors["shop"].datasets["others"].columns == ("a", "b")


def test_a_shared_part_stays_as_long_as_others_refer_to_it(dataset):
    assert dataset('parts = ["lines", { table = "address", shared = "stays", via = "ship_to" }]').parts == (
        PartName(table=Name(pieces=("lines",), text="lines")),
        PartName(table=Name(pieces=("address",), text="address"), via="ship_to", shared=True),
    )


@pytest.mark.parametrize(
    ("unit", "between", "counts"),
    [
        ("days", ["1 day", "10 years"], (1, 3652)),
        ("days", ["1 month", "1 year"], (31, 365)),
        ("days", ["P30D", "P1Y6M"], (30, 546)),
        ("weeks", ["1 day", "1 month"], (1, 4)),
        ("weeks", ["2 weeks", "3 weeks"], (2, 3)),
        ("months", ["1 day", "10 years"], (1, 120)),
        ("months", ["31 days", "60 days"], (1, 2)),
        ("months", ["32 days", "59 days"], (2, 2)),
        ("years", ["1 day", "10 years"], (1, 10)),
        ("years", ["12 months", "35 months"], (1, 2)),
        ("years", ["366 days", "731 days"], (2, 2)),
        ("years", ["1 year", "1000 years"], (1, 1000)),
    ],
)
def test_the_bounds_of_an_instructed_period_are_whole_numbers_of_its_unit(dataset, unit, between, counts):
    text = f'{{ column = "tenants.days", via = "tenant", unit = "{unit}", between = {between} }}'
    assert dataset(f"periods = {{ instructed = {text} }}").periods == {
        "instructed": InstructedPeriod(
            path=column("tenants.days", via="tenant"), unit=PeriodUnit(unit), between=counts
        )
    }


INSTRUCTED = 'periods = { x = { column = "d", unit = "days", between = ["1 day", "10 years"] } }'


@pytest.mark.parametrize(
    ("line", "key", "found", "write"),
    [
        ("facts = {}", "facts", "empty table", "company"),
        ('facts = "company"', "facts", "company", "{ company"),
        ("facts = { a = 5 }", "facts.a", "is 5", "a condition"),
        ("facts = { a = [] }", "facts.a", "empty list", "a column"),
        ("facts = { a = '' }", "facts.a", "is empty", "status"),
        ("facts = { a = {} }", "facts.a", "no `column`", "tenants.country"),
        ("facts = { 'a b' = 'x' }", 'facts."a b"', "a b", "letters"),
        ("facts = { a = 'x = now()' }", "facts.a", "asks for the time", "keep"),
        ("facts = { a = 'a = 1; DROP TABLE x' }", "facts.a", "semicolon", "alone"),
        ("facts = { a = 'x IN (SELECT 1)' }", "facts.a", "subquery", "values"),
        ("facts = { a = 'x.' }", "facts.a", "read as a condition", "quotes"),
        ("facts = { a = { colum = 'x' } }", "facts.a.colum", "not a known key", "`column`"),
        ("facts = { a = { column = 'x', via = 'y' } }", "facts.a.via", "the table itself", "take `via` out"),
        ("facts = { a = { column = 'x', where = 'y' } }", "facts.a.where", "without `any`", "any ="),
        ("facts = { a = { any = 'x', were = 'y' } }", "facts.a.were", "not a known key", "`where`"),
        ("facts = { a = { any = '' } }", "facts.a.any", "is empty", "a table"),
        ("facts = { a = { any = 'x', where = '' } }", "facts.a.where", "is empty", "status"),
        ("facts = { a = { any = 'x', where = 'now() > y' } }", "facts.a.where", "asks for the time", "keep"),
        ("fields = {}", "fields", "empty table", "first_name"),
        ("fields = { name = [] }", "fields.name", "empty list", "first_name"),
        ("fields = { name = ['a', 'a'] }", "fields.name[2]", "twice", "take one"),
        ("fields = { name = 'a.b.people.name' }", "fields.name", "4 parts", "double quotes"),
        ("fields = { 'na me' = 'a' }", 'fields."na me"', "na me", "letters"),
        ("columns = []", "columns", "empty list", "columns ="),
        ("columns = 'a'", "columns", "a", "list"),
        ("columns = ['a', 'a']", "columns[2]", "twice", "take one"),
        ("columns = ['t.a']", "columns[1]", "2 parts", "double quotes"),
        ("columns = ['a']\nparts = ['lines']", "parts", "slice of a row", "one of the two"),
        ("subject = 'nobody'", "subject", "nobody", '"none"'),
        ("subject = {}", "subject", "empty table", "customer_id"),
        ("subject = { email = ['a', 'b'] }", "subject.email", "a list", "one column"),
        ("subject = { email = { colum = 'a' } }", "subject.email.colum", "not a known key", "`column`"),
        ("subject = { email = { column = 'a', via = 'b' } }", "subject.email.via", "table itself", "via"),
        ("subject = { email = 'a.b.c.d' }", "subject.email", "4 parts", "double quotes"),
        ("subject = { 'e mail' = 'a' }", 'subject."e mail"', "e mail", "letters"),
        ("began = 'never'", "began", "no time", "created_at"),
        ("began = 5", "began", "is 5", "created_at"),
        ("began = ''", "began", "is empty", "column"),
        ("began = { latest = ['a'] }", "began.latest", "begins once", "created_at"),
        ("began = { column = 'a', where = 'b' }", "began.where", "begins once", "created_at"),
        ("began = { column = 'a', unit = 'sec' }", "began.unit", "sec", '"s"'),
        ("periods = {}", "periods", "empty table", "between"),
        ("periods = { x = 'tenants.days' }", "periods.x", "tenants.days", "between"),
        ("periods = { x = { column = 'a', unit = 'days' } }", "periods.x.between", "missing", "10 years"),
        ("periods = { x = { unit = 'days', between = ['1 day', '2 days'] } }", "periods.x.column", "missing", "unit"),
        (INSTRUCTED.replace('"days"', '"dayz"'), "periods.x.unit", "dayz", '"days"'),
        (INSTRUCTED.replace('"days"', '"d"'), "periods.x.unit", "not one of", '"days"'),
        (INSTRUCTED.replace('"days"', '"hours"'), "periods.x.unit", "hours", "one of"),
        (INSTRUCTED.replace("unit", "units"), "periods.x.units", "not a known key", "`unit`"),
        (INSTRUCTED.replace('"1 day"', '"0 days"'), "periods.x.between[1]", "nothing was instructed", "1 day"),
        (INSTRUCTED.replace('"1 day"', '"11 years"'), "periods.x.between[2]", "shorter than", "shortest first"),
        (INSTRUCTED.replace('"1 day"', '"1 dya"'), "periods.x.between[1]", "1 dya", "1 day"),
        (INSTRUCTED.replace('"1 day", ', ""), "periods.x.between", "a list of 1", "the longest"),
        (INSTRUCTED.replace('["1 day", "10 years"]', '"10 years"'), "periods.x.between", "10 years", "shortest"),
        (INSTRUCTED.replace('["1 day", "10 years"]', "[1, 10]"), "periods.x.between[1]", "is 1", "unit"),
        (
            INSTRUCTED.replace('"days", between = ["1 day", "10 years"]', '"years", between = ["1 day", "1 month"]'),
            "periods.x.between",
            "no whole number of years",
            "of that unit",
        ),
        ("parts = [{ table = 'lines', shared = true }]", "parts[1].shared", "is true", '"stays"'),
        ("parts = [{ table = 'lines', shared = 'goes' }]", "parts[1].shared", "goes", '"stays"'),
        ("parts = [{ table = 'lines', share = 'stays' }]", "parts[1].share", "not a known key", "`shared`"),
        ("schema = 's'\nparts = ['lines', 's.lines']", "parts[2]", "listed twice", "take one"),
        ("anonymize = {}", "anonymize", "an empty table", "birth_date"),
        ("anonymize = { a = 'hsah' }", "anonymize.a", "not a strategy", '"hash"'),
        ("anonymize = { a = 3 }", "anonymize.a", "is 3", '"null"'),
        ("anonymize = { a = { keep = 2 } }", "anonymize.a", "no `strategy`", "mask"),
        ("anonymize = { a = { strategy = 'mask', kep = 2 } }", "anonymize.a.kep", "not a known key", "`keep`"),
        ("anonymize = { a = { strategy = 'year', keep = 2 } }", "anonymize.a.keep", "not a known key", "no parameters"),
        ("anonymize = { a = { strategy = 'mask', keep = 17 } }\ndone = 'd'", "anonymize.a.keep", "out of range", "16"),
        ("anonymize = { a = { strategy = 'mask', keep = true } }\ndone = 'd'", "anonymize.a.keep", "is true", "whole"),
        ("anonymize = { a = { strategy = 'mask', keep = 1, keep_last = 1 } }\ndone = 'd'", "anonymize.a.keep_last",
         "contradicts", "take one"),
        ("anonymize = { a = 'mask' }", "anonymize.a", "nobody can tell", "done ="),
        ("anonymize = { a = 'round' }", "anonymize.a", "no `width`", "width = 10"),
        ("anonymize = { a = { strategy = 'round', width = 0 } }", "anonymize.a.width", "out of range", "from 1"),
        ("anonymize = { a = 'prefix' }", "anonymize.a", "how much it keeps", "ipv4"),
        ("anonymize = { a = { strategy = 'prefix', ipv4 = 25 } }", "anonymize.a.ipv4", "is 25", "8, 16, 24"),
        ("anonymize = { a = { strategy = 'prefix', length = 2, ipv6 = 48 } }",
         "anonymize.a.ipv6", "contradicts", "one"),
        ("anonymize = { a = { strategy = 'fake', of = 'nam' } }\ndone = 'd'", "anonymize.a.of",
         "nothing that", '"name"'),
        ("anonymize = { a = { strategy = 'fake', of = 'name', locale = 'xx' } }\ndone = 'd'", "anonymize.a.locale",
         "not a locale", "write"),
        ("anonymize = { a = { strategy = 'hash', as = 'emial' } }", "anonymize.a.as", "no `subject`", "take it out"),
        ("anonymize = { a = { strategy = 'redact', with = '' } }", "anonymize.a.with", "empty", "redacted"),
        ("anonymize = { lines.a = 'null' }", "anonymize.lines", "no `strategy`", '"lines.a" = "redact"'),
        ("anonymize = { a = 'null' }\ndone = 'A'", "done", "is rewritten", "another column"),
        ("restrict = { to = 'vault.orders' }", "restrict.to", "another connector", "shop.toml"),
        ("restrict = { mrak = 'a' }", "restrict.mrak", "not a known key", "`mark`"),
        ("restrict = {}", "restrict", "empty", "mark"),
        ("columns = ['a']\nrestrict = { mark = 'b' }", "restrict", "only be rewritten", "take one"),
        ("columns = ['a']\nanonymize = { b = 'null' }", "anonymize.b", "none of the slice's", "list it"),
        ("done = 'a'", "done", "means nothing without", "take it out"),
        ("fact = { a = 'x' }", "fact", "not a known key", "`facts`"),
        ("until = 'a'", "until", "no key of this table", "policies.toml"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_what_to_write_instead(problems, line, key, found, write):
    all_ = problems(policies=POLICY, shop=SHOP + line)
    (problem,) = [p for p in all_ if p.key == f"datasets.orders.{key}"]
    assert problem.file == "connectors/shop.toml"
    assert found in problem.found
    assert write in problem.write


def test_everything_wrong_in_one_fact_and_one_period_is_said_at_once(problems):
    lines = (
        "facts = { a = { any = '', where = '', via = '' } }\n"
        "periods = { x = { column = '', unit = 'x', between = [] } }\n"
    )
    assert {p.key.removeprefix("datasets.orders.") for p in problems(policies=POLICY, shop=SHOP + lines)} == {
        "facts.a.any",
        "facts.a.where",
        "facts.a.via",
        "periods.x.column",
        "periods.x.unit",
        "periods.x.between",
    }
