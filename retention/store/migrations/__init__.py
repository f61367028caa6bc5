"""The state store's migrations (alembic), run in the process and without an alembic.ini."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from retention.store.schema import version_table

if TYPE_CHECKING:
    from alembic.config import Config

_ANSWER = re.compile(r" RETURNING [\w.]+\Z")
"""What alembic asks back of its INSERT; nobody reads it here, and old servers don't know it."""


def upgrade(connection: Connection, versions: str) -> None:
    """Bring the tables to the newest version, inside the connection's own transaction.

    `versions`: the table that says which version they have.
    """
    from alembic import command

    config = _config()
    config.attributes |= {"connection": connection, "version_table": versions}
    command.upgrade(config, "head")


def statements(family: str) -> tuple[str, ...]:
    """The DDL of every migration in the dialect of `family`, for somebody to run by hand; nothing is connected to.

    One transaction where the database has DDL in transactions. Each statement without its semicolon.
    """
    from alembic import command

    written = io.StringIO()
    config = _config()
    dialect = "mysql" if family == "mariadb" else family
    config.attributes |= {"family": dialect, "written": written, "version_table": version_table(family)}
    command.upgrade(config, "head", sql=True)
    lines = [line.rstrip() for line in written.getvalue().splitlines() if not line.startswith("--")]
    every = (piece.strip().removesuffix(";") for piece in "\n".join(lines).split(";\n"))
    return tuple(_ANSWER.sub("", piece) for piece in every if piece)


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
