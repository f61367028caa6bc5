"""The state store in a MariaDB or MySQL database, through PyMySQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, text

from retention.config.connecting import logins, unreached
from retention.config.connecting.unreached import Reason
from retention.config.connecting.urls import Url
from retention.errors import SetupError, UnreachableError
from retention.model.dataset import Tls
from retention.store import backend
from retention.store.sending import Answer, Statement, execute, together
from retention.store.servers import IDLE_SECONDS, STATEMENT_SECONDS, Server

_KINDS = {
    1213: "clash",
    1020: "clash",
    1205: "busy",
    1969: "slow",
    3024: "slow",
    1021: "full",
    1114: "full",
    1290: "read-only",
    1792: "read-only",
    1836: "read-only",
    1146: "missing",
    1054: "missing",
    1194: "damaged",
    1712: "damaged",
    1044: "forbidden",
    1142: "forbidden",
    1143: "forbidden",
    1227: "forbidden",
    1053: "lost",
    1927: "lost",
    2006: "lost",
    2013: "lost",
    2014: "lost",
    2055: "lost",
    4031: "lost",
    0: "lost",
}
_NO_DATABASE = 1049
_WRITING = ("START TRANSACTION READ WRITE",)
_SNAPSHOT = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
)
_DURABLE = (
    ("innodb_flush_log_at_trx_commit", "1", None),
    ("sync_binlog", "1", "log_bin"),
)
"""(variable, what it must be, the variable that must be on for it to matter)."""


class MysqlDatabase(Server):
    """InnoDB at READ COMMITTED; a table is made or changed at once there, outside any transaction."""

    clock = "SELECT UTC_TIMESTAMP(6)"
    driver = "mysql+pymysql"  # for MariaDB too: SQLAlchemy finds out which of the two it is
    module = "pymysql"
    extra = "mysql"
    port = 3306
    socket_parameter = "unix_socket"

    def __init__(self, login: Any) -> None:
        self.family = login()[0].family
        super().__init__(login)

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        import pymysql

        return (pymysql.Error,)

    def open(self, url: Url, tls: Tls, *, write: bool) -> Any:
        from pymysql.constants import CLIENT

        from retention.store.mysql_driver import Driver

        connection: Any = Driver(
            **logins.mysql(url, tls),
            charset="utf8mb4",
            autocommit=True,  # transactions are begun by hand, below
            connect_timeout=logins.CONNECT_SECONDS,
            read_timeout=logins.CONNECT_SECONDS,
            write_timeout=STATEMENT_SECONDS,
            client_flag=CLIENT.FOUND_ROWS | CLIENT.MULTI_STATEMENTS,
        )
        try:
            for statement in _settings(mariadb="MariaDB" in connection.get_server_info(), write=write):
                with connection.cursor() as cursor:
                    cursor.execute(statement)
        except BaseException:
            connection.close()
            raise
        logins.answers_within(connection, STATEMENT_SECONDS + 15)
        return connection

    def beginning(self, *, write: bool) -> Sequence[str]:
        return _WRITING if write else _SNAPSHOT

    def send(self, driver: Any, statements: Sequence[Statement]) -> list[Answer]:
        with driver.cursor() as cursor:
            return together(cursor, statements)

    def alone(self, connection: Connection) -> None:
        [(got,)] = execute(connection, f"SELECT GET_LOCK('{self._lock}', {backend.BUSY_SECONDS:.0f})")
        if got != 1:
            raise UnreachableError(f"{self.shown}: another process is making or changing the state store")

    @property
    def _lock(self) -> str:
        return f"retention {self.database}"[:64].replace("\\", "").replace("'", "")

    def must_keep(self, connection: Connection) -> None:
        for name, wanted, needs in _DURABLE:
            if needs is not None and _variable(connection, needs) not in ("1", "ON"):
                continue
            found = _variable(connection, name)
            if found != wanted:
                raise SetupError(
                    f"{self.shown}: {name} is {found} on this server, so that a crash of it may lose what it"
                    f" acknowledged; a state store needs: SET GLOBAL {name} = {wanted}"
                )

    @contextmanager
    def creating(self) -> Iterator[Connection]:
        """Empty tables without a version are what an `init` left that was killed: they are made anew."""
        engine = self.engine(write=True)
        try:
            with engine.connect() as connection, connection.begin():
                self.alone(connection)
                self._remove_unfinished(connection)
                self.must_be_free(connection)
                yield connection
        finally:
            engine.dispose()

    def _remove_unfinished(self, connection: Connection) -> None:
        there = self.our_tables(connection)
        if self.version_table not in there or self.version(connection) is not None:
            return
        ours = [name for name in there if name != self.version_table]
        if any(connection.scalar(text(f"SELECT count(*) FROM {name}")) for name in ours):
            return
        for name in there:
            connection.exec_driver_sql(f"DROP TABLE {name}")

    def kind_of(self, error: BaseException) -> str | None:
        code = error.args[0] if error.args else None
        if isinstance(code, int):
            return _KINDS.get(code)
        return "lost" if type(error).__name__ == "InterfaceError" else None

    def unreached(self, error: BaseException) -> Reason | None:
        code = error.args[0] if error.args else None
        return unreached.mysql(code if isinstance(code, int) else None, str(error))

    def words(self, error: BaseException) -> str:
        said = str(error.args[1]) if len(error.args) > 1 else str(error)
        return said.strip().splitlines()[0] if said.strip() else type(error).__name__

    def is_no_database(self, error: BaseException) -> bool:
        return bool(error.args) and error.args[0] == _NO_DATABASE


def _settings(*, mariadb: bool, write: bool) -> Iterator[str]:
    settings = {
        "time_zone": "'+00:00'",
        "sql_mode": "'TRADITIONAL'",
        "innodb_lock_wait_timeout": f"{max(1, backend.BUSY_SECONDS):.0f}",
        "lock_wait_timeout": f"{max(1, backend.BUSY_SECONDS):.0f}",
    }
    if mariadb:
        settings["max_statement_time"] = f"{STATEMENT_SECONDS}"
    else:
        settings["max_execution_time"] = f"{STATEMENT_SECONDS * 1000}"
    if write:
        settings["idle_transaction_timeout" if mariadb else "wait_timeout"] = f"{IDLE_SECONDS}"
    yield "SET SESSION " + ", ".join(f"{name} = {value}" for name, value in settings.items())
    yield "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"


def _variable(connection: Connection, name: str) -> str:
    [(found,)] = execute(connection, f"SELECT @@GLOBAL.{name}")
    return str(found)
