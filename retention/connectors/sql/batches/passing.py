"""Long predicates of a job, over rows that hold what they repeat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from retention.connectors.sql import once
from retention.connectors.sql.batches.sieving import Sieved, sieved
from retention.connectors.sql.layers import column_of, layered
from retention.connectors.sql.predicates import Compiler
from retention.model import predicate as p

if TYPE_CHECKING:
    from retention.connectors.sql.batches.statements import Statements


def worked_out(
    statements: Statements,
    nodes: tuple[Any, ...],
    limits: Sequence[ColumnElement[Any]],
    sieve: Sequence[p.Test] = (),
) -> tuple[Compiler, FromClause]:
    """What compiles `nodes` over rows, in place of the root's, which `limits` and `sieve` choose; they hold what is
    repeated where it is long. Where it is not, the root's, of which both are still to be asked."""
    rows: FromClause = statements.root
    compiler, root = statements.compiler, statements.work.root
    if once.heavy(nodes):
        names = [column.name for column in statements.key]
        compiler, rows = layered(
            compiler, compiler.over, root, nodes, names, fenced=True, limits=limits, sieve=sieve
        )
    return compiler, rows


def passing(
    statements: Statements,
    test: p.Test,
    limits: Sequence[ColumnElement[Any]],
    columns: Sequence[ColumnElement[Any]] = (),
    *,
    late: bool = False,
) -> sa.Select[Any]:
    """The keys of records that pass `test` among those that `limits` choose; `late`: each with whether it is; and
    `columns` of the root.

    A long test is asked of rows that hold what it repeats. What passes is joined to the root for the `columns`, and
    whether it is late is worked out before: PostgreSQL expects one row of many to pass, and would go through a whole
    list for each that does. Without `columns` it is not joined, and none can be added: MariaDB can expect more rows of
    it than the table has, and would go through all of these.
    """
    work = statements.work
    asked = [work.late] * 2 if late else []  # twice: what is repeated is worked out
    first, rest = Sieved((), test) if late else _in_two(statements, test)
    compiler, rows = worked_out(statements, (rest, *asked), limits, first)
    if rows is statements.root:
        chosen = [*statements.key_columns, *([statements.late] if late else ()), *columns]
        return sa.select(*chosen).where(*limits, compiler.test(test)).select_from(statements.rows)
    names = [f"k{i}" for i in range(len(statements.key))]
    keys = [column_of(rows, each.name).label(name) for each, name in zip(statements.key, names, strict=True)]
    is_late = [is_true(compiler.test(work.late)).label("late")] if late else []
    passed = sa.select(*keys, *is_late).select_from(rows).where(compiler.test(rest)).correlate(None)
    passed = compiler.behind(passed)
    if not columns:
        return passed
    found = compiler.placed(passed, "passing", apart=once.asks((rest, *asked)))
    pairs = zip(statements.key_columns, names, strict=True)
    same = sa.and_(*(mine == column_of(found, name) for mine, name in pairs))
    chosen = [*statements.key_columns, *([column_of(found, "late")] if late else ()), *columns]
    return sa.select(*chosen).select_from(statements.rows.join(found, same))


def _in_two(statements: Statements, test: p.Test) -> Sieved:
    """What is asked of the root's rows, and what of those that hold what it repeats; a test that is not long stays."""
    if not statements.dialect.writes_rows_down or not once.heavy(test):
        return Sieved(first=(), rest=test)
    return sieved(test, statements.compiler.joins(statements.work.root))


def is_true(test: ColumnElement[Any]) -> ColumnElement[Any]:
    """1 where it is, else 0."""
    return sa.case((test, sa.literal_column("1")), else_=sa.literal_column("0"))
