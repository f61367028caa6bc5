"""The pieces of rewritten values on SQLite, where any column may hold any value."""

from __future__ import annotations

import re

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import Grouping

from retention.connectors.sql.lines import bound
from retention.connectors.sql.pinning import checks_of, mentioned
from retention.connectors.sql.rewritten import Element, Guards, Rewritable, number
from retention.model.catalogue import Column, Table

_ONE = number(1)


class SqliteRewritable(Rewritable):
    """Compared are bytes: where a NUL is, most functions see the end of the text."""

    def guards(self, connection: Connection, of: Table) -> Guards:
        rows = connection.exec_driver_sql(
            "SELECT type, name, sql FROM sqlite_master WHERE tbl_name = ? COLLATE NOCASE AND sql IS NOT NULL",
            (of.id.name,),
        ).fetchall()
        checks = [c for kind, _, sql in rows if kind == "table" for c in checks_of(sql, "sqlite", of.columns)]
        plain = {index.name for index in of.indexes if index.unique}
        uniques = [
            (name, mentioned(sql, "sqlite", of.columns))
            for kind, name, sql in rows
            if kind == "index" and name not in plain and re.match(r"CREATE\s+UNIQUE\b", sql, re.IGNORECASE)
        ]
        return Guards(checks=tuple(checks), uniques=tuple(uniques))

    def exactly(self, text: Element, value: str) -> Element:
        stored = sa.func.typeof(text) == sa.literal_column("'text'")
        return sa.and_(stored, _bytes(text) == _bytes(bound(value)))

    def characters(self, text: Element) -> Element:
        return sa.func.length(text)

    def at_most(self, text: Element, length: int) -> Element:
        return _bytes(text) == _bytes(self.leading(text, length))

    def leading(self, text: Element, length: int) -> Element:
        return sa.func.substr(text, _ONE, number(length), type_=sa.Text())

    def trailing(self, text: Element, length: int) -> Element:
        return sa.func.substr(text, number(-length), type_=sa.Text())

    def character(self, text: Element, place: int) -> Element:
        return sa.func.substr(text, number(place), _ONE, type_=sa.Text())

    def generalised(self, column: Element, of: Column, *, month: bool) -> Element:
        raise AssertionError("SQLite has no dates of its own")

    def is_generalised(self, column: Element, of: Column, *, month: bool) -> Element:
        raise AssertionError("SQLite has no dates of its own")

    def floored(self, column: Element, of: Column, width: int) -> Element:
        wide = number(width)
        stored = sa.func.typeof(column)
        rest = Grouping(Grouping(column % wide) + wide) % wide
        times = Grouping(column / sa.literal_column(f"{width}.0"))
        whole = sa.cast(times, sa.INTEGER)
        floor = Grouping(whole - Grouping(times < whole)) * sa.literal_column(f"{width}.0")
        few = sa.func.abs(column) < number(1 << 53)
        return sa.case(
            (stored == sa.literal_column("'integer'"), column - Grouping(rest)),
            (sa.and_(stored == sa.literal_column("'real'"), few), floor),
            else_=column,
        )

    def as_read(self, column: Element, of: Column) -> Element:
        """Texts as their bytes, which need not be UTF-8."""
        stored = sa.func.typeof(column) == sa.literal_column("'text'")
        return sa.case((stored, sa.cast(column, sa.BLOB)), else_=column)

    def same(self, column: Element, value: Element) -> Element:
        return _bytes(column).is_(_bytes(value))

    def no_text(self, column: Element) -> Element | None:
        return sa.func.typeof(column) != sa.literal_column("'text'")


def _bytes(text: Element) -> Element:
    return sa.cast(sa.cast(text, sa.TEXT), sa.BLOB)
