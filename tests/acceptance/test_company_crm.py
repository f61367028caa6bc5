"""The CRM service's clauses, kept for a year: contracts, customers' own content, children, what can be turned off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from retention.demo.crm import named as n
from retention.demo.people import mail
from tests.support.companies import DATABASES, Life, lived

COLUMNS = {
    "app.contracts": "number",
    "app.users": "name",
    "app.chats": "topic",
    "app.subscriptions": "label",
    "content.uploads": "name",
}


def when_it_is_built(life: Life) -> None:
    """A contract in dispute is held before anything runs."""
    key = life.key("app.contracts", n.DISPUTED)
    life.says("hold", "add", "--key", "app.contracts", key, "--reason", "dispute")
    life.fate("app.contracts", key, "built")


def in_the_first_month(life: Life) -> None:
    """Two users turn out to be children; a customer says for how long at last."""
    for child in (n.CHILD, n.CHILD_WITH_CLAIM):
        life.says("event", "add", "child_discovered", "--subject", f"email={mail(child)}", "--yes")
    life.stores["content"].script(f"UPDATE tenants SET keep_days = 100 WHERE name = '{n.NO_WORD}'")


def in_the_year(life: Life) -> None:
    """The dispute is settled."""
    (hold,) = life.says("hold", "list")["holds"]
    life.says("hold", "release", str(hold["id"]), "--reason", "settled")


@pytest.fixture(scope="module", params=DATABASES)
def life(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    between = {"built": when_it_is_built, "first": in_the_first_month, "month": in_the_year}
    with lived("crm", request.param, tmp_path_factory, COLUMNS, between) as life:
        yield life


def test_cr1_contracts_three_years_after_they_end_unless_in_dispute(life: Life) -> None:
    life.keeps_its_word("app.contracts")
    life.stay("app.contracts", "stays", "undated")
    assert life.fated("built: app.contracts")["contracts"] == "held"
    assert life.planned("first", "contracts", "app.contracts", "held") == 1
    assert n.DISPUTED in life.seen["month"]["app.contracts"] - life.seen["year"]["app.contracts"]


def test_cr2_content_goes_as_each_of_three_hundred_customers_instructs(life: Life) -> None:
    life.keeps_its_word("content.uploads", least=2 * n.PERIODS)
    life.stay("content.uploads", "stays")
    assert life.planned("first", "content", "content.uploads", "unclear") == 3
    assert n.NO_WORD in life.seen["first"]["content.uploads"] - life.seen["month"]["content.uploads"]
    assert life.logged("content") >= 2 * n.PERIODS


def test_cr3_a_child_is_forgotten_as_soon_as_it_is_known(life: Life) -> None:
    """What a claim rests on stays, with a profile that has no name any more."""
    assert {n.CHILD, n.CHILD_WITH_CLAIM} <= life.seen["first"]["app.users"]
    assert not {n.CHILD, n.CHILD_WITH_CLAIM} & life.seen["month"]["app.users"]
    talk = {name for name in life.seen["built"]["app.chats"] if str(name).startswith("The child")}
    assert len(talk) == 2
    assert not talk & life.seen["month"]["app.chats"]
    ((email,),) = life.stores["app"].rows(
        "SELECT email FROM users WHERE id = (SELECT user_id FROM chats WHERE topic = 'The claim of a child: stays')"
    )
    assert email.startswith("rh1-")
    assert life.logged("children") == 4
    assert life.planned("year", "children", "app.chats", "retained") == 1


def test_cr4_each_switch_turns_off_one_thing_alone(life: Life) -> None:
    life.keeps_its_word("app.subscriptions", least=6)
    life.stay("app.subscriptions", "stays")
    kept = dict(life.stores["app"].rows("SELECT name, status_email FROM users WHERE name LIKE 'Status %'"))
    emptied = {name.rpartition(": ")[2] for name, address in kept.items() if address is None}
    assert emptied == {"due", "due in a month", "due in a year"}
    assert sum(address is not None for address in kept.values()) == 2
    for rule in ("newsletter", "invitations", "status-messages"):
        assert life.done("first", rule) >= 5
        assert life.logged(rule) >= 7


def test_users_and_chats_go_after_their_time_and_who_is_still_referred_to_has_no_name(life: Life) -> None:
    users = {name for name in life.seen["built"]["app.users"] if not str(name).startswith("Status ")}
    for name, last in ((n.DUE_USER, "built"), ("Not seen a day shorter: due in a month", "first")):
        days = list(life.seen)
        assert name in users & life.seen[last]["app.users"]
        assert name not in life.seen[days[days.index(last) + 1]]["app.users"]
    assert n.CHATTY not in life.seen["first"]["app.users"]
    life.keeps_its_word("app.chats")
    life.stay("app.chats", "stays")


def test_the_service_kept_its_word_for_a_year_and_its_ledger_names_nobody(life: Life) -> None:
    life.all_is_well(nameless=("@example.com", "Customer 7"))
