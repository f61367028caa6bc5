"""The systems company's clauses, kept for a year: marketing, profiles, obligations, analytics, requests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from retention.demo.people import mail
from retention.demo.quotes import named as n
from tests.support.companies import DATABASES, Life, lived

COLUMNS = {
    "sales.contacts": "name",
    "sales.contacts_apart": "name",
    "sales.deals": "buyer",
    "site.visitors": "cookie",
    "site.visitors_apart": "cookie",
    "site.visits": "cookie",
    "site.incidents": "cookie",
    "site.requests": "name",
}


def in_the_first_month(life: Life) -> None:
    """A refusal of an objection, objections, a request for erasure and one for restriction."""
    key = life.key("site.incidents", n.OBJECTOR)
    life.says("hold", "add", "--key", "site.incidents", key, "--reason", "safety")
    life.says("event", "add", "objected", "--subject", f"visitor={n.OBJECTOR}", "--yes")
    for name, event in (
        (n.WILL_OBJECT, "objected"),
        (n.WILL_BE_ERASED, "erasure_requested"),
        (n.WILL_BE_RESTRICTED, "restriction_requested"),
        (n.BUYER, "erasure_requested"),
    ):
        life.says("event", "add", event, "--subject", f"email= {mail(name).upper()}", "--yes")
    life.stores["sales"].script(
        "UPDATE contacts SET opted_out_at = '2026-12-01 10:00:00', subscribed_at = '2026-12-02 10:00:00'"
        f" WHERE name = '{n.AGAIN}'"
    )
    life.fate("sales.deals", life.key("sales.deals", n.BUYER), "first")


def in_the_year(life: Life) -> None:
    """The hold on what the company refused to forget is released; somebody opts out again."""
    life.fate("site.incidents", life.key("site.incidents", n.OBJECTOR), "month")
    (hold,) = life.says("hold", "list")["holds"]
    life.says("hold", "release", str(hold["id"]), "--reason", "settled")
    life.stores["sales"].script(
        f"UPDATE contacts SET opted_out_at = '2027-03-01 10:00:00' WHERE name = '{n.AGAIN}'"
    )


@pytest.fixture(scope="module", params=DATABASES)
def life(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    between = {"first": in_the_first_month, "month": in_the_year}
    with lived("quotes", request.param, tmp_path_factory, COLUMNS, between) as life:
        yield life


def test_qu1_opted_out_is_gone_or_apart_for_three_years(life: Life) -> None:
    life.keeps_its_word("sales.contacts")
    life.stay("sales.contacts", "stays", "unclear")
    life.keeps_its_word("sales.contacts_apart")
    apart = {name for name in life.seen["built"]["sales.contacts"] if name.endswith(": apart")}
    assert len(apart) == 2
    assert apart <= life.seen["first"]["sales.contacts_apart"]
    assert not apart & life.seen["first"]["sales.contacts"]
    assert apart <= life.seen["year"]["sales.contacts_apart"]
    assert n.AGAIN in life.seen["month"]["sales.contacts"] - life.seen["year"]["sales.contacts"]
    assert life.done("first", "marketing") > 30
    assert life.planned("first", "marketing", "sales.contacts", "unclear") == 1
    assert life.logged("marketing") == sum(life.done(day, "marketing") for day in life.runs)


def test_qu2_profiles_go_with_the_consent_and_customers_go_apart(life: Life) -> None:
    kept = dict(life.stores["site"].rows("SELECT cookie, segment FROM visitors WHERE cookie LIKE 'V %'"))
    emptied = {name for name, segment in kept.items() if segment is None}
    assert emptied == {name for name in kept if name.rpartition(": ")[2].startswith("emptied")}
    assert n.MOVED in life.seen["first"]["site.visitors_apart"] - life.seen["first"]["site.visitors"]
    apart = dict(
        life.stores["site"].rows("SELECT cookie, segment FROM visitors_apart WHERE cookie LIKE 'apart%'")
    )
    assert {name for name, segment in apart.items() if segment is None} == {
        name for name in apart if not name.endswith("stays")
    }
    assert [life.done(day, "profiles-apart") for day in life.runs] == [1, 1, 1]
    assert life.logged("profiles") > 10


def test_qu3_a_deal_stays_as_long_as_the_longest_obligation(life: Life) -> None:
    life.keeps_its_word("sales.deals", least=9)
    life.stay("sales.deals", "stays", "undated")
    for rule in ("deals", "deals-of-devices", "deals-invoiced"):
        assert life.done("first", rule) >= 1
        assert life.logged(rule) >= 3


def test_qu4_analytics_fourteen_months_or_until_an_objection(life: Life) -> None:
    life.keeps_its_word("site.visits")
    life.stay("site.visits", "stays", "unclear")
    life.keeps_its_word("site.incidents", least=2)
    assert n.OBJECTOR in life.seen["first"]["site.visits"] - life.seen["month"]["site.visits"]
    assert n.OBJECTOR in life.seen["month"]["site.incidents"] - life.seen["year"]["site.incidents"]
    assert life.fated("month: site.incidents")["misuse"] == "held"


def test_qu5_erased_restricted_or_let_alone_on_request(life: Life) -> None:
    """What a law needs stays, and explain says which rule needs it."""
    contacts, apart = life.seen["month"]["sales.contacts"], life.seen["month"]["sales.contacts_apart"]
    assert not contacts & {n.WILL_OBJECT, n.WILL_BE_ERASED, n.WILL_BE_RESTRICTED}
    assert n.WILL_BE_RESTRICTED in apart
    assert not apart & {n.WILL_OBJECT, n.WILL_BE_ERASED}
    assert life.done("month", "erasure", "sales.contacts") == 1
    assert life.done("month", "restriction", "sales.contacts") == 1
    assert n.BUYER in life.seen["year"]["sales.deals"]
    assert life.planned("year", "erasure", "sales.deals", "retained") == 1
    fates = life.fated("first: sales.deals")
    assert (fates["erasure"], fates["deals-invoiced"]) == ("retained", "not_due")
    assert life.refused("erasure/sales/deals") == {("deals-invoiced", "legal obligation", 1)}


def test_qu6_requests_until_answered_and_six_months(life: Life) -> None:
    life.keeps_its_word("site.requests")
    life.stay("site.requests", "undated")
    assert life.logged("requests") >= 3


def test_the_company_kept_its_word_for_a_year_and_its_ledger_names_nobody(life: Life) -> None:
    life.all_is_well(nameless=("@example.com", n.OBJECTOR))
    assert {"hold.placed", "hold.released", "event.told"} <= {event["type"] for event in life.events}
