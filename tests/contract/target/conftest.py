"""Every adapter, and every way in which it removes; a contract test runs over all of them.

A way is named by the dataset that is removed so: see `ways` of each adapter. The work is made of files, by the
loader and the binding that verbs use.
"""

import pytest

from tests.contract.target import schema
from tests.contract.target.adapters import ADAPTERS
from tests.contract.target.sites import Site
from tests.support_faults.fixtures import folder, impatient

__all__ = ["folder", "impatient"]


@pytest.fixture(scope="session")
def databases(tmp_path_factory):
    """One server's database for all tests, emptied for each."""
    made = {}
    yield made
    for database in made.values():
        database.drop()


def _database(adapter, name, folder, databases):
    if name == "sqlite":
        return adapter.database(folder)
    if name not in databases:
        databases[name] = adapter.made(folder)
    adapter.clear(databases[name])
    return databases[name]


SELDOM = frozenset({"parcels", "crates", "bookings", "leads", "people", "files"})
"""Ways that differ from another one's in little: where a test runs over all ways, these are left to `make faults`."""


def _cases(wanted=lambda _adapter, _dataset: True, *, seldom=SELDOM):
    return [
        pytest.param(
            (name, dataset),
            id=f"{name}-{dataset}-{way.__name__}",
            marks=[pytest.mark.heavy] if dataset in seldom else [],
        )
        for name, adapter in sorted(ADAPTERS.items())
        for dataset, way in adapter.ways.items()
        if wanted(adapter, dataset)
    ]


def _only(*datasets):
    return _cases(lambda _, dataset: dataset in datasets, seldom={"parcels", "people", "files"})


def _site(request, folder, databases):
    name, dataset = request.param
    adapter = ADAPTERS[name]
    site = Site(folder, adapter, _database(adapter, name, folder, databases), dataset).make().open()
    yield site
    site.close()


site = pytest.fixture(params=_cases(), name="site")(_site)
"""Every way of every adapter."""
removing = pytest.fixture(params=_cases(lambda _, dataset: dataset not in schema.REWRITTEN), name="removing")(
    _site
)
"""Every way by which rows go."""
ending = pytest.fixture(
    params=_cases(lambda _, dataset: dataset in {*schema.REWRITTEN, *schema.MOVED}, seldom=frozenset()),
    name="ending",
)(_site)
"""Every other end than deletion."""
served = pytest.fixture(params=_cases(lambda adapter, _: adapter.row_locks), name="served")(_site)
"""Every way where there is a server that locks row by row."""
alone = pytest.fixture(params=_cases(lambda adapter, _: not adapter.row_locks), name="alone")(_site)
"""Every way where a writer has the database to itself."""
family = pytest.fixture(params=_only(*schema.FAMILIES), name="family")(_site)
"""Records with parts."""
served_family = pytest.fixture(
    params=_cases(lambda adapter, dataset: adapter.row_locks and dataset in schema.FAMILIES),
    name="served_family",
)(_site)
lockable = pytest.fixture(
    params=_cases(lambda adapter, dataset: adapter.row_locks and dataset == "visits"), name="lockable"
)(_site)
"""A table without parts, where rows are locked one by one."""
visits = pytest.fixture(params=_only("visits"), name="visits")(_site)
"""Every adapter once, where the way does not matter."""
leaves = pytest.fixture(params=_only("visits", "bookings"), name="leaves")(_site)
orders = pytest.fixture(params=_only("orders"), name="orders")(_site)
accounts = pytest.fixture(params=_only("accounts"), name="accounts")(_site)
bookings = pytest.fixture(params=_only("bookings"), name="bookings")(_site)


@pytest.fixture
def own(request, folder):
    """A database of this very test, which may be thrown away: `own(name, dataset)`."""
    made = []

    def of(name, dataset="visits"):
        adapter = ADAPTERS[name]
        made.append(Site(folder, adapter, adapter.database(folder), dataset).make().open())
        return made[-1]

    yield of
    for site in made:
        site.close()
        if site.database.kind != "sqlite":
            site.database.drop()
