"""Records that are restricted by moving them to a vault, on three databases."""

from __future__ import annotations

import json

import pytest

from tests.support.workplace import Workplace, adds_up

TABLES = """
CREATE TABLE companies (id INTEGER PRIMARY KEY, name VARCHAR(40));
CREATE TABLE contacts (id INTEGER PRIMARY KEY, company_id INTEGER, email VARCHAR(60), photo {blob},
 customer BOOLEAN, subscribed TIMESTAMP {null}, off TIMESTAMP {null},
 FOREIGN KEY (company_id) REFERENCES companies (id));
CREATE INDEX contacts_company ON contacts (company_id);
CREATE TABLE notes (id INTEGER PRIMARY KEY, contact_id INTEGER NOT NULL, text VARCHAR(60),
 FOREIGN KEY (contact_id) REFERENCES contacts (id));
CREATE INDEX notes_contact ON notes (contact_id);
CREATE TABLE contacts_vault (id INTEGER PRIMARY KEY, company_id INTEGER, email VARCHAR(60), photo {blob},
 customer BOOLEAN, subscribed TIMESTAMP {null}, off TIMESTAMP {null}, restricted_at TIMESTAMP {null},
 FOREIGN KEY (company_id) REFERENCES companies (id));
CREATE INDEX contacts_vault_company ON contacts_vault (company_id);
CREATE TABLE notes_vault (id INTEGER PRIMARY KEY, contact_id INTEGER NOT NULL, text VARCHAR(60),
 FOREIGN KEY (contact_id) REFERENCES contacts_vault (id));
CREATE INDEX notes_vault_contact ON notes_vault (contact_id);
INSERT INTO companies VALUES (1, 'Acme');
INSERT INTO contacts VALUES
 (1, 1, 'ann@canary.example', NULL, TRUE, '2024-01-01 10:00:00', '2026-11-01 10:00:00'),
 (2, 1, 'bo@canary.example', NULL, FALSE, '2024-01-01 10:00:00', '2026-11-01 10:00:00'),
 (3, NULL, 'cy@canary.example', NULL, TRUE, '2024-01-01 10:00:00', NULL);
INSERT INTO notes VALUES (10, 1, 'Canary'), (11, 1, 'Canary'), (20, 2, 'Canary')
"""
CONTACTS = """
[datasets.contacts]
data = "contacts"
table = "contacts"
subject = {{ email = "email" }}
events = {{ subscribed = "subscribed", off = "off" }}
facts = {{ customer = "customer" }}
parts = ["notes"]
restrict = {{ to = "{to}" }}
{more}

[datasets.contacts_vault]
data = "contacts"
table = "contacts_vault"
subject = {{ email = "email" }}
events = {{ subscribed = "subscribed", off = "off" }}
facts = {{ customer = "customer" }}
parts = ["notes_vault"]
{vault}
"""
MARKETING = """
data = "contacts"
action = "delete"
from = "subscribed"
until = "off"
exceptions = [{ when = "customer", action = "restrict" }]
"""
RESTRICTED = 'data = "contacts"\nwhere = "restricted"\nkeep = "3 years"\nfrom = "restricted"'


def connected(
    shop: Workplace, *, to: str = "contacts_vault", more: str = "", vault: str = "", others: str = ""
):
    shop.connect(shop.store, CONTACTS.format(to=to, more=more, vault=vault) + others)
    return shop


@pytest.fixture
def shop(work, store):
    mariadb = store.kind == "mariadb"
    made = TABLES.format(null="NULL" if mariadb else "", blob={"postgresql": "BYTEA"}.get(store.kind, "BLOB"))
    (store.verbatim if mariadb else store.script)(made)
    work.store = store
    work.rule("marketing", MARKETING)
    work.rule("restricted", RESTRICTED)
    return connected(work)


def keys(shop: Workplace, table: str) -> list[int]:
    return [row[0] for row in shop.store.rows(f"SELECT id FROM {table} ORDER BY id")]


def everything(shop: Workplace) -> dict[str, list[int]]:
    return {table: keys(shop, table) for table in ("contacts", "notes", "contacts_vault", "notes_vault")}


def bare(rows) -> dict[str, int]:
    return {table.rpartition(".")[2]: count for table, count in rows.items() if count}


def ran(shop: Workplace, rule: str, dataset: str = "contacts"):
    jobs = shop.run().jobs
    assert all(adds_up(job) for job in jobs)
    (job,) = [job for job in jobs if (job.rule, job.dataset) == (rule, dataset)]
    return job


def test_a_record_moves_whole_and_the_rule_on_the_vault_goes_on_from_there(shop: Workplace):
    """Contact 2 is nobody's customer and goes, 1 is kept under restriction for three years, 3 stays."""
    assert not shop.problems()
    planned = shop.job("marketing", dataset="db.contacts")
    assert planned.actions == {"delete": 1, "restrict": 1}
    assert bare(planned.rows) == {"contacts": 2, "notes": 3}
    done = ran(shop, "marketing")
    assert (done.done, done.rows) == (2, planned.rows)
    assert everything(shop) == {
        "contacts": [3],
        "notes": [],
        "contacts_vault": [1],
        "notes_vault": [10, 11],
    }
    found = shop.store.rows("SELECT company_id, email, customer, restricted_at FROM contacts_vault")
    assert [tuple(row)[:2] for row in found] == [(1, "ann@canary.example")]
    assert str(found[0][3]).startswith("2026-11-22")
    events = [e["data"] for e in shop.events() if e["type"] == "batch.committed"]
    assert {(e.get("action", "delete"), e["count"], tuple(bare(e["rows"]).items())) for e in events} == {
        ("delete", 1, (("contacts", 1), ("notes", 1))),
        ("restrict", 1, (("contacts", 1), ("notes", 2))),
    }
    assert "canary" not in json.dumps(shop.events()).casefold()
    assert {f: n for f, n in shop.job("marketing", dataset="db.contacts_vault").fates.items() if n} == {
        "done": 1
    }
    assert shop.job("restricted", dataset="db.contacts").fates["out_of_scope"] == 1
    assert shop.job("restricted", dataset="db.contacts_vault").fates["not_due"] == 1
    later = "2029-11-23"
    assert shop.job("restricted", dataset="db.contacts_vault", as_of=later).due == 1
