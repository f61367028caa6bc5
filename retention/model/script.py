"""SQL for a person to run: what the engine would otherwise make itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Script:
    """The statements for one database, without semicolons, in order.

    `database`: "state store", or a connector's name; `where` is fit to be printed. `family`: sqlite,
    postgresql, mysql or mariadb. `notes`: sentences on how to run it. `grants`: the least that the
    engine's own role needs, were it not the owner.
    """

    database: str
    where: str
    family: str
    notes: tuple[str, ...]
    statements: tuple[str, ...]
    grants: tuple[str, ...]
