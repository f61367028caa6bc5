"""Where a state store can be in a test: a SQLite file, or a database of a test's own on a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.support.databases import MariadbDatabase, PostgresqlDatabase, SqliteDatabase


class SqliteState(SqliteDatabase):
    made = False

    def __init__(self, folder: Path) -> None:
        self.path = folder / "state" / "state.db"
        self.url = f"sqlite:///{self.path}"
        self.shown = str(self.path)

    def tables(self) -> set[str]:
        return {name for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def line_with(self, seq: int, old: str, new: str) -> str:
        """The statement that changes a piece of an event's line."""
        return (
            f"UPDATE retention_event SET line = CAST(replace(CAST(line AS TEXT), '{old}', '{new}') AS BLOB)"
            f" WHERE seq = {seq}"
        )


class PostgresqlState(PostgresqlDatabase):
    made = False

    def __init__(self, _folder: Path) -> None:
        super().__init__()
        parts = urlsplit(self.url)
        self.shown = f"postgresql://{parts.hostname or 'localhost'}:{parts.port or 5432}/{self.name}"

    def tables(self) -> set[str]:
        found = self.rows("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        return {name for (name,) in found}

    def line_with(self, seq: int, old: str, new: str) -> str:
        return (
            "UPDATE retention_event SET line ="
            f" convert_to(replace(convert_from(line, 'UTF8'), '{old}', '{new}'), 'UTF8') WHERE seq = {seq}"
        )


class MariadbState(MariadbDatabase):
    made = False

    def __init__(self, _folder: Path) -> None:
        super().__init__()
        parts = urlsplit(self.url)
        self.shown = f"{parts.scheme}://{parts.hostname or 'localhost'}:{parts.port or 3306}/{self.name}"

    def tables(self) -> set[str]:
        return {name for (name,) in self.rows("SHOW TABLES")}

    def line_with(self, seq: int, old: str, new: str) -> str:
        return f"UPDATE retention_event SET line = replace(line, '{old}', '{new}') WHERE seq = {seq}"


STATES: dict[str, Any] = {"sqlite": SqliteState, "postgresql": PostgresqlState, "mariadb": MariadbState}
SERVERS = tuple(kind for kind in STATES if kind != "sqlite")
