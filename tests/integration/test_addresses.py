"""URLs as people have them, tried on servers: IPv6, sockets, passwords by reference, for target and state store."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from retention.config import load
from retention.connectors.sql.opening import open_target
from retention.errors import UnreachableError
from retention.model.dataset import Secret
from retention.model.settings import StateAddress
from retention.store.backends import backend_at
from tests.support import own_servers
from tests.support.desk import told
from tests.support.own_servers import HERE, PASSWORD

WAYS = ["ipv6", "socket 1", "socket 2", "socket 3"]


@pytest.fixture(params=WAYS)
def url(request, own):
    """`url(database, user)`: the server by one of the ways."""

    def of(database="shop", user="open"):
        if request.param == "ipv6":
            return own.url(user=user, host="[::1]", database=database)
        return own.by_socket(user=user, database=database)[int(request.param[-1]) - 1]

    if request.param == "ipv6" and not own.ipv6:
        pytest.skip("this machine has no IPv6")
    return of


def test_a_target_is_reached_without_tls_and_without_being_asked(desk, url):
    planned = desk.plan(url=url())
    assert planned.exit_code == 0, planned.output
    assert "1 record" in told(planned) or " 1 " in told(planned)


def test_a_password_stands_beside_the_url(desk, url):
    (desk.folder / "secret").write_text(PASSWORD + "\n")
    lines = 'password = "file:secret"'
    assert desk.plan(lines, url=url(user="asked")).exit_code == 0
    (desk.folder / "secret").write_text("another")
    refused = desk.plan(lines, url=url(user="asked"))
    assert refused.exit_code == 5
    assert "mend the user in the URL, or the password" in told(refused)
    assert PASSWORD not in refused.output


def test_a_state_store_is_made_and_read_there(desk, url, emptied):
    """And is called by the address, without account or password."""
    desk.connect("sqlite:///shop.db")
    (desk.folder / "shop.db").touch()
    where = url(database="ledger", user="asked")
    (desk.folder / "retention.toml").write_text(
        f'[state]\nurl = "{where}"\npassword = "env:STATE_PASSWORD"\n'
    )
    made = desk.run("init", str(desk.folder), STATE_PASSWORD=PASSWORD)
    assert made.exit_code == 0, made.output
    place = "[::1]:" if "::1" in where else desk.server.socket.rpartition("/")[2]
    assert place in told(made).replace(" ", "")
    assert "asked" not in made.output
    assert desk.run("audit", "verify", STATE_PASSWORD=PASSWORD).exit_code == 0
    assert desk.run("audit", "verify", STATE_PASSWORD="another").exit_code == 5


def test_a_password_that_changes_is_used_at_the_next_connection(desk):
    desk.connect(desk.server.url(user="asked", host=HERE), 'password = "env:SHOP_PASSWORD"')
    config = load(desk.folder / "policies.toml", desk.folder / "connectors", environ={})
    environ = {"SHOP_PASSWORD": PASSWORD}
    target = open_target(config.connectors["db"], environ)
    assert target.store()
    environ["SHOP_PASSWORD"] = "another"
    with pytest.raises(UnreachableError, match="can't be reached"):
        target.store()
    target.close()


def test_one_server_by_two_ways_is_one_database(desk):
    """Two connectors there would not see what the other's datasets keep."""
    desk.connect(desk.server.url(host=HERE))
    file = desk.folder / "connectors" / "db.toml"
    again = file.read_text().replace(desk.server.url(host=HERE), desk.server.by_socket()[0])
    (desk.folder / "connectors" / "twin.toml").write_text(again)
    refused = desk.run("check")
    assert refused.exit_code == 3
    assert "reaches the same database as connector `db`" in told(refused)


def test_two_sockets_are_two_targets(own, desk):
    """An approval binds to where its plan was made."""
    identities = set()
    for url in (own.by_socket()[0], own.url(host=HERE)):
        desk.connect(url)
        config = load(desk.folder / "policies.toml", desk.folder / "connectors", environ={})
        target = open_target(config.connectors["db"], {})
        identities.add(target.identity())
        target.close()
    assert len(identities) == 2
    assert any(own.socket in identity for identity in identities)


def test_a_state_store_s_password_that_changes_is_used_at_the_next_connection(desk):
    environ = {"STATE_PASSWORD": PASSWORD}
    url = Secret(literal=desk.server.url(user="asked", host=HERE, database="ledger"))
    address = StateAddress(url=url, folder=str(desk.folder), password=Secret(env="STATE_PASSWORD"))
    backend = backend_at(address, environ)
    assert not backend.exists()
    environ["STATE_PASSWORD"] = "another"
    with pytest.raises(UnreachableError, match="can't be reached"):
        backend.exists()


def test_a_server_that_is_made_for_a_test_leaves_temporary_tables_of_others(tmp_path):
    """It cleared those of the machine's own MariaDB out of the folder that both had, and statements failed."""
    other = Path(tempfile.gettempdir()) / f"#sql-temptable-of-another-{os.getpid()}.MAI"
    other.touch()
    try:
        if os.geteuid() == 0:
            shutil.chown(other, "mysql")
        with own_servers.mariadb(tmp_path):
            assert other.exists()
    finally:
        other.unlink(missing_ok=True)
