"""Every adapter that there is, and what a test has to say to its database in the database's own words.

Another one is one more entry of ADAPTERS.
"""

import os
import re
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType

import pytest

from retention.connectors.sql.batches.moving import Mover
from retention.connectors.sql.batches.pages import PageRemover
from retention.connectors.sql.batches.remembering import RememberingRemover
from retention.connectors.sql.batches.removal import KeyRemover
from retention.connectors.sql.batches.rewriting import RewritingRemover
from retention.connectors.sql.batches.spans import SpanRemover
from retention.connectors.sql.mysql import session as mysql_session
from tests.support_faults.databases import KINDS

KEYED = {
    "orders": KeyRemover,
    "parcels": KeyRemover,
    "crates": KeyRemover,
    "accounts": RememberingRemover,
    "leads": RewritingRemover,
    "people": RewritingRemover,
    "files": Mover,
}


class Sqlite:
    """One writer at a time; a trigger that objects, or keeps a row in silence, is one statement."""

    database = KINDS["sqlite"]
    row_locks = False
    defers_constraints = True
    deferred_speak_at_mark = False
    ways = MappingProxyType({"visits": SpanRemover, "bookings": SpanRemover, **KEYED})

    def clear(self, database):
        """The file is new each time."""

    def objects(self, table, where, event="DELETE"):
        return self._trigger(table, where, event, "RAISE(ABORT, 'canary')")

    def swallows(self, table, where, event="DELETE"):
        return self._trigger(table, where, event, "RAISE(IGNORE)")

    def _trigger(self, table, where, event, action):
        return [
            f"CREATE TRIGGER {table}_hinders BEFORE {event} ON {table} FOR EACH ROW WHEN OLD.{where}"
            f" BEGIN SELECT {action}; END"
        ]

    def relents(self, table):
        return [f"DROP TRIGGER {table}_hinders"]

    def begin(self, session):
        """Begins another session's transaction that others have to wait for."""
        session.execute("BEGIN IMMEDIATE")

    @contextmanager
    def unwritable(self, _database, monkeypatch):
        """An account that may not write the file; what is said then."""
        access = os.access
        with monkeypatch.context() as patch:
            patch.setattr(os, "access", lambda path, mode: mode != os.W_OK and access(path, mode))
            yield "may not be written"

    def vanish(self, database):
        database.path.unlink()


class Postgresql:
    database = KINDS["postgresql"]
    row_locks = True
    defers_constraints = True
    deferred_speak_at_mark = True
    ways = MappingProxyType({"visits": PageRemover, "bookings": KeyRemover, **KEYED})

    def made(self, folder):
        """A database for many tests, in no hurry to write to its disk; the engine's own sessions are."""
        database = self.database(folder)
        database.run(f"ALTER DATABASE {database.name} SET synchronous_commit TO off")
        return database

    def clear(self, database):
        database.end_sessions()
        database.run(
            "SET client_min_messages TO warning", "DROP SCHEMA public CASCADE", "CREATE SCHEMA public"
        )

    def objects(self, table, where, event="DELETE"):
        return self._trigger(table, where, event, "RAISE 'canary %', OLD;")

    def swallows(self, table, where, event="DELETE"):
        return self._trigger(table, where, event, "RETURN NULL;")

    def _trigger(self, table, where, event, action):
        return [
            f"CREATE FUNCTION {table}_hinders() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {action} END $$",
            f"CREATE TRIGGER {table}_hinders BEFORE {event} ON {table} FOR EACH ROW WHEN (OLD.{where})"
            f" EXECUTE FUNCTION {table}_hinders()",
        ]

    def relents(self, table):
        return [f"DROP TRIGGER {table}_hinders ON {table}", f"DROP FUNCTION {table}_hinders()"]

    def begin(self, session):
        session.execute("BEGIN")

    def lock_table(self, table):
        return f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"

    def make_reader(self, database, tables, *, updates):
        """The URL of a role that may do all but delete; without `updates` neither that, but to lock."""
        name = f"{database.name}_reader"
        database.run(
            f"CREATE ROLE {name} LOGIN PASSWORD 'change-me'",
            f"GRANT USAGE ON SCHEMA public TO {name}",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}",
            f"GRANT INSERT, UPDATE ON retention_marker TO {name}",
            *(f"GRANT INSERT, UPDATE{'' if updates else ' (id)'} ON {table} TO {name}" for table in tables),
        )
        return re.sub("//[^@/]*@", f"//{name}:change-me@", database.url)

    def drop_reader(self, database):
        name = f"{database.name}_reader"
        database.run(f"DROP OWNED BY {name}", f"DROP ROLE {name}")

    @contextmanager
    def unwritable(self, database, _monkeypatch):
        setting = "default_transaction_read_only"
        database.run(f"ALTER DATABASE {database.name} SET {setting} TO on")
        try:
            yield setting
        finally:
            database.run(f"SET {setting} TO off", f"ALTER DATABASE {database.name} RESET {setting}")

    def sessions(self, database):
        """How many sessions the engine has there."""
        return database.one(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'retention'"
        )

    def vanish(self, database):
        database.drop()


