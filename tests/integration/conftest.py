"""A small shop in which everything that was due has gone: made once, and copied for each test of the ledger."""

from __future__ import annotations

import shutil

import pytest

from tests.support.stores import SqliteStore
from tests.support.workplace import Workplace

KEYS = ((7, 3), (7, 4), (70, 3))


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Two rules, one of them approved; `lines` has a key of two columns. Everything that is due has gone."""
    from retention.verbs.approve import approve
    from retention.verbs.plan import plan

    work = Workplace(folder=tmp_path_factory.mktemp("finished"))
    target, old = SqliteStore(work.folder / "target.db"), "'2020-05-05 10:00:00'"
    rows = ", ".join(f"({a}, {b}, {old})" for a, b in KEYS)
    target.script(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, made TEXT);"
        f"INSERT INTO orders VALUES (17, {old}), (18, {old}), (19, '2026-10-01 10:00:00');"
        "CREATE TABLE lines (a INTEGER, b INTEGER, made TEXT, PRIMARY KEY (a, b));"
        f"INSERT INTO lines VALUES {rows}"
    )
    datasets = "".join(
        f'[datasets.{table}]\ndata = "{table}"\ntable = "{table}"\nevents = {{ made = "made" }}\n'
        for table in ("orders", "lines")
    )
    work.connect(target, datasets, name="shop")
    for name, approval in (("orders", '"always"'), ("lines", '"never"')):
        keys = {"promise": f'"{name.capitalize()}: a year"', "approval": approval}
        work.rule(name, f'data = "{name}"\nkeep = "1 year"\nfrom = "made"', **keys)
    work.init()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("retention.connectors.sql.target.SqlTarget.now", lambda _: work.now)
        made = plan(work.place, clock=work.clock)
        approve(work.place, made.id, rules=("orders",), by="ida", clock=work.clock)
        assert work.run().status == "done"
    return work


@pytest.fixture
def done(finished: Workplace, work: Workplace) -> Workplace:
    """A copy of it."""
    shutil.copytree(finished.folder, work.folder, dirs_exist_ok=True)
    work.rules, work.connectors, work.now = dict(finished.rules), dict(finished.connectors), finished.now
    work.environ, work.ready = {"SHOP_URL": SqliteStore(work.folder / "target.db").url}, True
    return work
