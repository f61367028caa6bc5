"""What a driver's error means to the engine, whatever language the server speaks."""

import pytest
import sqlalchemy as sa

from retention.connectors.sql.wrapping import wrapped
from retention.errors import UnreachableError


def postgresql_error(code):
    psycopg = pytest.importorskip("psycopg")
    from retention.connectors.sql.postgresql.dialect import Postgresql

    return Postgresql(), psycopg.errors.lookup(code)("Schreiben ging nicht")


def mysql_error(number, words="la table est remplie"):
    pymysql = pytest.importorskip("pymysql")
    from retention.connectors.sql.mysql.dialect import Mysql

    return Mysql(), pymysql.err.OperationalError(number, words)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (lambda: postgresql_error("53100"), "the database's disk is full"),
        (lambda: postgresql_error("25006"), "the database is read-only"),
        (lambda: mysql_error(1021), "the database's disk is full"),
        (lambda: mysql_error(1114), "the database's disk is full"),
        (lambda: mysql_error(14), "the database's disk is full"),
        (lambda: mysql_error(1290), "the database is read-only"),
        (lambda: mysql_error(1792), "the database is read-only"),
        (
            lambda: mysql_error(1290, "runs with --max-session-mem-used=2147483648, so it can't"),
            "the statement needs more memory than a session may use .*: hold people or keys rather than categories",
        ),
    ],
)
def test_a_full_or_read_only_database_blames_no_record(error, why):
    """MariaDB says that a table is full: records were set aside for it."""
    dialect, cause = error()
    with pytest.raises(UnreachableError, match=why) as raised, wrapped(dialect, "deleting a batch"):
        raise sa.exc.OperationalError("DELETE", {}, cause)
    assert "remplie" not in raised.value.message
    assert "Schreiben" not in raised.value.message
