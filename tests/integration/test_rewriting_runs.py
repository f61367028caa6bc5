"""Rewriting beside others: rules that delete, rows that refer, people who write meanwhile, runs that are killed."""

from __future__ import annotations

import pytest

from retention.connectors.sql.batches.rewriting import RewritingRemover
from tests.support.workplace import Workplace

SCHEMA = """
CREATE TABLE account (id {key} PRIMARY KEY, email VARCHAR(60), name VARCHAR(40), seen_at TIMESTAMP {null}
 {more});
CREATE TABLE purchase (id INTEGER PRIMARY KEY, account_id {key} REFERENCES account (id), at TIMESTAMP {null});
CREATE INDEX purchase_account ON purchase (account_id);
"""
ACCOUNTS = """
[datasets.accounts]
data = "accounts"
table = "account"
subject = { customer_id = "id" }
began = "seen_at"
events = { seen = %s }
anonymize = { email = "hash", name = "redact" }
"""
PURCHASES = """
[datasets.purchases]
data = "purchases"
table = "purchase"
subject = %s
events = { made = "at" }
"""
OLD = "2020-01-01 00:00:00"


def made(work, store, *, key="INTEGER", more="", seen='"seen_at"', subject='"none"'):
    null = "NULL" if store.kind == "mariadb" else ""
    script = SCHEMA.format(key=key, null=null, more=more)
    if store.kind == "mariadb":
        for statement in filter(str.strip, script.split(";")):
            store.verbatim(statement.replace("REFERENCES account (id)", "").replace("at TIMESTAMP NULL)",
                           "at TIMESTAMP NULL, FOREIGN KEY (account_id) REFERENCES account (id))"))  # fmt: skip
    else:
        store.script(script)
    quote = "'" if key != "INTEGER" else ""
    rows = ", ".join(f"({quote}{n}{quote}, 'p{n}@example.org', 'P {n}', '{OLD}')" for n in range(1, 7))
    store.script(f"INSERT INTO account (id, email, name, seen_at) VALUES {rows}")
    store.script(
        f"INSERT INTO purchase VALUES (1, {quote}1{quote}, '2026-10-01 00:00:00'), (2, {quote}2{quote}, '{OLD}')"
    )
    work.connect(store, ACCOUNTS % seen + PURCHASES % subject)
    work.store = store
    return work


def rule(work: Workplace, name: str, data: str, keep: str, event: str, action: str) -> None:
    work.rule(name, f'data = "{data}"\nkeep = "{keep}"\nfrom = "{event}"', action=f'"{action}"')


def accounts(work) -> dict[str, str]:
    return {
        str(id_): str(email) for id_, email in work.store.rows("SELECT id, email FROM account ORDER BY id")
    }


def hashed(work) -> set[str]:
    return {id_ for id_, email in accounts(work).items() if email.startswith("rh1-")}


def test_what_deletes_goes_before_what_rewrites_where_nothing_refers(work, store):
    made(work, store)
    rule(work, "purchases", "purchases", "5 years", "made", "delete")
    rule(work, "gone", "accounts", "2 years", "seen", "delete")
    rule(work, "nobody", "accounts", "1 year", "seen", "pseudonymize")
    assert work.fates("gone") == {"referenced": 1, "due": 5}
    assert work.fates("nobody") == {"elsewhere": 5, "due": 1}
    outcome = work.run()
    assert {job.rule: job.done for job in outcome.jobs} == {"purchases": 1, "gone": 5, "nobody": 1}
    assert hashed(work) == {"1"} == set(accounts(work))
    work.store.script("DELETE FROM purchase")
    assert work.fates("gone") == {"due": 1}
    assert work.fates("nobody") == {"done": 1}
    work.run()
    assert not accounts(work)


def test_who_is_due_by_rows_that_go_in_the_same_run_is_rewritten_in_it(work, store):
    made(work, store, seen='{ latest = ["purchase.at"] }')
    store.script("UPDATE purchase SET at = '2020-01-01 00:00:00'")
    rule(work, "purchases", "purchases", "5 years", "made", "delete")
    rule(work, "nobody", "accounts", "1 year", "seen", "pseudonymize")
    assert work.fates("nobody") == {"undated": 4, "due": 2}
    outcome = work.run()
    assert {job.rule: job.done for job in outcome.jobs} == {"purchases": 2, "nobody": 2}
    assert hashed(work) == {"1", "2"}
    assert not store.rows("SELECT * FROM purchase")


