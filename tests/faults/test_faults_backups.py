"""Backups put back, of the target and of the state store; ledgers that were damaged."""

import json
import shutil
import sqlite3
from contextlib import closing

import pytest

from retention.errors import LedgerError, SafetyRefusal, SetupError
from tests.support_faults.hooks import raising


def test_a_restored_target_is_said_once_and_its_records_are_planned_again(shop):
    shop.visits(due=300)
    shop.orders(due=200)
    shop.ready()
    before = shop.keys()
    shop.database.keep_copy()
    assert shop.run().status == "done"
    shop.database.put_back()
    assert shop.keys() == before
    again = shop.run()
    assert {job.dataset: job.done for job in again.jobs} == {"visits": 300, "orders": 200}
    notes = [note for note in again.notes if "restored from a backup" in note]
    assert len(notes) == 1
    assert "500 records" in notes[0]
    assert [data["records"] for _, data in shop.events("error")] == [500]
    third = shop.run()
    assert third.notes == ()
    assert third.status == "nothing"
    assert len(shop.events("error")) == 1
    assert (
        "shop was restored from a backup: 500 records that had been deleted may be back"
        in shop.cli("audit", "log").stdout
    )


def test_a_target_restored_twice_is_said_twice(shop):
    shop.visits(due=300)
    shop.ready()
    shop.database.keep_copy()
    shop.run()
    for said in (1, 2):
        shop.database.put_back()
        outcome = shop.run()
        assert sum("restored" in note for note in outcome.notes) == 1
        assert outcome.jobs[0].done == 300
        assert len(shop.events("error")) == said
    assert shop.run().notes == ()


def test_a_target_restored_to_the_middle_of_a_run_is_said(shop, hooks, monkeypatch):
    shop.visits(due=3000)
    shop.ready()
    copied = []

    def copy(_remover):
        if shop.database.kind == "sqlite":
            shop.database.keep_copy()
        copied.append(True)
        raise KeyboardInterrupt

    hooks.before("begin", copy, nth=3)
    with pytest.raises(KeyboardInterrupt):
        shop.run()
    monkeypatch.undo()
    if shop.database.kind != "sqlite":
        shop.database.keep_copy()
    left = shop.left()
    assert 0 < left < 3000
    assert shop.run().status == "done"
    shop.database.put_back()
    outcome = shop.run()
    assert outcome.jobs[0].done == left
    assert sum("restored" in note for note in outcome.notes) == 1
    assert shop.run().notes == ()


def older_store(shop):
    """What the state folder was, to be put back."""
    copy = shop.folder / "older"
    shutil.copytree(shop.folder / "state", copy)

    def put_back():
        shutil.rmtree(shop.folder / "state")
        shutil.copytree(copy, shop.folder / "state")

    return put_back


def test_an_older_state_store_is_refused(shop):
    shop.visits(due=300)
    shop.ready()
    put_back = older_store(shop)
    shop.run()
    shop.add_visits(1001, 10)
    put_back()
    with pytest.raises(SafetyRefusal, match="put back to an older copy"):
        shop.run()
    assert shop.left() == 10


def test_a_state_store_copied_in_the_middle_of_a_run_is_refused(shop, hooks, monkeypatch):
    """The run was known, and its folded marker was not held against what the ledger knew of it."""
    shop.visits(due=3000)
    shop.ready()
    kept = []
    hooks.before("begin", lambda _: kept.append(older_store(shop)), nth=3)
    shop.run()
    monkeypatch.undo()
    shop.add_visits(10_001, 10)
    kept[0]()
    with pytest.raises(SafetyRefusal, match="put back to an older copy"):
        shop.run()
    assert shop.left() == 10


def test_a_state_store_of_another_folder_is_refused(shop, tmp_path_factory):
    """Other keys: nothing of it is believed."""
    from tests.support_faults.databases import SqliteDatabase
    from tests.support_faults.shops import Shop

    shop.visits(due=3)
    shop.ready()
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    other = Shop(elsewhere, SqliteDatabase(elsewhere))
    other.visits(due=3)
    other.ready()
    shutil.copy(other.state_path, shop.state_path)
    with pytest.raises(SetupError, match=r"another signing key|is of the ledger"):
        shop.run()
    assert shop.left() == 3


