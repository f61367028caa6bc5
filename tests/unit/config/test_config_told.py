"""Told events: their declaration, how identifiers are compared, and what they want of the datasets."""

from __future__ import annotations

import pytest

from retention.model.policy import ToldEvent

POLICY = """
[policy]
timezone = "Europe/Oslo"
[events.asked]
by = ["email", "customer_id"]
[identifiers]
email = ["trim", "lower"]
[rules.erasure]
promise = "p"
data = "any"
upon = "asked"
action = "delete"
"""
SHOP = """
type = "sql"
url = "env:URL"
[datasets.orders]
data    = "orders"
table   = "orders"
subject = { customer_id = "customer_id" }
began   = "created_at"
[datasets.accounts]
data    = "accounts"
table   = "accounts"
subject = { email = "email" }
began   = "created_at"
[datasets.people]
data    = "people"
table   = "people"
subject = { email = "mail", customer_id = "number" }
began   = "created_at"
[datasets.logs]
data    = "logs"
table   = "logs"
subject = "none"
"""


def test_told_events_and_identifiers_are_read(loaded):
    policy = loaded(policies=POLICY, shop=SHOP).policy
    assert policy.told == {"asked": ToldEvent(name="asked", by=("email", "customer_id"))}
    assert policy.identifiers == {"email": ("trim", "lower")}
    assert policy.rules["erasure"].events == ("asked",)


@pytest.mark.parametrize(
    ("old", "new", "key", "found", "write"),
    [
        ('by = ["email", "customer_id"]', "", "events.asked.by", "is missing", "email"),
        ('by = ["email", "customer_id"]', "by = []", "events.asked.by", "empty list", "by ="),
        ('by = ["email", "customer_id"]', 'by = "email"', "events.asked.by", "email", "by ="),
        ('"email", "customer_id"', '"email", "email"', "events.asked.by[2]", "twice", "take one"),
        (
            '"email", "customer_id"',
            '"email", "custmer_id"',
            "events.asked.by[2]",
            "no dataset",
            '"customer_id"',
        ),
        ('"email", "customer_id"', '"e mail", "email"', "events.asked.by[1]", "e mail", "letters"),
        ('"email", "customer_id"', "5", "events.asked.by[1]", "is 5", "quotes"),
        ("by =", "bye =", "events.asked.bye", "not a known key", "`by`"),
        ("[events.asked]\nby =", "[events]\nasked =", "events.asked", "a list", "[events.asked]"),
        ("[events.asked]", "[events.'as ked']", 'events."as ked"', "as ked", "letters"),
        ("[events.asked]", "[events.none]", "events.none", "no event", "otherwise"),
        ('["trim", "lower"]', '["trim", "lowr"]', "identifiers.email[2]", "lowr", '"lower"'),
        ('["trim", "lower"]', '["upper"]', "identifiers.email[1]", "upper", "lower"),
        ('["trim", "lower"]', '["trim", "trim"]', "identifiers.email[2]", "twice", "take one"),
        ('["trim", "lower"]', "[]", "identifiers.email", "empty list", "trim"),
        ('["trim", "lower"]', '"trim"', "identifiers.email", "trim", "list of steps"),
        ('["trim", "lower"]', "true", "identifiers.email", "is true", "list of steps"),
        ('\nemail = ["trim", "lower"]', "", "identifiers", "empty table", "take it out"),
        ("email = [", "emial = [", "identifiers.emial", "no dataset", '"email"'),
        ('upon = "asked"', 'upon = "asekd"', "rules.erasure.upon", "spelt out by no dataset", '"asked"'),
    ],
)
def test_a_mistake_is_named_with_what_to_write_instead(problems, old, new, key, found, write):
    assert old in POLICY
    text = POLICY.replace(old, new, 1)
    (problem,) = [p for p in problems(policies=text, shop=SHOP) if p.key == key]
    assert problem.file == "policies.toml"
    assert found in problem.found
    assert write in problem.write


