"""Servers of the tests' own, with TLS, on both loopback addresses and on a socket.

They stand on 127.0.0.1 and ::1. 0.0.0.0 leads there, too, and is not one of the addresses that count as local:
where a test wants a server that is far away, it says `FAR`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.support.authority import Authority
from tests.support.servers import missing

FAR = "0.0.0.0"
MISNAMED = "localhost"
"""Is in no certificate."""
HERE = "127.0.0.1"
NAMES = (FAR, HERE, "::1")
PASSWORD = "s3cret Canary/%"
"""Of the account `asked`. `strict` is let in by a client's certificate alone."""


TABLES = (
    "CREATE TABLE visits (id integer PRIMARY KEY, seen date); INSERT INTO visits VALUES (1, '2015-01-01')"
)
"""In the database `shop`; `ledger` is empty."""


@dataclass(frozen=True, kw_only=True)
class OwnServer:
    """`folder`: certificates `house-…` of its authority, and of `stranger`; `socket`: its file, or its folder."""

    kind: str
    port: int
    socket: str
    folder: Path
    log: Path
    ipv6: bool

    def url(
        self, *, user: str = "open", host: str = FAR, port: int | None = None, database: str = "shop"
    ) -> str:
        """A URL of the server's kind."""
        return f"{self.kind}://{user}@{host}:{port or self.port}/{database}"

    def execute(self, database: str, statement: str) -> list[Any]:
        """The statement's rows, where it has any."""
        if self.kind == "mariadb":
            import pymysql

            with (
                pymysql.connect(
                    unix_socket=self.socket, user="root", database=database, autocommit=True
                ) as one,
                one.cursor() as cursor,
            ):
                cursor.execute(statement)
                return list(cursor.fetchall())
        import psycopg

        with psycopg.connect(
            host=self.socket, port=self.port, user="postgres", dbname=database
        ) as connection:
            found = connection.execute(statement)  # type: ignore[call-overload]
            return found.fetchall() if found.description else []

    def by_socket(self, *, user: str = "open", database: str = "shop") -> tuple[str, ...]:
        """URLs that lead to its socket, as people write them."""
        if self.kind == "mariadb":
            place = f"{user}@/{database}?unix_socket={self.socket}"
            return (
                f"mysql://{place}",
                f"mariadb://{place}",
                f"mysql://{user}@localhost/{place.partition('/')[2]}",
            )
        folder = quote(self.socket, safe="")
        return (
            f"postgresql://{user}@:{self.port}/{database}?host={self.socket}",
            f"postgresql:///{database}?host={self.socket}&port={self.port}&user={user}",
            f"postgres://{user}@{folder}:{self.port}/{database}",
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        return int(probe.getsockname()[1])


def has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


@contextlib.contextmanager
def _home(account: str) -> Iterator[tuple[Path, list[str]]]:
    """A folder with a short name (a socket's has at most 107 characters), and what makes a command another's."""
    home = Path(tempfile.mkdtemp(prefix="rt"))
    who: list[str] = []
    try:
        if os.geteuid() == 0:  # the servers refuse to be root's
            who = ["setpriv", f"--reuid={account}", f"--regid={account}", "--clear-groups"]
            shutil.chown(home, account, account)
        yield home, who
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _certificates(folder: Path, home: Path, who: list[str], account: str) -> None:
    """`server.pem`, `server.key` and `root.pem` in the server's home, for it alone."""
    house, stranger = Authority(folder, "house"), Authority(folder, "stranger")
    pem, key = house.issue("db", "server", NAMES)
    house.issue("strict", "strict")
    house.issue("nobody", "nobody")
    house.issue("strict", "locked", passphrase="open")
    stranger.issue("strict", "strict")
    for source, name in ((pem, "server.pem"), (key, "server.key"), (house.path, "root.pem")):
        shutil.copy(source, home / name)
        (home / name).chmod(0o600)
        if who:
            shutil.chown(home / name, account, account)


# -- PostgreSQL ----------------------------------------------------------------------------


def _postgresql_programs() -> Path | None:
    """Where initdb and pg_ctl are: the newest of Debian's, or beside each other on the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: float(p.parts[-3]))
    here = shutil.which("initdb")
    return found[-1].parent if found else Path(here).parent if here else None


_ADMITTED = """\
hostssl all strict all cert
local all asked scram-sha-256
local replication all trust
host all asked all scram-sha-256
hostnossl all ciphered all reject
host all stranger all reject
local all all trust
host all all all trust
"""


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[OwnServer]:
    """A PostgreSQL cluster; `folder` is where certificates are left."""
    bin_ = _postgresql_programs()
    if bin_ is None:
        missing("PostgreSQL's programs are not installed")
        raise AssertionError
    with _home("postgres") as (home, who):
        data, port = home / "data", free_port()

        def ran(program: str, *words: str) -> None:
            command = [*who, str(bin_ / program), "-D", str(data), *words]
            subprocess.run(command, check=True, capture_output=True, cwd="/", timeout=60)

        ran("initdb", "-U", "postgres", "-A", "trust", "--no-sync")
        _certificates(folder, home, who, "postgres")
        (data / "pg_hba.conf").write_text(_ADMITTED)
        settings = {
            "listen_addresses": f"{HERE},::1" if has_ipv6() else HERE,
            "port": port,
            "unix_socket_directories": home,
            "ssl": "on",
            "ssl_ca_file": home / "root.pem",
            "ssl_cert_file": home / "server.pem",
            "ssl_key_file": home / "server.key",
            "fsync": "off",
            "max_connections": 20,
        }
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        log = home / "log"
        ran("pg_ctl", "-w", "-l", str(log), "-o", options, "start")
        try:
            import psycopg

            with psycopg.connect(host=str(home), port=port, user="postgres", autocommit=True) as connection:
                connection.execute("CREATE DATABASE shop")
                connection.execute("CREATE DATABASE ledger")
                for name in ("open", "strict", "ciphered", "stranger"):
                    connection.execute(f"CREATE ROLE {name} LOGIN SUPERUSER")  # type: ignore[call-overload]
                connection.execute(f"CREATE ROLE asked LOGIN SUPERUSER PASSWORD '{PASSWORD}'")  # type: ignore[call-overload]
            with psycopg.connect(host=str(home), port=port, user="postgres", dbname="shop") as connection:
                connection.execute(TABLES)
            yield OwnServer(
                kind="postgresql", port=port, socket=str(home), folder=folder, log=log, ipv6=has_ipv6()
            )
        finally:
            ran("pg_ctl", "-w", "-m", "immediate", "stop")


@contextlib.contextmanager
def postgresql_standby(primary: OwnServer) -> Iterator[OwnServer]:
    """A standby that follows `primary` by streaming."""
    bin_ = _postgresql_programs()
    assert bin_ is not None, "the primary has them"
    with _home("postgres") as (home, who):
        data, port, log = home / "data", free_port(), home / "log"

        def ran(*words: str) -> None:
            program, *rest = words
            subprocess.run(
                [*who, str(bin_ / program), "-D", str(data), *rest],
                check=True,
                capture_output=True,
                cwd="/",
                timeout=60,
            )

        follows = ["-h", primary.socket, "-p", str(primary.port), "-U", "postgres"]
        ran("pg_basebackup", *follows, "-R", "-X", "stream", "-c", "fast", "--no-sync")
        options = f"-c port={port} -c listen_addresses={HERE} -c unix_socket_directories={home} -c fsync=off"
        ran("pg_ctl", "-w", "-l", str(log), "-o", options, "start")
        try:
            yield OwnServer(
                kind="postgresql", port=port, socket=str(home), folder=primary.folder, log=log, ipv6=False
            )
        finally:
            ran("pg_ctl", "-w", "-m", "immediate", "stop")


# -- MariaDB -------------------------------------------------------------------------------


def _mariadb_programs() -> tuple[str, str] | None:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    server, installer = shutil.which("mariadbd", path=path), shutil.which("mariadb-install-db", path=path)
    return (server, installer) if server and installer else None


@contextlib.contextmanager
def mariadb(folder: Path, *more: str) -> Iterator[OwnServer]:
    """A MariaDB server, with `more` options; `folder` is where certificates are left."""
    programs = _mariadb_programs()
    if programs is None:
        missing("MariaDB's server is not installed")
        raise AssertionError
    with _home("mysql") as (home, who):
        data, port, log = home / "data", free_port(), home / "log"
        small = ["--innodb-log-file-size=8M", "--innodb-buffer-pool-size=16M", "--innodb-flush-method=nosync"]
        small += [
            f"--tmpdir={home}"
        ]  # a server that starts clears other servers' tables out of the one that it has
        words = ["--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"]
        command = [*who, programs[1], *words, "--skip-test-db", "--skip-name-resolve", *small]
        subprocess.run(command, check=True, capture_output=True, cwd="/", timeout=60)
        _certificates(folder, home, who, "mysql")
        options = {
            "datadir": data,
            "socket": home / "socket",
            "pid-file": home / "pid",
            "port": port,
            "bind-address": f"{HERE},::1" if has_ipv6() else HERE,
            "ssl-ca": home / "root.pem",
            "ssl-cert": home / "server.pem",
            "ssl-key": home / "server.key",
            "log-error": log,
            "max-connections": 10,
        }
        named = [f"--{name}={value}" for name, value in options.items()]
        process = subprocess.Popen(
            [*who, programs[0], "--no-defaults", *named, *small, *more, "--skip-name-resolve"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )
        try:
            _until_it_answers(process, home / "socket", log)
            _accounts(str(home / "socket"))
            yield OwnServer(
                kind="mariadb",
                port=port,
                socket=str(home / "socket"),
                folder=folder,
                log=log,
                ipv6=has_ipv6(),
            )
        finally:
            process.kill()
            process.wait()


def _until_it_answers(process: subprocess.Popen[bytes], path: Path, log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
            return
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, "the server does not answer"
        time.sleep(0.02)


def _accounts(path: str) -> None:
    import pymysql

    with (
        pymysql.connect(unix_socket=path, user="root", autocommit=True) as connection,
        connection.cursor() as c,
    ):
        c.execute("CREATE DATABASE shop CHARACTER SET utf8mb4")
        c.execute("CREATE DATABASE ledger CHARACTER SET utf8mb4")
        c.execute("USE shop")
        for statement in TABLES.split(";"):
            c.execute(statement)
        for name, how in (
            ("open", ""),
            ("ciphered", "REQUIRE SSL"),
            ("strict", "REQUIRE X509"),
            ("asked", f"IDENTIFIED BY '{PASSWORD}'"),
        ):
            c.execute(f"CREATE USER {name}@'%' {how}")
            c.execute(f"GRANT ALL ON *.* TO {name}@'%'")
