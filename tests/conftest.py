"""Stores to test against: a SQLite file, a PostgreSQL or a MariaDB database a test, gone after it.

PostgreSQL is found by RETENTION_TEST_POSTGRESQL, MariaDB by RETENTION_TEST_MARIADB, the real schemas by
RETENTION_TEST_DATA or in `../shared/data` beside the project. What is missing skips with the reason; where
CI=true, a missing server fails.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import own_servers, servers
from tests.support.desk import Desk
from tests.support.mariadb import MariadbServer, MariadbStore
from tests.support.own_servers import OwnServer
from tests.support.stores import PostgresqlStore, Server, SqliteStore, Store
from tests.support.turns import take_turns
from tests.support.workplace import Workplace

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A runner in the background ignores Ctrl-C, and what it starts would, too: here it is part of what is tested.
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parents[1]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What runs on several databases takes turns, so that a run stays short."""
    take_turns(items)


def pytest_collection_finish() -> None:
    """Thousands of tests and what they import are never garbage: looked through for it, they cost a tenth of a run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(scope="session")
def any_server() -> Iterator[Server]:
    yield servers.any_postgresql()
    servers.any_postgresql().close()


@pytest.fixture
def server(any_server: Server) -> Server:
    """The PostgreSQL server; a test that asks for it skips where there is none."""
    return servers.postgresql()


@pytest.fixture
def mariadb_server() -> MariadbServer:
    """The MariaDB server; a test that asks for it skips where there is none."""
    return servers.mariadb()


@pytest.fixture(scope="session")
def own_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServer]:
    """A PostgreSQL server of this session of tests, with TLS."""
    with own_servers.postgresql(tmp_path_factory.mktemp("postgresql")) as found:
        yield found


@pytest.fixture(scope="session")
def own_mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServer]:
    """A MariaDB server of this session of tests, with TLS."""
    with own_servers.mariadb(tmp_path_factory.mktemp("mariadb")) as found:
        yield found


@pytest.fixture(params=["postgresql", "mariadb"])
def own(request: pytest.FixtureRequest) -> OwnServer:
    """Each of the two."""
    found: OwnServer = request.getfixturevalue(f"own_{request.param}")
    return found


@pytest.fixture
def desk(own: OwnServer, tmp_path: Path) -> Desk:
    """Where a connector or a state store on such a server is tried."""
    return Desk(own, tmp_path)


@pytest.fixture
def emptied(own: OwnServer) -> Iterator[None]:
    """The database `ledger` is empty again afterwards."""
    yield
    if own.kind == "mariadb":
        own.execute("mysql", "DROP DATABASE ledger")
        own.execute("mysql", "CREATE DATABASE ledger CHARACTER SET utf8mb4")
    else:
        own.execute("ledger", "DROP SCHEMA public CASCADE; CREATE SCHEMA public")


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real schemas."""
    places = [ROOT.parent / "shared" / "data"]
    if "RETENTION_TEST_DATA" in os.environ:
        places.insert(0, Path(os.environ["RETENTION_TEST_DATA"]))
    for place in places:
        if place.is_dir():
            return place
    pytest.skip(
        f"no real schemas at {' or '.join(map(str, places))} (RETENTION_TEST_DATA names another place)"
    )


@pytest.fixture
def sqlite(tmp_path: Path) -> SqliteStore:
    """An empty SQLite file."""
    return SqliteStore(tmp_path / "target.db")


@pytest.fixture
def postgresql(server: Server) -> Iterator[PostgresqlStore]:
    """An empty PostgreSQL database."""
    store = server.lend()
    yield store
    server.give_back(store)


@pytest.fixture
def mariadb(mariadb_server: MariadbServer) -> Iterator[MariadbStore]:
    """An empty MariaDB database."""
    store = mariadb_server.create()
    yield store
    mariadb_server.drop(store)


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def store(request: pytest.FixtureRequest) -> Store:
    """An empty database; the test runs once on each kind."""
    found: Store = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def state_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first workplace that is set up leaves its state store for the others."""
    return tmp_path_factory.mktemp("template") / "state"


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state_template: Path) -> Workplace:
    """A workplace at a fixed hour, which a database's server has too."""
    from retention.connectors.sql.target import SqlTarget

    place = Workplace(folder=tmp_path, template=state_template)
    monkeypatch.setattr(SqlTarget, "now", lambda _: place.now)
    return place


# -- real schemas --------------------------------------------------------------------------


@pytest.fixture(scope="session")
def chinook_file(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("chinook") / "chinook.db"
    connection = sqlite3.connect(path, isolation_level=None)
    text = (data / "chinook" / "Chinook_Sqlite.sql").read_text(encoding="utf-8-sig")
    connection.executescript(f"PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; BEGIN; {text} COMMIT;")
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    return path


@pytest.fixture
def chinook_sqlite(chinook_file: Path, tmp_path: Path) -> SqliteStore:
    shutil.copy(chinook_file, tmp_path / "chinook.db")
    return SqliteStore(tmp_path / "chinook.db")


Template = Callable[[str, Callable[[], str]], str]


@pytest.fixture(scope="session")
def template(any_server: Server) -> Iterator[Template]:
    """`template(name, script)`: the name of a database that the script has filled, once a session."""
    made: dict[str, PostgresqlStore] = {}

    def of(name: str, script: Callable[[], str]) -> str:
        if name not in made:
            made[name] = any_server.create()
            psql(made[name].url, script())
        return made[name].name

    yield of
    for store in made.values():
        any_server.drop(store)


def psql(url: str, script: str) -> None:
    """Runs a script of psql's, with its COPY … FROM stdin blocks."""
    if shutil.which("psql") is None:
        pytest.skip("psql is not installed")
    subprocess.run(
        ["psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set", "ON_ERROR_STOP=1", url],
        input=script,
        text=True,
        encoding="utf-8",
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


@pytest.fixture
def chinook_postgresql(server: Server, data: Path, template: Template) -> Iterator[PostgresqlStore]:
    def script() -> str:
        text = (data / "chinook" / "Chinook_PostgreSql.sql").read_text(encoding="utf-8-sig")
        return text.split("\\c chinook;", 1)[1]

    store = server.create(template("chinook", script))
    yield store
    server.drop(store)


@pytest.fixture
def chinook_mariadb(mariadb: MariadbStore, data: Path) -> MariadbStore:
    text = (data / "chinook" / "Chinook_MySql.sql").read_text(encoding="utf-8-sig")
    mariadb.verbatim(f"SET autocommit = 0; {text.split('USE `Chinook`;', 1)[1]}", mode="")
    return mariadb


@pytest.fixture
def pagila(server: Server, data: Path, template: Template) -> Iterator[PostgresqlStore]:
    def script() -> str:
        texts = [(data / "pagila" / f"pagila-{part}.sql").read_text("utf-8") for part in ("schema", "data")]
        return "\n".join(texts)

    store = server.create(template("pagila", script))
    yield store
    server.drop(store)
