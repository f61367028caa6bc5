"""Stores of earlier versions go on being read: their tables are brought to this version."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from retention.errors import SetupError
from retention.store import schema
from retention.store.verifying import verify_store
from tests.contract.store.test_store_log import append, sign
from tests.contract.store.test_store_told import HOLD

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(params=schema.VERSIONS[:-1])
def old(request, sqlite_place):
    """A SQLite store as that version made it: two events, a checkpoint, a run with a job and a batch."""
    sqlite_place.path.parent.mkdir()
    script = DATA / f"state-{int(request.param)}.sql"
    with closing(sqlite3.connect(sqlite_place.path)) as connection:
        connection.executescript(script.read_text(encoding="utf-8"))
    return sqlite_place


def test_a_store_of_an_earlier_version_is_brought_to_this_one(old):
    with old.open() as store:
        assert verify_store(store, store.verifier_key).events == 2
        with store.read() as snapshot:
            assert snapshot.runs.get("r1").by == "ida"
            assert [batch.batch for batch in snapshot.batches.unresolved("shop")] == [1]
            assert snapshot.evidence.get("r1", "orders/shop/orders", 1).count == 1
        with store.begin() as tx:
            tx.batches.outcome("r1", "orders/shop/orders", 1, "committed")
        append(store, 1, start=2)
        sign(store)
        with store.begin() as tx:
            assert tx.holds.epoch() == 0
            tx.holds.place(HOLD)
        with store.read() as snapshot:
            assert snapshot.told().holds == [HOLD]
        assert verify_store(store, store.verifier_key).events == 3
    assert set(schema.OUR_TABLES) | {"schema_version"} == old.database.tables()
    assert old.database.rows("PRAGMA foreign_key_check") == []
    indexes = old.database.rows("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
    assert {name for (name,) in indexes} == {
        index.name for table in schema.metadata.tables.values() for index in table.indexes
    }


def test_an_older_store_is_not_changed_by_who_only_reads(old):
    before = old.path.read_bytes()
    with pytest.raises(SetupError, match="of an older version; type: retention init"):
        old.open(signer=None, evidence_key_id=None)
    assert old.path.read_bytes() == before
