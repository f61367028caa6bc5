"""What counts as a change of the policy and of a rule, and what of it the ledger is told."""

from __future__ import annotations

import json

import pytest

from retention.config import difference, policy_body, policy_digest, resolved_body, resolved_form

SECOND = """
[rules.tax]
promise = "p"
data = "orders"
keep = "7 years"
from = "booked"
starts = "after fiscal year"
action = "delete"
"""


def test_a_rule_without_the_newer_keys_has_the_form_that_it_always_had(loaded, policy_text):
    """Approvals of before there were conditions, exceptions and told events stay good."""
    config = loaded(policies=policy_text + SECOND)
    assert policy_digest(config) == "0371007ce87260377fd01dce68d2e463bcb46e3c206c9a10cd15270d5b081a2a"
    assert [resolved_form(config, name) for name in config.policy.rules] == [
        "0f4c54398b8f11216a683d93230fca0217988594b8412371594da18328001f4c",
        "53268fbac8a2d7b187993c2c25ac304da679df9277f96d5dacc6648f706bc861",
        "d27c0e119c4cb9fa5720e044543746a675a0aff91c87e71903c67405c5c86ca7",
        "d6d8c2b82623d976e83392a3bd78da82913854734ce8adb9cc8bff3431a04cbc",
    ]


def test_comments_order_and_spacing_are_no_change(loaded, policy_text, shop_text):
    config = loaded()
    before = policy_digest(config), resolved_form(config, "orders")
    head, orders, rest = policy_text.partition("[rules.orders]")
    orders_table, accounts, others = rest.partition("[rules.inactive-accounts]")
    moved = head + accounts + others + "# the law\n" + orders + "\n".join(reversed(orders_table.splitlines()))
    shop = shop_text.replace("    ", " ").replace(
        '["created_at", "invoiced_at", "credit_notes.issued_at"]',
        '["credit_notes.issued_at", "created_at",\n"invoiced_at"]',
    )
    after = loaded(policies=moved, shop=shop)
    assert (policy_digest(after), resolved_form(after, "orders")) == before


def test_another_spelling_of_the_same_is_no_change(loaded, policy_text):
    before = resolved_form(loaded(), "orders")
    text = policy_text.replace('"5 years"', '"P60M"').replace('share = "25%"', "share = 0.250")
    assert resolved_form(loaded(policies=text), "orders") == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("policies", '"5 years"', '"6 years"'),
        ("policies", '"after fiscal year"', '"after month"'),
        ("policies", '"12-31"', '"06-30"'),
        ("policies", '"Europe/Oslo"', '"Europe/Paris"'),
        ("policies", '"0 2 * * *"', '"0 3 * * *"'),
        ("policies", 'approval        = "changes"', 'approval = "never"'),
        ("policies", "1_000_000", "999_999"),
        ("policies", '"25%"', '"26%"'),
        ("policies", "§ 13", "§ 14"),
        ("shop", '"invoiced_at", ', ""),
        ("shop", '"order_lines", ', ""),
        ("shop", "'draft'", "'drafts'"),
        ("shop", 'via = "order_id"', 'via = "parcel_id"'),
        ("shop", 'table   = "orders"', 'table = "order"'),
        ("shop", 'timezone = "Europe/Oslo"', 'timezone = "Europe/Paris"'),
        ("shop", 'timezone = "Europe/Oslo"\n', ""),
        ("shop", 'data    = "orders"', 'data = "orders"\nallow_scan = true'),
        ("shop", 'data    = "orders"', 'data = "orders"\nkey = ["id", "line"]'),
        ("shop", 'subject = { customer_id = "customer_id" }', 'subject = { customer_id = "buyer" }'),
    ],
)
def test_whatever_changes_what_a_rule_does_changes_its_form_in_whichever_file(
    loaded, policy_text, shop_text, file, old, new
):
    texts = {"policies": policy_text, "shop": shop_text}
    config = loaded()
    before = resolved_form(config, "orders"), policy_digest(config)
    assert old in texts[file]
    changed = loaded(**{file: texts[file].replace(old, new, 1)})
    assert resolved_form(changed, "orders") != before[0]
    assert policy_digest(changed) != before[1]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("policies", '"24 months"', '"23 months"'),
        ("policies", '"Web store"', '"Shop"'),
        ("shop", '"sales.customers"', '"sales.people"'),
        ("shop", "env:SHOP_DATABASE_URL", "env:SHOP_URL"),
        ("shop", '"500 ms"', '"100 ms"'),
    ],
)
def test_what_does_not_concern_a_rule_changes_the_policy_and_not_its_form(
    loaded, policy_text, shop_text, file, old, new
):
    texts = {"policies": policy_text, "shop": shop_text}
    config = loaded()
    before = resolved_form(config, "orders"), policy_digest(config)
    changed = loaded(**{file: texts[file].replace(old, new, 1)})
    assert resolved_form(changed, "orders") == before[0]
    assert policy_digest(changed) != before[1]


