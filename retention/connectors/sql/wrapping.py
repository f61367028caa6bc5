"""Driver errors, wrapped once: what they mean to the engine instead of what the driver calls them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import Lost, Refused, Transient
from retention.connectors.sql.dialect import Dialect
from retention.errors import SetupError, UnreachableError

_FULL = ("disk is full", "no space left", "database or disk is full", "could not extend file")
_FULL_CODES = frozenset({"53100", 3, 14, 20, 1021, 1114})
_READONLY = ("readonly database", "read-only", "read only")
_READONLY_CODES = frozenset({"25006", 1290, 1792})
"""By SQLSTATE or number, whatever language the server speaks. A table of InnoDB is full when its disk is."""
_OVER_MEMORY = "max-session-mem-used"
"""MariaDB's number for it is that of a server that is read-only."""


class Denied(SetupError):  # noqa: N818 - the database's answer
    """The role lacks a right."""


def plain(error: BaseException) -> str:
    """The database's message, first line, without the statement and its values."""
    cause = getattr(error, "orig", None) or error
    number, text = _numbered(cause)
    text = (text if number is not None else str(cause)).strip()
    return text.splitlines()[0] if text else type(error).__name__


def safe(error: BaseException) -> str:
    """What kind of error it was, without any value of a row: SQLSTATE or the driver's symbolic name."""
    cause = getattr(error, "orig", None) or error
    number, _ = _numbered(cause)
    code = number or getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    return f"{type(cause).__name__} {code}" if code else type(cause).__name__


def _code(error: BaseException) -> int | str | None:
    """The server's number of an error, or its SQLSTATE."""
    cause = getattr(error, "orig", None) or error
    number, _ = _numbered(cause)
    return number if number is not None else getattr(cause, "sqlstate", None)


def _numbered(cause: BaseException) -> tuple[int | None, str]:
    """The server's number of an error and its words, as MariaDB's driver has them; (None, "") elsewhere."""
    match cause.args:
        case (int(number), str(text)):
            return number, text
    return None, ""


@contextmanager
def connected(dialect: Dialect, engine: sa.Engine, name: str) -> Iterator[Connection]:
    """A connection; UnreachableError with the driver's own words, and what to do, where there is none to be had.

    Transient where the server is full, starting or ending: it may have one a little later.
    """
    try:
        connection = engine.connect()
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        reason = dialect.unreached(error)
        kind = Transient if reason is not None and reason.passing else UnreachableError
        write = reason.write if reason is not None else ""
        raise kind(f"connector `{name}` can't be reached: {plain(error)}", write=write) from error
    with connection:
        yield connection


@contextmanager
def wrapped(dialect: Dialect, what: str, *, committing: bool = False) -> Iterator[None]:
    """Errors of the block come out as the port's: Transient, Refused, Lost or UnreachableError.

    A right that the role lacks is none of a record's: SetupError, before anything is set aside for it.
    """
    try:
        yield
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        raise _meaning(dialect, error, what, committing) from error


def _meaning(dialect: Dialect, error: Exception, what: str, committing: bool) -> Exception:
    message = plain(error)
    low = message.lower()
    code = _code(error)
    if dialect.denied(error):
        return Denied(f"{what}: {message}; GRANT it to the role that retention connects as")
    if committing and dialect.lost(error):
        return Lost(f"{what}: the connection broke during the commit ({safe(error)})")
    if code in _FULL_CODES or any(word in low for word in _FULL):
        return UnreachableError(f"{what}: the database's disk is full ({safe(error)})")
    if _OVER_MEMORY in low:
        return UnreachableError(
            f"{what}: the statement needs more memory than a session may use ({message}); it is long where many"
            " rules and holds weigh on datasets that refer to each other: hold people or keys rather than categories"
        )
    if code in _READONLY_CODES or any(word in low for word in _READONLY):
        return UnreachableError(f"{what}: the database is read-only ({safe(error)})")
    if dialect.lost(error):
        return UnreachableError(f"{what}: no connection to the database ({message})")
    if dialect.transient(error):
        return Transient(f"{what}: {safe(error)}")
    if dialect.forbidden(error):
        return SetupError(f"{what}: the database would not have it: {message}")
    no_answer = isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError)
    broken = type(error) is sa.exc.DatabaseError  # a file that is none, or damaged: no record's fault
    if (no_answer or broken) and not dialect.row_locks:
        return UnreachableError(f"{what}: {message}")
    return Refused(f"{what}: the database refused ({safe(error)})")
