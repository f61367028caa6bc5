"""Two slices of one row that have a column in common: it is rewritten once, and so the plan counts it."""

from __future__ import annotations

import pytest

from tests.support.workplace import Workplace

DATASETS = """
[datasets.buyers]
data = "buyers"
table = "firms"
events = {{ bought = "bought" }}
columns = ["name"]
anonymize = {{ name = "redact" }}

[datasets.sellers]
data = "sellers"
table = "firms"
events = {{ sold = "sold" }}
columns = {columns}
anonymize = {{ {strategies} }}
"""
RULE = 'data = "{0}"\nkeep = "1 year"\nfrom = "{1}"\naction = "pseudonymize"'


@pytest.fixture
def shop(work: Workplace, store) -> Workplace:
    """1 has bought last, 2 has sold last, 3 buys still, and 4 sells still."""
    store.script(
        "CREATE TABLE firms (id INTEGER PRIMARY KEY, name VARCHAR(20), phone VARCHAR(20), bought DATE, sold DATE);"
        "INSERT INTO firms VALUES (1, 'A', '1', '2016-06-01', '2015-01-01'), (2, 'B', '2', '2015-01-01', '2016-06-01'),"
        " (3, 'C', '3', '2026-06-01', '2015-01-01'), (4, 'D', '4', '2015-01-01', '2026-06-01')"
    )
    work.store = store
    work.rule("selling", RULE.format("sellers", "sold"))
    work.rule("buying", RULE.format("buyers", "bought"))
    return work


def connected(shop: Workplace, *columns: str) -> None:
    strategies = {"name": 'name = "redact"', "phone": 'phone = "null"'}
    shop.connect(
        shop.store,
        DATASETS.format(columns=list(columns), strategies=", ".join(strategies[each] for each in columns)),
    )
    shop.init()


def done(shop: Workplace) -> dict[str, tuple[int, int]]:
    """(planned, done) of each rule's job."""
    return {job.rule: (job.planned, job.done) for job in shop.run().jobs}


def test_the_rule_that_ended_last_rewrites_a_column_that_two_slices_have(shop: Workplace) -> None:
    """Both had it planned, and the second found it done: planned 188, done 64, left 0."""
    connected(shop, "name")
    assert shop.each("selling") == {"1": "elsewhere", "2": "due", "3": "retained", "4": "not_due"}
    assert shop.each("buying") == {"1": "due", "2": "elsewhere", "3": "not_due", "4": "retained"}
    assert done(shop) == {"selling": (1, 1), "buying": (1, 1)}
    names = [name for (name,) in shop.store.rows("SELECT name FROM firms ORDER BY id")]
    assert names == ["[redacted]", "[redacted]", "C", "D"]
    assert (shop.fates("selling")["done"], shop.fates("buying")["done"]) == (2, 2)


def test_a_slice_goes_with_one_of_which_more_is_rewritten(shop: Workplace) -> None:
    connected(shop, "name", "phone")
    assert shop.each("selling") == {"1": "due", "2": "due", "3": "due", "4": "not_due"}
    assert shop.each("buying") == {"1": "elsewhere", "2": "elsewhere", "3": "not_due", "4": "retained"}
    assert shop.explain("db.buyers", "1").rules[0].fate == "elsewhere"
    assert done(shop) == {"selling": (3, 3), "buying": (0, 0)}
    assert shop.fates("buying")["done"] == 2
    assert shop.store.rows("SELECT name, phone FROM firms WHERE id = 3") == [("C", None)]


THIRD = """
[datasets.callers]
data = "callers"
table = "firms"
events = {{ called = "sold" }}
columns = {columns}
anonymize = {{ {strategies} }}
"""


@pytest.mark.parametrize(("columns", "code"), [(("name", "street"), 0), (("phone", "street"), 3)])
def test_a_slice_that_two_others_have_between_them_is_refused(
    shop: Workplace, columns: tuple[str, ...], code: int
) -> None:
    """Buyers have the name, sellers the name and the phone: if callers have the phone, the two others may leave
    nothing of what was planned of sellers. A column that all three have is none's alone."""
    shop.store.script("ALTER TABLE firms ADD COLUMN street VARCHAR(20)")
    strategies = {"name": 'name = "redact"', "phone": 'phone = "null"', "street": 'street = "null"'}
    shop.rule("calling", RULE.format("callers", "called"))
    third = THIRD.format(columns=list(columns), strategies=", ".join(strategies[each] for each in columns))
    second = DATASETS.format(columns=["name", "phone"], strategies='name = "redact", phone = "null"')
    shop.connect(shop.store, second + third)
    shop.init()

    result = shop.cli("check")

    said = " ".join(result.output.split())
    found = (
        "datasets.sellers.columns found `name` is a column of `db.buyers` too, and `phone` of `db.callers`"
    )
    assert (result.exit_code, found in said) == (code, code == 3), result.output
    assert ("let a slice share columns with one other alone" in said) == (code == 3)
