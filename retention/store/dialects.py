"""What differs between the databases that can hold the state store; SQLite for now.

Everything else in this room is the same for all: it asks here for column types, for an
engine, and for what a driver's error means.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    BigInteger,
    ClauseElement,
    Compiled,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    Text,
    create_engine,
    event,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from retention.errors import LedgerError, RetentionError, SetupError, UnreachableError

BIG = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits; on SQLite the row's own number, where it is the key."""
BLOB = LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")
LONG_TEXT = Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")

BUSY_SECONDS = 10.0
"""How long a write waits for another process's."""

_WRITE = "retention_write"
_PATH = "retention_path"
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)
_PRAGMAS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA secure_delete = ON",
)


def store_path(url: str) -> Path:
    """The file that a `sqlite:///PATH` names. Raises SetupError for every other kind of URL."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SetupError("the state store's URL cannot be read; write sqlite:///state.db") from error
    if parsed.get_backend_name() != "sqlite":
        raise SetupError(
            f"a state store on {parsed.get_backend_name()} is not supported yet; write sqlite:///state.db"
        )
    if not parsed.database or parsed.database == ":memory:":
        raise SetupError("a state store in memory would forget everything; write sqlite:///state.db")
    return Path(parsed.database)


@contextmanager
def new_database(url: str) -> Iterator[Engine]:
    """An engine on a new, empty database, which gets its name only when the block ends well.

    So there is never half a state store. The file has mode 0600, a folder that is made for it
    0700. Raises SetupError where something has that name already.
    """
    path = store_path(url)
    if path.exists():
        raise SetupError(f"{path}: there is something already; a state store is never overwritten")
    try:
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, parents=True)
        file, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")
        os.close(file)
    except OSError as error:
        raise UnreachableError(f"{path}: cannot be created: {error.strerror}") from error
    draft = Path(name)
    try:
        engine = _engine(draft, path)
        try:
            with closing(sqlite3.connect(draft)) as connection:
                connection.execute("PRAGMA journal_mode = WAL").close()
            yield engine
        except sqlite3.Error as error:
            raise _meaning(error, path) from error
        finally:
            engine.dispose()
        _publish(draft, path)
    finally:
        for leftover in (draft, Path(f"{draft}-wal"), Path(f"{draft}-shm")):
            leftover.unlink(missing_ok=True)


def open_engine(url: str) -> Engine:
    """An engine on an existing database. Raises SetupError where there is none."""
    path = store_path(url)
    if not path.exists():
        raise SetupError(f"{path}: there is no state store; type: retention init")
    return _engine(path, path)


def for_writing(connection: Connection) -> Connection:
    """The connection, whose next transaction takes the write lock at its beginning."""
    return connection.execution_options(**{_WRITE: True})


def raw(value: bytes | str) -> bytes:
    """A BLOB's bytes, also where somebody wrote text into it behind our back."""
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else bytes(value)


class Hot:
    """A statement on the hot path: compiled once for each kind of database, run by the driver itself.

    Saves four fifths of SQLAlchemy's time for it, and its conversions: values go in and come out
    as the column's plain type.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[str, Compiled] = {}

    def run(self, connection: Connection, values: Mapping[str, object]) -> list[Any]:
        """The rows, where the statement has any. Driver errors come wrapped."""
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = self._statement.compile(dialect=dialect)
        order = getattr(compiled, "positiontup", None)
        return _execute(
            connection, compiled.string, values if order is None else tuple(values[name] for name in order)
        )


def _execute(connection: Connection, sql: str, values: Any) -> list[Any]:
    try:
        cursor = connection.connection.cursor()
        try:
            cursor.execute(sql, values)
            return list(cursor.fetchall()) if cursor.description else []
        finally:
            cursor.close()
    except sqlite3.Error as error:
        raise _meaning(error, connection.get_execution_options()[_PATH]) from error


def _publish(draft: Path, path: Path) -> None:
    try:
        try:
            os.link(draft, path)
        except OSError as error:
            if error.errno not in _NO_LINKS or path.exists():
                raise
            draft.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError as error:
        raise SetupError(f"{path}: there is something already; a state store is never overwritten") from error
    except OSError as error:
        raise UnreachableError(f"{path}: cannot be created: {error.strerror}") from error


def _engine(file: Path, named: Path) -> Engine:
    """SQLite, opened only where the file is, with transactions that are begun here and not by the driver."""

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(file.absolute()))}?mode=rw",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            for pragma in _PRAGMAS:
                connection.execute(pragma).close()
        except BaseException:
            connection.close()
            raise
        return connection

    engine = create_engine(
        "sqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=5,
        max_overflow=20,
        execution_options={_PATH: named},
    )

    def begin(connection: Connection) -> None:
        write = connection.get_execution_options().get(_WRITE)
        _execute(connection, "BEGIN IMMEDIATE" if write else "BEGIN", ())

    def wrap(context: Any) -> None:
        original = context.original_exception
        if isinstance(original, sqlite3.Error):  # an interrupt comes by here too, and stays one
            raise _meaning(original, named) from original

    event.listen(engine, "begin", begin)
    event.listen(engine, "handle_error", wrap)
    return engine


def _meaning(error: BaseException, path: Path) -> RetentionError:
    """What a driver's error means to the operator."""
    text = str(error).lower()
    for part, meaning in _MEANINGS.items():
        if part in text:
            kind, words = meaning
            return kind(f"{path}: {words}")
    if isinstance(error, sqlite3.OperationalError):
        return UnreachableError(f"{path}: the state store does not answer: {error}")
    return RetentionError(f"{path}: the state store refused a statement: {error}")


_MEANINGS: dict[str, tuple[type[RetentionError], str]] = {
    "is full": (UnreachableError, "the state store cannot grow: its disk is full"),
    "readonly": (UnreachableError, "the state store cannot be written: file or folder is read-only"),
    "is locked": (UnreachableError, "the state store is busy: another process has been writing for too long"),
    "unable to open": (
        UnreachableError,
        "the state store cannot be opened; are its file and folder one's own?",
    ),
    "not a database": (UnreachableError, "this file is no state store: it is not an SQLite database"),
    "malformed": (
        LedgerError,
        "the state store is damaged; restore a backup (the mirror verifies without it)",
    ),
    "i/o error": (UnreachableError, "the state store's disk fails or is full"),
}
