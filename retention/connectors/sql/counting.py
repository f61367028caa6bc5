"""A plan's numbers, in ranges of the key rather than by one giant query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.selectable import FromClause

from retention.connectors.port import Counted, Counts, Key
from retention.connectors.sql import once
from retention.connectors.sql.alike import alike, slot_values
from retention.connectors.sql.batches import shared_parts
from retention.connectors.sql.batches.passing import passing
from retention.connectors.sql.copies import refuse_too_many
from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.lines import bound
from retention.connectors.sql.named import among_values
from retention.connectors.sql.passes import LATE, Between, Pass, Those
from retention.connectors.sql.ranges import Lying, key_range
from retention.errors import InterruptedRun
from retention.model.catalogue import Table, TableId
from retention.model.lists import NO_LISTS, Lists
from retention.model.plan import FATES
from retention.model.progress import Progress
from retention.planning.binding.reach import described
from retention.planning.fates.chains import DUE, action_of, due_by
from retention.planning.work import Work

RANGE = 50_000
"""Rows of the root table that one counting statement looks at."""
AT_ONCE = 1_000_000
"""The same where records refer to each other: each statement has to follow all references of the table."""
SPECIAL = 8_000
"""Records of which people told something that one statement looks at, at most."""
VALUES = 24_000
"""So many values one statement takes: each record's key, and for each list of days once more."""
FEW = 100
"""So few of them are looked at in one statement, in which each list has its keys."""


@dataclass(kw_only=True)
class Tally:
    """What has been counted so far of one job."""

    fates: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    by: Counter[str] = field(default_factory=Counter)
    ringed: int = 0
    overdue: int = 0
    untouched: int = 0
    """Due records in whose own row nothing has to be rewritten."""
    oldest: str | None = None

    def change(self, without: Tally, having: Tally) -> None:
        """Takes the one off and puts the other on; `oldest` is the caller's to look at."""
        for mine, off, on in (
            (self.fates, without.fates, having.fates),
            (self.rows, without.rows, having.rows),
            (self.by, without.by, having.by),
        ):
            mine.subtract(off)
            mine.update(on)
        self.ringed += having.ringed - without.ringed
        self.overdue += having.overdue - without.overdue
        self.untouched += having.untouched - without.untouched

    def counts(self, work: Work) -> Counts:
        """As the port has them."""
        fates = {name: self.fates.get(name, 0) for name in FATES}
        actions = {action: self.fates.get(due_by(action), 0) for action in work.actions}
        fates[DUE] = sum(actions.values())
        root = str(work.bound.root.id)
        tables = [*(() if work.stays else _beside(work)), *(item.table.id for item in work.part_rewrites)]
        rows = {
            root: fates["due"] - self.untouched,
            **{str(table): self.rows[str(table)] for table in tables},
        }
        return Counts(
            fates=fates,
            overdue=self.overdue,
            oldest=self.oldest if fates["due"] else None,
            rows=rows if fates["due"] else {},
            referenced_by={name: n for name, n in self.by.items() if n},
            ringed=self.ringed,
            actions=actions,
        )


@dataclass(kw_only=True)
class Sheet:
    """What has been counted of all jobs; `once` counts a record once."""

    jobs: tuple[Tally, ...]
    once: Counter[str] = field(default_factory=Counter)


@dataclass(kw_only=True)
class Prepared:
    """Passes with what people told: those that were made last are kept for the records that follow."""

    passes: Sequence[tuple[Pass, tuple[int, ...]]]
    _last: tuple[Lists, Sequence[tuple[Pass, tuple[int, ...]]]] | None = None

    def having(self, lists: Lists) -> Sequence[tuple[Pass, tuple[int, ...]]]:
        """The passes with these lists."""
        if self._last is None or self._last[0] != lists:
            self._last = lists, [(made.told(lists), places) for made, places in self.passes]
        return self._last[1]


