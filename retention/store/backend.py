"""What differs between the databases that can hold the state store, by named capability.

Everything else in this room is the same for all. A backend knows where the store is, how its
sessions are set, and what its driver's errors mean.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.pool import NullPool, QueuePool

from retention.errors import RetentionError, UnreachableError
from retention.store.sending import Answer, Statement, Waiting, options

BUSY_SECONDS = 10.0
"""How long a write waits for another process's."""


class Lost(UnreachableError):  # noqa: N818 - it says what became of the connection
    """The connection to the state store broke: what was being done there may or may not be done."""


class Clash(UnreachableError):  # noqa: N818 - it is nobody's error
    """The database ended a transaction for another's sake, or had no room for it; it may be begun again."""


class Backend(abc.ABC):
    """One place where a state store is, or can be.

    `shown`: the place, for people; no secret in it. `driver`: SQLAlchemy's name of database and
    driver. `version_table`: where alembic keeps the tables' version.
    """

    shown: str
    driver: str
    version_table: str
    file: Path | None = None
    """The store's own file, where it is one."""
    clock: str | None = None
    """The query for what the server takes the time to be; None for a file, whose clock is the machine's."""
    ping = True
    """A connection may break while nobody uses it, so it is tried before it is used again."""

    @property
    @abc.abstractmethod
    def errors(self) -> tuple[type[Exception], ...]:
        """What the driver raises."""

    @abc.abstractmethod
    def exists(self) -> bool:
        """Whether there is a state store, or something in its place. Raises what opening raises."""

    @abc.abstractmethod
    def must_exist(self) -> None:
        """Raises SetupError, with what to type, where it can be told without a connection."""

    @abc.abstractmethod
    def creating(self) -> AbstractContextManager[Connection]:
        """A write transaction in which a new store is made; half a store is never left behind.

        Raises SetupError where there is one, or something in its place.
        """

    @abc.abstractmethod
    def connect(self, *, write: bool) -> Any:
        """A new connection of the driver's, set as the design says, in autocommit mode.

        Secrets are read at each. Raises RetentionError, never the driver's own errors.
        """

    @abc.abstractmethod
    def beginning(self, *, write: bool) -> Sequence[str]:
        """What begins a transaction: durable and read committed, or a snapshot for reading only."""

    @abc.abstractmethod
    def send(self, driver: Any, statements: Sequence[Statement]) -> list[Answer]:
        """Runs statements on a connection of the driver's: in one round trip where it is one away.

        The answers, in order; none is run behind one that failed. Raises the driver's errors.
        """

    def ending(self, connection: Connection) -> None:
        """Before SQLAlchemy commits: sends what waits. May commit by itself; raises Lost where no answer came."""
        Waiting.on(connection).send(connection)

    @abc.abstractmethod
    def meaning(self, error: BaseException) -> RetentionError:
        """What a driver's error means to the operator."""

    @abc.abstractmethod
    def make_private(self) -> None:
        """What is there already becomes its owner's alone, where that is for us to say."""

    def version(self, connection: Connection) -> str | None:
        """The version of the store's tables; None where they are not there."""
        if self.version_table not in inspect(connection).get_table_names():
            return None
        found = connection.scalar(text(f"SELECT version_num FROM {self.version_table}"))
        return None if found is None else str(found)

    @abc.abstractmethod
    def alone(self, connection: Connection) -> None:
        """Within a write transaction: from here on no other process changes the tables themselves."""

    @abc.abstractmethod
    def must_keep(self, connection: Connection) -> None:
        """Raises SetupError where what the server acknowledges may be lost, and no session can change that."""

    def engine(self, *, write: bool) -> Engine:
        """An engine on an existing database; `write` is for the one connection that writes."""
        pool: dict[str, Any] = {"poolclass": NullPool}
        if not write:
            pool = {"poolclass": QueuePool, "pool_size": 5, "max_overflow": 20, "pool_pre_ping": self.ping}
        engine = create_engine(
            f"{self.driver}://",
            creator=lambda: self.connect(write=write),
            execution_options=options(self),
            **pool,
        )

        def begin(connection: Connection) -> None:
            waiting = Waiting.on(connection)
            waiting.clear()
            for sql in self.beginning(write=write):
                waiting.put(connection, Statement(sql))

        def before(connection: Connection, *_: Any) -> None:
            Waiting.on(connection).send(connection)

        def rollback(connection: Connection) -> None:
            Waiting.on(connection).clear()

        def wrap(context: Any) -> None:
            original = context.original_exception
            # An interrupt comes by here too, and stays one; a failed ping means another connection, and
            # SQLAlchemy looks for a table of MySQL by trying whether there is one.
            running = context.execution_context
            tried = running is not None and running.execution_options.get("skip_user_error_events", False)
            if isinstance(original, self.errors) and not context.is_pre_ping and not tried:
                raise self.meaning(original) from original

        event.listen(engine, "begin", begin)
        event.listen(engine, "before_cursor_execute", before)
        event.listen(engine, "commit", self.ending)
        event.listen(engine, "rollback", rollback)
        event.listen(engine, "handle_error", wrap)
        return engine
