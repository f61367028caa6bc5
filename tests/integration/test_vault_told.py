"""What people told of records that a run moves to a vault, and that rules there need others for."""

from __future__ import annotations

import pytest

from tests.integration.test_told_events import tell
from tests.integration.test_told_fates import fates
from tests.support.stores import Store
from tests.support.workplace import Workplace

COLUMNS = (
    "id INTEGER PRIMARY KEY, account INTEGER, email VARCHAR(60), off TIMESTAMP NULL, made TIMESTAMP NULL"
)
DATASETS = """
[datasets.accounts]
data = "accounts"
table = "accounts"
events = { closed = "closed" }
subject = "none"
anonymize = { name = "redact", phone = "null" }
fields = { all = ["name", "phone"] }
[datasets.contacts]
data = "contacts"
table = "contacts"
subject = { email = "email" }
began = "made"
events = { off = "off" }
restrict = { to = "vault", at = "vaulted_at" }
[datasets.vault]
data = "contacts"
table = "contacts_vault"
subject = { email = "email" }
began = "made"
events = { off = "off" }
"""


@pytest.fixture
def shop(work: Workplace, store: Store) -> Workplace:
    """Contacts 11 and 12 go to the vault; of 11 it was told long ago that its claims ended, of 12 last week."""
    to = "FOREIGN KEY (account) REFERENCES accounts (id)"
    store.script(
        "CREATE TABLE accounts (id INTEGER PRIMARY KEY, name VARCHAR(40), phone VARCHAR(40), closed TIMESTAMP NULL);"
        f"CREATE TABLE contacts ({COLUMNS}, {to}); CREATE INDEX contacts_account ON contacts (account);"
        f"CREATE TABLE contacts_vault ({COLUMNS}, vaulted_at TIMESTAMP NULL, {to});"
        "CREATE INDEX vault_account ON contacts_vault (account);"
        "INSERT INTO accounts VALUES (1, 'Ann', '555', '2026-05-01 10:00:00'), (2, 'Bo', '556', '2026-05-01 10:00:00');"
        "INSERT INTO contacts VALUES (11, 1, 'ann@x.org', '2026-05-01 10:00:00', '2020-01-01 00:00:00'),"
        " (12, 2, 'bo@x.org', '2026-05-01 10:00:00', '2020-01-01 00:00:00')"
    )
    work.connect(store, DATASETS)
    work.rules["told"] = '[events.left]\nby = ["email"]\n'
    work.rule("accounts", 'data = "accounts"\nfrom = "closed"\nkeep = "1 month"\naction = "pseudonymize"')
    work.rule("objected", 'data = "contacts"\nuntil = "off"\naction = "restrict"\nyields_to = ["contract"]')
    work.rule(
        "claims",
        'data = "contacts"\nbasis = "legal obligation"\nfrom = "left"\nkeep = "30 days"\n'
        'needs = { accounts = ["all"] }\nyields_to = ["contract"]',
    )
    work.init()
    tell(work, "left", "--subject", "email=ann@x.org", "--at", "2026-05-01")
    tell(work, "left", "--subject", "email=bo@x.org", "--at", "2026-11-08")
    return work


def test_what_was_told_of_a_record_is_known_where_the_run_has_moved_it(shop: Workplace, store: Store) -> None:
    """The plan foresaw it; the run knew nothing of it in the vault, and left the account for the next."""
    assert fates(shop, "accounts") == {"accounts": {"due": 1, "retained": 1}}
    done = {(job.rule, job.dataset): (job.done, job.skipped.changed) for job in shop.run().jobs}
    assert done["objected", "contacts"] == (2, 0)
    assert done["accounts", "accounts"] == (1, 0)
    assert [name for (name,) in store.rows("SELECT name FROM accounts ORDER BY id")][1] == "Bo"
    assert fates(shop, "accounts") == {"accounts": {"done": 1, "retained": 1}}


def test_who_has_the_key_of_another_in_the_vault_is_not_taken_for_it(shop: Workplace, store: Store) -> None:
    """A contact 11 was moved there before: what was told of the new one says nothing of that."""
    store.script(
        "INSERT INTO contacts_vault VALUES"
        " (11, 1, 'cem@x.org', '2026-05-01 10:00:00', '2020-01-01 00:00:00', '2026-06-01 00:00:00')"
    )
    assert fates(shop, "accounts") == {"accounts": {"retained": 2}}
    shop.run()
    assert [name for (name,) in store.rows("SELECT name FROM accounts ORDER BY id")] == ["Ann", "Bo"]
