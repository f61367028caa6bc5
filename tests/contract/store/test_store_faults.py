"""Full disks, read-only files, busy neighbours: said in words, and nothing half done."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from retention.errors import RetentionError, UnreachableError
from retention.store import backend, sqlite
from retention.store.state import StateStore
from retention.store.verifying import verify_store
from tests.contract.store.conftest import AT
from tests.contract.store.test_store_log import append, sign
from tests.support.disks import small_disk

PADDING = {"padding": "x" * 4000}


def append_padding(store, done):
    for _ in range(1000):
        with store.begin() as tx:
            seq = tx.log.append("error", PADDING, AT)
        done.append(seq)


def fill(store):
    """Append until it fails; how many were acknowledged."""
    done = []
    with pytest.raises(UnreachableError, match="is full"):
        append_padding(store, done)
    return len(done)


def test_a_full_database_is_said_and_what_was_acknowledged_stays(sqlite_place, sqlite_store, monkeypatch):
    append(sqlite_store, 3)
    sqlite_store.close()
    monkeypatch.setattr(sqlite, "_PRAGMAS", (*sqlite._PRAGMAS, "PRAGMA max_page_count = 100"))
    with sqlite_place.open() as small:
        acknowledged = fill(small)
    monkeypatch.undo()
    assert acknowledged
    with sqlite_place.open() as again:
        sign(again)
        assert verify_store(again, again.verifier_key).events == 3 + acknowledged


def test_a_disk_that_fills_up_under_the_journal_is_said(sqlite_store):
    append(sqlite_store, 3)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
    try:
        acknowledged = fill(sqlite_store)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert acknowledged
    append(sqlite_store, 1, start=3)
    sign(sqlite_store)
    assert verify_store(sqlite_store, sqlite_store.verifier_key).events == 4 + acknowledged


READ_ONLY = """
import os, sys
from retention.errors import UnreachableError
from retention.ledger.note import Signer
from retention.store.state import StateStore
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
try:
    signer = Signer("acme.example/retention", b"\\x01" * 32)
    StateStore.open(sys.argv[1], signer=signer, evidence_key_id="0123456789abcdef").close()
except UnreachableError as error:
    print(error)
"""


def test_a_store_that_cannot_be_written_is_refused_when_it_is_opened(sqlite_place, sqlite_store):
    sqlite_store.close()
    for parent in sqlite_place.path.parents:
        if parent.name.startswith("pytest-of-"):
            break
        parent.chmod(0o755)
    parent.chmod(0o755)
    sqlite_place.path.chmod(0o444)
    sqlite_place.path.parent.chmod(0o555)
    try:
        said = subprocess.run(
            [sys.executable, "-c", READ_ONLY, sqlite_place.url], capture_output=True, text=True, check=True
        ).stdout
    finally:
        sqlite_place.path.parent.chmod(0o700)
    assert "read-only" in said or "cannot be opened" in said, said


def test_a_neighbour_that_keeps_writing_is_waited_for_and_then_named(sqlite_place, sqlite_store, monkeypatch):
    monkeypatch.setattr(backend, "BUSY_SECONDS", 0.05)
    with (
        sqlite_place.open() as impatient,
        closing(sqlite3.connect(sqlite_place.path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnreachableError, match="busy"), impatient.begin() as tx:
            tx.log.append("error", {}, AT)
        with impatient.read() as snapshot:
            assert snapshot.log.head().size == 0
        other.execute("COMMIT")
        with impatient.begin() as tx:
            assert tx.log.append("error", {}, AT) == 0


def test_an_error_of_the_caller_passes_unchanged(store):
    with (
        closing(sqlite3.connect(":memory:")) as target,
        pytest.raises(sqlite3.OperationalError, match="no such table"),
        store.begin(),
    ):
        target.execute("SELECT * FROM orders")


def test_a_driver_error_is_wrapped_once_and_keeps_its_cause(place, store):
    place.database.run("DROP TABLE retention_event")
    with pytest.raises(RetentionError) as wrapped, store.read() as snapshot:
        list(snapshot.log.lines())
    assert isinstance(wrapped.value.__cause__, store._backend.errors)
    assert place.database.shown in str(wrapped.value)


def test_a_store_for_which_the_disk_has_no_room_is_not_made_and_never_made_in_part(sqlite_place):
    """What stood in the journal was lost when it did not fit into the file: `the state store is damaged`."""
    made = [created_in(kilobytes, sqlite_place.description) for kilobytes in range(60, 900, 40)]
    assert made == sorted(made)
    assert set(made) == {False, True}


def created_in(kilobytes, description):
    """Whether a store was made there; it is whole, or it is not there and it was said why."""
    with small_disk(kilobytes=kilobytes) as folder:
        path = folder / "retention.db"
        said = ""
        try:
            StateStore.create(f"sqlite:///{path}", **description)
        except UnreachableError as error:
            said = str(error)
        if said:
            assert ("full" in said, list(folder.iterdir())) == (True, [])
            return False
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("SELECT count(*) FROM retention_meta").fetchone() == (1,)
        return True
