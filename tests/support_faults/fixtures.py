"""Fixtures that both folders of fault tests share."""

import functools
import os
import tempfile
from pathlib import Path

import pytest

from retention.connectors.retrying import Retry
from retention.connectors.sql.dialect import Timeouts
from retention.engine.pace import Pace
from tests.support_faults.databases import KINDS
from tests.support_faults.hooks import Hooks
from tests.support_faults.shops import Shop


@pytest.fixture(params=sorted(KINDS))
def kind(request):
    return request.param


@pytest.fixture
def folder(tmp_path):
    """In memory where that can be had: a process that is killed leaves the same files there, sooner."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="faults-", dir="/dev/shm") as made:
        yield Path(made)


@pytest.fixture
def database(kind, folder):
    made = KINDS[kind](folder)
    yield made
    made.drop()


@pytest.fixture
def shop(database, folder):
    """Nothing in it yet: `visits` and `orders` fill it, `ready` sets it up."""
    return Shop(folder, database)


@pytest.fixture
def postgresql(folder):
    """A shop on PostgreSQL."""
    database = KINDS["postgresql"](folder)
    yield Shop(folder, database)
    database.drop()


@pytest.fixture
def mariadb(folder):
    """A shop on MariaDB."""
    database = KINDS["mariadb"](folder)
    yield Shop(folder, database)
    database.drop()


@pytest.fixture
def sqlite(folder):
    """A shop on SQLite."""
    return Shop(folder, KINDS["sqlite"](folder))


@pytest.fixture
def hooks(monkeypatch):
    """Steps of a run to hang something on; the batches are small, so that there are several."""
    monkeypatch.setitem(Pace.__init__.__kwdefaults__, "size", 100)
    return Hooks(monkeypatch)


@pytest.fixture
def impatient(monkeypatch):
    """Short timeouts and no pauses between attempts."""
    monkeypatch.setitem(Retry.__init__.__kwdefaults__, "sleep", lambda _: None)
    short = functools.partial(Timeouts, lock=100)
    for module in ("target", "postgresql.dialect", "mysql.dialect"):
        monkeypatch.setattr(f"retention.connectors.sql.{module}.Timeouts", short)
    monkeypatch.setattr("retention.connectors.sql.target._FENCE", Timeouts(lock=200))
