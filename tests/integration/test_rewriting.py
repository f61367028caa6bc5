"""Records that are rewritten: what is left of them, what the plan and the ledger say, and what is never written."""

from __future__ import annotations

import json

import pytest

from retention.model.outcome import RunOutcome
from retention.verbs.keys import rotate_key
from tests.support.workplace import Workplace

PEOPLE = """
CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(60) UNIQUE, name VARCHAR(40), phone VARCHAR(30),
 born {date}, note VARCHAR(80), made_at TIMESTAMP {null}, done_at TIMESTAMP {null})
"""
DATASET = """
[datasets.people]
data = "people"
table = "people"
subject = {{ customer_id = "id", email = "email" }}
began = "made_at"
events = {{ made = "made_at" }}
anonymize = {{ {anonymize} }}
{more}
"""
EVERYTHING = (
    'email = "hash", name = { strategy = "fake", of = "name" }, phone = { strategy = "mask", keep_last = 2 },'
    ' born = "year", note = "redact"'
)


@pytest.fixture
def shop(work, store):
    date = {"sqlite": "VARCHAR(20)"}.get(store.kind, "DATE")
    made = PEOPLE.format(date=date, null="NULL" if store.kind == "mariadb" else "")
    (store.verbatim if store.kind == "mariadb" else store.script)(made)
    rows = [
        "(1, 'Ann@example.org', 'Ann Canary', '+47 123 45 678', '1984-05-06', 'Canary', '2020-01-01 00:00:00')",
        "(2, NULL, '', NULL, NULL, '', '2020-01-01 00:00:00')",
        "(3, 'ben@example.org', 'Ben', '12', '1990-01-01', '[redacted]', '2026-11-01 00:00:00')",
    ]
    store.script(f"INSERT INTO people (id, email, name, phone, born, note, made_at) VALUES {', '.join(rows)}")
    work.rule("people", 'data = "people"\nkeep = "1 year"\nfrom = "made"', action='"pseudonymize"')

    def connect(anonymize=EVERYTHING, more='done = "done_at"'):
        work.connect(store, DATASET.format(anonymize=anonymize, more=more))
        return work

    work.store = store
    work.rewriting = connect
    return connect()


def row(shop, id_):
    (found,) = shop.store.rows(f"SELECT email, name, phone, born, note, done_at FROM people WHERE id = {id_}")
    return found


def done(outcome: RunOutcome) -> int:
    (job,) = outcome.jobs
    assert (job.status.value, job.reason) in (("done", None), ("nothing", None)), job
    return job.done


def test_a_record_is_rewritten_once(shop: Workplace):
    assert not shop.problems()
    assert shop.fates("people") == {"not_due": 1, "due": 2}
    assert shop.job("people").actions == {"pseudonymize": 2}
    outcome = shop.run()
    assert done(outcome) == 2
    assert {name.rpartition(".")[2]: n for name, n in outcome.jobs[0].rows.items()} == {"people": 2}
    email, name, phone, born, note, at = row(shop, 1)
    assert email.startswith("rh1-")
    assert len(email) == 30
    assert name not in ("Ann Canary", "", None)
    assert phone == "***78"
    assert str(born) == "1984-01-01"
    assert note == "[redacted]"
    assert "2026-11-22" in str(at)
    assert row(shop, 2)[0] is None
    assert row(shop, 2)[2:5] == (None, None, "[redacted]")
    assert row(shop, 3)[:5] == ("ben@example.org", "Ben", "12", row(shop, 3)[3], "[redacted]")
    assert shop.fates("people") == {"not_due": 1, "done": 2}
    before = shop.store.snapshot()
    assert done(shop.run()) == 0
    assert shop.store.snapshot() == before


def test_a_later_event_makes_it_due_again_and_hashes_no_hash(shop: Workplace):
    shop.run()
    email = row(shop, 1)[0]
    shop.store.script("UPDATE people SET made_at = '2026-11-23 00:00:00', phone = '998877' WHERE id = 1")
    assert shop.fates("people", as_of="2027-11-25") == {"due": 2, "done": 1}  # the first and the third
    shop.now = shop.now.replace(year=2028)
    shop.run()
    assert row(shop, 1)[0] == email
    assert row(shop, 1)[2] == "***77"
    assert "2028-11-22" in str(row(shop, 1)[5])


def test_equal_values_have_equal_hashes_made_alike_first(shop: Workplace):
    shop.store.script("UPDATE people SET note = ' ann@example.ORG' WHERE id = 1")
    shop.rules["identifiers"] = '[identifiers]\nemail = ["trim", "lower"]'
    shop.rewriting('email = "hash", note = { strategy = "hash", as = "email" }', "")
    shop.run()
    assert row(shop, 1)[0] == row(shop, 1)[4]


def test_no_value_is_told_to_anybody(shop: Workplace, tmp_path):
    outcome = shop.run()
    told = [json.dumps(event) for event in shop.events()]
    told += [str(outcome), str(shop.plan()), str(shop.problems())]
    assert not [text for text in told if "Canary" in text or "example.org" in text]
    for path in tmp_path.rglob("*"):
        if path.is_file() and "state" in path.parts:
            assert b"Canary" not in path.read_bytes()


