"""A state store is made once, on purpose, and opened only by its own keys."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.schema import CreateTable

from retention.errors import LedgerError, RetentionError, SetupError, UnreachableError
from retention.ledger.note import Signer
from retention.store import schema
from retention.store.backends import backend_of
from retention.store.state import StateStore
from tests.contract.store.conftest import AT, ORIGIN


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_store_is_empty_and_knows_its_keys(place, store):
    assert (store.origin, store.verifier_key) == (ORIGIN, place.signer.verifier_key)
    with store.read() as snapshot:
        assert snapshot.log.head().size == 0
        assert snapshot.log.last_at() is None
        assert list(snapshot.log.lines()) == []
        assert snapshot.log.newest_checkpoint() is None


def test_only_its_owner_can_read_a_store_whatever_the_umask(sqlite_place):
    before = os.umask(0)
    try:
        sqlite_place.create()
        with sqlite_place.open(mirror=None) as store, store.begin() as tx:
            tx.log.append("error", {}, AT)
            assert {mode(path) for path in sqlite_place.path.parent.iterdir()} == {0o600}
            assert len(list(sqlite_place.path.parent.iterdir())) == 3
        assert mode(sqlite_place.path.parent) == 0o700
    finally:
        os.umask(before)


def test_a_store_is_never_made_over_something(sqlite_place):
    sqlite_place.create()
    before = sqlite_place.path.read_bytes()
    with pytest.raises(SetupError, match="never overwritten"):
        sqlite_place.create()
    assert sqlite_place.path.read_bytes() == before
    assert [path.name for path in sqlite_place.path.parent.iterdir()] == ["state.db"]


def test_a_missing_store_is_refused_and_not_made(sqlite_place):
    with pytest.raises(SetupError, match="type: retention init"):
        sqlite_place.open()
    assert not sqlite_place.path.exists()


def test_a_failure_while_it_is_made_leaves_nothing(sqlite_place, monkeypatch):
    monkeypatch.setattr("retention.store.described.first_head", lambda: {"id": None})
    with pytest.raises(RetentionError):
        sqlite_place.create()
    assert list(sqlite_place.path.parent.iterdir()) == []


def test_other_keys_and_another_origin_are_refused_in_words(place):
    place.create()
    with pytest.raises(SetupError, match="made with another signing key"):
        place.open(signer=Signer(ORIGIN, b"\x02" * 32))
    with pytest.raises(SetupError, match=r"of the ledger 'acme.example/retention'"):
        place.open(signer=Signer("other.example", b"\x01" * 32))
    with pytest.raises(SetupError, match="made with another evidence key"):
        place.open(evidence_key_id="f" * 16)
    with pytest.raises(SetupError, match="not one of the ledger"):
        StateStore.create(
            place.url,
            origin="other.example",
            verifier_key=place.signer.verifier_key,
            evidence_key_id="0",
            at=AT,
        )


def test_a_store_can_be_read_without_any_key_and_then_not_written(place):
    place.create()
    with place.open(signer=None, evidence_key_id=None, mirror=None) as store:
        with store.read() as snapshot:
            assert snapshot.log.head().size == 0
        with pytest.raises(RetentionError, match="for reading only"), store.begin():
            pass


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "postgresql://localhost", "nonsense", "oracle://h/x"]
)
def test_urls_of_no_state_store_are_refused(url):
    with pytest.raises(SetupError, match=r"state store's URL cannot be read: .+//"):
        backend_of(url)


def test_a_store_of_a_newer_version_is_refused(place):
    place.create()
    place.database.run(f"UPDATE {backend_of(place.url).version_table} SET version_num = '9999'")
    for signer in (place.signer, None):
        with pytest.raises(SetupError, match=r"newer version of retention .*\(9999\); install it"):
            place.open(signer=signer)


def test_what_is_no_store_is_refused_in_words(sqlite_place):
    sqlite_place.path.parent.mkdir()
    sqlite_place.path.write_bytes(b"not a database, but long enough to look at" * 100)
    with pytest.raises(UnreachableError, match="it is not an SQLite database"):
        sqlite_place.open()
    sqlite_place.path.write_bytes(b"")
    with pytest.raises(SetupError, match="no state store of retention"):
        sqlite_place.open()
    sqlite_place.path.unlink()
    with closing(sqlite3.connect(sqlite_place.path)) as raw, raw:
        raw.execute("CREATE TABLE shop (id)")
    with pytest.raises(SetupError, match="no state store of retention"):
        sqlite_place.open()


def test_a_damaged_store_is_said_to_be_damaged(sqlite_place):
    sqlite_place.create()
    with sqlite_place.open() as store, store.begin() as tx:
        for number in range(400):
            tx.log.append("error", {"number": number}, AT)
    data = bytearray(sqlite_place.path.read_bytes())
    data[8192:] = b"\xa5" * (len(data) - 8192)
    sqlite_place.path.write_bytes(data)
    with pytest.raises((LedgerError, UnreachableError), match=r"damaged|does not answer"):  # noqa: SIM117
        with sqlite_place.open() as store, store.read() as snapshot:
            list(snapshot.log.lines())


def test_the_migrations_lead_to_the_tables_of_the_code(place):
    place.create()
    backend = backend_of(place.url)
    engine = backend.engine(write=False)
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": False, "version_table": backend.version_table}
            )
            assert compare_metadata(context, schema.metadata) == []
            assert context.get_current_revision() == schema.VERSIONS[-1]
    finally:
        engine.dispose()


def test_paths_with_odd_characters_work(sqlite_place, tmp_path):
    odd = tmp_path / "a b%20#é" / "st%ate.db"
    url = f"sqlite:///{odd}"
    StateStore.create(
        url, origin=ORIGIN, verifier_key=sqlite_place.signer.verifier_key, evidence_key_id="0", at=AT
    )
    with StateStore.open(url, signer=sqlite_place.signer, evidence_key_id="0") as store, store.begin() as tx:
        assert tx.log.append("error", {}, AT) == 0


@pytest.mark.parametrize("dialect", [postgresql.dialect(), mysql.dialect(), sqlite.dialect()])
def test_every_table_can_be_spelt_for_every_database_to_come(dialect):
    for table in schema.metadata.sorted_tables:
        text = str(CreateTable(table).compile(dialect=dialect))
        assert "CREATE TABLE" in text
    assert ("BYTEA" in str(CreateTable(schema.event).compile(dialect=dialect))) == (
        dialect.name == "postgresql"
    )
