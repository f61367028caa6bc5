"""The control panel's clauses, kept for a year: customers, news, backups."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from retention.demo.panel import named as n
from retention.demo.people import mail
from tests.support.companies import DATABASES, Life, lived

COLUMNS = {"panel.customers": "name", "panel.tickets": "subject", "news.readers": "name"}


def in_the_first_month(life: Life) -> None:
    """Two people write that they want no more news; one of them comes back the day after."""
    for who in (n.WRITES, n.WRITES_AND_RETURNS):
        life.says("event", "add", "withdrawn_by_email", "--subject", f"email= {mail(who).upper()}", "--yes")
    life.stores["news"].script(
        f"UPDATE readers SET consented_at = '2026-11-26 09:00:00' WHERE name = '{n.WRITES_AND_RETURNS}'"
    )
    life.fate("panel.customers", life.key("panel.customers", n.TAXED), "first")


@pytest.fixture(scope="module", params=DATABASES)
def life(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    with lived("panel", request.param, tmp_path_factory, COLUMNS, {"first": in_the_first_month}) as life:
        yield life


def test_pa1_the_last_need_of_several_ends_it(life: Life) -> None:
    life.keeps_its_word("panel.customers", least=7)
    life.stay("panel.customers", "stays", "undated", "unclear")
    fates = life.fated("first: panel.customers")
    assert (fates["service"], fates["tax"], fates["accounting"]) == ("retained", "not_due", "not_due")
    assert life.planned("first", "service", "panel.customers", "retained") > 50
    life.keeps_its_word("panel.tickets")
    life.stay("panel.tickets", "undated")


def test_pa2_no_end_date_until_consent_is_withdrawn_in_one_of_three_ways(life: Life) -> None:
    life.keeps_its_word("news.readers", least=5)
    life.stay("news.readers", "stays", "unclear")
    assert n.WRITES in life.seen["first"]["news.readers"] - life.seen["month"]["news.readers"]
    assert n.WRITES_AND_RETURNS in life.seen["year"]["news.readers"]
    assert life.logged("news") == sum(life.done(day, "news") for day in life.runs)


def test_pa3_backups_are_promised_and_kept_by_something_else(life: Life) -> None:
    (kept,) = life.plans["first"]["kept_elsewhere"]
    assert (kept["rule"], kept["kept_by"]) == ("backups", "backup rotation of 28 days, operations")


def test_the_panel_kept_its_word_for_a_year_and_its_ledger_names_nobody(life: Life) -> None:
    life.all_is_well(nameless=("@example.com", "Köln"))
