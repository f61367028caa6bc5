"""A plan's numbers, in ranges of the key rather than by one giant query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import Counts, Key
from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.predicates import bound
from retention.connectors.sql.statements import Statements, key_range
from retention.errors import InterruptedRun
from retention.model import predicate as p
from retention.model.plan import FATES
from retention.model.progress import Progress
from retention.planning.reach import described
from retention.planning.work import Work

RANGE = 50_000
"""Rows of the root table that one counting statement looks at."""
AT_ONCE = 1_000_000
"""The same where records refer to each other: each statement has to follow all references of the table."""


class Census:
    """Counts one job over one connection."""

    def __init__(self, dialect: Dialect, connection: Connection, work: Work) -> None:
        self._connection = connection
        self._work = work
        self._size = RANGE if not work.bound.entangled else AT_ONCE
        self._statements = Statements(dialect, work)
        self._fates: Counter[str] = Counter()
        self._rows: Counter[str] = Counter()
        self._by: Counter[str] = Counter()
        self._ringed = 0
        self._overdue = 0
        self._oldest: str | None = None

    def count(self, progress: Progress, stop: Callable[[], bool]) -> Counts:
        """Every range in turn; memory does not grow with the table."""
        work = self._work
        progress.start(f"counting {work.bound} for {work.job.rule.name}", work.bound.root.rows_estimate)
        after: Key | None = None
        while True:
            if stop():
                raise InterruptedRun("stopped while counting; nothing was deleted")
            upto = self._boundary(after)
            progress.advance(self._range(after, upto))
            if upto is None:
                break
            after = upto
        self._nullable_keys()
        progress.finish()
        fates = {name: self._fates.get(name, 0) for name in FATES}
        root = str(work.bound.root.id)
        rows = {
            root: fates["due"],
            **{str(part.table.id): self._rows[str(part.table.id)] for part in work.bound.parts},
        }
        return Counts(
            fates=fates,
            overdue=self._overdue,
            oldest=self._oldest,
            rows=rows if fates["due"] else {},
            referenced_by={name: n for name, n in self._by.items() if n},
            ringed=self._ringed,
        )

    def boundary_query(self, after: Key | None) -> sa.Select[Any]:
        """The key that ends the next range."""
        columns = self._statements.key_columns
        query = sa.select(*columns).select_from(self._statements.root)
        known = self._statements.key_known
        query = query.where(*known, *key_range(self._statements, after, None)).order_by(*columns)
        return query.offset(bound(self._size - 1)).limit(bound(1))

    def fates_query(self, after: Key | None, upto: Key | None) -> sa.Select[Any]:
        """(fate, records, overdue, oldest day) of a range."""
        statements, work = self._statements, self._work
        compile_test = statements.compiler.test
        rows = sa.select(
            statements.compiler.choice(work.fate).label("fate"),
            statements.late.label("late"),
            statements.compiler.latest_day(work.latest_day).label("day"),
        ).select_from(statements.root)
        rows = rows.where(
            *key_range(statements, after, upto), compile_test(work.records), *statements.key_known
        )
        inner = rows.subquery("f")
        return sa.select(
            inner.c.fate, sa.func.count(), sa.func.sum(inner.c.late), sa.func.min(inner.c.day)
        ).group_by(inner.c.fate)

    def _boundary(self, after: Key | None) -> Key | None:
        row = self._connection.execute(self.boundary_query(after)).first()
        return None if row is None else tuple(row)

    def _range(self, after: Key | None, upto: Key | None) -> int:
        counted = 0
        here: Counter[str] = Counter()
        for fate, count, late, day in self._connection.execute(self.fates_query(after, upto)):
            here[fate] += count
            counted += count
            if fate in ("due", "referenced", "conflict"):
                self._overdue += int(late or 0)
            if fate == "due" and day is not None:
                self._oldest = min(self._oldest or str(day), str(day))
        self._fates.update(here)
        limits = key_range(self._statements, after, upto)
        if here["due"]:
            for part in self._work.bound.parts:
                query = self._statements.due_part(part.table).where(*limits)
                self._rows[str(part.table.id)] += self._connection.execute(query).scalar_one()
        if here["referenced"]:
            self._count_referring(limits)
        return counted

    def _count_referring(self, limits: list[Any]) -> None:
        """How many of the referenced records each reference keeps, and how many stay for a ring."""
        for item in self._work.referring:
            query = self.referenced_query(item.test, limits)
            self._by[described(item.outside.reference)] += self._connection.execute(query).scalar_one()
        if self._work.ringed is not None:
            query = self.referenced_query(self._work.ringed, limits)
            self._ringed += self._connection.execute(query).scalar_one()

    def referenced_query(self, test: p.Test, limits: list[Any]) -> sa.Select[Any]:
        """How many referenced records pass `test`: one reference keeps them, or a ring."""
        compiler = self._statements.compiler
        query = sa.select(sa.func.count()).select_from(self._statements.root)
        fate = compiler.choice(self._work.fate) == sa.literal_column("'referenced'")
        return query.where(*limits, compiler.test(self._work.records), fate, compiler.test(test))

    def _nullable_keys(self) -> None:
        """Rows whose key is NULL (SQLite allows them) lie in no range, and can't be told apart: unclear."""
        query = self.nullable_query()
        if query is not None:
            self._fates["unclear"] += self._connection.execute(query).scalar_one()

    def nullable_query(self) -> sa.Select[Any] | None:
        """How many rows have no key; None where every row has one."""
        known = self._statements.key_known
        if not known:
            return None
        query = sa.select(sa.func.count()).select_from(self._statements.root)
        return query.where(sa.not_(sa.and_(*known)), self._statements.compiler.test(self._work.records))