class Mariadb:
    """A trigger that objects is one statement; none can keep a row in silence."""

    database = KINDS["mariadb"]
    row_locks = True
    defers_constraints = False
    deferred_speak_at_mark = False
    ways = MappingProxyType({"visits": KeyRemover, "bookings": SpanRemover, **KEYED})

    def made(self, folder):
        return self.database(folder)

    def clear(self, database):
        database.end_sessions()
        tables = database.rows("SHOW TABLES")
        dropped = "; ".join(f'DROP TABLE "{name}"' for (name,) in tables)
        if dropped:
            database.run(f"SET foreign_key_checks = 0; {dropped}")

    def objects(self, table, where, event="DELETE"):
        return [
            f"CREATE TRIGGER {table}_hinders BEFORE {event} ON {table} FOR EACH ROW IF OLD.{where}"
            " THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'canary'; END IF"
        ]

    def swallows(self, table, where, event="DELETE"):
        pytest.skip("no trigger of MariaDB keeps a row in silence")

    def relents(self, table):
        return [f"DROP TRIGGER {table}_hinders"]

    def begin(self, session):
        """At the server's default it would lock every row that it passes."""
        session.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        session.execute("BEGIN")

    def lock_table(self, table):
        return f"LOCK TABLES {table} WRITE"

    def make_reader(self, database, tables, *, updates):
        """The URL of a role that may do all but delete; without `updates` neither that, but to lock."""
        name = f"reader_{database.name[-6:]}"
        database.run(
            f"CREATE USER {name}@'%' IDENTIFIED BY 'change-me'",
            f"GRANT SELECT ON {database.name}.* TO {name}@'%'",
            f"GRANT REFERENCES ON *.* TO {name}@'%'",
            f"GRANT INSERT, UPDATE ON {database.name}.retention_marker TO {name}@'%'",
            *(
                f"GRANT INSERT, {'UPDATE' if updates else 'DELETE'} ON {database.name}.{table} TO {name}@'%'"
                for table in tables
            ),
        )
        return re.sub("//[^@/]*@", f"//{name}:change-me@", database.url)

    def drop_reader(self, database):
        database.run(f"DROP USER reader_{database.name[-6:]}@'%'")

    @contextmanager
    def unwritable(self, _database, monkeypatch):
        """Read-only for one's own session, as a replica is for all."""
        switch = "@@session.tx_read_only"
        with monkeypatch.context() as patch:
            patch.setattr(mysql_session, "MARIADB", replace(mysql_session.MARIADB, read_only=(switch,)))
            yield switch

    def sessions(self, database):
        """How many sessions the engine has there."""
        return database.one(
            "SELECT count(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        )

    def vanish(self, database):
        database.drop()


ADAPTERS = {"sqlite": Sqlite(), "postgresql": Postgresql(), "mariadb": Mariadb()}