def test_an_anonymised_record_to_which_personal_ones_refer_is_none(work, store):
    made(work, store, subject='{ customer_id = "account_id" }')
    work.connectors["db"] = work.connectors["db"].replace('email = "hash"', 'email = "null"')
    rule(work, "nobody", "accounts", "1 year", "seen", "anonymize")
    (problem,) = work.problems()
    assert problem.key == "rules.nobody.action"
    assert "`db.purchases`" in problem.found
    assert "pseudonymize" in problem.write
    rule(work, "nobody", "accounts", "1 year", "seen", "pseudonymize")
    assert not work.problems()


def test_a_key_of_text_and_a_column_that_every_update_sets(work, store):
    more = (
        ", changed_at TIMESTAMP NULL ON UPDATE CURRENT_TIMESTAMP"
        if store.kind == "mariadb"
        else ", changed_at DATE"
    )
    made(work, store, key="VARCHAR(20)", more=more)
    store.script("UPDATE account SET changed_at = '2001-02-03'")
    rule(work, "nobody", "accounts", "1 year", "seen", "pseudonymize")
    assert not work.problems()
    assert work.run().jobs[0].done == 6
    assert hashed(work) == set("123456")
    assert {str(at)[:10] for (at,) in store.rows("SELECT changed_at FROM account")} == {"2001-02-03"}


def test_what_was_changed_since_it_was_found_is_looked_at_again(work, store, monkeypatch):
    made(work, store)
    rule(work, "nobody", "accounts", "1 year", "seen", "pseudonymize")
    begin, times = RewritingRemover.begin, []

    def meddled(self):
        if not times:
            times.append(1)
            store.script("UPDATE account SET seen_at = '2026-11-01 00:00:00' WHERE id = 1")
            store.script("UPDATE account SET email = 'new@example.org' WHERE id = 2")
            store.script("UPDATE account SET email = NULL, name = NULL WHERE id = 3")
        begin(self)

    monkeypatch.setattr(RewritingRemover, "begin", meddled)
    (job,) = work.run().jobs
    assert (job.planned, job.done, job.skipped.changed) == (6, 4, 2)
    assert hashed(work) == set("2456")
    assert accounts(work)["1"] == "p1@example.org"
    assert accounts(work)["3"] == "None"


@pytest.mark.parametrize("step", ["mark", "commit"])
def test_a_killed_run_is_gone_on_with(work, store, monkeypatch, step):
    made(work, store)
    rule(work, "nobody", "accounts", "1 year", "seen", "pseudonymize")
    real, times = getattr(RewritingRemover, step), []

    def killed(self, *given):
        times.append(1)
        if len(times) == 1:
            if step == "commit":
                real(self, *given)
            raise KeyboardInterrupt
        return real(self, *given)

    monkeypatch.setattr(RewritingRemover, step, killed)
    with pytest.raises(KeyboardInterrupt):
        work.run()
    before = hashed(work)
    assert len(before) == (6 if step == "commit" else 0)
    first = accounts(work)
    outcome = work.run()
    assert sum(job.done for job in outcome.jobs) == 6 - len(before)
    assert hashed(work) == set("123456")
    assert all(first[id_] == email for id_, email in accounts(work).items() if id_ in before)
    kinds = [event["type"] for event in work.events()]
    assert kinds.count("batch.committed") + kinds.count("batch.reconciled") >= 1


def test_statements_that_are_shown_change_nothing(work, store):
    made(work, store)
    rule(work, "nobody", "accounts", "1 year", "seen", "pseudonymize")
    before = store.snapshot()
    shown = [s.sql for s in work.statements() if s.sql.startswith("UPDATE")]
    assert len(shown) == 2  # at once, and where others may hold rows
    for sql in shown:
        assert "NULL /* known in the batch */" in sql
        if store.kind == "mariadb":
            store.verbatim(sql)
        else:
            handing = [s.sql for s in work.statements() if s.purpose.endswith("handed over")]
            store.script(";".join([*handing, sql]))
    assert store.snapshot() == before
