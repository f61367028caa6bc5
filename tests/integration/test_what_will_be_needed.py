"""What a rule needs of others once a record is restricted is left as it is by the plan that restricts it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.integration.test_told_events import tell
from tests.support.stores import PostgresqlStore
from tests.support.workplace import Workplace, adds_up

TABLES = """
CREATE TABLE accounts (id INTEGER PRIMARY KEY, name VARCHAR(40), phone VARCHAR(40), closed TIMESTAMP {null});
CREATE TABLE contacts (id INTEGER PRIMARY KEY, account_id INTEGER, email VARCHAR(60), off TIMESTAMP {null},
 restricted_at TIMESTAMP {null}, made TIMESTAMP {null}, FOREIGN KEY (account_id) REFERENCES accounts (id));
CREATE INDEX contacts_account ON contacts (account_id);
CREATE TABLE contacts_vault (id INTEGER PRIMARY KEY, account_id INTEGER, email VARCHAR(60), off TIMESTAMP {null},
 restricted_at TIMESTAMP {null}, made TIMESTAMP {null}, vaulted_at TIMESTAMP {null},
 FOREIGN KEY (account_id) REFERENCES accounts (id));
CREATE INDEX contacts_vault_account ON contacts_vault (account_id);
CREATE TABLE calls (id INTEGER PRIMARY KEY, contact_id INTEGER, FOREIGN KEY (contact_id) REFERENCES contacts (id));
CREATE INDEX calls_contact ON calls (contact_id);
INSERT INTO accounts VALUES (1, 'Ann', '555', '2026-05-01 10:00:00'), (2, 'Bo', '556', '2026-05-01 10:00:00'),
 (3, 'Cy', '557', '2026-05-01 10:00:00');
INSERT INTO contacts VALUES (11, 1, 'ann@canary.example', '2026-05-01 10:00:00', NULL, '2020-01-01 00:00:00'),
 (12, 2, 'bo@canary.example', NULL, NULL, NULL), (13, 3, 'cy@canary.example', '2026-05-01 10:00:00', NULL, NULL);
INSERT INTO calls VALUES (1, 13)
"""
DATASETS = """
[datasets.accounts]
data = "accounts"
table = "accounts"
subject = { account = "id" }
events = { closed = "closed" }
anonymize = { name = "redact", phone = "null" }
fields = { name = ["name"], all = ["name", "phone"] }

[datasets.contacts]
data = "contacts"
table = "contacts"
subject = { email = "email" }
events = { off = "off" }
restrict = RESTRICT
"""
VAULT = """
[datasets.vault]
data = "contacts"
table = "contacts_vault"
subject = { email = "email" }
events = { off = "off" }
"""
APART = {
    "in a vault": ('{ to = "vault", at = "vaulted_at" }', VAULT),
    "by a mark": ('{ mark = "restricted_at" }', ""),
}


class Shop(Workplace):
    """`moves`: contacts are restricted by being moved."""

    moves: bool = False


@pytest.fixture(params=APART)
def shop(work: Workplace, store, request) -> Workplace:
    mariadb = store.kind == "mariadb"
    made = TABLES.format(null="NULL" if mariadb else "")
    (store.verbatim if mariadb else store.script)(made)
    work.store = store
    restrict, vault = APART[request.param]
    work.connect(store, DATASETS.replace("RESTRICT", restrict) + vault)
    work.moves = bool(vault)
    policy(work)
    return work


def policy(work: Workplace) -> None:
    work.rule("accounts", 'data = "accounts"\nfrom = "closed"\nkeep = "1 month"\naction = "pseudonymize"')
    work.rule("objected", 'data = "contacts"\nuntil = "off"\naction = "restrict"')


def claims(work: Workplace, fields: str) -> None:
    """Against claims, who was meant must be known for three years."""
    work.rule(
        "claims",
        'data = "contacts"\nwhere = "restricted"\nfrom = "restricted"\nkeep = "3 years"\n'
        f'needs = {{ accounts = ["{fields}"] }}',
    )


def accounts(work: Workplace) -> list[tuple]:
    return [tuple(row) for row in work.store.rows("SELECT id, name, phone FROM accounts ORDER BY id")]


def test_of_the_account_stays_what_the_contact_will_need_when_it_is_restricted(shop: Workplace) -> None:
    """Contact 11 is restricted today, 12 is not; 13 is, by a mark, and can't be moved while a call refers to it."""
    claims(shop, "name")
    third = (3, "Cy", None) if not shop.moves else (3, "[redacted]", None)
    planned = shop.job("accounts")
    assert planned.actions == {"pseudonymize": 3}

    outcome = shop.run()

    assert all(adds_up(job) for job in outcome.jobs)
    (job,) = [job for job in outcome.jobs if job.rule == "accounts"]
    assert (job.done, job.rows) == (3, planned.rows)
    assert accounts(shop) == [(1, "Ann", None), (2, "[redacted]", None), third]
    assert shop.each("accounts")["1"] == "done"