class Census:
    """Counts all jobs on one dataset over one connection."""

    def __init__(
        self,
        dialect: Dialect,
        connection: Connection,
        works: Sequence[Work],
        special: Sequence[Key] = (),
    ) -> None:
        """`special`: the only records to which the lists of `works` can make a difference."""
        self._special = special
        apart = len(works[0].bound.key) == 1 and len(special) <= VALUES
        self._apart = Lying(special if apart else ())
        self._dialect = dialect
        self._connection = connection
        self._works = tuple(works)
        self._passes = self._groups(replace(work, lists=NO_LISTS) for work in works)
        whole = works[0].bound.tangled or any(
            once.asks_at_once(made.first.work.fate) for made, _ in self._passes
        )
        self._size = AT_ONCE if whole else RANGE
        for made, _ in self._passes:
            refuse_too_many(dialect, f"counting {works[0].bound}", *made.nodes)
        self._first = self._passes[0][0].first
        self._sheet = self._blank()

    def count(self, progress: Progress, stop: Callable[[], bool]) -> Counted:
        """Every range in turn; memory does not grow with the table."""
        bound, sheet = self._works[0].bound, self._sheet
        progress.start(f"counting {bound}", bound.root.rows_estimate)
        after: Key | None = None
        while True:
            if stop():
                raise InterruptedRun("stopped while counting; nothing was deleted")
            if self.in_order:
                where = Between(after=after, but=self._apart, most=self._size)
            else:
                where = Between(after=after, upto=self._boundary(after), but=self._apart)
            counted, last = self._range(self._passes, where, sheet)
            progress.advance(counted)
            after = last if counted == where.most else where.upto
            if after is None:
                break
        self._nullable_keys()
        if self._special:
            self._told()
        self._shared_rows()
        progress.finish()
        jobs = tuple(tally.counts(work) for tally, work in zip(sheet.jobs, self._works, strict=True))
        return Counted(jobs=jobs, once=None if len(self._passes) > 1 else dict(sheet.once))

    def boundary_query(self, after: Key | None) -> sa.Select[Any]:
        """The key that ends the next range."""
        columns = self._first.key_columns
        query = sa.select(*columns).select_from(self._first.root)
        known = self._first.key_known
        query = query.where(*known, *key_range(self._first, after, None)).order_by(*columns)
        return query.offset(bound(self._size - 1)).limit(bound(1))

    @property
    def in_order(self) -> bool:
        """Each range begins behind the last record of the one before; else its end is looked for first."""
        return len(self._passes) == 1 and self._passes[0][0].in_order

    def statements(self) -> Iterable[tuple[str, sa.Select[Any]]]:
        """(purpose, statement) of a range without limits."""
        if not self.in_order:
            yield "the end of the next range of keys", self.boundary_query(None)
        for made, _ in self._passes:
            yield (
                "records by fate in a range of keys",
                made.counting((), self._size if self.in_order else None),
            )
            for part in made.apart:
                yield f"rows of {part.id} that go", made.parts(part, ())
        for work in self._works:
            for item in work.shared:
                query = shared_parts.counting(self._dialect, work, item)
                yield f"rows of {item.shared.table.id} that go with the last that refers to them", query

    def _groups(self, works: Iterable[Work]) -> tuple[tuple[Pass, tuple[int, ...]], ...]:
        """Jobs that are counted together, by their places: each by itself where references are followed."""
        every = tuple(works)
        together = Pass(self._dialect, every)
        if len(every) == 1 or not together.followed:
            return ((together, tuple(range(len(every)))),)
        return tuple((Pass(self._dialect, (work,), together.numbers), (i,)) for i, work in enumerate(every))

    def _blank(self) -> Sheet:
        return Sheet(jobs=tuple(Tally() for _ in self._works))

    def _boundary(self, after: Key | None) -> Key | None:
        row = self._connection.execute(self.boundary_query(after)).first()
        return None if row is None else tuple(row)

    def _range(
        self,
        passes: Sequence[tuple[Pass, tuple[int, ...]]],
        where: Between | Those,
        sheet: Sheet,
    ) -> tuple[int, Key | None]:
        """Counts the records of a range, or those whose keys are given; how many they are, and, of the first so many
        of a range, the last one's key."""
        counted: tuple[int, Key | None] = 0, None
        for made, places in passes:
            tallies = [sheet.jobs[place] for place in places]
            counted = self._pass(made, where, tallies, sheet.once)
        return counted

    def _pass(
        self, made: Pass, where: Between | Those, tallies: Sequence[Tally], once: Counter[str]
    ) -> tuple[int, Key | None]:
        width, counted, due = len(tallies), 0, False
        found: Sequence[Any] = made.count(self._connection, where)
        last: Key | None = None
        if isinstance(where, Between) and where.most is not None and found:
            last = (max(row[-1] for row in found),)
            found = [row[:-1] for row in found]
            where = replace(where, upto=last, most=None)
        for row in found:
            labels, count = row[:width], row[width]
            days, true = row[width + 1 : 2 * width + 1], row[2 * width + 1 :]
            counted += count
            fates = [label.removesuffix(LATE) for label in labels]
            for tally, label, fate, day in zip(tallies, labels, fates, days, strict=True):
                tally.fates[fate] += count
                tally.overdue += count if label.endswith(LATE) else 0
                if action_of(fate) is not None:
                    due = True
                    tally.oldest = _earlier(tally.oldest, day)
            once["total"] += count
            for name in ("undated", "unclear"):
                once[name] += count if name in fates else 0
            once[DUE] += count if any(action_of(fate) is not None for fate in fates) else 0
            once["overdue"] += count if any(label.endswith(LATE) for label in labels) else 0
            end = len(true) - len(made.rewriting)
            split = end - len(made.beside)
            self._referring(made, tallies, true[:split])
            for part, rows in zip(made.beside, true[split:end], strict=True):
                _add_rows(part, tallies, made.works, labels, rows)
            for item, rows in zip(made.rewriting, true[end:], strict=True):
                if item.part is None:
                    tallies[item.job].untouched += int(rows or 0)
                else:
                    tallies[item.job].rows[str(item.part.id)] += int(rows or 0)
        if due:
            self._parts(made, where, tallies)
        return counted, last

    def _referring(self, made: Pass, tallies: Sequence[Tally], true: Sequence[Any]) -> None:
        """How many of the referenced records each reference keeps, and how many stay for a ring."""
        found = iter(true)
        for tally, work in zip(tallies, made.works, strict=True):
            for item in work.referring:
                tally.by[described(item.outside.reference)] += int(next(found) or 0)
            if work.ringed is not None:
                tally.ringed += int(next(found) or 0)

    def _parts(self, made: Pass, where: Between | Those, tallies: Sequence[Tally]) -> None:
        for part in made.apart:
            for row in made.count_part(self._connection, part, where):
                _add_rows(part, tallies, made.works, tuple(row)[:-1], row[-1])

    def _shared_rows(self) -> None:
        """Rows that go with the last of several records are in no range of them: they are counted by themselves."""
        for tally, work in zip(self._sheet.jobs, self._works, strict=True):
            for item in work.shared if tally.fates["due"] else ():
                found = shared_parts.count(self._dialect, self._connection, work, item)
                tally.rows[str(item.shared.table.id)] = found

    def _told(self) -> None:
        """The records of which people told something, by themselves.

        Where they are too many to be left out by a list, or have a key of several columns, which not every database
        can look for in one, they were counted with the others, as if nobody had: that is taken off.
        """
        without, having = self._specially()
        self._sheet.once.subtract(without.once)
        self._sheet.once.update(having.once)
        for place, tally in enumerate(self._sheet.jobs):
            gone, come = without.jobs[place], having.jobs[place]
            if gone.oldest is not None and gone.oldest == tally.oldest:
                tally.oldest = self._oldest_other(place)
            tally.oldest = _earlier(tally.oldest, come.oldest)
            tally.change(gone, come)

    def _specially(self) -> tuple[Sheet, Sheet]:
        """The records of which people told something, as if they had not, and as they did."""
        without, having = self._blank(), self._blank()
        lists, told = self._works[0].lists, Prepared(passes=self._passes)
        if len(self._special) <= FEW:
            if not self._apart.every:
                self._range(self._passes, Those(keys=self._special), without)
            self._range(told.having(lists), Those(keys=self._special), having)
            return without, having
        if any(once.told_of_others(work.fate, work.root, str(work.bound)) for work in self._works):
            for start in range(0, len(self._special), SPECIAL):  # what is on a list is not theirs alone
                keys = Those(keys=self._special[start : start + SPECIAL])
                if not self._apart.every:
                    self._range(self._passes, keys, without)
                self._range(told.having(lists), keys, having)
            return without, having
        most = min(SPECIAL, VALUES // (1 + len(lists.days)))
        for some in alike(str(self._works[0].bound), lists, self._special, most):
            values = slot_values(self._dialect, self._first.key, some)
            if not self._apart.every:
                self._range(self._passes, Those(keys=some.keys), without)
            self._range(told.having(some.lists), Those(keys=some.keys, beside=values), having)
        return without, having

    def _oldest_other(self, place: int) -> str | None:
        """The oldest day among due records of which nobody told anything."""
        work = self._works[place]
        made = next(made for made, places in self._passes if place in places)
        first = made.first
        day: Any
        others: list[Any] = [sa.not_(among_values(first.key_columns, self._special))]
        if once.follows(work.due):  # asked for at several places, MariaDB takes twice as long for each
            looking = first.looking()
            oldest = looking.compiler.latest_day(work.latest_day).label("retention_day")
            due = passing(looking, work.due, others, [oldest])
            rows: FromClause = looking.compiler.placed(due, "due", apart=True)
            where, day = [], rows.c.retention_day
        else:
            rows, where = first.root, [*others, first.compiler.test(work.due)]
            day = first.compiler.latest_day(work.latest_day)
        known = self._sheet.jobs[place].oldest
        query: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(rows).where(*where)
        if self._connection.execute(query.where(day == bound(known)).limit(bound(1))).first() is not None:
            return known  # mostly, and found soon
        query = sa.select(sa.func.min(day)).select_from(rows).where(*where)
        found = self._connection.execute(query).scalar_one()
        return None if found is None else str(found)

    def _nullable_keys(self) -> None:
        """Rows whose key is NULL (SQLite allows them) lie in no range, and can't be told apart: unclear."""
        query = self.nullable_query()
        if query is not None:
            found = self._connection.execute(query).scalar_one()
            for tally in self._sheet.jobs:
                tally.fates["unclear"] += found
            self._sheet.once.update({"total": found, "unclear": found})

    def nullable_query(self) -> sa.Select[Any] | None:
        """How many rows have no key; None where every row has one."""
        first = self._first
        if not first.key_known:
            return None
        query = sa.select(sa.func.count()).select_from(first.root)
        return query.where(sa.not_(sa.and_(*first.key_known)), first.compiler.test(first.work.records))


def _add_rows(
    part: Table, tallies: Sequence[Tally], works: Sequence[Work], labels: Sequence[str], rows: int | None
) -> None:
    """So many rows of the part belong to records of which the jobs say `labels`."""
    for tally, work, label in zip(tallies, works, labels, strict=True):
        if label.removesuffix(LATE) in work.taking:
            tally.rows[str(part.id)] += int(rows or 0)


def _beside(work: Work) -> list[TableId]:
    """The tables of rows that go with a record, but for its root."""
    return [*(part.table.id for part in work.bound.parts), *(item.table.id for item in work.bound.leaving)]


def _earlier(known: str | None, day: Any) -> str | None:
    found = [str(item) for item in (known, day) if item is not None]
    return min(found, default=None)
