"""Vaults: which dataset of a file restricted records of another one are moved to."""

import pytest

from retention.config.forms import resolved_body
from retention.model.dataset import Event

POLICY = """
[policy]
timezone = "UTC"
[rules.orders]
promise = "Orders: for a while"
data = "orders"
keep = "1 year"
from = "booked"
action = "restrict"
[rules.kept]
promise = "Restricted orders: longer"
data = "orders"
where = "restricted"
keep = "5 years"
from = "restricted"
action = "delete"
"""
HEAD = 'type = "sql"\nurl = "sqlite:///shop.db"\n'
ORDERS = """
[datasets.orders]
data = "orders"
table = "orders"
events = { booked = "made" }
parts = ["order_lines", "order_notes"]
restrict = { to = "kept" }
"""
KEPT = """
[datasets.kept]
data = "orders"
table = "kept_orders"
events = { booked = "made" }
parts = ["kept_order_lines", "kept_order_notes"]
"""
OTHER = """
[datasets.old]
data = "orders"
table = "old_orders"
events = { booked = "made" }
parts = ["a", "b"]
restrict = { mark = "locked_at" }
"""


def test_restricted_is_an_event_and_a_fact_of_all_data_that_can_be(loaded):
    config = loaded(policies=POLICY, shop=HEAD + ORDERS + KEPT + OTHER)
    datasets = config.connectors["shop"].datasets
    assert (datasets["orders"].vault, datasets["kept"].vault_of, datasets["kept"].source) == (
        "kept",
        "orders",
        "shop.orders",
    )
    assert datasets["orders"].events["restricted"] == Event(components=())
    columns = {
        name: [each.column.text for each in datasets[name].events["restricted"].components]
        for name in ("kept", "old")
    }
    assert columns == {"kept": ["restricted_at"], "old": ["locked_at"]}
    said = {name: dataset.facts["restricted"].text for name, dataset in datasets.items()}
    assert said == {
        "orders": "it is in no vault",
        "kept": "it is in the vault",
        "old": "locked_at IS NOT NULL",
    }
    body = resolved_body(config, "orders")
    assert '"restrict":{"at":"restricted_at","to":"kept"}' in body
    assert "it is in" not in body


def test_what_is_written_goes_before_what_follows(loaded):
    kept = KEPT.replace('booked = "made"', 'booked = "made", restricted = "since"')
    config = loaded(
        policies=POLICY, shop=HEAD + ORDERS.replace('to = "kept"', 'to = "shop.kept", at = "since"') + kept
    )
    kept_orders = config.connectors["shop"].datasets["kept"]
    assert [each.column.text for each in kept_orders.events["restricted"].components] == ["since"]
    assert kept_orders.implied == {"facts"}


@pytest.mark.parametrize(
    ("old", "new", "key", "found", "write"),
    [
        ('to = "kept"', 'to = "vault.kept"', "orders.restrict.to", "another connector", "shop.toml"),
        ('to = "kept"', 'to = "ketp"', "orders.restrict.to", "there is no dataset", "[datasets.ketp]"),
        ('to = "kept"', 'to = "orders"', "orders.restrict.to", "is the dataset itself", "of its own"),
        ('to = "kept"', 'to = "a.b.c"', "orders.restrict.to", "no dataset's name", "same file"),
        ('to = "kept"', "to = 1", "orders.restrict.to", "is 1", "contacts_vault"),
        ('to = "kept"', 'to = "kept", mark = "a"', "orders.restrict.mark", "contradicts `to`", "{ to ="),
        ('to = "kept"', 'at = "a"', "orders.restrict.at", "means nothing without `to`", "{ to ="),
        ('mark = "locked_at"', 'to = "kept"', "old.restrict.to", "are moved to it, too", "for these alone"),
        ('data = "orders"\ntable = "kept', 'data = "x"\ntable = "kept', "kept.data", "would not go on", '"orders"'),
        ('table = "kept_orders"', 'table = "k"\nwhere = "a = 1"', "kept.where", "all of it", "take it out"),
        ('table = "kept_orders"', 'table = "k"\nrestrict = { mark = "a" }', "kept.restrict", "is restricted", "out"),
        ('["kept_order_lines", "kept_order_notes"]', '["kept_order_lines"]', "kept.parts", "1 tables", "order_notes"),
        ('["kept_order_lines", "kept_order_notes"]', '["kept_order_notes", "kept_order_lines"]',
         "kept.parts[1]", "twin of `order_lines`", "in this order: order_lines, order_notes"),
    ],
)  # fmt: skip
def test_a_vault_that_can_be_none_is_refused_with_what_to_write(problems, old, new, key, found, write):
    shop = HEAD + ORDERS + KEPT + OTHER
    assert old in shop
    every = problems(policies=POLICY, shop=shop.replace(old, new))
    (problem,) = [each for each in every if each.key == f"datasets.{key}"]
    assert found in problem.found
    assert write in problem.write
