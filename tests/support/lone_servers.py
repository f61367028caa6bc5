"""Servers of a test's own, to be restarted, filled up and made read-only: their own port and data folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

HOST = "127.0.0.1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def folder_of_its_own() -> Path:
    """Where another account, too, can reach it."""
    made = Path(tempfile.mkdtemp(prefix="retention-server-"))
    made.chmod(0o755)
    return made


class OwnPostgresql:
    """A PostgreSQL cluster. `why_not` says why there can be none."""

    kind = "postgresql"

    def __init__(self) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: float(p.parts[-3]))
        here = shutil.which("initdb")
        self._bin = found[-1].parent if found else Path(here).parent if here else None
        self.why_not = None if self._bin is not None else "PostgreSQL's programs are not installed"
        self.port = free_port()
        self.url = f"postgresql://postgres@{HOST}:{self.port}/postgres"

    def make(self, *options: str) -> None:
        """Makes and starts it."""
        self.folder = folder_of_its_own()
        self._data = self.folder / "data"
        self._data.mkdir()
        self._who: list[str] = []
        if os.geteuid() == 0:  # the server refuses to be root's
            self._who = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            shutil.chown(self._data, "postgres", "postgres")
        self._ran("initdb", "-U", "postgres", "-A", "trust", "--no-sync")
        self._options = f"-c listen_addresses={HOST} -c port={self.port} -c unix_socket_directories="
        self._options += " -c fsync=off " + " ".join(options)
        self.start()

    def _ran(self, program: str, *words: str) -> None:
        assert self._bin is not None
        command = [*self._who, str(self._bin / program), "-D", str(self._data), *words]
        subprocess.run(command, check=True, capture_output=True, cwd="/", timeout=60)

    def start(self) -> None:
        self._ran("pg_ctl", "-w", "-l", str(self._data / "log"), "-o", self._options, "start")

    def stop(self) -> None:
        """Every session ends at once."""
        self._ran("pg_ctl", "-w", "-m", "fast", "stop")

    def execute(self, *statements: str) -> None:
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[call-overload]

    def let_in(self, how: str) -> None:
        """By which method everybody but the superuser is let in."""
        hba = f"host all postgres all trust\nhost all all all {how}\n"
        (self._data / "pg_hba.conf").write_text(hba)
        self.execute("SELECT pg_reload_conf()")

    def remove(self) -> None:
        if (self._data / "postmaster.pid").exists():
            self._ran("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(self.folder)


class OwnMariadb:
    """A MariaDB server. `why_not` says why there can be none."""

    kind = "mariadb"

    def __init__(self) -> None:
        programs = ("mariadb-install-db", "mariadbd")
        missing = [name for name in programs if shutil.which(name) is None]
        self.why_not = f"{missing[0]} is not installed" if missing else None
        self.port = free_port()
        self.url = f"mysql://root@{HOST}:{self.port}/test"
        self._running: subprocess.Popen[bytes] | None = None

    def make(self, *options: str, data: Path | None = None) -> None:
        """Makes and starts it; `data`: a folder for its files, where it is to be another than its own."""
        self.folder = folder_of_its_own()
        self._data = data if data is not None else self.folder / "data"
        self._options = [f"--user={'root' if os.geteuid() == 0 else os.environ.get('USER', 'mysql')}"]
        # One that starts clears other servers' temporary tables out of the folder that it has for its own.
        self._options += [f"--tmpdir={self.folder}"]
        made = ["--auth-root-authentication-method=normal", "--skip-test-db", f"--datadir={self._data}"]
        small = "--innodb-log-file-size=8M"
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", *self._options, *made, small, *options],
            check=True,
            capture_output=True,
            timeout=120,
        )
        self._options += [f"--datadir={self._data}", f"--socket={self.folder}/s", f"--port={self.port}"]
        self._options += [f"--bind-address={HOST}", "--skip-log-bin", small]
        self._options += [f"--log-error={self.folder}/log", f"--pid-file={self.folder}/pid", *options]
        self.start()
        self.execute("CREATE DATABASE IF NOT EXISTS test")

    def start(self) -> None:
        self._running = subprocess.Popen(
            ["mariadbd", "--no-defaults", *self._options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                with socket.create_connection((HOST, self.port), timeout=1) as greeted:
                    greeted.recv(1)
                return
            except OSError:
                assert self._running.poll() is None, (self.folder / "log").read_text()[-2000:]
                assert time.monotonic() < deadline, "the server does not answer"
                time.sleep(0.05)  # for a server, as nothing tells when it is there

    def stop(self) -> None:
        """Every session ends at once."""
        assert self._running is not None
        self._running.kill()
        self._running.wait()

    def execute(self, *statements: str) -> None:
        from tests.support.mariadb import connect

        with connect(self.url.replace("/test", "/mysql"), autocommit=True) as connection:
            for statement in statements:
                connection.cursor().execute(statement)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)


OWN = {"postgresql": OwnPostgresql, "mariadb": OwnMariadb}