def test_when_the_claim_is_over_the_name_goes(shop: Workplace) -> None:
    claims(shop, "name")
    shop.run()

    shop.now += timedelta(days=3 * 366)
    shop.run()

    assert accounts(shop)[0] == (1, "[redacted]", None)


def test_where_nothing_is_left_to_rewrite_explain_tells_who_will_need_it(shop: Workplace) -> None:
    claims(shop, "all")
    assert shop.each("accounts") == {"1": "retained", "2": "due", "3": "due" if shop.moves else "retained"}

    (view,) = [view for view in shop.explain("db.accounts", "1").rules if view.rule == "accounts"]

    assert [(s.kind, s.by, s.dataset, s.how, s.rows, s.until) for s in view.stopped_by] == [
        ("retained", "claims", "db.contacts", "will need", ("11",), None)
    ]
    told = shop.cli("explain", "db.accounts", "1").output
    assert "which will need it once restricted by this plan" in " ".join(told.split())
    shop.run()
    assert accounts(shop)[0] == (1, "Ann", "555")
    assert shop.each("accounts")["1"] == "retained"


def test_a_plan_that_restricts_nothing_keeps_nothing_for_it(shop: Workplace) -> None:
    """Narrowed to one rule, what others would restrict is not thought of, and stays where it is."""
    claims(shop, "name")

    shop.run("accounts")

    assert accounts(shop)[0] == (1, "[redacted]", None)


LEADS = """
[datasets.leads]
data = "leads"
table = "contacts"
subject = { email = "email" }
events = { put_away = PUT }
facts = { away = "AWAY" }
"""
LEADS_VAULT = """
[datasets.leads_vault]
data = "leads"
table = "contacts_vault"
subject = { email = "email" }
events = { put_away = "vaulted_at" }
facts = { away = "id IS NOT NULL" }
"""


def as_a_record_of_another_dataset(shop: Shop) -> None:
    """Its rule speaks of other data, which is restricted with the row."""
    put, away = ('"never"', "id IS NULL") if shop.moves else ('"restricted_at"', "restricted_at IS NOT NULL")
    shop.connectors["db"] += LEADS.replace("PUT", put).replace("AWAY", away) + LEADS_VAULT * shop.moves
    terms = 'data = "leads"\nwhere = "away"\nfrom = "put_away"\nkeep = "3 years"'
    shop.rule("claims", terms + '\nneeds = { accounts = ["name"] }')


def by_a_fact_that_asks_when(shop: Shop) -> None:
    """What a database will make of the moment nobody knows before it has it: the earlier of two dates is none."""
    since = "vaulted_at" if shop.moves else "restricted_at"
    here, there = "off < DATE '2026-06-01'", f"coalesce({since}, off) < DATE '2026-06-01'"
    head, source, *vault = shop.connectors["db"].split('events = { off = "off" }\n')
    facts = [f'events = {{ off = "off" }}\nfacts = {{ old = "{here if shop.moves else there}" }}\n']
    facts += [f'events = {{ off = "off" }}\nfacts = {{ old = "{there}" }}\n'] * len(vault)
    shop.connectors["db"] = "".join([head, *map("".join, zip(facts, (source, *vault), strict=True))])
    terms = 'data = "contacts"\nwhere = "restricted AND NOT old"\nfrom = "restricted"\nkeep = "3 years"'
    shop.rule("claims", terms + '\nneeds = { accounts = ["name"] }')


def though_people_told_its_end_before(shop: Shop) -> None:
    """What was told of last month is no end of a period that begins today."""
    shop.rules["settled"] = '[events.settled]\nby = ["email"]\n'
    terms = (
        'data = "contacts"\nwhere = "restricted"\nfrom = "restricted"\nkeep = "3 years"\nuntil = ["settled"]'
    )
    shop.rule("claims", terms + '\nneeds = { accounts = ["name"] }')
    shop.connectors["db"] = shop.connectors["db"].replace(
        'subject = { email = "email" }\n', 'subject = { email = "email" }\nbegan = "made"\n'
    )
    shop.init()
    tell(shop, "settled", "--subject", "email=ann@canary.example", "--at", "2026-10-01")


