"""TLS as the documentation promises it: verified unless the host is local, by one's own authority, or off.

Servers of the tests' own, with certificates made for them, reached by 0.0.0.0, which does not count as local.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading

import pytest

from retention.config import load
from retention.connectors.sql.opening import open_target
from retention.errors import ConfigurationError, UnreachableError
from tests.support.desk import Desk, told
from tests.support.own_servers import HERE, MISNAMED, OwnServer

HOUSE = 'tls_ca = "house-ca.pem"'
STRICT = f'{HOUSE}\ntls_cert = "house-strict.pem"\ntls_key = "house-strict.key"'
NO_STORE = "type: retention init"
"""What is said where a server let one in that has no state store yet."""


@pytest.fixture(params=["target", "state"])
def ended(request, desk):
    """`ended(lines, **account)`: (in, what was said) of a command that connects a target, or a state store."""

    def target(lines="", **account):
        result = desk.plan(lines, **account)
        assert result.exit_code in (0, 3, 5), result.output
        return result.exit_code == 0, told(result)

    def state(lines="", **account):
        result = desk.state(lines, **account)
        assert result.exit_code in (3, 5), result.output
        return NO_STORE in told(result), told(result)

    return target if request.param == "target" else state


def test_a_server_is_verified_without_being_asked(ended):
    """Its authority is none of the system's."""
    inside, words = ended()
    assert not inside
    assert "certificate verify failed" in words
    assert 'signed the server\'s certificate: tls_ca = "ca.pem"' in words


def test_an_authority_of_ones_own_by_a_path_from_the_policys_folder(ended):
    assert ended(HOUSE)[0]


def test_another_authority_is_refused(ended):
    inside, words = ended('tls_ca = "stranger-ca.pem"')
    assert not inside
    assert "certificate verify failed" in words


def test_a_host_that_the_certificate_does_not_name_is_refused(ended):
    inside, words = ended(HOUSE, host=MISNAMED)
    assert not inside
    assert "write the host in the URL as the server's certificate names it" in words


def test_tls_is_done_without_only_where_that_is_written(ended):
    assert ended('tls = "off"')[0]


def test_a_server_on_this_machine_is_let_alone_unless_an_authority_is_named(ended):
    assert ended(host=HERE)[0]
    assert ended(HOUSE, host=HERE)[0]
    assert not ended('tls_ca = "stranger-ca.pem"', host=HERE)[0]


def test_a_server_that_wants_tls_is_served_with_it(ended):
    assert ended(HOUSE, user="ciphered")[0]


def test_a_certificate_is_shown_to_a_server_that_asks_for_one(ended):
    assert ended(STRICT, user="strict")[0]


def test_a_certificate_of_another_authority_is_refused_with_what_to_do(ended):
    """The server may end the connection before it has said why."""
    inside, words = ended(STRICT.replace("house-strict", "stranger-strict"), user="strict")
    assert not inside
    assert "and its key: tls_cert and tls_key" in words
    assert "that the server accepts for this user" in words or "name one that it accepts" in words


def test_without_a_certificate_the_server_refuses_and_what_to_name_is_said(ended):
    inside, words = ended(HOUSE, user="strict")
    assert not inside
    assert "tls_cert and tls_key" in words


def test_a_certificate_that_is_renewed_is_used_at_the_next_connection(desk):
    """The connector stays; its files change."""
    (desk.folder / "own.pem").write_bytes((desk.folder / "stranger-strict.pem").read_bytes())
    shutil.copy(desk.folder / "stranger-strict.key", desk.folder / "own.key")
    lines = f'{HOUSE}\ntls_cert = "own.pem"\ntls_key = "own.key"'
    desk.connect(desk.server.url(user="strict"), lines)
    config = load(desk.folder / "policies.toml", desk.folder / "connectors", environ={})
    target = open_target(config.connectors["db"], {})
    with pytest.raises(UnreachableError):
        target.store()
    for end in ("pem", "key"):
        shutil.copy(desk.folder / f"house-strict.{end}", desk.folder / f"own.{end}")
    assert target.store()
    os.chmod(desk.folder / "own.key", 0o644)
    with pytest.raises(ConfigurationError) as refused:
        target.store()
    assert [(p.file, p.key) for p in refused.value.problems] == [("connectors/db.toml", "tls_key")]
    target.close()


def test_a_key_that_others_can_read_is_a_problem_of_the_connector_s_file(desk):
    (desk.folder / "house-strict.key").chmod(0o640 if os.geteuid() else 0o644)
    desk.connect(desk.server.url(user="strict"), STRICT)
    refused = desk.run("check")
    assert refused.exit_code == 3
    assert "connectors/db.toml" in told(refused)
    assert "tls_key" in told(refused)
    assert "chmod 600" in told(refused)


@pytest.mark.parametrize(
    ("name", "words"),
    [("nowhere", "cannot be read (No such file or directory)"), ("house-locked", "has a passphrase")],
)
def test_a_state_store_s_key_that_cannot_be_used_is_named(desk, name, words):
    refused = desk.state(STRICT.replace("house-strict.key", f"{name}.key"), user="strict")
    assert refused.exit_code == 3
    assert words in told(refused)


# -- servers without TLS -------------------------------------------------------------------


def plain_mariadb(one: socket.socket, server: OwnServer) -> bytes:
    """MariaDB's greeting with the word for TLS taken out, as somebody in between would; what came after it."""
    with socket.create_connection((HERE, server.port)) as real:
        greeting = bytearray(real.recv(4096))
    flags = (
        greeting.index(0, 5) + 1 + 4 + 8 + 1
    )  # after the version, the session's number and half of the salt
    assert greeting[flags + 1] & 0x08
    greeting[flags + 1] &= ~0x08
    one.sendall(greeting)
    return one.recv(4096)


def plain_postgresql(one: socket.socket, _: OwnServer) -> bytes:
    """No to the question for TLS; what came after it."""
    one.recv(8)
    one.sendall(b"N")
    return one.recv(4096)


@pytest.mark.parametrize("which", ["target", "state"])
def test_a_server_without_tls_is_refused_before_it_is_told_who_comes(desk, which):
    came: list[bytes] = []
    answer = plain_mariadb if desk.server.kind == "mariadb" else plain_postgresql
    with socket.create_server((HERE, 0)) as listening:

        def serve() -> None:
            one, _ = listening.accept()
            with one:
                came.append(answer(one, desk.server))

        serving = threading.Thread(target=serve)
        serving.start()
        port = listening.getsockname()[1]
        refused = desk.plan(port=port) if which == "target" else desk.state(port=port)
        serving.join(10)
    assert refused.exit_code == 5
    assert "switch TLS on at the server, or, where the network between can be trusted, write tls" in told(
        refused
    )
    assert came == [b""]


def test_what_the_url_says_of_tls_is_heard(own_postgresql: OwnServer, tmp_path):
    url = own_postgresql.url()
    assert Desk(own_postgresql, tmp_path).plan(url=f"{url}?sslmode=require").exit_code == 0
