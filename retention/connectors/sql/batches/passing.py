"""Long predicates of a job, over rows that hold what they repeat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from retention.connectors.sql import once
from retention.connectors.sql.layers import column_of, layered
from retention.connectors.sql.predicates import Compiler
from retention.model import predicate as p

if TYPE_CHECKING:
    from retention.connectors.sql.batches.statements import Statements


def worked_out(
    statements: Statements, nodes: tuple[Any, ...], limits: Sequence[ColumnElement[Any]]
) -> tuple[Compiler, FromClause]:
    """What compiles `nodes` over rows, in place of the root's, which `limits` choose; they hold what is repeated where
    it is long. Where it is not, the root's, which `limits` are still to be asked of."""
    rows: FromClause = statements.root
    compiler, root = statements.compiler, statements.work.root
    if once.heavy(nodes):
        names = [column.name for column in statements.key]
        compiler, rows = layered(compiler, compiler.over, root, nodes, names, fenced=True, limits=limits)
    return compiler, rows


def passing(statements: Statements, test: p.Test, *limits: ColumnElement[Any]) -> ColumnElement[Any]:
    """The record passes `test`, which is asked of those that pass `limits`."""
    compiler, rows = worked_out(statements, (test,), limits)
    if rows is statements.root:
        return compiler.test(test)
    keys = sa.select(*(column_of(rows, column.name) for column in statements.key)).select_from(rows)
    columns = statements.key_columns
    left = columns[0] if len(columns) == 1 else sa.tuple_(*columns)
    return left.in_(keys.where(compiler.test(test)).correlate(None))
