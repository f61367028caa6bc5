"""Which of the rights that are needed the role does not have, and the GRANT for each."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.engine import Connection

from retention.connectors.port import Lacking
from retention.connectors.sql.markers import MARKERS
from retention.connectors.sql.mysql.grants import read_grants
from retention.model.catalogue import TableId
from retention.planning.binding.reach import qualified, quoted
from retention.planning.binding.rights import Need, Right

_MARKER_RIGHTS = ("SELECT", "INSERT", "DELETE")
_WORDS = {Right.READ: "SELECT", Right.DELETE: "DELETE", Right.INSERT: "INSERT"}
"""Who may delete a row may lock it."""


def lacking(connection: Connection, needs: Sequence[Need], marker_schema: str | None) -> tuple[Lacking, ...]:
    """See `Target.lacking`; read off what SHOW GRANTS says, without a look at any table."""
    grants = read_grants(connection)
    found: list[Lacking] = []
    for need in needs:
        if need.right is Right.REWRITE:
            missing = [name for name in need.columns if not grants.updates(need.table, name)]
            if missing:
                columns = ", ".join(quoted(name, "`") for name in missing)
                grant = f"GRANT UPDATE ({columns}) ON {qualified(need.table, '`')} TO {grants.role};"
                found.append(Lacking(table=need.table, right=need.right.value, grant=grant, looking=False))
        word = _WORDS.get(need.right)
        if word is not None and word not in grants.on(need.table):
            grant = f"GRANT {word} ON {qualified(need.table, '`')} TO {grants.role};"
            looking = need.right is Right.READ
            found.append(Lacking(table=need.table, right=need.right.value, grant=grant, looking=looking))
    database = marker_schema or connection.exec_driver_sql("SELECT DATABASE()").scalar_one()
    marker = TableId(schema=database, name=MARKERS.name)
    missing = [word for word in _MARKER_RIGHTS if word not in grants.on(marker)]
    if missing:
        grant = f"GRANT {', '.join(missing)} ON {qualified(marker, '`')} TO {grants.role};"
        found.append(Lacking(table=marker, right="write markers to", grant=grant))
    return tuple(found)