WAYS = (as_a_record_of_another_dataset, by_a_fact_that_asks_when, though_people_told_its_end_before)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("first", [pytest.param("contacts", marks=pytest.mark.heavy), "accounts"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_however_the_rule_tells_that_it_keeps_it(shop: Shop, way: Callable[[Shop], None], first: str) -> None:
    """The name was rewritten where the accounts' job came first, and the contact `changed` where it did not."""
    if first == "accounts":  # either refers to the other, and one has to begin
        shop.store.script(
            "ALTER TABLE accounts ADD COLUMN main_id INTEGER; CREATE INDEX accounts_main ON accounts (main_id)"
        )
        relations = 'relations = ["accounts.main_id -> contacts.id"]\n'
        shop.connectors["db"] = shop.connectors["db"].replace(
            'table = "accounts"\n', f'table = "accounts"\n{relations}'
        )
        terms = 'data = "accounts"\nfrom = "closed"\nkeep = "1 month"\naction = "delete"'
        shop.rule("accounts", terms + '\notherwise = ["pseudonymize"]')
    way(shop)
    assert shop.problems() == ()

    outcome = shop.run()

    assert accounts(shop)[0] == (1, "Ann", None)
    assert all(adds_up(job) and not job.skipped.total for job in outcome.jobs)


def test_tables_that_inherit_from_the_marked_one_make_no_difference(
    work: Workplace, postgresql: PostgresqlStore
) -> None:
    postgresql.script(TABLES.format(null="") + ";CREATE TABLE contacts_child () INHERITS (contacts)")
    work.store = postgresql
    work.connect(postgresql, DATASETS.replace("RESTRICT", APART["by a mark"][0]))
    policy(work)
    claims(work, "name")

    work.run()

    assert accounts(work)[0] == (1, "Ann", None)


def test_what_is_to_be_deleted_waits_for_what_refers_to_it_and_for_no_need_to_come(shop: Shop) -> None:
    claims(shop, "all")
    shop.rule("accounts", 'data = "accounts"\nfrom = "closed"\nkeep = "1 month"')

    (view,) = [view for view in shop.explain("db.accounts", "1").rules if view.rule == "accounts"]

    assert {s.kind for s in view.stopped_by} == {"referenced"}
    assert "will need" not in shop.cli("explain", "db.accounts", "1").output


NOTES = """
[datasets.notes]
data = "notes"
table = "notes"
subject = "none"
events = { closed = "closed" }
anonymize = { text = "redact" }
"""


@pytest.mark.parametrize("first", ["notes", "objected"])
def test_a_row_that_a_marked_record_keeps_as_its_part_is_left_as_it_is(
    work: Workplace, store, first: str
) -> None:
    """A note of the contact is a record of its own: its rule came first, or found it `changed`."""
    null = "NULL" if store.kind == "mariadb" else ""
    made = TABLES.format(null=null) + (
        f";CREATE TABLE notes (id INTEGER PRIMARY KEY, contact_id INTEGER, text VARCHAR(40), closed TIMESTAMP {null},"
        " FOREIGN KEY (contact_id) REFERENCES contacts (id)); CREATE INDEX notes_contact ON notes (contact_id);"
        "INSERT INTO notes VALUES (5, 11, 'Ann called', '2020-01-01 00:00:00'), (6, NULL, 'Bo', '2020-01-01 00:00:00')"
    )
    (store.verbatim if store.kind == "mariadb" else store.script)(made)
    work.store = store
    datasets = DATASETS.replace("RESTRICT", APART["by a mark"][0] + '\nparts = ["notes"]')
    work.connect(store, datasets + NOTES)
    rules = [("objected", 'data = "contacts"\nuntil = "off"\naction = "restrict"')]
    rules.append(("notes", 'data = "notes"\nfrom = "closed"\nkeep = "1 month"\naction = "pseudonymize"'))
    for name, text in sorted(rules, key=lambda rule: rule[0] != first):
        work.rule(name, text)
    claims(work, "name")
    assert work.each("notes") == {"5": "retained", "6": "due"}

    outcome = work.run()

    assert [tuple(row) for row in store.rows("SELECT id, text FROM notes ORDER BY id")] == [
        (5, "Ann called"),
        (6, "[redacted]"),
    ]
    assert all(adds_up(job) and not job.skipped.total for job in outcome.jobs)
    assert work.each("notes")["5"] == "retained"
