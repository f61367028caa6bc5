"""Every kind of state store that there is; each contract test runs over all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from retention.ledger.note import Signer
from retention.store import schema
from retention.store.state import StateStore
from tests.support.states import SERVERS, STATES

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
SEED = b"\x01" * 32
ORIGIN = "acme.example/retention"
EVIDENCE_KEY_ID = "0123456789abcdef"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Somewhere a store of one kind can be; `database` is what a test does to it behind its back."""

    database: Any
    folder: Path
    signer: Signer

    @property
    def url(self):
        return self.database.url

    @property
    def path(self):
        """Where it is a file."""
        return self.database.path

    def create(self):
        StateStore.create(self.url, **self.description)

    @property
    def description(self):
        """Whose the store is."""
        return {
            "origin": self.signer.name,
            "verifier_key": self.signer.verifier_key,
            "evidence_key_id": EVIDENCE_KEY_ID,
            "at": AT,
        }

    def open(self, **changes):
        options = {
            "signer": self.signer,
            "evidence_key_id": EVIDENCE_KEY_ID,
            "mirror": self.folder / "mirror",
        }
        return StateStore.open(self.url, **{**options, **changes})

    def anew(self):
        """A store like one that was just made; on a server the tables of an earlier test serve again."""
        if not self.database.made:
            self.create()
            self.database.run(*(f"CREATE TABLE first_{t} AS SELECT * FROM retention_{t}" for t in FIRST))
            self.database.made = True
        else:
            self.database.run(
                *(f"DELETE FROM {table}" for table in schema.OUR_TABLES),
                *(f"INSERT INTO retention_{t} SELECT * FROM first_{t}" for t in FIRST),
            )


FIRST = ("head", "meta")
"""Tables that have rows in a new store."""


@pytest.fixture(scope="session")
def lent():
    """Databases of servers in which a store was made already: making one costs a second."""
    databases = {}
    yield databases
    for database in databases.values():
        database.drop()


def a_place(request, kind, folder):
    """A new database; one of `lent` where the test begins with a store that is there."""
    lent = request.getfixturevalue("lent")
    with_store = {"store", "sqlite_store", "server_store"} & set(request.fixturenames)
    database = lent.pop(kind, None) if with_store else None
    database = database or STATES[kind](folder)
    yield Place(database=database, folder=folder, signer=Signer(ORIGIN, SEED))
    if kind in SERVERS and database.made and set(schema.OUR_TABLES) <= database.tables():
        lent[kind] = database
    else:
        database.drop()


@pytest.fixture(params=sorted(STATES))
def place(request, tmp_path):
    yield from a_place(request, request.param, tmp_path)


@pytest.fixture
def sqlite_place(request, tmp_path):
    """A file, for what only files have."""
    yield from a_place(request, "sqlite", tmp_path)


@pytest.fixture(params=SERVERS)
def server_place(request, tmp_path):
    """A server's, for what only servers have."""
    yield from a_place(request, request.param, tmp_path)


@pytest.fixture
def store(place):
    place.anew()
    with place.open() as store:
        yield store


@pytest.fixture
def sqlite_store(sqlite_place):
    sqlite_place.anew()
    with sqlite_place.open() as store:
        yield store


@pytest.fixture
def server_store(server_place):
    server_place.anew()
    with server_place.open() as store:
        yield store
