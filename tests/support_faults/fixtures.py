"""Fixtures that both folders of fault tests share."""

import functools

import pytest

from retention.connectors.sql.dialect import Timeouts
from retention.engine.pace import Pace
from retention.engine.retrying import Retry
from tests.support_faults.databases import KINDS
from tests.support_faults.hooks import Hooks
from tests.support_faults.shops import Shop


@pytest.fixture(params=sorted(KINDS))
def kind(request):
    return request.param


@pytest.fixture
def database(kind, tmp_path):
    made = KINDS[kind](tmp_path)
    yield made
    made.drop()


@pytest.fixture
def shop(database, tmp_path):
    """Nothing in it yet: `visits` and `orders` fill it, `ready` sets it up."""
    return Shop(tmp_path, database)


@pytest.fixture
def postgresql(tmp_path):
    """A shop on PostgreSQL."""
    database = KINDS["postgresql"](tmp_path)
    yield Shop(tmp_path, database)
    database.drop()


@pytest.fixture
def sqlite(tmp_path):
    """A shop on SQLite."""
    return Shop(tmp_path, KINDS["sqlite"](tmp_path))


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
    for module in ("target", "postgresql"):
        monkeypatch.setattr(f"retention.connectors.sql.{module}.Timeouts", short)
    monkeypatch.setattr("retention.connectors.sql.target._FENCE", Timeouts(lock=200))
