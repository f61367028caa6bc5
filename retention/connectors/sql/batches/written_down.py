"""The statements about due records that are written down before the run's first batch."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from retention.connectors.sql.batches.passing import is_true, passing
from retention.connectors.sql.batches.statements import Statements
from retention.connectors.sql.batches.updating import to_set
from retention.connectors.sql.predicates import Compiler


def remember(statements: Statements) -> sa.Select[Any]:
    """Every due record, as the plan counts it: its key, whether it is late, what was true of it (`_as_it_is`), and
    which columns of it are to be set."""
    looking, known = statements.looking(), statements.key_known
    columns = [*_as_it_is(looking), *to_set(looking, exact=True)]
    return passing(looking, statements.work.due, known, columns, late=True)


def recheck_remembered(statements: Statements) -> sa.Select[Any]:
    """Of keys handed over, those of records that nothing keeps but that their event may be gone; what is true of each
    now stands behind its key."""
    looking, keyed = statements.handed(), statements.keyed()
    return passing(looking, statements.work.still_free, [keyed], _as_it_is(looking))


def _as_it_is(looking: Statements) -> list[ColumnElement[Any]]:
    """The day of the record's event, and 1 or 0 for each end that no other row's going takes away (`Work.own_ends`)."""
    compiler, work = looking.compiler, looking.work
    ends = [is_true(compiler.test(test)) for test in work.own_ends]
    return [compiler.latest_day(work.latest_day).label("day"), *ends]


def goes_before(statements: Statements) -> list[sa.Select[Any]]:
    """(key, key) of due records of which the first refers to the second, by each such reference."""
    work = statements.work
    compilers = [Compiler(statements.dialect, lists=work.lists) for _ in work.goes_before]
    return [c.pairs(pairs) for c, pairs in zip(compilers, work.goes_before, strict=True)]
