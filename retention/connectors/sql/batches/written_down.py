"""The statements about due records that are written down before the run's first batch."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from retention.connectors.sql.batches.passing import passing
from retention.connectors.sql.batches.statements import Statements
from retention.connectors.sql.batches.updating import to_set
from retention.connectors.sql.predicates import Compiler


def remember(statements: Statements) -> sa.Select[Any]:
    """Every due record, as the plan counts it: its key, whether it is late, what was true of it (`_as_it_is`), and
    which columns of it are to be set."""
    looking, known = statements.looking(), statements.key_known
    columns = to_set(looking)
    query = sa.select(*statements.key_columns, looking.late, *_as_it_is(looking), *columns)
    query = query.where(*known, passing(looking, statements.work.due, *known))
    return query.select_from(looking.rows)


def recheck_remembered(statements: Statements) -> sa.Select[Any]:
    """Of keys handed over, those of records that nothing keeps but that their event may be gone; what is true of each
    now stands behind its key."""
    looking, keyed = statements.handed(), statements.keyed()
    query = sa.select(*statements.key_columns, *_as_it_is(looking))
    query = query.where(keyed, passing(looking, statements.work.still_free, keyed))
    return query.select_from(looking.rows)


def _as_it_is(looking: Statements) -> list[ColumnElement[Any]]:
    """The day of the record's event, and 1 or 0 for each end that no other row's going takes away (`Work.own_ends`)."""
    compiler, work = looking.compiler, looking.work
    yes: ColumnElement[Any] = sa.literal_column("1")
    no: ColumnElement[Any] = sa.literal_column("0")
    ends = [sa.case((compiler.test(test), yes), else_=no) for test in work.own_ends]
    return [compiler.latest_day(work.latest_day).label("day"), *ends]


def goes_before(statements: Statements) -> list[sa.Select[Any]]:
    """(key, key) of due records of which the first refers to the second, by each such reference."""
    work = statements.work
    compilers = [Compiler(statements.dialect, lists=work.lists) for _ in work.goes_before]
    return [c.pairs(pairs) for c, pairs in zip(compilers, work.goes_before, strict=True)]
