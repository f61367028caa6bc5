"""The web store's clauses, kept for a year: orders, accounts, support, marketing, the log of consents."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from retention.demo.store import desk, lines
from tests.support.companies import DATABASES, Life, lived

COLUMNS = {
    "store.orders": "reference",
    "store.customers": "name",
    "desk.tickets": "subject",
    "desk.readers": "name",
    "desk.consents": "cookie",
}


def in_the_first_month(life: Life) -> None:
    """Somebody unsubscribes and subscribes again; a dispute is settled; the books of one order are looked at."""
    life.stores["desk"].script(
        "UPDATE readers SET unsubscribed_at = '2026-12-01 10:00:00', subscribed_at = '2026-12-02 10:00:00'"
        f" WHERE name = '{desk.AGAIN}';"
        f"UPDATE tickets SET disputed = FALSE WHERE subject = '{desk.SETTLED}'"
    )
    life.told["mails"] = dict(life.stores["store"].rows("SELECT name, email FROM customers"))
    key = life.key("store.orders", "BOOKED 1 JAN, FIRST DAY THAT STAYS")
    life.says("hold", "add", "--key", "store.orders", key, "--reason", "audit")


def in_the_year(life: Life) -> None:
    """They unsubscribe again."""
    life.stores["desk"].script(
        f"UPDATE readers SET unsubscribed_at = '2027-03-01 10:00:00' WHERE name = '{desk.AGAIN}'"
    )


@pytest.fixture(scope="module", params=DATABASES)
def life(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    between = {"first": in_the_first_month, "month": in_the_year}
    with lived("store", request.param, tmp_path_factory, COLUMNS, between) as life:
        yield life


def test_st1_orders_go_after_the_fifth_accounting_year_unless_held(life: Life) -> None:
    orders = life.seen
    assert lines.DUE_ORDER in orders["built"]["store.orders"] - orders["first"]["store.orders"]
    later = "ORDERED 31 DEC, INVOICED 2 JAN: STAYS"
    assert later in orders["month"]["store.orders"] - orders["year"]["store.orders"]
    assert "BOOKED 1 JAN, FIRST DAY THAT STAYS" in orders["year"]["store.orders"]
    assert life.planned("year", "orders", "store.orders", "held") == 1
    assert lines.UNDATED_ORDER in orders["year"]["store.orders"]
    assert life.logged("orders") == sum(life.done(day, "orders") for day in life.runs)


def test_st2_accounts_go_after_two_years_or_are_pseudonyms_while_an_order_stays(life: Life) -> None:
    customers = life.seen
    assert "Inactive since the last day that is due" not in customers["first"]["store.customers"]
    first_day = "Inactive since the first day that stays"
    assert first_day in customers["first"]["store.customers"] - customers["month"]["store.customers"]
    assert lines.KEPT_ACCOUNT in customers["month"]["store.customers"]
    assert life.told["mails"][lines.KEPT_ACCOUNT].startswith("rh1-")
    assert life.told["mails"]["Logged in yesterday: stays"] == "regular@example.com"


def test_st3_support_requests_twelve_to_thirty_six_months(life: Life) -> None:
    life.keeps_its_word("desk.tickets", least=5)
    tickets = life.seen
    assert "Disputed, two years ago: stays" in tickets["month"]["desk.tickets"]
    assert desk.SETTLED in tickets["first"]["desk.tickets"] - tickets["month"]["desk.tickets"]
    assert life.planned("first", "support", "desk.tickets", "deferred") >= 4
    assert "A message without a date: unclear" in tickets["year"]["desk.tickets"]


def test_st4_marketing_until_it_is_turned_off_and_anew_for_who_comes_back(life: Life) -> None:
    life.keeps_its_word("desk.readers", least=5)
    life.stay("desk.readers", "stays")
    assert desk.AGAIN in life.seen["month"]["desk.readers"] - life.seen["year"]["desk.readers"]


def test_st5_consents_twelve_to_twenty_four_months_after_they_ended(life: Life) -> None:
    life.keeps_its_word("desk.consents", least=5)
    life.stay("desk.consents", "stays")
    assert life.logged("consents") == sum(life.done(day, "consents") for day in life.runs)


def test_the_store_kept_its_word_for_a_year_and_its_ledger_names_nobody(life: Life) -> None:
    life.all_is_well(nameless=("@example.com",))