def test_a_connector_that_comes_to_carry_the_data_changes_the_form(loaded, shop_text):
    before = resolved_form(loaded(), "orders")
    assert resolved_form(loaded(other={"connectors/crm.toml": shop_text}), "orders") != before


def test_a_longer_rule_on_the_same_data_that_is_shortened_or_dropped_changes_the_form(loaded, policy_text):
    with_tax = resolved_form(loaded(policies=policy_text + SECOND), "orders")
    shorter = resolved_form(loaded(policies=policy_text + SECOND.replace("7 years", "6 years")), "orders")
    without = resolved_form(loaded(policies=policy_text), "orders")
    assert len({with_tax, shorter, without}) == 3
    promised = resolved_form(loaded(policies=policy_text + SECOND.replace('"p"', '"q"')), "orders")
    assert promised == with_tax


def test_the_settings_are_no_part_of_the_policy(loaded):
    before = policy_digest(loaded())
    assert policy_digest(loaded(other={"retention.toml": 'state = "sqlite:///other.db"'})) == before


def test_bodies_are_canonical_json_without_floats_and_without_secrets(loaded, shop_text):
    shop = shop_text.replace("url      =", 'password = "file:secret"\nurl =')
    config = loaded(shop=shop, other={"secret": "hunter2"}, environ={"SHOP_DATABASE_URL": "hunter2"})
    for body in (policy_body(config), resolved_body(config, "orders")):
        assert "hunter2" not in body

        def no_float(text):
            raise AssertionError(text)

        parsed = json.loads(body, parse_float=no_float)
        assert body == json.dumps(parsed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert '"password":"file:secret"' in policy_body(config)
    assert '"url":"env:SHOP_DATABASE_URL"' in policy_body(config)


def test_a_rule_that_is_not_there_has_no_form(loaded):
    with pytest.raises(KeyError):
        resolved_form(loaded(), "nobody")


def test_a_difference_names_each_change_by_its_path(loaded, policy_text, shop_text):
    before = policy_body(loaded())
    policies = policy_text.replace('"5 years"', '"6 years"').replace('approval  = "always"\n', "")
    shop = shop_text.replace('"order_lines", ', "")
    after = policy_body(loaded(policies=policies, shop=shop))
    assert difference(before, after) == [
        {
            "path": "connectors.shop.datasets.orders.parts",
            "old": [{"table": ["order_lines"]}, {"table": ["shipments"], "via": "order_id"}],
            "new": [{"table": ["shipments"], "via": "order_id"}],
        },
        {"path": "rules.inactive-accounts.approval", "old": "always", "new": "changes"},
        {"path": "rules.orders.keep.months", "old": 60, "new": 72},
    ]
    assert difference(before, before) == []


def test_what_comes_and_what_goes_is_in_the_difference(loaded, policy_text):
    one, two = policy_body(loaded()), policy_body(loaded(policies=policy_text + SECOND))
    came = {entry["path"]: entry for entry in difference(one, two)}
    assert came["rules.tax.data"] == {"path": "rules.tax.data", "old": None, "new": "orders"}
    assert all(entry["new"] is None for entry in difference(two, one))
    assert {entry["path"] for entry in difference(None, two)} >= set(came)


def test_no_literal_of_a_condition_is_in_a_difference(loaded, shop_text):
    before = policy_body(loaded())
    after = policy_body(loaded(shop=shop_text.replace("'draft'", "'anna@example.com'")))
    for key in (None, b"k" * 32):
        (entry,) = difference(before, after, key=key)
        assert entry["path"] == "connectors.shop.datasets.orders.where"
        kind = "sha256" if key is None else "hmac-sha256"
        assert entry["old"].startswith(f"{kind}:")
        assert entry["old"] != entry["new"]
        assert len(entry["new"]) == len(kind) + 1 + 64
        assert "anna" not in json.dumps(difference(None, after, key=key))
        assert "draft" not in json.dumps(difference(None, before, key=key))
    assert difference(before, after) != difference(before, after, key=b"k" * 32)
