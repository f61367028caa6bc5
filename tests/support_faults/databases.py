"""Databases to do harm to, with a copy to go back to, and the words that each has for numbers and days."""

import re
import shutil

from tests.support import databases


class SqliteDatabase(databases.SqliteDatabase):
    """One file. Dates are ISO text."""

    date = "TEXT"
    patience = 5

    def __init__(self, folder):
        self.path = folder / "shop.db"
        self.url = "sqlite:///shop.db"
        self.connect().close()

    def connect(self):
        connection = super().connect()
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def series(self, start, end):
        """A FROM element `s(n)` of the numbers from `start` to `end`."""
        return (
            f"(WITH RECURSIVE c(n) AS (VALUES ({start}) UNION ALL SELECT n + 1 FROM c WHERE n < {end})"
            " SELECT n FROM c) AS s"
        )

    def keep_copy(self):
        shutil.copy(self.path, self.path.with_suffix(".copy"))

    def put_back(self):
        shutil.copy(self.path.with_suffix(".copy"), self.path)


class PostgresqlDatabase(databases.PostgresqlDatabase):
    """One database of the server. The copy is a second one, made from it as a template."""

    date = "date"

    def __init__(self, _folder):
        super().__init__()

    def series(self, start, end):
        return f"generate_series({start}, {end}) AS s(n)"

    def keep_copy(self):
        self.admin(f"DROP DATABASE IF EXISTS {self.name}_copy")
        self.admin(f"CREATE DATABASE {self.name}_copy TEMPLATE {self.name}")

    def put_back(self):
        self.admin(f"DROP DATABASE {self.name} WITH (FORCE)")
        self.admin(f"CREATE DATABASE {self.name} TEMPLATE {self.name}_copy")

    def drop(self):
        super().drop()
        self.admin(f"DROP DATABASE IF EXISTS {self.name}_copy WITH (FORCE)")


_WORDS = (
    (re.compile(r"\btext(?= PRIMARY KEY| NOT NULL REFERENCES)"), "varchar(100)"),
    (re.compile(r"\bAS bigint\b"), "AS signed"),
)


class MariadbSession(databases.MariadbSession):
    """It knows some of the others' words, and takes several statements at once."""

    def execute(self, statement):
        for pattern, word in _WORDS:
            statement = pattern.sub(word, statement)
        cursor = super().execute(statement)
        while cursor.nextset():
            pass
        return cursor


class MariadbDatabase(databases.MariadbDatabase):
    """One database of the server. The copy is a second one with the same rows."""

    date = "date"

    def __init__(self, _folder):
        super().__init__()

    def connect(self):
        return MariadbSession(self.url)

    def series(self, start, end):
        return f"(SELECT seq AS n FROM seq_{start}_to_{end}) AS s"

    def _tables(self):
        return [name for (name,) in self.rows("SHOW TABLES")]

    def keep_copy(self):
        self.admin(f'CREATE OR REPLACE DATABASE "{self.name}_copy"')
        for table in self._tables():
            self.run(f'CREATE TABLE "{self.name}_copy"."{table}" AS SELECT * FROM "{table}"')

    def put_back(self):
        for table in self._tables():
            self.run(
                "SET foreign_key_checks = 0; "
                f'DELETE FROM "{table}"; INSERT INTO "{table}" SELECT * FROM "{self.name}_copy"."{table}"'
            )

    def drop(self):
        super().drop()
        self.admin(f'DROP DATABASE IF EXISTS "{self.name}_copy"')


KINDS = {"sqlite": SqliteDatabase, "postgresql": PostgresqlDatabase, "mariadb": MariadbDatabase}