@pytest.mark.parametrize(
    ("old", "new", "key", "found", "write"),
    [
        ('subject = { email = "email" }\n', "", "accounts.subject", "is missing", '"none"'),
        ("{ email =", "{ phone =", "accounts.subject", "none of the kinds", "[events.asked]"),
        (
            'subject = { email = "email" }\nbegan   = "created_at"',
            'subject = { email = "email" }',
            "accounts.began",
            "told before a record began",
            "created_at",
        ),
        (
            'table   = "logs"',
            'table = "logs"\nevents = { asked = "a" }',
            "logs.events.asked",
            "told event",
            "one",
        ),
    ],
)
def test_each_dataset_says_whom_its_records_are_about_and_since_when(problems, old, new, key, found, write):
    assert old in SHOP
    (problem,) = problems(policies=POLICY, shop=SHOP.replace(old, new, 1))
    assert (problem.file, problem.key) == ("connectors/shop.toml", f"datasets.{key}")
    assert found in problem.found
    assert write in problem.write


@pytest.mark.parametrize("key", ["until", "upon", "from"])
def test_a_told_event_wants_the_same_wherever_a_rule_or_its_exception_names_it(problems, key):
    lines = {
        "until": 'until = ["asked"]',
        "upon": 'upon = ["asked"]',
        "from": 'from = "asked"\nkeep = "1 year"',
    }[key]
    shop = SHOP.replace('subject = { customer_id = "customer_id" }\n', "").replace("subject = { email", "# ")
    policy = POLICY.replace('upon = "asked"', lines).replace('"any"', '"orders"')
    keys = [p.key for p in problems(policies=policy, shop=shop)]
    assert keys.count("datasets.orders.subject") == 1
    assert "datasets.accounts.subject" not in keys


def test_a_dataset_that_no_such_rule_reaches_needs_neither(loaded):
    shop = SHOP + '[datasets.bare]\ndata = "bare"\ntable = "bare"\n'
    assert loaded(policies=POLICY.replace('"any"', '["orders", "accounts"]'), shop=shop)


def test_two_rules_that_want_the_same_of_a_dataset_say_it_once(problems):
    second = POLICY.partition("[rules.erasure]")[2].replace('"any"', '"accounts"')
    shop = SHOP.replace('subject = { email = "email" }\n', "")
    found = problems(policies=f"{POLICY}[rules.again]{second}", shop=shop)
    assert [p.key for p in found] == ["datasets.accounts.subject"]


def test_a_rule_on_any_data_reaches_every_connector(problems):
    crm = 'type="sql"\nurl="env:U"\n[datasets.people]\ndata="people"\ntable="persons"\n'
    found = problems(policies=POLICY, shop=SHOP, other={"connectors/crm.toml": crm})
    assert {(p.file, p.key) for p in found} == {
        ("connectors/crm.toml", "datasets.people.subject"),
        ("connectors/crm.toml", "datasets.people.began"),
    }


def test_a_tenants_period_that_counts_from_what_is_told_is_refused(problems):
    """The plan ended with an AssertionError as soon as somebody told the event."""
    policy = POLICY.replace('upon = "asked"', 'keep = { period = "instructed" }\nfrom = "asked"')
    policy = policy.replace('data = "any"', 'data = "people"')
    shop = SHOP + (
        '[datasets.people.periods.instructed]\ncolumn = "days"\nunit = "days"\nbetween = ["1 day", "2 years"]\n'
    )
    (problem,) = problems(policies=policy, shop=shop)
    assert problem.key == "rules.erasure.keep"
    assert "not supported yet" in problem.found
    assert "an event that the datasets spell out" in problem.write


@pytest.mark.parametrize("events", ['events = { booked = "created_at" }', ""])
def test_what_a_rule_demands_upon_may_be_an_event_that_nobody_has_declared_yet(problems, events):
    """`add asked = "COLUMN" to the events`, of a request that no column holds."""
    text = POLICY.replace('[events.asked]\nby = ["email", "customer_id"]\n', "")
    text = text.replace('[identifiers]\nemail = ["trim", "lower"]\n', "").replace('"any"', '"orders"')
    shop = SHOP.replace('table   = "orders"', f'table   = "orders"\n{events}')
    (problem,) = problems(policies=text, shop=shop)
    assert 'or, where people tell it, declare [events.asked] with by = ["email"]' in problem.write
