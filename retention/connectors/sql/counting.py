"""A plan's numbers, in ranges of the key rather than by one giant query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import Counts, Key
from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.predicates import among_values, bound
from retention.connectors.sql.statements import Statements, key_range
from retention.errors import InterruptedRun
from retention.model import predicate as p
from retention.model.lists import NO_LISTS
from retention.model.plan import FATES
from retention.model.progress import Progress
from retention.planning.reach import described
from retention.planning.work import Work

RANGE = 50_000
"""Rows of the root table that one counting statement looks at."""
AT_ONCE = 1_000_000
"""The same where records refer to each other: each statement has to follow all references of the table."""


SPECIAL = 1_000
"""Records of which people told something that one statement looks at."""


@dataclass(kw_only=True)
class Tally:
    """What has been counted so far."""

    fates: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    by: Counter[str] = field(default_factory=Counter)
    ringed: int = 0
    overdue: int = 0
    oldest: str | None = None

    def change(self, without: Tally, having: Tally) -> None:
        """Takes the one off and puts the other on."""
        for mine, off, on in (
            (self.fates, without.fates, having.fates),
            (self.rows, without.rows, having.rows),
            (self.by, without.by, having.by),
        ):
            mine.subtract(off)
            mine.update(on)
        self.ringed += having.ringed - without.ringed
        self.overdue += having.overdue - without.overdue
        days = [day for day in (self.oldest, having.oldest) if day is not None]
        self.oldest = min(days, default=None)


class Census:
    """Counts one job over one connection."""

    def __init__(
        self,
        dialect: Dialect,
        connection: Connection,
        work: Work,
        special: Sequence[Key] = (),
    ) -> None:
        """`special`: the records of which people told something, or that refer to none but those."""
        self._special = special
        self._dialect = dialect
        self._connection = connection
        self._work = work
        self._statements = Statements(dialect, replace(work, lists=NO_LISTS))
        self._statements.compiler.choice(work.fate)
        whole = work.bound.entangled or self._statements.compiler.at_once
        self._size = AT_ONCE if whole else RANGE
        self._tally = Tally()

    def count(self, progress: Progress, stop: Callable[[], bool]) -> Counts:
        """Every range in turn; memory does not grow with the table."""
        work, tally = self._work, self._tally
        progress.start(f"counting {work.bound} for {work.job.rule.name}", work.bound.root.rows_estimate)
        after: Key | None = None
        while True:
            if stop():
                raise InterruptedRun("stopped while counting; nothing was deleted")
            upto = self._boundary(after)
            limits = key_range(self._statements, after, upto)
            progress.advance(self._range(self._statements, limits, tally))
            if upto is None:
                break
            after = upto
        self._nullable_keys()
        if self._special:
            self._told()
        progress.finish()
        fates = {name: tally.fates.get(name, 0) for name in FATES}
        root = str(work.bound.root.id)
        rows = {
            root: fates["due"],
            **{str(p.table.id): tally.rows[str(p.table.id)] for p in work.bound.parts},
        }
        return Counts(
            fates=fates,
            overdue=tally.overdue,
            oldest=tally.oldest if fates["due"] else None,
            rows=rows if fates["due"] else {},
            referenced_by={name: n for name, n in tally.by.items() if n},
            ringed=tally.ringed,
        )

    def boundary_query(self, after: Key | None) -> sa.Select[Any]:
        """The key that ends the next range."""
        columns = self._statements.key_columns
        query = sa.select(*columns).select_from(self._statements.root)
        known = self._statements.key_known
        query = query.where(*known, *key_range(self._statements, after, None)).order_by(*columns)
        return query.offset(bound(self._size - 1)).limit(bound(1))

    def fates_query(self, statements: Statements, limits: Sequence[Any]) -> sa.Select[Any]:
        """(fate, records, overdue, oldest day) of a range, or of the records that `limits` name."""
        work = self._work
        compile_test = statements.compiler.test
        rows = sa.select(
            statements.compiler.choice(work.fate).label("fate"),
            statements.late.label("late"),
            statements.compiler.latest_day(work.latest_day).label("day"),
        ).select_from(statements.root)
        rows = rows.where(*limits, compile_test(work.records), *statements.key_known)
        inner = rows.subquery("f")
        return sa.select(
            inner.c.fate, sa.func.count(), sa.func.sum(inner.c.late), sa.func.min(inner.c.day)
        ).group_by(inner.c.fate)

    def _boundary(self, after: Key | None) -> Key | None:
        row = self._connection.execute(self.boundary_query(after)).first()
        return None if row is None else tuple(row)

    def _range(self, statements: Statements, limits: Sequence[Any], tally: Tally) -> int:
        counted = 0
        here: Counter[str] = Counter()
        for fate, count, late, day in self._connection.execute(self.fates_query(statements, limits)):
            here[fate] += count
            counted += count
            if fate in ("due", "referenced", "conflict"):
                tally.overdue += int(late or 0)
            if fate == "due" and day is not None:
                tally.oldest = min(tally.oldest or str(day), str(day))
        tally.fates.update(here)
        if here["due"]:
            for part in self._work.bound.parts:
                query = statements.due_part(part.table).where(*limits)
                tally.rows[str(part.table.id)] += self._connection.execute(query).scalar_one()
        if here["referenced"]:
            self._count_referring(statements, limits, tally)
        return counted

    def _told(self) -> None:
        """The records of which people told something, once more: as if they had not, taken off, and as they did."""
        without, having = Tally(), Tally()
        told = Statements(self._dialect, self._work)
        for start in range(0, len(self._special), SPECIAL):
            some = self._special[start : start + SPECIAL]
            for statements, tally in ((self._statements, without), (told, having)):
                self._range(statements, [among_values(statements.key_columns, some)], tally)
        if without.fates["due"]:
            self._tally.oldest = self._oldest_other()
        self._tally.change(without, having)

    def _oldest_other(self) -> str | None:
        """The oldest day among due records of which nobody told anything."""
        statements = self._statements
        day = statements.compiler.latest_day(self._work.latest_day)
        others = sa.not_(among_values(statements.key_columns, self._special))
        due = statements.compiler.test(self._work.due)
        query = sa.select(sa.func.min(day)).select_from(statements.root).where(due, others)
        found = self._connection.execute(query).scalar_one()
        return None if found is None else str(found)

    def _count_referring(self, statements: Statements, limits: Sequence[Any], tally: Tally) -> None:
        """How many of the referenced records each reference keeps, and how many stay for a ring."""
        for item in self._work.referring:
            query = self.referenced_query(statements, item.test, limits)
            tally.by[described(item.outside.reference)] += self._connection.execute(query).scalar_one()
        if self._work.ringed is not None:
            query = self.referenced_query(statements, self._work.ringed, limits)
            tally.ringed += self._connection.execute(query).scalar_one()

    def referenced_query(self, statements: Statements, test: p.Test, limits: Sequence[Any]) -> sa.Select[Any]:
        """How many referenced records pass `test`: one reference keeps them, or a ring."""
        compiler = statements.compiler
        query = sa.select(sa.func.count()).select_from(statements.root)
        fate = compiler.choice(self._work.fate) == sa.literal_column("'referenced'")
        return query.where(*limits, compiler.test(self._work.records), fate, compiler.test(test))

    def _nullable_keys(self) -> None:
        """Rows whose key is NULL (SQLite allows them) lie in no range, and can't be told apart: unclear."""
        query = self.nullable_query()
        if query is not None:
            self._tally.fates["unclear"] += self._connection.execute(query).scalar_one()

    def nullable_query(self) -> sa.Select[Any] | None:
        """How many rows have no key; None where every row has one."""
        known = self._statements.key_known
        if not known:
            return None
        query = sa.select(sa.func.count()).select_from(self._statements.root)
        return query.where(sa.not_(sa.and_(*known)), self._statements.compiler.test(self._work.records))