def test_a_value_that_cannot_be_read_is_left_and_set_aside(shop: Workplace):
    shop.store.script(
        "UPDATE people SET note = '1984-05-06', made_at = '2020-01-01 00:00:00';"
        "UPDATE people SET note = 'in May Canary' WHERE id = 2"
    )
    shop.rewriting('note = "year", email = "null"', "")
    outcome = shop.run()
    (job,) = outcome.jobs
    assert (job.done, job.set_aside) == (2, 1)
    assert "Canary" not in str(outcome)
    assert row(shop, 2)[4] == "in May Canary"
    assert row(shop, 1)[4] == "1984-01-01"


def test_another_key_is_refused(shop: Workplace):
    shop.init()
    key = shop.folder / "state" / "keys" / "pseudonym.key"
    text = key.read_text()
    assert [e["data"]["kind"] for e in shop.events() if e["type"] == "key.created"][-1] == "pseudonym"
    key.write_text(text.replace(text.split()[-1], "A" * 43 + "="))
    outcome = shop.run()
    assert outcome.jobs[0].status.value == "failed"
    assert "another pseudonyms' key" in (outcome.jobs[0].reason or "")
    assert row(shop, 1)[1] == "Ann Canary"


def test_a_store_that_was_made_before_anything_was_hashed_says_what_to_type(shop: Workplace):
    shop.template = None  # a store that another test made may have the key
    shop.rewriting(anonymize='note = "redact"', more="")
    shop.init()
    assert "pseudonym" not in [e["data"]["kind"] for e in shop.events() if e["type"] == "key.created"]
    shop.rewriting(anonymize='email = "hash"', more="")
    (job,) = shop.run().jobs
    assert (job.status.value, job.done) == ("failed", 0)
    assert "type: retention init" in (job.reason or "")
    assert row(shop, 1)[0] == "Ann@example.org"
    shop.init()
    assert done(shop.run()) == 1
    assert row(shop, 1)[0].startswith("rh1-")


def test_a_megabyte_and_what_is_no_text_are_rewritten_too(work, store):
    big = {"mariadb": "LONGTEXT"}.get(store.kind, "TEXT")
    null = "NULL" if store.kind == "mariadb" else ""
    script = f"CREATE TABLE big (id INTEGER PRIMARY KEY, a {big}, b {big}, made_at TIMESTAMP {null})"
    (store.verbatim if store.kind == "mariadb" else store.script)(script)
    for number in (1, 2, 3):
        store.script(f"INSERT INTO big VALUES ({number}, '{'x' * 1_000_000}', 'y', '2020-01-01 00:00:00')")
    if store.kind == "sqlite":
        store.script("UPDATE big SET a = CAST(x'c328' AS TEXT), b = CAST(x'4142c328' AS TEXT) WHERE id = 3")
    work.rule("big", 'data = "big"\nkeep = "1 year"\nfrom = "made"', action='"pseudonymize"')
    dataset = '[datasets.big]\ndata = "big"\ntable = "big"\nevents = { made = "made_at" }\n'
    work.connect(store, dataset + 'anonymize = { a = "hash", b = { strategy = "prefix", length = 2 } }')
    assert done(work.run()) == 3
    rows = store.rows("SELECT a, b FROM big ORDER BY id")
    assert all(len(a) == 30 and a.startswith("rh1-") for a, _ in rows)
    assert rows[0] == rows[1]
    assert rows[2][1] == ("AB" if store.kind == "sqlite" else "y")
    assert (rows[2][0] == rows[0][0]) == (store.kind != "sqlite")


def test_explain_says_that_a_record_was_rewritten(shop: Workplace):
    assert [each.action for each in shop.explain("db.people", "1").rules] == ["pseudonymize"]
    shop.run()
    (said,) = shop.explain("db.people", "1").rules
    assert said.fate == "done"
    assert "what the rule does to it has been done" in said.because


def test_what_an_older_key_hashed_is_done_and_never_hashed_again(shop: Workplace):
    shop.rewriting('email = "hash", note = "redact"', "")
    assert done(shop.run()) == 2
    older = row(shop, 1)[0]
    rotate_key(shop.place, "pseudonym", by="ida", clock=shop.clock)
    assert shop.fates("people") == {"not_due": 1, "done": 2}
    shop.store.script(
        "UPDATE people SET note = 'again' WHERE id = 1;"
        "UPDATE people SET email = 'Ann@example.org', made_at = '2020-01-01 00:00:00' WHERE id = 3"
    )
    assert done(shop.run()) == 2
    assert row(shop, 1)[0] == older
    assert row(shop, 1)[4] == "[redacted]"
    newer = row(shop, 3)[0]
    assert newer.startswith("rh1-")
    assert newer != older  # the same address, under another key
    assert shop.fates("people") == {"done": 3}
