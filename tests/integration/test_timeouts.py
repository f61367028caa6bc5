"""Timeouts of lock, statement and idle transaction, as the servers keep them."""

from __future__ import annotations

import select

import pytest
import sqlalchemy as sa

from retention.connectors.sql.dialect import Timeouts
from retention.connectors.sql.mysql.dialect import Mysql
from retention.connectors.sql.postgresql.dialect import Postgresql


@pytest.fixture(params=["postgresql", "mariadb"])
def place(request):
    """(dialect, engine, database)"""
    database = request.getfixturevalue(request.param)
    dialect, driver = {
        "postgresql": (Postgresql(), "postgresql+psycopg"),
        "mariadb": (Mysql(), "mysql+pymysql"),
    }[request.param]
    database.script("CREATE TABLE things (id integer PRIMARY KEY); INSERT INTO things VALUES (1)")
    engine = dialect.engine(sa.make_url(database.url).set(drivername=driver), read_only=False)
    return dialect, engine, database


def test_a_statement_that_takes_too_long_is_ended_and_may_be_tried_again(place):
    dialect, engine, database = place
    with engine.connect() as connection:
        dialect.begin(connection, Timeouts(statement=50))
        connection.exec_driver_sql("DELETE FROM things")
        wait = "SELECT pg_sleep(20)" if dialect.name == "postgresql" else "SELECT SLEEP(20)"
        with pytest.raises(sa.exc.DBAPIError) as raised:
            connection.exec_driver_sql(wait)
        assert dialect.transient(raised.value)
        assert not dialect.lost(raised.value)
        connection.rollback()
    assert database.rows("SELECT id FROM things") == [(1,)]


def test_a_lock_is_waited_for_as_long_as_is_said(place):
    """InnoDB counts whole seconds."""
    dialect, engine, _ = place
    with engine.connect() as holder, engine.connect() as waiter:
        dialect.begin(holder, Timeouts())
        holder.exec_driver_sql("DELETE FROM things")
        dialect.begin(waiter, Timeouts(lock=100))
        with pytest.raises(sa.exc.DBAPIError) as raised:
            waiter.exec_driver_sql("DELETE FROM things")
        assert dialect.transient(raised.value)
        waiter.rollback()
        holder.rollback()


@pytest.mark.parametrize(
    "place", ["postgresql", pytest.param("mariadb", marks=pytest.mark.heavy)], indirect=True
)
def test_a_transaction_that_does_nothing_is_ended_and_undone(place):
    """A half-dead engine must not hold its rows. (MariaDB counts whole seconds.)"""
    dialect, engine, database = place
    with engine.connect() as connection:
        dialect.begin(connection, Timeouts(idle=100))
        connection.exec_driver_sql("DELETE FROM things")
        driver = connection.connection.dbapi_connection
        ended = driver.pgconn.socket if dialect.name == "postgresql" else driver._sock
        assert select.select([ended], [], [], 10)[0], "the server does not end it"
        with pytest.raises(sa.exc.DBAPIError) as raised:
            connection.exec_driver_sql("SELECT 1")
        assert dialect.lost(raised.value)
        connection.invalidate()
    assert database.rows("SELECT id FROM things FOR UPDATE") == [(1,)]


def test_a_batch_is_given_the_settings_record(place):
    dialect, engine, _ = place
    asked = {
        "postgresql": "current_setting('lock_timeout'), current_setting('statement_timeout'),"
        " current_setting('idle_in_transaction_session_timeout')",
        "mysql": "@@innodb_lock_wait_timeout, @@lock_wait_timeout, @@max_statement_time, @@idle_transaction_timeout",
    }[dialect.name]
    with engine.connect() as connection:
        dialect.begin(connection, Timeouts())
        [found] = connection.exec_driver_sql(f"SELECT {asked}").fetchall()
    assert tuple(found) in {("2s", "1min", "1min"), (2, 2, 60.0, 60)}


def test_an_answer_that_takes_long_is_waited_for(mariadb, monkeypatch):
    """PyMySQL's one limit is for the server's greeting here."""
    from retention.config.connecting import logins

    monkeypatch.setattr(logins, "CONNECT_SECONDS", 0.3)
    engine = Mysql().engine(sa.make_url(mariadb.url).set(drivername="mysql+pymysql"), read_only=True)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT SLEEP(0.5)").fetchall() == [(0,)]
