"""The pieces of rewritten values on PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.types import NullType

from retention.connectors.sql.lines import bound
from retention.connectors.sql.postgresql_pages import Spelled
from retention.connectors.sql.rewritten import Back, Element, Guards, Rewritable, number
from retention.model.catalogue import Column, Kind, Table


def _written(value: Element, column: Column) -> Element:
    """A text is given as it is: a cast would cut it to its column."""
    return value if column.kind is Kind.TEXT else sa.cast(value, Spelled(column.type))


_OF = (
    "c.oid = (SELECT r.oid FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace"
    " WHERE n.nspname = :schema AND r.relname = :name)"
)
_CHECKS = (
    "SELECT k.conname, pg_get_expr(k.conbin, k.conrelid) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid"
    f" WHERE k.contype = 'c' AND {_OF} ORDER BY k.conname"
)
_UNIQUES = (
    "SELECT i.relname, ARRAY(SELECT a.attname::text FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid"
    " AND a.attnum = d.refobjsubid WHERE d.objid = x.indexrelid AND d.refobjid = x.indrelid AND d.refobjsubid > 0)"
    " FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid"
    f" WHERE x.indisunique AND (x.indpred IS NOT NULL OR x.indexprs IS NOT NULL) AND {_OF}"
)


class PostgresqlRewritable(Rewritable):
    """Sessions are in UTC: an instant is generalised there."""

    returns_updated = True

    def guards(self, connection: Connection, of: Table) -> Guards:
        given = {"schema": of.id.schema, "name": of.id.name}
        checks = connection.execute(sa.text(_CHECKS), given).fetchall()
        uniques = connection.execute(sa.text(_UNIQUES), given).fetchall()
        return Guards(
            checks=tuple((name, clause) for name, clause in checks),
            uniques=tuple((name, frozenset(columns)) for name, columns in uniques),
        )

    def exactly(self, text: Element, value: str) -> Element:
        return sa.cast(text, sa.Text).collate("C") == bound(value)

    def characters(self, text: Element) -> Element:
        return sa.func.char_length(sa.cast(text, sa.Text))

    def at_most(self, text: Element, length: int) -> Element:
        return self.characters(text) <= number(length)

    def leading(self, text: Element, length: int) -> Element:
        return sa.func.left(sa.cast(text, sa.Text), number(length), type_=sa.Text())

    def trailing(self, text: Element, length: int) -> Element:
        return sa.func.right(sa.cast(text, sa.Text), number(length), type_=sa.Text())

    def character(self, text: Element, place: int) -> Element:
        at, one = number(place), number(1)
        return sa.func.substr(sa.cast(text, sa.Text), at, one, type_=sa.Text())

    def generalised(self, column: Element, of: Column, *, month: bool) -> Element:
        unit = number("'month'" if month else "'year'")
        if of.kind is Kind.DATE:
            return sa.cast(sa.func.date_trunc(unit, sa.cast(column, sa.DateTime)), sa.Date)
        return sa.func.date_trunc(unit, column)

    def is_generalised(self, column: Element, of: Column, *, month: bool) -> Element:
        return column == self.generalised(column, of, month=month)

    def as_read(self, column: Element, of: Column) -> Element:
        """As text: of a column with a fixed length without the blanks at its end."""
        return sa.cast(column, sa.Text)

    def same(self, column: Element, value: Element) -> Element:
        return sa.cast(column, sa.Text).is_not_distinct_from(sa.cast(value, sa.Text))

    def write_back(
        self,
        connection: Connection,
        target: Any,
        sets: Mapping[str, Element],
        key: Sequence[Column],
        columns: Sequence[Column],
        rows: Sequence[Back],
    ) -> int:
        """Joined with arrays."""
        statement = self.joined_update(target, sets, key, columns, {})
        return int(connection.execute(statement, self.handed_back(rows)).rowcount)

    def joined_update(
        self,
        target: Any,
        sets: Mapping[str, Element],
        key: Sequence[Column],
        columns: Sequence[Column],
        where: Mapping[str, Element],
    ) -> sa.Update:
        """An UPDATE of rows that are handed over; a column only where `where` has it."""
        kinds = {f"k{i}": column.type for i, column in enumerate(key)}
        kinds |= {f"{letter}{i}": "text" for letter in "on" for i in range(len(columns))}
        arrays = [
            sa.cast(sa.bindparam(name, type_=NullType()), Spelled(f"{kind}[]"))
            for name, kind in kinds.items()
        ]
        handed = sa.func.unnest(*arrays).table_valued(*kinds).render_derived(name="v")
        new: dict[str, Element] = {}
        for i, column in enumerate(columns):
            made = _written(handed.c[f"n{i}"], column)
            open_ = where.get(column.name)
            new[column.name] = made if open_ is None else sa.case((open_, made), else_=target.c[column.name])
        same_key = (target.c[column.name] == handed.c[f"k{i}"] for i, column in enumerate(key))
        read = (self.same(target.c[column.name], handed.c[f"o{i}"]) for i, column in enumerate(columns))
        return sa.update(target).values({**sets, **new}).where(*same_key, *read)

    def handed_back(self, rows: Sequence[Back]) -> Mapping[str, Any]:
        """The parameters of `joined_update`."""
        given: dict[str, Any] = {}
        for place, letter in enumerate("kon"):
            for i in range(len(rows[0][place])):
                values = [row[place][i] for row in rows]
                texts = (None if value is None else str(value) for value in values)
                given[f"{letter}{i}"] = values if letter == "k" else list(texts)
        return given

    def floored(self, column: Element, of: Column, width: int) -> Element:
        wide = number(width)
        if of.kind is Kind.REAL:
            most: Element = sa.literal_column(str(1 << (24 if of.type.upper() == "REAL" else 53)))
            floor = sa.func.floor(column / wide) * wide
            return sa.case((sa.func.abs(column) < most, floor), else_=column)
        return column - sa.func.mod(sa.func.mod(column, wide) + wide, wide)
