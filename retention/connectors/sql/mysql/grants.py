"""What a role may do, from SHOW GRANTS: information_schema leaves out what comes by a role."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from retention.model.catalogue import TableId

_NAME = r"(?:`(?:[^`]|``)*`|\*)"
_GRANT = re.compile(
    rf"GRANT (?P<what>.+?) ON (?:TABLE )?(?P<schema>{_NAME})\.(?P<table>{_NAME}) TO ", re.DOTALL
)
_COLUMNS = re.compile(r"(\w+(?: \w+)*) ?\(((?:`(?:[^`]|``)*`|[^)`])*)\)")
"""A right on some columns only: no right on the table."""
_COLUMN = re.compile(r"`((?:[^`]|``)*)`|([^\s,`]+)")
_ALL = "ALL PRIVILEGES"


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Rights on a schema's table; `schema` is a pattern of LIKE, None for all; `table` None for all.

    `columns`: (right, column, lower case) of rights on some of its columns.
    """

    rights: frozenset[str]
    schema: str | None
    table: str | None
    columns: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Grants:
    """`role` as GRANT … TO wants it."""

    role: str
    grants: tuple[Grant, ...]

    def everywhere(self, right: str) -> bool:
        """The right on every table of the server."""
        return any(g.schema is None and g.rights & {right, _ALL} for g in self.grants)

    def on(self, table: TableId) -> frozenset[str]:
        """Every right on the table, ALL PRIVILEGES written out."""
        found: set[str] = set()
        for grant in self.grants:
            if _covers(grant, table):
                found |= grant.rights
        return frozenset(found | _WRITTEN_OUT if _ALL in found else found)

    def updates(self, table: TableId, column: str) -> bool:
        """It may change the column."""
        wanted = ("UPDATE", column.lower())
        by_itself = any(wanted in grant.columns for grant in self.grants if _covers(grant, table))
        return by_itself or "UPDATE" in self.on(table)


_WRITTEN_OUT = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "REFERENCES", "TRIGGER"})


def read_grants(connection: Connection) -> Grants:
    """Of the account and of the roles that are active."""
    account = str(connection.exec_driver_sql("SELECT CURRENT_USER()").scalar_one())
    user, _, host = account.rpartition("@")
    role = f"'{_text(user)}'@'{_text(host)}'"
    return Grants(
        role=role, grants=parsed(row[0] for row in connection.exec_driver_sql(_statement(connection)))
    )


def _statement(connection: Connection) -> str:
    """MariaDB shows an active role's rights unasked, MySQL where it is named."""
    if "mariadb" in str(connection.exec_driver_sql("SELECT VERSION()").scalar_one()).lower():
        return "SHOW GRANTS"
    roles = str(connection.exec_driver_sql("SELECT CURRENT_ROLE()").scalar_one())
    return "SHOW GRANTS" if roles == "NONE" else f"SHOW GRANTS FOR CURRENT_USER() USING {roles}"


def parsed(lines: Iterable[str]) -> tuple[Grant, ...]:
    """The lines of SHOW GRANTS; those that give a role, not a right, are left out."""
    found = []
    for line in lines:
        match = _GRANT.match(line)
        if match is None:
            continue
        rights = _COLUMNS.sub("", match["what"]).split(",")
        found.append(
            Grant(
                rights=frozenset(word.strip().upper() for word in rights if word.strip()),
                schema=_name(match["schema"]),
                table=_name(match["table"]),
                columns=frozenset(_of_columns(match["what"])),
            )
        )
    return tuple(found)


def _of_columns(what: str) -> Iterable[tuple[str, str]]:
    for right, names in _COLUMNS.findall(what):
        for quoted, bare in _COLUMN.findall(names):
            yield right.upper(), (quoted.replace("``", "`") or bare).lower()


def _covers(grant: Grant, table: TableId) -> bool:
    if grant.table is not None:
        return (grant.schema, grant.table) == (table.schema, table.name)
    return grant.schema is None or _like(grant.schema, str(table.schema))


def _like(pattern: str, name: str) -> bool:
    r"""% and _ as LIKE has them; \_ is a _."""
    pieces = re.findall(r"\\.|.", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    written = "".join(wild.get(piece, re.escape(piece.removeprefix("\\"))) for piece in pieces)
    return re.fullmatch(written, name, re.DOTALL) is not None


def _name(text: str) -> str | None:
    return None if text == "*" else text[1:-1].replace("``", "`")


def _text(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")
