"""The state store in a PostgreSQL database, through psycopg 3."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection

from retention.config.connecting import logins, unreached
from retention.config.connecting.unreached import Reason
from retention.config.connecting.urls import Url
from retention.errors import RetentionError
from retention.model.dataset import Tls
from retention.store import backend
from retention.store.sending import Answer, Statement, Waiting, execute, together
from retention.store.servers import IDLE_SECONDS, STATEMENT_SECONDS, Server

_KINDS = {
    "40001": "clash",
    "40P01": "clash",
    "55P03": "busy",
    "57014": "slow",
    "53100": "full",
    "25006": "read-only",
    "42501": "forbidden",
    "42P01": "missing",
    "42703": "missing",
    "XX001": "damaged",
    "XX002": "damaged",
    "57P01": "lost",
    "57P02": "lost",
    "57P03": "lost",
    "57P05": "lost",
    "25P03": "lost",
}
_NONE, _FAILED = 0, 3
"""libpq's PQTRANS_IDLE and PQTRANS_INERROR."""
_SNAPSHOT = ("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SET LOCAL timezone = 'UTC'")
_ALONE = 0x726574656E74696F
"""The advisory lock of those who change the tables themselves: "retentio" in bytes."""


class PostgresqlDatabase(Server):
    """Settings are those of each transaction (SET LOCAL), so that PgBouncer can stand between."""

    driver = "postgresql+psycopg"
    clock = "SELECT clock_timestamp()"
    family = "postgresql"
    module = "psycopg"
    extra = "postgresql"
    port = 5432
    socket_parameter = "host"

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        import psycopg

        return (psycopg.Error,)

    def open(self, url: Url, tls: Tls, *, write: bool) -> Any:
        import psycopg.conninfo

        options: dict[str, Any] = {"host": url.host, "port": url.port, "dbname": url.database}
        options |= {**url.query, **logins.postgresql(url, tls)}
        words = psycopg.conninfo.make_conninfo("", **options)
        # Transactions are begun and set in one round trip, below.
        return psycopg.connect(words, autocommit=True, prepare_threshold=None)

    def beginning(self, *, write: bool) -> Sequence[str]:
        return _begin_writing() if write else _SNAPSHOT

    def send(self, driver: Any, statements: Sequence[Statement]) -> list[Answer]:
        # The simple protocol: less work than a pipeline at both ends, and PgBouncer knows it.
        from psycopg import ClientCursor

        with ClientCursor(driver) as cursor:
            return together(cursor, statements)

    def ending(self, connection: Connection) -> None:
        # COMMIT of a transaction in which a statement failed is answered with ROLLBACK, and no error.
        driver: Any = connection.connection.dbapi_connection
        status = driver.info.transaction_status
        if status == _FAILED or (status == _NONE and not Waiting.on(connection)):
            raise RetentionError(f"{self.shown}: a statement failed, so nothing of its transaction is stored")
        super().ending(connection)

    def alone(self, connection: Connection) -> None:
        execute(connection, f"SELECT pg_advisory_xact_lock({_ALONE})")

    @contextmanager
    def creating(self) -> Iterator[Connection]:
        engine = self.engine(write=True)
        try:
            with engine.connect() as connection, connection.begin():
                self.alone(connection)
                self.must_be_free(connection)
                yield connection
        finally:
            engine.dispose()

    def must_keep(self, connection: Connection) -> None:
        """`synchronous_commit` is set in each transaction; with `fsync = off` a server keeps nothing of anybody's."""

    def kind_of(self, error: BaseException) -> str | None:
        state = getattr(error, "sqlstate", None)
        if state is None:
            return "lost" if type(error).__name__ in ("OperationalError", "InterfaceError") else None
        return "lost" if state.startswith("08") else _KINDS.get(state)

    def unreached(self, error: BaseException) -> Reason | None:
        return unreached.postgresql(str(error))

    def words(self, error: BaseException) -> str:
        said = getattr(getattr(error, "diag", None), "message_primary", None) or str(error)
        return said.strip().splitlines()[0] if said.strip() else type(error).__name__

    def is_no_database(self, error: BaseException) -> bool:
        return f'database "{self.database}" does not exist' in str(error)


def _begin_writing() -> tuple[str, ...]:
    settings = {
        "synchronous_commit": "on",
        "lock_timeout": f"{backend.BUSY_SECONDS * 1000:.0f}",
        "statement_timeout": f"{STATEMENT_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
        "timezone": "UTC",
    }
    sets = (f"SET LOCAL {name} = '{value}'" for name, value in settings.items())
    return ("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", *sets)
