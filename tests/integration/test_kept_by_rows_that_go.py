"""People whom a law keeps as long as there are bills, where one run removes the bills, and then comes to the people."""

from __future__ import annotations

import pytest

from retention.verbs.running import execution
from tests.support.workplace import Workplace

DATASETS = """
[datasets.people]
data = "people"
table = "people"
subject = { person = "id" }
events = { created = "created", closed = "closed", billed = "bills.issued" }
facts = { has_closed = "closed IS NOT NULL", invoiced = { any = "bills" } }
fields = { name = "name" }
anonymize = { name = "redact", phone = "null" }

[datasets.bills]
data = "bills"
table = "bills"
subject = { person = "person_id" }
events = { issued = "issued" }
"""
TAX = """
basis = "legal obligation"
data = "people"
where = "invoiced"
keep = "5 years"
from = "billed"
action = "delete"
needs = { people = ["name"] }
"""
BILLS = 'data = "bills"\nkeep = "1 year"\nfrom = "issued"\naction = "delete"'
PROFILE = 'data = "people"\nkeep = "2 years"\nfrom = "created"\naction = "delete"'
CLOSED = 'data = "people"\nwhere = "has_closed"\nuntil = ["closed"]\naction = "delete"'


@pytest.fixture
def shop(work: Workplace, store) -> Workplace:
    """All have a bill, of two years ago; 1 and 2 have closed their accounts."""
    store.script(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20), phone VARCHAR(20), created DATE, closed DATE);"
        "CREATE TABLE bills (id INTEGER PRIMARY KEY, person_id INTEGER, issued DATE,"
        " FOREIGN KEY (person_id) REFERENCES people (id));"
        "CREATE INDEX of_person ON bills (person_id);"
        "INSERT INTO people VALUES (1, 'A', '1', '2015-01-01', '2016-06-01'),"
        " (2, 'B', '2', '2015-01-01', '2016-06-01'), (3, 'C', '3', '2015-01-01', NULL);"
        "INSERT INTO bills VALUES (1, 1, '2024-01-01'), (2, 2, '2024-01-01'), (3, 3, '2024-01-01')"
    )
    work.store = store
    work.connect(store, DATASETS)
    work.rule("tax", TAX)
    work.rule("bills", BILLS)
    return work


def people(shop: Workplace) -> list[tuple[int, str, str | None]]:
    return [tuple(row) for row in shop.store.rows("SELECT id, name, phone FROM people ORDER BY id")]


def test_whom_a_law_kept_from_another_rule_is_rewritten_as_planned(shop: Workplace) -> None:
    """With their bills gone 1 and 2 seemed the other rule's, and were left; 3 was rewritten thrice, in their place."""
    shop.rule("profile", PROFILE + '\notherwise = ["pseudonymize"]')
    shop.rule("closed", CLOSED)
    shop.init()
    assert (shop.job("profile").due, shop.job("closed").due) == (3, 0)

    outcome = shop.run()

    (profile,) = (job for job in outcome.jobs if job.rule == "profile")
    assert (profile.planned, profile.done, profile.left, profile.batches) == (3, 3, 0, 1)
    assert people(shop) == [(1, "A", None), (2, "B", None), (3, "C", None)]


def test_whom_a_law_kept_from_a_later_rule_goes_by_the_one_that_was_planned(shop: Workplace) -> None:
    """With their bills gone another rule could act on 1 and 2, that ended later: they waited for the next run."""
    shop.rule("profile", PROFILE)
    shop.rule("closed", CLOSED + '\nyields_to = ["contract"]')
    shop.init()
    assert (shop.job("profile").due, shop.job("closed").due) == (0, 2)

    outcome = shop.run()

    (closed,) = (job for job in outcome.jobs if job.rule == "closed")
    assert (closed.planned, closed.done, closed.left) == (2, 2, 0)
    assert people(shop) == [(3, "C", "3")]


def test_what_was_rewritten_is_not_taken_again_for_a_column_that_was_needed(
    shop: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another that was planned gets a date meanwhile by which it stays: 3 was taken in its place, once more."""
    shop.rule("profile", PROFILE + '\notherwise = ["pseudonymize"]')
    shop.init()
    assert shop.job("profile").due == 3
    remember = execution.remember

    def meanwhile(*given):
        found = remember(*given)
        shop.store.script("UPDATE people SET created = '2026-01-01' WHERE id = 1")
        return found

    monkeypatch.setattr(execution, "remember", meanwhile)
    outcome = shop.run()

    (profile,) = (job for job in outcome.jobs if job.rule == "profile")
    assert (profile.planned, profile.done, profile.left) == (3, 2, 0)
    assert people(shop) == [(1, "A", "1"), (2, "B", None), (3, "C", None)]
