"""Fixtures that both folders of fault tests share."""

import pytest

from tests.support_faults.databases import KINDS
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
