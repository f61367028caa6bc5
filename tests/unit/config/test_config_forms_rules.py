"""The forms of the whole rule language: what changes them, and what of it the ledger is told."""

from __future__ import annotations

import json

import pytest

from retention.config import difference, policy_body, policy_digest, resolved_body, resolved_form

POLICY = """
[policy]
timezone = "Europe/Oslo"
[events.asked]
by = ["email"]
[events.unused]
by = ["customer_id"]
[identifiers]
email = ["trim", "lower"]
[rules.orders]
promise = "p"
data = ["orders", "notes"]
where = "company = 'Anna AS'"
keep = "5 years"
from = "booked"
until = ["closed", "asked"]
at_most = "6 years"
defer_while = "size > 4142434"
within = "2 weeks"
yields_to = ["legal claims"]
basis = "contract"
needs = { accounts = ["name", "address"] }
action = "delete"
[[rules.orders.exceptions]]
when = "company = 'Bjarne GmbH'"
keep = "5 years 1 month"
[[rules.orders.exceptions]]
when = "size = 3"
keep = { period = "instructed" }
[rules.accounts]
promise = "p"
data = "accounts"
keep = "1 year"
from = "seen"
action = "delete"
[rules.erasure]
promise = "p"
data = "any"
upon = ["asked"]
yields_to = ["contract"]
action = "delete"
[rules.logs]
promise = "p"
data = "logs"
keep = "1 year"
from = "seen"
action = "delete"
"""
SHOP = """
type = "sql"
url = "env:URL"
[datasets.orders]
data    = "orders"
table   = "orders"
subject = { email = { column = "people.email", via = "buyer" } }
began   = "created_at"
events  = { booked = "a", closed = "b" }
facts   = { company = "company", size = { column = "sizes.n", via = "size_id" } }
periods = { instructed = { column = "t.days", unit = "days", between = ["1 day", "2 years"] } }
parts   = ["lines", { table = "address", shared = "stays" }]
[datasets.notes]
data    = "notes"
table   = "notes"
subject = { email = "email" }
began   = { column = "made", unit = "s" }
events  = { booked = "a", closed = "never" }
facts   = { company = "company", size = "size", open = "state = 'Carla'", x = { any = "t", where = "u = 'Dag'" } }
periods = { instructed = { column = "days", unit = "months", between = ["1 day", "2 years"] } }
[datasets.accounts]
data    = "accounts"
table   = "accounts"
subject = { email = "email", customer_id = "id" }
began   = "created_at"
events  = { seen = "seen" }
fields  = { name = ["first", "last"], address = ["street"] }
[datasets.logs]
data    = "logs"
table   = "logs"
subject = "none"
events  = { seen = "seen" }
"""


@pytest.fixture
def of(loaded):
    """`of(old, new)`: the configuration with one text replaced, in whichever file it stands."""

    def changed(old="", new=""):
        assert old in POLICY or old in SHOP
        return loaded(policies=POLICY.replace(old, new, 1), shop=SHOP.replace(old, new, 1))

    return changed


def forms(config):
    return {name: resolved_form(config, name) for name in config.policy.rules}


def changed(before, after):
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize(
    ("old", "new", "rules"),
    [
        # what a rule says is a change of it, and of those whose records it keeps: orders need accounts
        ("Anna AS", "Anne AS", {"orders", "erasure", "accounts"}),
        ('"5 years"', '"5 years 1 day"', {"orders", "erasure", "accounts"}),
        ('until = ["closed", "asked"]', 'until = ["closed"]', {"orders", "erasure", "accounts"}),
        ('at_most = "6 years"', 'at_most = "7 years"', {"orders", "erasure", "accounts"}),
        ("size > 4142434", "size > 42", {"orders", "erasure", "accounts"}),
        ('within = "2 weeks"\n', "", {"orders", "erasure", "accounts"}),
        ('yields_to = ["legal claims"]\n', "", {"orders"}),
        ('yields_to = ["legal claims"]', 'yields_to = ["contract"]', {"orders"}),
        ('basis = "contract"', 'basis = "consent"', {"orders", "erasure"}),
        ('["name", "address"]', '["name"]', {"orders", "accounts", "erasure"}),
        ("Bjarne", "Birger", {"orders", "erasure", "accounts"}),
        ("5 years 1 month", "5 years 2 months", {"orders", "erasure", "accounts"}),
        ('upon = ["asked"]', 'upon = ["asked"]\nwithin = "3 days"', {"erasure"}),
        ('yields_to = ["contract"]', 'yields_to = ["consent"]', {"erasure", "orders", "accounts", "logs"}),
        # told events
        ('[events.asked]\nby = ["email"]', '[events.asked]\nby = ["email", "customer_id"]', "all"),
        ('"trim", "lower"', '"trim"', "all"),
        ('[events.unused]\nby = ["customer_id"]', '[events.unused]\nby = ["email"]', set()),
        # what the datasets spell out
        ('via = "buyer"', 'via = "payer"', {"orders", "erasure", "accounts"}),
        ('began   = "created_at"', 'began = "born"', {"orders", "erasure", "accounts"}),
        ('company = "company"', 'company = "firm"', {"orders", "erasure", "accounts"}),
        ('via = "size_id"', 'via = "other"', {"orders", "erasure", "accounts"}),
        ('"1 day", "2 years"', '"2 days", "2 years"', {"orders", "erasure", "accounts"}),
        ("Carla", "Carl", {"orders", "erasure", "accounts"}),
        ("'Dag'", "'Dagny'", {"orders", "erasure", "accounts"}),
        (', shared = "stays"', "", {"orders", "erasure", "accounts"}),
        ('["first", "last"]', '["first"]', {"accounts", "erasure"}),
        ('customer_id = "id"', 'customer_id = "number"', "all"),  # a telling is carried over there
        ('seen = "seen" }\nfields', 'seen = "at" }\nfields', {"accounts", "erasure"}),
        ('"logs"\nsubject = "none"', '"logs"\nsubject = "none"\nallow_scan = true', {"logs", "erasure"}),
    ],
)
def test_a_change_is_one_of_every_rule_that_it_concerns(of, old, new, rules):
    before, after = of(), of(old, new)
    expected = set(before.policy.rules) if rules == "all" else set(rules)
    found = changed(forms(before), forms(after))
    assert found == expected
    assert policy_digest(before) != policy_digest(after)