@pytest.mark.parametrize("key", ["signing", "evidence"])
def test_other_keys_are_refused(sqlite, key):
    from retention.ledger.keys import encode_evidence_key, encode_signing_key, new_key

    sqlite.visits(due=3)
    sqlite.ready()
    encode = {"signing": encode_signing_key, "evidence": encode_evidence_key}[key]
    (sqlite.folder / "state" / "keys" / f"{key}.key").write_text(encode(new_key()))
    with pytest.raises(SetupError, match=f"another {key} key"):
        sqlite.run()
    assert sqlite.left() == 3


def test_a_missing_state_store_does_not_become_a_new_one(sqlite):
    sqlite.visits(due=3)
    sqlite.ready()
    shutil.rmtree(sqlite.folder / "state")
    done = sqlite.cli("run", "--yes")
    assert done.returncode == 3
    assert "retention init" in done.stderr
    assert not sqlite.state_path.exists()
    assert sqlite.left() == 3


def test_a_damaged_line_is_named_by_the_verification(sqlite):
    sqlite.visits(due=3)
    sqlite.ready()
    sqlite.run()
    with closing(sqlite3.connect(sqlite.state_path, isolation_level=None)) as connection:
        [(line,)] = connection.execute("SELECT line FROM retention_event WHERE seq = 4").fetchall()
        data = json.loads(line)
        data["data"]["by"] = "somebody else"
        connection.execute("UPDATE retention_event SET line = ? WHERE seq = 4", (json.dumps(data).encode(),))
    done = sqlite.cli("audit", "verify")
    assert done.returncode == 6
    assert "event 4" in done.stderr
    with pytest.raises(LedgerError, match="event 4"):
        sqlite.verify()


def test_a_damaged_mirror_is_named_and_left_as_it_is(sqlite):
    sqlite.visits(due=3)
    sqlite.ready()
    sqlite.run()
    lines = sqlite.mirror / "ledger.jsonl"
    text = lines.read_bytes().replace(b'"tester"', b'"nobody"', 1)
    lines.write_bytes(text)
    done = sqlite.cli("audit", "verify", "--mirror", str(sqlite.mirror))
    assert done.returncode == 6
    assert "event" in done.stderr
    assert lines.read_bytes() == text


def test_a_target_that_is_the_state_store_is_refused(sqlite):
    sqlite.visits(due=3)
    sqlite.ready()
    shutil.copy(sqlite.database.path, sqlite.folder / "both.db")
    (sqlite.folder / "retention.toml").write_text('state = "sqlite:///shop.db"\n')
    done = sqlite.cli("run", "--yes")
    assert done.returncode == 3
    assert "same file" in done.stderr or "state store" in done.stderr
    assert sqlite.left() == 3


def test_a_lost_batch_of_a_restored_target_is_aborted_not_believed(shop, hooks, monkeypatch):
    """In doubt, and then the backup came back: what was deleted is there again, and is planned."""
    from retention.connectors.port import Lost

    shop.visits(due=300)
    shop.ready()
    shop.database.keep_copy()
    hooks.after("commit", raising(Lost("no answer")), nth=1)
    shop.run()
    monkeypatch.undo()
    shop.database.put_back()
    outcome = shop.run()
    assert [d["outcome"] for _, d in shop.events("batch.reconciled")] == ["aborted"]
    assert outcome.jobs[0].done == 300


@pytest.mark.parametrize("where", ["store", "mirror"])
def test_nothing_is_deleted_while_the_ledger_does_not_verify(sqlite, where):
    """A run went on deleting, and signed on, over a log of which a byte had been changed."""
    sqlite.visits(due=300)
    sqlite.ready()
    sqlite.run()
    sqlite.add_visits(1, 300)
    if where == "store":
        with closing(sqlite3.connect(sqlite.state_path)) as connection, connection:
            connection.execute(
                "UPDATE retention_event SET line = CAST(replace(CAST(line AS TEXT), 'tester', 'tested') AS BLOB)"
                " WHERE seq = 4"
            )
    else:
        path = sqlite.mirror / "ledger.jsonl"
        path.write_bytes(path.read_bytes().replace(b"tester", b"tested", 1))
    with pytest.raises(LedgerError, match="event "):
        sqlite.run()
    assert sqlite.left() == 300
    assert sqlite.cli("run", "--yes").returncode == 6
