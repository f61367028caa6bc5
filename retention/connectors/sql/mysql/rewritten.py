"""The pieces of rewritten values on MariaDB and MySQL."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.sql.lines import bound
from retention.connectors.sql.mysql.joined import InJson, InValues, Joined, as_bytes, leads
from retention.connectors.sql.mysql.placed import Placed, PlacedOr
from retention.connectors.sql.pinning import checks_of
from retention.connectors.sql.rewritten import (
    Element,
    Guards,
    Into,
    OneByOne,
    Rewritable,
    WritingBack,
    number,
)
from retention.model.catalogue import Column, Kind, Table
from retention.planning.binding.reach import qualified

_ONE = number(1)


class MysqlRewritable(Rewritable):
    """Sessions are in UTC: an instant is generalised there. What is no day (0000-00-00) counts as generalised."""

    updates_with = False

    def guards(self, connection: Connection, of: Table) -> Guards:
        show = f"SHOW CREATE TABLE {qualified(of.id, '`')}".replace("%", "%%")
        create = str(connection.exec_driver_sql(show).fetchall()[0][1])
        found = connection.exec_driver_sql(
            "SELECT INDEX_NAME, COLUMN_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = %s"
            " AND TABLE_NAME = %s AND NOT NON_UNIQUE AND SUB_PART IS NOT NULL",
            (of.id.schema, of.id.name),
        ).fetchall()
        uniques = tuple((name, frozenset({column})) for name, column in found)
        return Guards(checks=checks_of(create, "mysql", of.columns), uniques=uniques)

    def exactly(self, text: Element, value: str) -> Element:
        alike = text == bound(value)  # cheap, and true of all that is exactly so
        return sa.and_(alike, as_bytes(text) == sa.cast(bound(value), sa.BINARY))

    def characters(self, text: Element) -> Element:
        return sa.func.char_length(text)

    def at_most(self, text: Element, length: int) -> Element:
        return self.characters(text) <= number(length)

    def leading(self, text: Element, length: int) -> Element:
        return sa.func.left(text, number(length), type_=sa.Text())

    def trailing(self, text: Element, length: int) -> Element:
        return sa.func.right(text, number(length), type_=sa.Text())

    def character(self, text: Element, place: int) -> Element:
        return sa.func.substr(text, number(place), _ONE, type_=sa.Text())

    def generalised(self, column: Element, of: Column, *, month: bool) -> Element:
        shape = bound("%Y-%m-01" if month else "%Y-01-01")
        kind = sa.Date() if of.kind is Kind.DATE else sa.DateTime()
        return sa.cast(sa.func.date_format(column, shape), kind)

    def is_generalised(self, column: Element, of: Column, *, month: bool) -> Element:
        parts = [sa.func.dayofmonth(column) <= _ONE]
        if not month:
            parts.append(sa.func.month(column) <= _ONE)
        if of.kind is not Kind.DATE:
            parts.append(sa.func.time(column) == sa.literal_column("'00:00:00'"))
        return sa.and_(*parts)

    def floored(self, column: Element, of: Column, width: int) -> Element:
        wide = number(width)
        if of.kind is Kind.REAL:
            most: Element = sa.literal_column(str(1 << (24 if of.type.lower().startswith("float") else 53)))
            floor = sa.func.floor(column / wide) * wide
            return sa.case((sa.func.abs(column) < most, floor), else_=column)
        if "unsigned" in of.type.lower():
            return column - sa.func.mod(column, wide)
        return column - sa.func.mod(sa.func.mod(column, wide) + wide, wide)

    def same(self, column: Element, value: Element) -> Element:
        return as_bytes(column).op("<=>", is_comparison=True)(sa.cast(value, sa.BINARY))

    def writing_back(self, connection: Connection, into: Into) -> WritingBack:
        if not leads(into.key):
            return OneByOne(self, into)
        values = connection.info["flavour"].lists_values
        lists = InValues() if values else InJson(into.key, len(into.columns))
        joined = Joined(self, connection, lists, into)
        return PlacedOr(Placed(connection, into), joined) if Placed.fits(into) else joined

    def placing(self, connection: Connection, into: Into) -> WritingBack | None:
        return Placed(connection, into) if Placed.fits(into) else None
