"""PostgreSQL's physical order, and types by its own spelling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause
from sqlalchemy.types import NullType

from retention.connectors.sql.physical import GONE, Physical, Since, Size
from retention.model.catalogue import TableId


class Spelled(sa.types.UserDefinedType[Any]):
    """A type by the database's own spelling."""

    cache_ok = True

    def __init__(self, spelling: str) -> None:
        self.spelling = spelling

    def get_col_spec(self, **_: Any) -> str:
        """As SQLAlchemy asks for it."""
        return self.spelling


class Nth(sa.sql.functions.FunctionElement[Any]):
    """An array's element by its number from 1 on."""

    name = "nth"
    inherit_cache = True


@compiles(Nth)
def _nth(element: Nth, compiler: Any, **options: Any) -> str:
    array, number = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({array})[{number}]"


_SIZE = sa.text(
    "SELECT pg_relation_size(c.oid) / current_setting('block_size')::int,"
    " pg_relation_filenode(c.oid)::text,"
    " concat_ws(' ', pg_relation_filenode(c.oid), pg_postmaster_start_time(),"
    " (SELECT hashtextextended(string_agg(concat_ws(' ', a.attnum, a.attname, a.xmin), ',' ORDER BY a.attnum), 0)"
    " FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0))"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = :schema AND c.relname = :name"
)
_OLDEST_UNDER_WAY = sa.text("SELECT pg_snapshot_xmin(pg_current_snapshot())::xid::text")
"""What any transaction before it wrote, whoever looks from now on sees, or nobody ever does."""


class TupleIds(Physical):
    """Ranges of `ctid`, which PostgreSQL 14 and later read without the rest of the table."""

    def size(self, connection: Connection, table: TableId) -> Size:
        row = connection.execute(_SIZE, {"schema": table.schema, "name": table.name}).first()
        return GONE if row is None else Size(pages=int(row[0]), file=row[1] or "", meaning=row[2])

    def since(self, connection: Connection, tables: Sequence[TableId]) -> Since:
        at: str = connection.execute(_OLDEST_UNDER_WAY).scalar_one()
        return Since(at=at, meanings={table: self.size(connection, table).meaning for table in tables})

    def changed(self, source: FromClause, since: Since) -> ColumnElement[Any]:
        # Transactions count in a circle, half of which lies ahead: `age` is negative of what is older than that.
        written = sa.column("xmin", NullType(), _selectable=source)
        at = sa.cast(sa.literal(since.at, NullType()), Spelled("xid"))
        return sa.func.age(written) <= sa.func.age(at)

    def place(self, source: FromClause) -> ColumnElement[Any]:
        return sa.column("ctid", NullType(), _selectable=source)

    def page(self, place: Any) -> int:
        return int(str(place)[1:].partition(",")[0])

    def inside(self, source: FromClause) -> ColumnElement[Any]:
        tid = Spelled("tid")
        start, end = (
            sa.cast(sa.bindparam(name, type_=NullType()), tid) for name in ("place_start", "place_end")
        )
        return sa.and_(self.place(source) >= start, self.place(source) < end)

    def parameters(self, start: int, end: int) -> Mapping[str, Any]:
        return {"place_start": f"({start},0)", "place_end": f"({end},0)"}

    def at(self, source: FromClause, places: sa.Select[Any]) -> ColumnElement[Any]:
        array: ColumnElement[Any] = sa.func.array(places.correlate(None).scalar_subquery())
        return self.place(source) == sa.any_(array)
