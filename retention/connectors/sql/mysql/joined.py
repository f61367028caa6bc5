"""UPDATE joined with a list of rows, on MariaDB and MySQL, where whole numbers and texts lead to each row.

MariaDB takes the list as VALUES, which costs it a third less than JSON; MySQL spells VALUES in another way, and
takes JSON. The list is read first and leads to the rows, whatever the optimizer thinks of them.
"""

from __future__ import annotations

import abc
import json
import re
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from pymysql.converters import escape_string
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Connection

from retention.connectors.sql.mysql.session import ESCAPED, Verbatim
from retention.connectors.sql.rewritten import Backs, Element, Into, Rewritable, WritingBack
from retention.model.catalogue import Column, Kind

_CHARSET = re.compile(r"(utf8mb4|utf8mb3|utf8|latin1|ascii)_\w+\Z")
_TEXT = "LONGTEXT CHARACTER SET utf8mb4"


class Lists(abc.ABC):
    """How rows are handed over."""

    @abc.abstractmethod
    def source(self, names: Sequence[str]) -> str:
        """What stands for the list in FROM, with the parameter `rows`."""

    @abc.abstractmethod
    def given(self, rows: Backs) -> Any:
        """The parameter `rows`."""


class InValues(Lists):
    """A row without values gives the columns their names."""

    def source(self, names: Sequence[str]) -> str:
        head = ", ".join(f"NULL AS {name}" for name in names)
        return f"(SELECT {head} UNION ALL VALUES %(rows)s) AS v"

    def given(self, rows: Backs) -> Verbatim:
        return Verbatim(",".join(map(_together, *map(_literals, rows.columns))))


class InJson(Lists):
    """A document."""

    def __init__(self, key: Sequence[Column], columns: int) -> None:
        self._kinds = [*map(_json_kind, key), *[_TEXT] * (2 * columns)]

    def source(self, names: Sequence[str]) -> str:
        pairs = zip(names, self._kinds, strict=True)
        shape = ", ".join(f"{name} {kind} PATH '$[{i}]'" for i, (name, kind) in enumerate(pairs))
        return f"JSON_TABLE(%(rows)s, '$[*]' COLUMNS ({shape})) AS v"

    def given(self, rows: Backs) -> str:
        return json.dumps(list(zip(*rows.columns, strict=True)), ensure_ascii=False, default=str)


class Joined(WritingBack):
    """UPDATE with a join, which SQLAlchemy writes for tables only."""

    def __init__(self, dialect: Rewritable, connection: Connection, lists: Lists, into: Into) -> None:
        names = [f"k{i}" for i in range(len(into.key))]
        names += [f"{letter}{i}" for letter in "on" for i in range(len(into.columns))]
        handed = sa.table("v", *(sa.column(name) for name in names))
        read = into.as_read(dialect, lambda name: handed.c[name])
        same_key = into.same_key(lambda name, column: _compared(handed.c[name], column))
        made = into.values(lambda name, _: handed.c[name])
        statement = sa.update(into.target).ordered_values(*made).where(*same_key, *read, *into.where)
        compiled = statement.compile(dialect=connection.dialect)
        name = connection.dialect.identifier_preparer.format_table(into.target)
        _, _, rest = str(compiled).partition(" SET ")
        self._sql = f"UPDATE {lists.source(names)} STRAIGHT_JOIN {name} SET {rest}"
        self._parameters = dict(compiled.params)
        self._lists = lists

    def given(self, rows: Backs) -> Any:
        return self._lists.given(rows)

    def execute(self, connection: Connection, given: Any) -> int:
        return int(connection.exec_driver_sql(self._sql, {**self._parameters, "rows": given}).rowcount)


def as_bytes(text: Element) -> Element:
    """A text as the bytes of its UTF-8."""
    return sa.cast(sa.cast(text, mysql.CHAR(charset="utf8mb4")), sa.BINARY)


def leads(key: Sequence[Column]) -> bool:
    """A list of such keys leads to the rows by their index."""
    return all(
        column.kind is Kind.INTEGER or (column.kind is Kind.TEXT and _CHARSET.match(column.collation))
        for column in key
    )


def _compared(value: Element, column: Column) -> Element:
    """As the column is compared; a text in any other way would be, with the column, and without its index."""
    found = _CHARSET.match(column.collation) if column.kind is Kind.TEXT else None
    if found is None:
        return value
    return sa.literal_column(f"CONVERT(v.{value.name} USING {found[1]}) COLLATE {column.collation}")


def _json_kind(column: Column) -> str:
    if column.kind is Kind.TEXT:
        return _TEXT
    return "BIGINT UNSIGNED" if "unsigned" in column.type.lower() else "BIGINT"


def _together(*values: str) -> str:
    return f"({','.join(values)})"


def _literals(values: Sequence[Any]) -> list[str]:
    if all(type(value) is int for value in values):
        return list(map(str, values))
    return [_literal(value) for value in values]


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    text = value if type(value) is str else str(value)
    return f"'{escape_string(text) if ESCAPED.search(text) else text}'"
