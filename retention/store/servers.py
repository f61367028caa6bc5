"""What the servers have in common that can hold the state store: addresses, prefixed tables, refusals."""

from __future__ import annotations

import abc
import importlib.util
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, inspect

from retention.config.connecting import logins
from retention.config.connecting.unreached import Reason
from retention.config.connecting.urls import Url
from retention.errors import LedgerError, RetentionError, SetupError, UnreachableError
from retention.model.dataset import Tls
from retention.store.backend import Backend, Clash, Lost
from retention.store.schema import OUR_TABLES, version_table
from retention.store.sending import Statement, Waiting

STATEMENT_SECONDS = 60
"""How long one statement of a write transaction may take."""
IDLE_SECONDS = 30
"""How long a write transaction may wait for its own process: a half-dead one must not stop all others."""

Login = Callable[[], tuple[Url, Tls]]
"""Address and TLS as they are now: secrets are read at every call. Raises ValueError."""

MEANINGS: dict[str, tuple[type[RetentionError], str]] = {
    "lost": (Lost, "the connection to the state store broke"),
    "clash": (Clash, "the state store's server ended a transaction for another's sake"),
    "busy": (UnreachableError, "the state store is busy: another process has been writing for too long"),
    "slow": (UnreachableError, "the state store's server took too long over a statement"),
    "full": (UnreachableError, "the state store cannot grow: its server's disk is full"),
    "read-only": (
        UnreachableError,
        "the state store cannot be written: its server is read-only, or a replica",
    ),
    "damaged": (
        LedgerError,
        "the state store is damaged; restore a backup (the mirror verifies without it)",
    ),
    "missing": (SetupError, "a table or column of the state store is missing; restore a backup"),
    "forbidden": (SetupError, "the account has not the rights on the state store's tables; GRANT them"),
}


class Server(Backend):
    """A database on a server. Our tables have a prefix: others' tables may be beside them."""

    version_table = version_table("server")
    module: str
    extra: str
    family: str
    port: int
    socket_parameter: str

    def __init__(self, login: Login) -> None:
        url = login()[0]
        self._login = login
        self.shown = self._shown(url)
        self.database = url.database or ""
        if importlib.util.find_spec(self.module) is None:
            raise SetupError(
                f"the driver for a state store on {self.family} is not installed;"
                f" type: pip install 'retention[{self.extra}]'"
            )

    def _shown(self, url: Url) -> str:
        """The address as a URL, with neither account nor parameters, but for a socket."""
        socket, port = logins.socket_of(url), url.port or self.port
        if socket:
            also = "" if url.port is None else f":{port}"
            return f"{self.family}://{also}/{url.database}?{self.socket_parameter}={socket}"
        where = url.query.get("host") or url.host or "localhost"
        where = f"[{where}]" if ":" in where else where
        return f"{self.family}://{where}:{port}/{url.database}"

    # -- what differs ----------------------------------------------------------------------

    @abc.abstractmethod
    def open(self, url: Url, tls: Tls, *, write: bool) -> Any:
        """A new connection of the driver's. Raises its errors, and ValueError."""

    @abc.abstractmethod
    def kind_of(self, error: BaseException) -> str | None:
        """What an error is: a key of MEANINGS; None for all others."""

    @abc.abstractmethod
    def unreached(self, error: BaseException) -> Reason | None:
        """Why there was no connection to be had, where that can be told."""

    @abc.abstractmethod
    def words(self, error: BaseException) -> str:
        """The server's message, first line, without its detail (which may repeat values)."""

    @abc.abstractmethod
    def is_no_database(self, error: BaseException) -> bool:
        """Whether the server answered that there is no such database."""

    # -- the backend -----------------------------------------------------------------------

    def connect(self, *, write: bool) -> Any:
        try:
            return self.open(*self._login(), write=write)
        except ValueError as error:
            raise SetupError(f"the state store's address: {error}") from error
        except self.errors as error:
            if self.is_no_database(error):
                raise SetupError(
                    f"{self.shown}: there is no such database; make one, for it alone or with an account of"
                    f" its own: CREATE DATABASE {self.database}; then type: retention init"
                ) from error
            reason = self.unreached(error)
            kind = Clash if reason is not None and reason.passing else UnreachableError
            raise kind(
                f"{self.shown}: the state store can't be reached: {self.words(error)}",
                write=reason.write if reason is not None else "",
            ) from error

    def ending(self, connection: Connection) -> None:
        """What was to be checked is, and the COMMIT goes with what is left: SQLAlchemy's own finds nothing to do."""
        waiting = Waiting.on(connection)
        if waiting.checked:
            waiting.send(connection)
        waiting.send(connection, Statement("COMMIT"))

    def must_exist(self) -> None:
        """A server has to be asked."""

    def exists(self) -> bool:
        engine = self.engine(write=False)
        try:
            with engine.connect() as connection, connection.begin():
                return self.version(connection) is not None
        finally:
            engine.dispose()

    def make_private(self) -> None:
        """Who may read the tables is said by GRANT, and not here."""

    def must_be_free(self, connection: Connection) -> None:
        """Raises SetupError where a store, or tables of its names, are there."""
        if self.version(connection) is not None:
            raise SetupError(f"{self.shown}: there is a state store already; it is never overwritten")
        there = self.our_tables(connection)
        if there:
            raise SetupError(
                f"{self.shown}: there is a table {there[0]} already, and no state store;"
                " give the state store a database of its own"
            )

    def our_tables(self, connection: Connection) -> list[str]:
        """The tables that are there and have names of ours, in the order in which they can be dropped."""
        there = set(inspect(connection).get_table_names())
        return [name for name in (*OUR_TABLES, self.version_table) if name in there]

    def meaning(self, error: BaseException) -> RetentionError:
        kind = self.kind_of(error)
        if kind is None:
            return RetentionError(f"{self.shown}: the state store refused a statement: {self.words(error)}")
        wrapper, words = MEANINGS[kind]
        return wrapper(f"{self.shown}: {words} ({self.words(error)})")
