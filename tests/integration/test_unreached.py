"""Why a server gives no connection is said in its words, and what to do in one sentence; for target and state store."""

from __future__ import annotations

import contextlib
import gc
import socket
import threading

import pytest

from retention.config import load
from retention.config.connecting import logins
from retention.connectors.port import Transient
from retention.connectors.sql.opening import open_target
from retention.connectors.sql.target import SqlTarget
from retention.errors import UnreachableError
from tests.support.desk import DATASET, POLICY, told
from tests.support.own_servers import FAR, HERE

HERE_IS = {
    "login": "mend the user in the URL, or the password",
    "database": "mend the database's name at the end of the URL, or make the database",
    "host": "mend the host in the URL, or see that this machine can look its name up",
    "closed": "see that the server runs and listens there, or mend host and port in the URL",
    "socket": "or mend the socket's path in the URL",
    "other": "port and scheme of the URL may not belong together",
    "full": "try again later, or let the server (or its pooler) take more connections",
}


@pytest.fixture(params=["plan", "check", "state"])
def said(request, desk):
    """`said(url, lines)`: what a command says that can't reach a target, or its state store; exit 5."""

    def by(url, lines=""):
        if request.param == "plan":
            result = desk.plan(lines, url=url)
        elif request.param == "check":
            desk.connect(url, lines)
            result = desk.run("check")
        else:
            result = desk.state(lines, url=url)
        assert result.exit_code == 5, result.output
        return told(result)

    return by


def test_a_refused_login(said, own):
    words = said(own.url(user="asked", host=HERE), 'password = "env:PATH"')
    assert "asked" in words
    assert HERE_IS["login"] in words


def test_an_unknown_account(said, own):
    user = "who_is_this"
    assert HERE_IS["login"] in said(own.url(user=user, host=HERE))


def test_an_unknown_host(said, own):
    assert HERE_IS["host"] in said(own.url(host="nowhere.invalid"), 'tls = "off"')


def test_a_closed_port(said, own):
    assert HERE_IS["closed"] in said(own.url(host=HERE, port=1))


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_socket_that_is_not_there(said, own):
    """(PyMySQL leaves its own end open.)"""
    assert HERE_IS["socket"] in said(own.by_socket()[0].replace(own.socket, "/nowhere/at-all"))
    gc.collect()


def test_an_unknown_database_of_a_target(desk):
    for words in (["plan"], ["check"]):
        desk.connect(desk.server.url(host=HERE, database="nowhere"))
        result = desk.run(*words)
        assert result.exit_code == 5
        assert HERE_IS["database"] in told(result)


def test_an_unknown_database_of_a_state_store_is_to_be_made(desk):
    refused = desk.state(url=desk.server.url(host=HERE, database="nowhere"))
    assert refused.exit_code == 3
    assert "CREATE DATABASE nowhere; then type: retention init" in told(refused)


def test_a_server_of_another_kind(said, own, request, monkeypatch):
    """PostgreSQL waits to be spoken to: PyMySQL gives it up after as long as a server may take to let one in."""
    monkeypatch.setattr(logins, "CONNECT_SECONDS", 0.2)
    other = request.getfixturevalue(f"own_{'postgresql' if own.kind == 'mariadb' else 'mariadb'}")
    for host in (HERE, FAR):
        assert HERE_IS["other"] in said(own.url(host=host, port=other.port))


def test_something_else_that_greets(said, own):
    """Such as a mail server."""
    with socket.create_server((HERE, 0)) as listening:

        def greet() -> None:
            with contextlib.suppress(OSError):
                while True:
                    one, _ = listening.accept()
                    with one:
                        one.sendall(b"220 mail.example ESMTP\r\n" + b"x" * 60_000)
                        one.shutdown(socket.SHUT_WR)
                        one.recv(4096)

        threading.Thread(target=greet, daemon=True).start()
        assert HERE_IS["other"] in said(own.url(host=HERE, port=listening.getsockname()[1]))


# -- what passes ---------------------------------------------------------------------------


