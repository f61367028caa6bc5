"""What SQLite compares a column's texts by.

No PRAGMA says it of a column without an index. The program of a statement that compares the column does (EXPLAIN, in
SQLite's documentation), whatever the text of the definition looks like; it is asked of tables whose definition has the
word at all. A table that can't be compared here, since only its own program knows the collation, is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.model.catalogue import Column, Table
from retention.planning.binding.reach import qualified, quoted

_WORD = re.compile(r"\bCOLLATE\b", re.IGNORECASE)
_SAID = re.compile(r"(.+)-\d+")
"""The operand of a comparison, as `NOCASE-8`: the collation, and how the text is encoded."""
_PLAIN = "BINARY"


def with_collations(connection: Connection, table: Table, sql: str) -> Table:
    """The table, each of its columns with its collation; "" where that is the plain one."""
    if not _WORD.search(sql):
        return table
    found = _collations(connection, table)
    columns: Mapping[str, Column] = {
        name: replace(column, collation=found.get(name, "")) for name, column in table.columns.items()
    }
    return replace(table, columns=columns)


def _collations(connection: Connection, table: Table) -> dict[str, str]:
    names = list(table.columns)
    compared = ", ".join(f"+{quoted(name)} = ''" for name in names)
    try:
        program = connection.exec_driver_sql(f"EXPLAIN SELECT {compared} FROM {qualified(table.id)}")
    except sa.exc.DBAPIError:
        return {}
    operands = [str(row[5]) for row in program if row[1] in ("Eq", "Ne")]
    if len(operands) != len(names):
        return {}
    said = (_SAID.fullmatch(operand) for operand in operands)
    every = zip(names, said, strict=True)
    return {name: match[1] for name, match in every if match is not None and match[1] != _PLAIN}
