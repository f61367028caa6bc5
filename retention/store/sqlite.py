"""The state store in a SQLite file."""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection

from retention.errors import LedgerError, RetentionError, SetupError, UnreachableError
from retention.store import backend
from retention.store.backend import Backend
from retention.store.schema import version_table
from retention.store.sending import Answer, Statement, one_by_one

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)
_PRAGMAS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA secure_delete = ON",
)


class SqliteFile(Backend):
    """One file of mode 0600, with transactions that are begun here and not by the driver."""

    driver = "sqlite"
    version_table = version_table("sqlite")
    ping = False

    def __init__(self, path: Path, *, file: Path | None = None) -> None:
        """`file`: the draft of a store that will have the name `path`."""
        self.file = self.path = path
        self.shown = str(path)
        self._opened = file or path

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        return (sqlite3.Error,)

    def exists(self) -> bool:
        return self.path.exists()

    def must_exist(self) -> None:
        if not self.path.exists():
            raise SetupError(f"{self.path}: there is no state store; type: retention init")

    def make_private(self) -> None:
        try:
            self.path.chmod(0o600)
        except OSError as error:
            raise UnreachableError(f"{self.path}: cannot be made one's own: {error.strerror}") from error

    @contextmanager
    def creating(self) -> Iterator[Connection]:
        """The file gets its name only when the block ends well; a folder that is made for it has 0700."""
        path = self.path
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
            engine = SqliteFile(path, file=draft).engine(write=True)
            try:
                with closing(sqlite3.connect(draft)) as connection:
                    connection.execute("PRAGMA journal_mode = WAL").close()
                with engine.connect() as new, new.begin():
                    yield new
                self._settle(draft)
            except sqlite3.Error as error:
                raise self.meaning(error) from error
            finally:
                engine.dispose()
            _publish(draft, path)
        finally:
            for leftover in (draft, Path(f"{draft}-wal"), Path(f"{draft}-shm")):
                leftover.unlink(missing_ok=True)

    def _settle(self, draft: Path) -> None:
        """Brings what stands in the draft's journal into the draft, which alone gets the name.

        The last connection that is closed does so too, and says nothing where the disk has no room for it.
        """
        with closing(SqliteFile(self.path, file=draft).connect(write=True)) as connection:
            (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise UnreachableError(f"{self.path}: cannot be created: another program has its draft open")

    def connect(self, *, write: bool) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                f"file:{quote(str(self._opened.absolute()))}?mode=rw",
                uri=True,
                timeout=backend.BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                for pragma in _PRAGMAS:
                    connection.execute(pragma).close()
            except BaseException:
                connection.close()
                raise
        except sqlite3.Error as error:
            raise self.meaning(error) from error
        return connection

    def beginning(self, *, write: bool) -> Sequence[str]:
        return ("BEGIN IMMEDIATE" if write else "BEGIN",)

    def send(self, driver: sqlite3.Connection, statements: Sequence[Statement]) -> list[Answer]:
        return one_by_one(driver, statements)

    def alone(self, connection: Connection) -> None:
        """A write transaction is alone in its file."""

    def must_keep(self, connection: Connection) -> None:
        """PRAGMA synchronous and fullfsync see to it."""

    def meaning(self, error: BaseException) -> RetentionError:
        text = str(error).lower()
        for part, (kind, words) in _MEANINGS.items():
            if part in text:
                return kind(f"{self.path}: {words}")
        if isinstance(error, sqlite3.OperationalError):
            return UnreachableError(f"{self.path}: the state store does not answer: {error}")
        return RetentionError(f"{self.path}: the state store refused a statement: {error}")


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
