"""What the drivers' errors mean to the engine: what is tried again, and what never is."""

from __future__ import annotations

import sqlite3

import pytest
import sqlalchemy as sa

from retention.connectors.port import Lost, Refused, Transient
from retention.connectors.sql.mysql.dialect import Mysql
from retention.connectors.sql.postgresql.dialect import Postgresql
from retention.connectors.sql.sqlite.dialect import Sqlite
from retention.connectors.sql.wrapping import Denied, wrapped
from retention.errors import SetupError, UnreachableError
from retention.store.mysql import MysqlDatabase
from retention.store.postgresql import PostgresqlDatabase


def postgresql(state, words="x"):
    errors = pytest.importorskip("psycopg").errors
    return Postgresql(), errors.lookup(state)(words)


def mariadb(number, words="x"):
    err = pytest.importorskip("pymysql").err
    return Mysql(), err.OperationalError(number, words)


def sqlite(code, words="x"):
    error = sqlite3.OperationalError(words)
    error.sqlite_errorcode = code
    return Sqlite(), error


def meaning(dialect, error, *, committing=False):
    """The class that comes out of a statement, or a commit, that ended with the error."""
    failed = sa.exc.OperationalError("DELETE", {}, error)
    with pytest.raises(Exception) as raised, wrapped(dialect, "x", committing=committing):
        raise failed
    return type(raised.value)


TRANSIENT = [
    *(postgresql(state) for state in ("40001", "40P01", "55P03", "57014", "57P03")),
    *(mariadb(number) for number in (1020, 1205, 1206, 1213, 1317, 1412, 1614, 1637, 1969, 3024, 3572)),
    *(sqlite(code) for code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_BUSY_SNAPSHOT)),
]
"""Locks, deadlocks, serialization, timeouts, a server that starts: the same batch may succeed a little later."""
BROKEN = [
    *(postgresql(state) for state in ("08006", "08P01", "57P01", "57P02", "57P05", "25P03")),
    *(mariadb(number) for number in (0, 1047, 1053, 1158, 1160, 1180, 1927, 2006, 2013, 4031)),
]
"""The connection is gone: what a commit came to is not known."""
OTHER = [
    (*postgresql("23503"), Refused),
    (*postgresql("22003"), Refused),
    (*postgresql("42P01"), SetupError),
    (*postgresql("42501"), Denied),
    (*postgresql("53100", "could not extend file: No space left on device"), UnreachableError),
    (*postgresql("25006", "cannot execute DELETE in a read-only transaction"), UnreachableError),
    (*mariadb(1451), Refused),
    (*mariadb(1264), Refused),
    (*mariadb(1146), SetupError),
    (*mariadb(1142), Denied),
    (*mariadb(1290, "The MariaDB server is running with the --read-only option"), UnreachableError),
    (*sqlite(sqlite3.SQLITE_FULL, "database or disk is full"), UnreachableError),
    (*sqlite(sqlite3.SQLITE_READONLY, "attempt to write a readonly database"), UnreachableError),
]


def named(cases):
    def name(dialect, error):
        code = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorcode", None) or error.args[0]
        return f"{dialect.name} {code}"

    return [pytest.param(*case, id=name(*case[:2])) for case in cases]


@pytest.mark.parametrize(("dialect", "error"), named(TRANSIENT))
def test_what_may_succeed_a_little_later_is_tried_again(dialect, error):
    assert meaning(dialect, error) is Transient


@pytest.mark.parametrize(("dialect", "error"), named(BROKEN))
def test_a_commit_whose_outcome_is_unknown_is_never_tried_again(dialect, error):
    assert meaning(dialect, error, committing=True) is Lost
    assert meaning(dialect, error) is UnreachableError


@pytest.mark.parametrize(("dialect", "error", "wanted"), named(OTHER))
def test_what_would_fail_again_is_not_tried_again(dialect, error, wanted):
    assert meaning(dialect, error) is wanted


def test_each_error_of_a_state_store_has_one_meaning():
    """Clash and Lost are those that are begun again."""
    kinds = {
        "40001": "clash", "40P01": "clash", "55P03": "busy", "57014": "slow", "08006": "lost", "57P01": "lost",
        "25P03": "lost", "23505": None, "53100": "full", "25006": "read-only", "42501": "forbidden",
    }  # fmt: skip
    found = {state: PostgresqlDatabase.kind_of(None, postgresql(state)[1]) for state in kinds}
    assert found == kinds
    numbers = {
        1213: "clash", 1020: "clash", 1205: "busy", 1969: "slow", 3024: "slow", 2013: "lost", 1927: "lost", 0: "lost",
        1062: None, 1114: "full", 1290: "read-only", 1142: "forbidden",
    }  # fmt: skip
    assert {n: MysqlDatabase.kind_of(None, mariadb(n)[1]) for n in numbers} == numbers
