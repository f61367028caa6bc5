"""The state store's tables as statements for somebody else to run: an owner of the database, by hand."""

from __future__ import annotations

from sqlalchemy.engine import make_url

from retention.store import migrations
from retention.store.schema import VERSION_TABLE, metadata

_FIRST = {"sqlite": ("PRAGMA journal_mode = WAL",)}
"""What a database is asked for before it has tables."""


def statements(family: str) -> tuple[str, ...]:
    """Every statement, in order, without semicolons. `family`: sqlite, postgresql, mysql or mariadb."""
    return (*_FIRST.get(family, ()), *migrations.statements(family))


def grants(family: str, role: str) -> tuple[str, ...]:
    """The least that the engine's own role needs there; of a family that has roles."""
    quote = make_url(f"{family}://").get_dialect()().identifier_preparer.quote
    tables = sorted(quote(table.name) for table in metadata.tables.values())
    return (
        *(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {role}" for table in tables),
        f"GRANT SELECT ON {quote(VERSION_TABLE)} TO {role}",
    )
