"""The state store's migrations (alembic), run in the process and without an alembic.ini."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

if TYPE_CHECKING:
    from alembic.config import Config


def upgrade(connection: Connection, versions: str) -> None:
    """Bring the tables to the newest version, inside the connection's own transaction.

    `versions`: the table that says which version they have.
    """
    from alembic import command

    config = _config()
    config.attributes |= {"connection": connection, "version_table": versions}
    command.upgrade(config, "head")


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