@contextlib.contextmanager
def full(own):
    """All of the server's connections but those of administrators are taken."""
    with contextlib.ExitStack() as stack:
        if own.kind == "postgresql":
            import psycopg

            with contextlib.suppress(psycopg.OperationalError):
                while True:
                    one = psycopg.connect(host=own.socket, port=own.port, user="open", dbname="shop")
                    stack.callback(one.close)
        else:
            import pymysql

            with contextlib.suppress(pymysql.OperationalError):
                while True:
                    one = pymysql.connect(unix_socket=own.socket, user="open")
                    stack.callback(one.close)
        yield stack


def test_too_many_connections(said, own):
    with full(own):
        assert HERE_IS["full"] in said(own.url(host=HERE))


def test_a_full_server_is_waited_for_as_long_as_a_lock_is(desk):
    """What passes is Transient: the engine tries again before it says that a job failed."""
    desk.connect(desk.server.url(host=HERE))
    config = load(desk.folder / "policies.toml", desk.folder / "connectors", environ={})
    target = open_target(config.connectors["db"], {})
    with full(desk.server), pytest.raises(Transient, match="can't be reached"):
        target.store()
    assert target.store()
    target.close()


def test_a_run_waits_for_a_full_server(desk, emptied, monkeypatch):
    """Others take all that is left just when the job wants a connection, and let go a little later."""
    own = desk.server
    desk.connect(own.url(host=HERE, database="ledger"))
    policy = desk.folder / "policies.toml"
    at_once = 'approval = "never"\nlimits = { share = "100%" }\n'
    policy.write_text(policy.read_text().replace("[rules", at_once + "[rules", 1))
    own.execute("ledger", "CREATE TABLE visits (id integer PRIMARY KEY, seen date)")
    own.execute("ledger", "INSERT INTO visits VALUES (1, '2015-01-01')")
    made = desk.run("init", str(desk.folder))
    assert made.exit_code == 0, made.output
    remover, tries = SqlTarget.remover, []

    def crowded(self, *words, **how):
        if not tries:
            stack = others.enter_context(full(own))
            threading.Timer(0.1, stack.close).start()
        tries.append(1)
        return remover(self, *words, **how)

    monkeypatch.setattr(SqlTarget, "remover", crowded)
    with contextlib.ExitStack() as others:
        ran = desk.run("run", "--yes")
    assert ran.exit_code == 0, ran.output
    assert len(tries) > 1
    assert own.execute("ledger", "SELECT id FROM visits") == []


@pytest.mark.parametrize(
    ("url", "transient"),
    [("postgresql://h/x", True), ("mysql://h/x", True), ("postgresql://h/x", False), ("mysql://h/x", False)],
)
def test_a_server_that_starts_or_ends_may_be_there_a_little_later(tmp_path, monkeypatch, url, transient):
    """And one that is not there may not."""
    import psycopg
    import pymysql

    words = "FATAL:  the database system is starting up" if transient else "Connection refused"
    failed = {
        "postgresql": psycopg.OperationalError(
            f'connection failed: connection to server at "h" failed: {words}'
        ),
        "mysql": pymysql.OperationalError(
            *((1053, "Server shutdown in progress") if transient else (2003, words))
        ),
    }[url.partition(":")[0]]

    def fail(*_, **__):
        raise failed

    monkeypatch.setattr(psycopg, "connect", fail)
    monkeypatch.setattr(psycopg.Connection, "connect", fail)
    monkeypatch.setattr(pymysql, "connect", fail)
    (tmp_path / "connectors").mkdir()
    (tmp_path / "policies.toml").write_text(POLICY)
    (tmp_path / "connectors" / "db.toml").write_text(f'type = "sql"\nurl = "{url}"\ntls = "off"\n{DATASET}')
    config = load(tmp_path / "policies.toml", tmp_path / "connectors", environ={})
    target = open_target(config.connectors["db"], {})
    with pytest.raises(UnreachableError) as raised:
        target.store()
    assert isinstance(raised.value, Transient) is transient
    assert raised.value.write
