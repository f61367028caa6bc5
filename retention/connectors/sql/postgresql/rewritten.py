"""The pieces of rewritten values on PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.types import NullType

from retention.connectors.sql.lines import bound
from retention.connectors.sql.postgresql.pages import Spelled
from retention.connectors.sql.rewritten import (
    Backs,
    Element,
    Guards,
    Into,
    Rewritable,
    WritingBack,
    number,
)
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


class _Joined(WritingBack):
    """Joined with arrays.

    Whole numbers as keys are said to lie between the least and the greatest of them: the planner merges thousands with
    the key's index from its first entry on, batch after batch, where it does not know where they end.

    What is true of the rows besides stands in a CASE: of it the planner knows nothing. Of comparisons with texts and
    numbers it thinks that next to no row passes, and looks for that one in the arrays once for each row of the table.
    """

    def __init__(self, dialect: Rewritable, into: Into) -> None:
        kinds = {f"k{i}": column.type for i, column in enumerate(into.key)}
        kinds |= {f"{letter}{i}": "text" for letter in "on" for i in range(len(into.columns))}
        arrays = [
            sa.cast(sa.bindparam(name, type_=NullType()), Spelled(f"{kind}[]"))
            for name, kind in kinds.items()
        ]
        handed = sa.func.unnest(*arrays).table_valued(*kinds).render_derived(name="v")
        read = into.as_read(dialect, lambda name: handed.c[name])
        true = sa.case((sa.and_(*read, *into.where), sa.true()), else_=sa.false())
        made = into.values(lambda name, column: _written(handed.c[name], column))
        same_key = into.same_key(lambda name, _: handed.c[name])
        self._ranged = len(into.key) == 1 and into.key[0].kind is Kind.INTEGER
        ends = self._ends(into) if self._ranged else ()
        self._statement = sa.update(into.target).ordered_values(*made).where(*same_key, *ends, true)

    @staticmethod
    def _ends(into: Into) -> tuple[Element, Element]:
        (column,) = into.key
        least, most = (
            sa.cast(sa.bindparam(name, type_=NullType()), Spelled(column.type)) for name in ("least", "most")
        )
        key = into.target.c[column.name]
        return key >= least, key <= most

    def given(self, rows: Backs) -> Mapping[str, Any]:
        """Arrays as PostgreSQL writes them: the driver takes ten times as long for a list."""
        arrays = [whole_numbers(values) or list(values) for values in rows.keys]
        given = dict(zip(rows.names, [*arrays, *map(_texts, (*rows.old, *rows.new))], strict=True))
        if self._ranged:
            given |= {"least": min(rows.keys[0]), "most": max(rows.keys[0])}
        return given

    def execute(self, connection: Connection, given: Mapping[str, Any]) -> int:
        return int(connection.execute(self._statement, given).rowcount)


def whole_numbers(values: Sequence[Any]) -> str | None:
    """An array of them as PostgreSQL writes it; None where they are anything else."""
    return f"{{{','.join(map(str, values))}}}" if all(type(value) is int for value in values) else None


def _texts(values: Sequence[Any]) -> str:
    """An array's own text ("Array Input and Output Syntax" in PostgreSQL's documentation)."""
    return f"{{{','.join([_element(value) for value in values])}}}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    text = value if type(value) is str else str(value)
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


class PostgresqlRewritable(Rewritable):
    """Sessions are in UTC: an instant is generalised there."""

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

    def writing_back(self, connection: Connection, into: Into) -> WritingBack:
        return _Joined(self, into)

    def floored(self, column: Element, of: Column, width: int) -> Element:
        wide = number(width)
        if of.kind is Kind.REAL:
            most: Element = sa.literal_column(str(1 << (24 if of.type.upper() == "REAL" else 53)))
            floor = sa.func.floor(column / wide) * wide
            return sa.case((sa.func.abs(column) < most, floor), else_=column)
        return column - sa.func.mod(sa.func.mod(column, wide) + wide, wide)