def test_another_order_and_another_spelling_are_no_change(of):
    before = of()
    for old, new in [
        ('["orders", "notes"]', '["notes", "orders"]'),
        ('["closed", "asked"]', '["asked", "closed"]'),
        ('"6 years"', '"P72M"'),
        ('["name", "address"]', '["address", "name"]'),
        ('["first", "last"]', '["last", "first"]'),
        ('"1 day", "2 years"', '"1 day", "24 months"'),
        ('within = "2 weeks"', 'within = "14 days"'),
        ('upon = ["asked"]', 'upon = "asked"\nwithin = "1 month"'),
    ]:
        after = of(old, new)
        assert forms(after) == forms(before), old
        assert policy_digest(after) == policy_digest(before), old


def test_the_order_of_exceptions_is_a_change(of):
    first = '[[rules.orders.exceptions]]\nwhen = "company = \'Bjarne GmbH\'"\nkeep = "5 years 1 month"\n'
    second = '[[rules.orders.exceptions]]\nwhen = "size = 3"\nkeep = { period = "instructed" }\n'
    assert forms(of(first + second, second + first))["orders"] != forms(of())["orders"]


def test_the_form_of_a_rule_says_all_that_decides_about_its_records(of):
    body = json.loads(resolved_body(of(), "orders"))
    assert body["rule"]["exceptions"][1]["keep"] == {"period": "instructed"}
    assert body["rule"]["exceptions"][0]["needs"] == {"accounts": ["address", "name"]}
    assert (body["rule"]["data"], body["rule"]["at_most"]) == (["notes", "orders"], {"months": 72, "days": 0})
    assert set(body["beside"]) == {"erasure"}
    assert body["beside"]["erasure"]["upon"] == ["asked"]
    assert set(body["connectors"]["shop"]["datasets"]) == {"orders", "notes"}
    assert body["events"] == {"asked": ["email"]}
    assert body["identifiers"] == {"email": ["trim", "lower"]}
    assert set(body["carried"]) == {"shop.accounts"}


def test_a_rule_that_needs_fields_of_the_data_comes_with_its_own_datasets(of):
    body = json.loads(resolved_body(of(), "accounts"))
    assert set(body["beside"]) == {"orders", "erasure"}
    assert set(body["connectors"]["shop"]["datasets"]) == {"accounts", "orders", "notes"}


def test_a_rule_that_reaches_rows_of_the_same_table_is_beside_it(loaded):
    shop = SHOP.replace('table   = "logs"', 'table   = "logs"\nparts = ["Lines"]')
    body = json.loads(resolved_body(loaded(policies=POLICY, shop=shop), "logs"))
    assert set(body["beside"]) == {"orders", "erasure"}
    assert set(body["connectors"]["shop"]["datasets"]) == {"logs", "orders"}


def test_no_literal_of_any_condition_is_in_a_difference(of):
    literals = ("Anna", "4142434", "Bjarne", "Carla", "Dag")
    body = policy_body(of())
    assert all(text in body for text in literals)
    for key in (None, b"k" * 32):
        told = json.dumps(difference(None, body, key=key))
        assert not [text for text in literals if text in told]


def test_a_changed_exception_is_told_without_its_literals(of):
    before, after = policy_body(of()), policy_body(of("Bjarne", "Birger"))
    (entry,) = difference(before, after, key=b"k" * 32)
    assert entry["path"] == "rules.orders.exceptions"
    assert entry["old"][0]["when"] != entry["new"][0]["when"]
    assert entry["new"][0]["keep"] == {"months": 60 + 1, "days": 0}
    assert "jarne" not in json.dumps(entry)


def test_bodies_have_no_float_and_are_canonical(of):
    config = of()

    def no_float(text):
        raise AssertionError(text)

    for body in (policy_body(config), *(resolved_body(config, name) for name in config.policy.rules)):
        parsed = json.loads(body, parse_float=no_float)
        assert body == json.dumps(parsed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
