"""How an event's column is said to write a point in time: read, refused, and part of the resolved form."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest

from retention.config import difference, policy_body, resolved_form
from retention.model.dataset import Event, EventColumn, Name
from retention.model.encoding import PLAIN, Encoding, Format, Unit

PLACE = "datasets.orders.events.booked"
BOOKED = 'booked = { latest = ["created_at", "invoiced_at", "credit_notes.issued_at"] }'


def written(shop_text: str, event: str) -> str:
    assert BOOKED in shop_text
    return shop_text.replace(BOOKED, f"booked = {event}")


@pytest.mark.parametrize(
    ("keys", "encoding"),
    [
        ('unit = "s"', Encoding(unit=Unit.SECONDS)),
        ('unit = "ms", epoch = "1970-01-01"', Encoding(unit=Unit.MILLISECONDS)),
        ('unit = "us", epoch = "1601-01-01"', Encoding(unit=Unit.MICROSECONDS, epoch=date(1601, 1, 1))),
        ('unit = "s", epoch = 2001-01-01', Encoding(unit=Unit.SECONDS, epoch=date(2001, 1, 1))),
        ('unit = "min", never = [0, 4294967295]', Encoding(unit=Unit.MINUTES, never=(0, 4294967295))),
        (
            'unit = "days", never = [-1.5, 2.0]',
            Encoding(unit=Unit.DAYS, never=(Decimal("-1.5"), 2)),
        ),
        ('never = ["", "9999-12-31", 9999-12-31]', Encoding(never=("", "9999-12-31", date(9999, 12, 31)))),
        *((f'format = "{each.value}"', Encoding(format=each)) for each in Format),
    ],
)
def test_a_column_is_read_as_it_is_written(loaded, shop_text, keys, encoding):
    config = loaded(shop=written(shop_text, f'{{ column = "a", {keys} }}'))

    (component,) = config.connectors["shop"].datasets["orders"].events["booked"].components
    assert component.encoding == encoding


def test_a_condition_is_that_of_its_row(loaded, shop_text):
    event = """{ latest = ["a", { column = "t.b", via = "c", where = "state = 'closed'", unit = "s" }] }"""
    config = loaded(shop=written(shop_text, event))

    plain, other = config.connectors["shop"].datasets["orders"].events["booked"].components
    assert (plain.where, plain.encoding) == (None, PLAIN)
    assert other.where is not None
    assert (other.where.text, other.via, other.encoding) == (
        "state = 'closed'",
        "c",
        Encoding(unit=Unit.SECONDS),
    )


def test_a_table_with_nothing_but_a_column_is_that_column(loaded, shop_text):
    config = loaded(shop=written(shop_text, '{ column = "a" }'))

    found = config.connectors["shop"].datasets["orders"].events["booked"]
    assert found == Event(components=(EventColumn(column=Name(pieces=("a",), text="a")),))


@pytest.mark.parametrize(
    ("keys", "key", "found", "write"),
    [
        ('unit = "seconds"', "unit", "is not one", '"s"'),
        ('unit = "µs"', "unit", "is not one", '"us"'),
        ('unit = "dayz"', "unit", "is not one", '"days"'),
        ('unit = "hours"', "unit", "is not one", "one of"),
        ("unit = 1", "unit", "is 1", "quotes"),
        ('unit = ""', "unit", "empty string", '"s"'),
        ('unit = "s", epoch = "1970-1-1"', "epoch", "is not one", 'write "1970-01-01"'),
        ('unit = "s", epoch = "2001-01-01T00:00:00Z"', "epoch", "is not one", 'write "2001-01-01"'),
        ('unit = "s", epoch = 1900-01-01', "epoch", "is not one", 'one of "1970-01-01", "1601-01-01"'),
        ('unit = "s", epoch = 1970', "epoch", "is 1970", "quotes"),
        ('epoch = "2001-01-01"', "epoch", "without `unit`", 'unit = "s"'),
        ('unit = "s", format = "yyyymmdd"', "format", "contradicts `unit`", "counts"),
        ('format = "YYYYMMDD"', "format", "is not one", 'write "yyyymmdd"'),
        ('format = "dd-mm-yyyy"', "format", "is not one", 'one of "iso"'),
        ('format = "mm.dd.yyyy"', "format", "is not one", 'one of "iso"'),
        ('format = "%Y"', "format", "is not one", 'one of "iso"'),
        ('where = "a = 1; DROP TABLE a"', "where", "semicolon", "alone"),
        ('where = ""', "where", "empty", "status"),
        ("where = true", "where", "is true", "quotes"),
        ("never = 0", "never", "is 0", "never = [0]"),
        ("never = []", "never", "empty list", "never = [0]"),
        ("never = [true]", "never[1]", "is true", "a number"),
        ("never = [0, 0.0]", "never[2]", "twice", "take one"),
        ("never = [nan]", "never[1]", "nan", "take it out"),
        (
            "never = [9223372036854775807, 9223372036854775806, -9223372036854775808]",
            "never[3]",
            "-9",
            "64 bits",
        ),
        ("never = [2026-01-01T00:00:00Z]", "never[1]", "offset", "without one"),
        ("never = [07:32:00]", "never[1]", "TOML date", "a number"),
        ('never = ["a\\u0000"]', "never[1]", "a", "short text"),
        (f"never = {list(range(101))}", "never", "101", "`where`"),
        ("earliest = true", "earliest", "not supported yet", ""),
        ('units = "s"', "units", "units", "`unit`"),
    ],
)
def test_what_can_not_be_meant_is_refused(problems, shop_text, keys, key, found, write):
    (problem,) = problems(shop=written(shop_text, f'{{ column = "a", {keys} }}'))

    assert (problem.file, problem.key) == ("connectors/shop.toml", f"{PLACE}.{key}")
    assert found in problem.found
    assert write in problem.write


@pytest.mark.parametrize(
    "key", ['unit = "s"', "never = [0]", 'where = "a = 1"', 'via = "x"', 'format = "iso"']
)
def test_what_is_said_of_one_component_stands_in_it(problems, shop_text, key):
    (problem,) = problems(shop=written(shop_text, f'{{ latest = ["a", "b"], {key} }}'))

    assert problem.key == f"{PLACE}.{key.partition(' ')[0]}"
    assert problem.found == "stands beside `latest`"
    assert "in the component" in problem.write


def test_everything_wrong_in_one_component_is_said_at_once(problems, shop_text):
    found = problems(shop=written(shop_text, '{ column = "", unit = "sec", never = 1, where = "" }'))

    assert {problem.key.removeprefix(f"{PLACE}.") for problem in found} == {
        "column",
        "unit",
        "never",
        "where",
    }


# -- the resolved form ---------------------------------------------------------------------


def test_an_event_that_is_a_column_has_the_form_that_it_always_had(loaded, shop_text):
    """Approvals given before there were encodings stay good."""
    body = json.loads(policy_body(loaded(shop=written(shop_text, '["created_at"]'.strip("[]")))))

    assert body["connectors"]["shop"]["datasets"]["orders"]["events"] == {
        "booked": [{"column": ["created_at"]}]
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('unit = "s"', 'unit = "ms"'),
        ('unit = "s"', 'unit = "s", epoch = "2001-01-01"'),
        ('unit = "s"', 'unit = "s", never = [0]'),
        ("never = [0]", "never = [1]"),
        ("never = [0]", 'never = ["0"]'),
        ("never = [0.5]", "never = [0.25]"),
        ('format = "dd/mm/yyyy"', 'format = "mm/dd/yyyy"'),
        ("where = \"a = 'x'\"", "where = \"a = 'y'\""),
    ],
)
def test_whatever_is_said_of_a_column_is_part_of_the_rules_form(loaded, shop_text, old, new):
    forms = [
        resolved_form(loaded(shop=written(shop_text, f'{{ column = "a", {keys} }}')), "orders")
        for keys in (old, new)
    ]
    assert forms[0] != forms[1]


def test_what_means_the_same_has_the_same_form(loaded, shop_text):
    texts = [
        '{ column = "a", unit = "s", never = [0, 1] }',
        '{ never = [1.0, 0], epoch = 1970-01-01, unit = "s", column = "a" }',
    ]
    forms = {resolved_form(loaded(shop=written(shop_text, text)), "orders") for text in texts}
    assert len(forms) == 1


def test_the_ledger_is_not_told_what_a_components_condition_compares_with(loaded, shop_text):
    bodies = [
        policy_body(loaded(shop=written(shop_text, f'{{ column = "a", where = "name = \'{name}\'" }}')))
        for name in ("Kari Nordmann", "Ola Nordmann")
    ]
    changed = difference(*bodies)

    assert "Nordmann" not in json.dumps(changed)
    assert json.dumps(changed).count("sha256:") == 2
