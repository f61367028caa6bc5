"""The communications group's clauses, kept for a year: contracts, isolation, opt-outs, a dozen laws, refusals."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from retention.demo.documents import named as n
from retention.demo.people import mail
from tests.support.companies import DATABASES, Life, lived

COLUMNS = {
    "platform.clients": "label",
    "platform.documents": "title",
    "platform.contacts": "label",
    "group.invoices": "number",
}


def in_the_first_month(life: Life) -> None:
    """Two customers ask to be erased; the need for one is over; a bill and a claim come to their end."""
    for who in (n.ASKED, n.FORGOTTEN):
        life.says("event", "add", "erasure_requested", "--subject", f"email={mail(who)}", "--yes")
    life.stores["platform"].script(f"UPDATE clients SET open_orders = 0 WHERE label = '{n.NEEDED}'")
    life.fate("platform.clients", life.key("platform.clients", n.ASKED), "first")
    life.fate("group.invoices", life.key("group.invoices", "Of somebody who asks: stays"), "first")
    life.told["first"] = dict(life.stores["platform"].rows("SELECT label, name FROM clients"))
    life.told["isolated"] = {
        label
        for (label,) in life.stores["platform"].rows(
            "SELECT label FROM clients WHERE isolated_at IS NOT NULL"
        )
    }
    life.told["contacts"] = contacts(life)


def in_the_year(life: Life) -> None:
    """What made deleting impossible is gone, and what had been set apart is tried again."""
    life.told["contacts in a month"] = contacts(life)
    life.stores["platform"].script(
        f"UPDATE clients SET claimed_on = NULL WHERE label = '{n.CLAIM}';"
        f"DELETE FROM bills WHERE number = 'B {n.BILLED}'"
    )


def contacts(life: Life) -> dict[str, str]:
    """Label → address as it is now, of those that are named."""
    return dict(life.stores["platform"].rows("SELECT label, email FROM contacts WHERE label <> 'contact'"))


@pytest.fixture(scope="module", params=DATABASES)
def life(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    between = {"first": in_the_first_month, "month": in_the_year}
    with lived("documents", request.param, tmp_path_factory, COLUMNS, between) as life:
        yield life


def test_do1_until_the_contract_ends_and_the_need_with_it(life: Life) -> None:
    life.keeps_its_word("platform.clients", least=6)
    life.stay("platform.clients", "stays")
    assert n.NEEDED in life.seen["first"]["platform.clients"] - life.seen["month"]["platform.clients"]
    assert life.planned("first", "clients", "platform.clients", "deferred") > 10


def test_do2_nameless_where_it_cannot_go_and_isolated_where_it_must_stay(life: Life) -> None:
    """Both are tried again, and go when they can."""
    assert life.told["first"][n.BILLED] == "[redacted]"
    assert life.told["first"][n.CLAIM] == n.CLAIM
    assert n.CLAIM in life.told["isolated"]
    assert n.BILLED not in life.told["isolated"]
    for name in (n.CLAIM, n.BILLED):
        assert name in life.seen["month"]["platform.clients"] - life.seen["year"]["platform.clients"]
    (job,) = [j for j in life.plans["first"]["jobs"] if j["rule"] == "clients"]
    assert set(job["actions"]) == {"delete", "anonymize", "restrict"}


def test_do3_of_an_opt_out_there_stays_a_hash(life: Life) -> None:
    """Who subscribes again begins anew."""
    told = (life.told["contacts"], life.told["contacts in a month"], contacts(life))
    hashed = [{label for label, email in each.items() if email.startswith("rh1-")} for each in told]
    ends = ("hashed", "hashed in a month", "hashed in a year")
    for number, found in enumerate(hashed):
        assert found == {label for label in told[0] if label.rpartition(": ")[2] in ends[: number + 1]}
    assert n.RETURNED not in hashed[2]
    assert life.listed("platform.contacts", f" {mail(n.OPTED_OUT).upper()} ")
    assert not life.listed("platform.contacts", mail(n.RETURNED))
    assert life.logged("marketing") == sum(life.done(day, "marketing") for day in life.runs)


def test_do4_a_dozen_companies_each_under_its_own_law(life: Life) -> None:
    life.keeps_its_word("group.invoices", least=2 * len(n.COMPANIES))
    life.stay("group.invoices", "stays", "unclear")
    assert len(n.COMPANIES) == 12
    assert life.planned("first", "invoices", "group.invoices", "unclear") == 1


def test_do5_a_request_that_is_denied_says_which_rule_keeps_the_record(life: Life) -> None:
    """Who may be forgotten is."""
    assert n.FORGOTTEN in life.seen["first"]["platform.clients"] - life.seen["month"]["platform.clients"]
    assert n.ASKED in life.seen["year"]["platform.clients"]
    assert life.fated("first: platform.clients")["erasure"] == "retained"
    assert life.fated("first: platform.clients")["clients-claims"] == "not_due"
    assert life.fated("first: group.invoices")["erasure"] == "retained"
    assert life.fated("first: group.invoices")["invoices"] == "not_due"
    assert life.refused("erasure/platform/clients") == {("clients-claims", "legal claims", 1)}
    assert life.refused("erasure/group/invoices") == {("invoices", "legal obligation", 1)}


def test_do6_recordings_are_promised_and_kept_by_something_else(life: Life) -> None:
    (kept,) = life.plans["first"]["kept_elsewhere"]
    assert kept["rule"] == "recordings"
    assert "video archive" in kept["kept_by"]
    assert not [job for job in life.plans["first"]["jobs"] if job["rule"] == "recordings"]


def test_do7_a_contract_overrides_the_policy(life: Life) -> None:
    life.keeps_its_word("platform.documents", least=9)
    life.stay("platform.documents", "stays", "unclear")
    assert life.planned("first", "documents", "platform.documents", "unclear") == 2


def test_the_group_kept_its_word_for_a_year_and_its_ledger_names_nobody(life: Life) -> None:
    life.all_is_well(nameless=("@example.com",))
