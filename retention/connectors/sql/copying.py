"""Rows copied from tables to their twins within the database: no value of them comes to the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ClauseElement, ColumnElement

from retention.connectors.port import Refused
from retention.connectors.sql.batches.statements import Statements, column_of
from retention.connectors.sql.dialect import Dialect, plain_rows
from retention.connectors.sql.named import table as named_table
from retention.model.catalogue import Column, Table
from retention.planning.binding.bound import Twin


class Copying(sa.Executable, ClauseElement):
    """`INSERT INTO target (columns) SELECT …`, also into a column of which the database gives out the values itself."""

    inherit_cache = False

    def __init__(
        self, target: sa.TableClause, columns: Sequence[str], rows: sa.Select[Any], words: str
    ) -> None:
        """`words`: what stands before SELECT where the database wants it."""
        self.target, self.columns, self.rows, self.words = target, tuple(columns), rows, words


@compiles(Copying)
def _copying(element: Copying, compiler: Any, **options: Any) -> str:
    quote = compiler.preparer.quote_identifier
    columns = ", ".join(quote(name) for name in element.columns)
    into = compiler.preparer.format_table(element.target)
    words = f"{element.words} " if element.words else ""
    return f"INSERT INTO {into} ({columns}) {words}{compiler.process(element.rows, **options)}"


class Copy:
    """The rows of one table of the records handed over, to its twin."""

    def __init__(
        self, dialect: Dialect, statements: Statements, twin: Twin, beside: Mapping[str, ColumnElement[Any]]
    ) -> None:
        """`beside`: columns of the twin that are no copies, and what stands in them."""
        self.source, self.target = twin.source, twin.target
        rows = named_table(twin.source.id, twin.source.columns, only=twin.source.only).alias("c")
        columns = [*(column_of(rows, name) for name in twin.columns), *beside.values()]
        query = sa.select(*columns).select_from(rows).where(statements.of_keys(twin.source.id, rows))
        target = named_table(twin.target.id)
        self.statement = Copying(target, (*twin.columns, *beside), query, dialect.copies_given_keys)

    def execute(self, connection: Connection, given: Mapping[str, Any]) -> int:
        """How many rows were copied."""
        return int(connection.execute(self.statement, given).rowcount)


class There:
    """Records whose keys are handed over, in the table that they are to be copied to."""

    def __init__(
        self, dialect: Dialect, root: Table, key: Sequence[Column], handed: Sequence[Column]
    ) -> None:
        """`key`: of `root`; `handed`: the columns in whose form keys are handed over."""
        rows = named_table(root.id, root.columns, only=root.only).alias("t")
        columns = [column_of(rows, column.name) for column in key]
        self.name = root.id
        self.statement = sa.select(*columns).select_from(rows).where(dialect.key_in(columns, handed))

    def refuse(self, connection: Connection, given: Mapping[str, Any], where: str) -> None:
        """Raises Refused where one of them is there already: a key names one record, here or there."""
        if plain_rows(connection, self.statement.limit(sa.literal_column("1")), given):
            raise Refused(f"{where}: a record of this key is in {self.name} already")
