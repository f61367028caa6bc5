"""Records that are restricted by moving them to a vault, on three databases."""

from __future__ import annotations

import json

import pytest

from retention.engine.giving_back import GivingBack
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


def asks(shop: Workplace, *words: str):
    """What a command answers, as JSON."""
    result = shop.cli(*words, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(shop: Workplace, *words: str) -> tuple[int, str]:
    result = shop.cli(*words)
    return result.exit_code, " ".join(result.output.split())


def test_a_record_goes_back_as_it_was_with_its_reason_and_is_moved_again(shop: Workplace):
    before = {table: shop.store.rows(f"SELECT * FROM {table} ORDER BY id") for table in ("contacts", "notes")}
    shop.rule("marketing", MARKETING.replace('action = "delete"', 'action = "restrict"', 1))
    assert ran(shop, "marketing").done == 2
    given = asks(shop, "vault", "release", "db.contacts_vault", "1", "--reason", "dispute", "--ref", "CASE-7")
    assert (given["dataset"], given["rules"]) == ("db.contacts", ["marketing"])
    assert bare(given["rows"]) == {"notes_vault": 2, "contacts_vault": 1}
    assert everything(shop) == {
        "contacts": [1, 3],
        "notes": [10, 11],
        "contacts_vault": [2],
        "notes_vault": [20],
    }
    there = [row for row in before["contacts"] if row[0] in (1, 3)]
    assert [tuple(r) for r in shop.store.rows("SELECT * FROM contacts ORDER BY id")] == list(
        map(tuple, there)
    )
    released = [e["data"] for e in shop.events() if e["type"] == "record.released"]
    assert [(d["dataset"], d["to"], d["reason"], d["ref"], d["by"] != "") for d in released] == [
        ("contacts_vault", "contacts", "dispute", "CASE-7", True)
    ]
    assert "canary" not in json.dumps(shop.events()).casefold()
    assert "went back from the vault" in shop.cli("audit", "log").output
    assert "release-" not in shop.cli("status").output
    proof = asks(shop, "audit", "prove", "db.contacts_vault", "1")
    assert proof["action"] == "release"
    assert asks(shop, "audit", "prove", "db.contacts", "1")["action"] == "restrict"
    assert ran(shop, "marketing").done == 1
    assert shop.cli("audit", "verify", "--evidence").exit_code == 0
    for words, code, why in (
        (("db.contacts_vault", "9"), 2, "has no record 9"),
        (("db.contacts", "1"), 2, "is no vault, but has one; type: db.contacts_vault"),
        (("db.nothing", "1"), 2, "is no vault; there are: db.contacts_vault"),
    ):
        found = refused(shop, "vault", "release", *words, "--reason", "other")
        assert found[0] == code, found
        assert why in found[1]


def test_what_may_not_go_back_stays_in_the_vault(shop: Workplace):
    """A hold on the person, a record of its key, and what it refers to, which has gone meanwhile."""
    assert ran(shop, "marketing").done == 2
    hold = asks(shop, "hold", "add", "--subject", "email=ann@canary.example", "--reason", "litigation")
    reached = {line["dataset"]: line["records"] for line in hold["datasets"]}
    assert reached == {"contacts": 0, "contacts_vault": 1}
    code, why = refused(shop, "vault", "release", "db.contacts_vault", "1", "--reason", "other")
    assert (code, "a hold covers the record 1" in why) == (4, True)
    assert shop.job("restricted", dataset="db.contacts_vault", as_of="2029-11-23").fates["held"] == 1
    asks(shop, "hold", "release", hold["hold"]["id"], "--reason", "over")
    shop.store.script("INSERT INTO contacts (id, email) VALUES (1, 'new@canary.example')")
    code, why = refused(shop, "vault", "release", "db.contacts_vault", "1", "--reason", "other")
    assert (code, "a record of this key is in" in why) == (4, True)
    assert everything(shop)["contacts_vault"] == [1]
    shop.store.script(
        "UPDATE contacts SET subscribed = '2024-01-01 10:00:00', off = '2026-11-02', customer = TRUE WHERE id = 1"
    )
    outcome = ran(shop, "marketing")
    assert (outcome.done, outcome.set_aside, "of this key is in" in str(outcome.reason)) == (0, 1, True)
    assert "of this key is in" in str(shop.explain("db.contacts", "1").set_aside)
    assert everything(shop)["contacts"] == [1, 3]


def test_a_hold_that_is_placed_amid_a_release_keeps_the_record_where_it_is(shop: Workplace, monkeypatch):
    """It was an unexpected error (1), and no refusal."""
    assert ran(shop, "marketing").done == 2
    intent = GivingBack._intent

    def held(giving, *words):
        asks(shop, "hold", "add", "--subject", "email=ann@canary.example", "--reason", "litigation")
        return intent(giving, *words)

    monkeypatch.setattr(GivingBack, "_intent", held)
    code, why = refused(shop, "vault", "release", "db.contacts_vault", "1", "--reason", "other")
    assert (code, "a hold was placed or released meanwhile" in why) == (4, True)
    assert 1 in everything(shop)["contacts_vault"]
    assert 1 not in everything(shop)["contacts"]
    assert "record.released" not in {event["type"] for event in shop.events()}


def test_rows_that_refer_to_a_record_keep_it_out_of_the_vault(shop: Workplace):
    shop.store.script(
        "CREATE TABLE deals (id INTEGER PRIMARY KEY, contact_id INTEGER, made TIMESTAMP,"
        " FOREIGN KEY (contact_id) REFERENCES contacts (id));"
        "CREATE INDEX deals_contact ON deals (contact_id);"
        "INSERT INTO deals VALUES (1, 1, '2026-01-01 10:00:00')"
    )
    deals = '\n[datasets.deals]\ndata = "deals"\ntable = "deals"\nevents = { made = "made" }\n'
    connected(shop, others=deals)
    shop.rule("deals", 'data = "deals"\nkeep = "5 years"\nfrom = "made"')
    fates = shop.job("marketing", dataset="db.contacts").fates
    assert (fates["referenced"], fates["due"]) == (1, 1)
    assert {s.kind for s in shop.explain("db.contacts", "1").rules[0].stopped_by} == {"referenced"}
    assert shop.fate_of("db.contacts", "1", rule="marketing") == "referenced"
    assert ran(shop, "marketing").done == 1
    shop.store.script("UPDATE deals SET made = '2020-01-01 10:00:00'")
    assert shop.job("marketing", dataset="db.contacts").actions == {"delete": 0, "restrict": 1}
    assert ran(shop, "marketing").done == 1
    assert everything(shop)["contacts_vault"] == [1]


def test_stronger_actions_are_tried_again_in_the_vault(shop: Workplace):
    """An erasure that law stops restricts; when the law's time is over it deletes, from the vault."""
    del shop.rules["marketing"], shop.rules["restricted"]
    shop.rules["told"] = '[events.erasure_requested]\nby = ["email"]\n'
    connected(shop, more='began = "subscribed"', vault='began = "subscribed"')
    shop.rule(
        "law",
        'data = "contacts"\nwhere = "customer"\nkeep = "3 years"\nfrom = "subscribed"\nbasis = "legal obligation"',
    )
    shop.rule(
        "erasure",
        'data = "any"\nupon = ["erasure_requested"]\nyields_to = ["legal obligation"]\n'
        'otherwise = ["anonymize", "restrict"]',
    )
    assert not shop.problems()
    shop.init()
    asks(shop, "event", "add", "erasure_requested", "--subject", "email=ann@canary.example", "--yes")
    asks(shop, "event", "add", "erasure_requested", "--subject", "email=bo@canary.example", "--yes")
    assert shop.job("erasure", dataset="db.contacts").actions == {"delete": 1, "restrict": 1}
    assert ran(shop, "erasure").done == 2
    assert everything(shop)["contacts_vault"] == [1]
    view = next(v for v in shop.explain("db.contacts_vault", "1").rules if v.rule == "erasure")
    assert (view.fate, view.action, "in the vault" in view.because) == ("done", "restrict", True)
    assert "type: retention explain db.contacts_vault 1" in refused(shop, "explain", "db.contacts", "1")[1]
    held = asks(shop, "hold", "add", "--dataset", "db.contacts", "--reason", "audit")
    assert {line["dataset"]: line["records"] for line in held["datasets"]} == {
        "contacts": 1,
        "contacts_vault": 1,
    }
    assert shop.job("erasure", dataset="db.contacts_vault").fates["held"] == 1
    asks(shop, "hold", "release", held["hold"]["id"], "--reason", "over")
    later = "2027-01-02"
    assert shop.job("law", dataset="db.contacts_vault", as_of=later).due == 1  # it ended last, and acts
    assert shop.job("erasure", dataset="db.contacts_vault", as_of=later).fates["elsewhere"] == 1
    shop.store.script("UPDATE contacts_vault SET customer = FALSE")
    assert shop.job("erasure", dataset="db.contacts_vault").actions == {"delete": 1, "restrict": 0}
    assert ran(shop, "erasure", "contacts_vault").done == 1
    assert everything(shop) == {"contacts": [3], "notes": [], "contacts_vault": [], "notes_vault": []}


@pytest.mark.parametrize(
    ("change", "key", "found", "write"),
    [
        ("ALTER TABLE contacts_vault DROP COLUMN photo", "contacts_vault.table", "has no photo", "--ddl"),
        ("ALTER TABLE contacts_vault ADD COLUMN more INTEGER", "contacts_vault.table", "has more", "take it out"),
        ("ALTER TABLE notes_vault ADD COLUMN more INTEGER", "contacts_vault.parts", "has more", "take it out"),
        ("ALTER TABLE contacts_vault DROP COLUMN restricted_at", "contacts_vault.table", "no column `restr", "since"),
        ("ALTER TABLE contacts ADD COLUMN restricted_at INTEGER", "contacts_vault.table", "is a column of", "at ="),
        ("ALTER TABLE contacts ADD COLUMN n REAL; ALTER TABLE contacts_vault ADD COLUMN n INTEGER",
         "contacts_vault.table", "contacts_vault.n` is", "the same"),
        ("ALTER TABLE contacts ADD COLUMN boss INTEGER REFERENCES contacts (id); CREATE INDEX boss ON contacts (boss);"
         "ALTER TABLE contacts_vault ADD COLUMN boss INTEGER REFERENCES contacts_vault (id);"
         "CREATE INDEX boss_there ON contacts_vault (boss)",
         "contacts_vault.table", "refer to `", "drop that foreign key"),
    ],
)  # fmt: skip
def test_a_vault_that_could_not_take_a_record_is_refused(shop, change, key, found, write):
    shop.store.script(change)
    problems = [problem for problem in shop.problems() if found in problem.found]
    assert [problem.key for problem in problems] == [f"datasets.{key}"], shop.problems()
    assert write in problems[0].write


def test_a_vault_of_which_rules_would_lose_sight_is_refused_and_loose_ends_are_told(shop: Workplace):
    notes = '\n[datasets.notes]\ndata = "notes"\ntable = "{0}"\nevents = {{ old = "never" }}\n'
    shop.rule("notes", 'data = "notes"\nkeep = "1 year"\nfrom = "old"')
    connected(shop, others=notes.format("notes"))
    (problem,) = shop.problems()
    assert "no dataset over the vault's tables does" in problem.found
    assert 'data = "notes"' in problem.write
    both = notes.format("notes") + notes.format("notes_vault").replace(
        "datasets.notes", "datasets.kept_notes"
    )
    connected(shop, others=both)
    assert not shop.problems()
    assert not [w for w in shop.check().warnings if "in the vault" in w]
    connected(shop, more='relations = ["contacts.id -> companies.id"]', others=both)
    assert any("`contacts_vault` they do not" in warning for warning in shop.check().warnings)


def test_the_statements_that_a_run_would_send_copy_before_they_delete(shop: Workplace):
    purposes = [s.purpose for s in shop.statements() if s.rule == "marketing" and s.dataset == "contacts"]
    copied = next(i for i, words in enumerate(purposes) if "copy rows of" in words)
    deleted = [i for i, words in enumerate(purposes) if "delete records of" in words]
    assert any(i > copied for i in deleted)
