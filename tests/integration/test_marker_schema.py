"""`retention_marker` in a schema of its own, apart from the tables whose rows go."""

from __future__ import annotations

import pytest

from retention.connectors.port import Marker
from retention.connectors.sql.opening import open_target
from retention.errors import ConfigurationError, SetupError
from tests.support_faults.databases import KINDS
from tests.support_faults.shops import Shop


@pytest.fixture
def shop(tmp_path):
    database = KINDS["postgresql"](tmp_path)
    shop = Shop(tmp_path, database, marker_schema="Ops of ours")
    shop.visits(due=300)
    yield shop
    database.drop()


def markers(shop, where="true"):
    return shop.database.rows(f'SELECT run, batch, status FROM "Ops of ours".retention_marker WHERE {where}')


def test_markers_are_written_read_and_folded_in_their_schema(shop):
    shop.database.run('CREATE SCHEMA "Ops of ours"')
    shop.ready()
    before = shop.keys()
    assert shop.check().problems == ()
    assert shop.run().status == "done"
    shop.must_be_whole(before)
    assert shop.database.rows("SELECT schemaname FROM pg_tables WHERE tablename = 'retention_marker'") == [
        ("Ops of ours",)
    ]
    assert [(batch, status) for _, batch, status in markers(shop)] == [(0, "folded")]
    shop.add_visits(5_000, 50)
    assert shop.run().status == "done"
    assert len(markers(shop)) == 2


def test_a_marker_there_that_the_ledger_does_not_know_stops_the_run(shop):
    shop.database.run('CREATE SCHEMA "Ops of ours"')
    shop.ready()
    with shop.state() as state:
        origin = state.origin
    shop.database.run(
        f"INSERT INTO \"Ops of ours\".retention_marker VALUES ('{origin}', 'r', 7, 'committed', 'x', 1)"
    )
    with pytest.raises(Exception, match="ledger"):
        shop.run()


def test_a_fence_holds_in_their_schema(shop):
    shop.database.run('CREATE SCHEMA "Ops of ours"')
    shop.ready()
    target = open_target(shop.config().connectors["shop"], shop.environ)
    try:
        assert target.fence("o", "r", 1) == "aborted"
        assert target.fence("o", "r", 1) == "aborted"
        aborted = Marker(origin="o", run="r", batch=1, status="aborted", root="0" * 64, count=0)
        assert target.markers("o") == {("r", 1): aborted}
    finally:
        target.close()
    assert markers(shop, "origin = 'o'") == [("r", 1, "aborted")]


def test_a_schema_that_is_not_there_is_named_with_what_to_type(shop):
    with pytest.raises(SetupError, match='CREATE SCHEMA "Ops of ours";'):
        shop.ready()


def test_where_a_database_takes_no_marker_it_is_told_what_was_made_before(shop):
    """Nobody was told that the keys were made, of which a copy is to be kept."""
    with pytest.raises(SetupError) as refused:
        shop.ready()
    told, before = str(refused.value).split("Done before that: ")
    assert "or let its owner make the table" in told
    assert before.count("made (keep a copy elsewhere)") == 2
    assert "the state store, made" in before


def test_the_right_that_markers_need_is_looked_for_in_their_schema(shop):
    shop.database.run('CREATE SCHEMA "Ops of ours"')
    shop.ready()
    role = f"marker_{shop.database.name}"
    shop.database.run(
        f"CREATE ROLE {role} LOGIN",
        f'GRANT USAGE ON SCHEMA "Ops of ours" TO {role}',
        f'GRANT SELECT, INSERT ON "Ops of ours".retention_marker TO {role}',
    )
    try:
        shop.database.url = shop.database.url.replace("//postgres@", f"//{role}@")
        shop.write()
        target = open_target(shop.config().connectors["shop"], shop.environ)
        [lacks] = target.lacking(())
        target.close()
        assert lacks.grant == f'GRANT DELETE ON "Ops of ours"."retention_marker" TO "{role}";'
    finally:
        shop.database.url = shop.database.url.replace(f"//{role}@", "//postgres@")
        shop.database.run(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


@pytest.mark.parametrize("url", ["sqlite:///shop.db", "env:SHOP_URL"])
def test_a_sqlite_file_has_no_schemas(tmp_path, url):
    database = KINDS["sqlite"](tmp_path)
    shop = Shop(tmp_path, database, marker_schema="ops")
    shop.visits(due=1)
    shop.environ["SHOP_URL"] = f"sqlite:///{database.path}"
    database.url = url
    shop.write()
    with pytest.raises(ConfigurationError) as refused:
        shop.ready() if url.startswith("env:") else shop.config()
    assert any("has no schemas" in str(problem) for problem in refused.value.problems)
