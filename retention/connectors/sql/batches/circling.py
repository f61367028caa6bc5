"""Due records of several datasets that refer to each other in a circle, and batches of all of them.

What a job can take by itself it takes when it has its turn, as in `together`. What is left goes here: a batch may hold
records of several datasets, each looked at by its own job's predicate, among all that were handed over of every one.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import JointRemover, Key, Marker, Taken, Window
from retention.connectors.sql.batches.circled_jobs import Deleting, LedToBy
from retention.connectors.sql.batches.circled_keys import OfOne, RememberedCircle
from retention.connectors.sql.batches.emptying import Loosening
from retention.connectors.sql.batches.removal import WAITING
from retention.connectors.sql.batches.statements import Statements
from retention.connectors.sql.dialect import Dialect, Timeouts, plain_rows
from retention.connectors.sql.listing import Listing
from retention.connectors.sql.wrapping import wrapped
from retention.ledger.evidence import Committer
from retention.model.catalogue import TableId
from retention.planning.binding.bound import BoundDataset
from retention.planning.fates.sharers import beside
from retention.planning.work import Work

Held = Mapping[int, list[Key]]
"""A dataset's number → keys of its records."""
Rows = Mapping[tuple[int, str], int]
"""A dataset's number and a table of it → rows of its records."""
_AT_MOST = 10_000
"""So many keys of other datasets stand in a statement at once."""


class CircleRemover(JointRemover):
    """Deletes what jobs on several datasets wrote down together, as far as each is due still by its own."""

    doing = "deleting"

    def __init__(
        self,
        dialect: Dialect,
        connection: Connection,
        works: Mapping[int, Work],
        committers: Mapping[int, Committer],
        timeouts: Timeouts,
        together: RememberedCircle,
        listings: Mapping[int, Listing | None],
    ) -> None:
        self._dialect, self._connection, self._timeouts = dialect, connection, timeouts
        self._together = together
        self._of: dict[int, Deleting] = {}
        self._bound: dict[int, BoundDataset] = {}
        for place, work in works.items():
            self._bound.setdefault(together.number(place), work.bound)
        for number in self._bound:
            some = {place: work for place, work in works.items() if together.number(place) == number}
            committer = committers[min(some)]
            view = OfOne(together, number)
            self._of[number] = part = Deleting(dialect, connection, some, committer, timeouts, view, listings)
            part.begins = self._begin
        circle = next(iter(self._bound.values())).circled
        assert circle is not None
        self._circle = circle
        self._owners = {
            table: [number for number, bound in self._bound.items() if table in bound.members]
            for table in self._circle.removal
        }
        self._common = [table for table, owners in self._owners.items() if len(owners) > 1]
        self._roots = {bound.root.id: tuple(c.name for c in bound.key) for bound in self._bound.values()}
        self._where = " and ".join(map(str, self._bound.values()))
        self._loosenings = [
            (at, Loosening(dialect, self._of[at]._statements, item, every=True))
            for item in self._circle.loosened
            for at in self._owners[item.reference.table]
        ]
        firsts = {number: part._work for number, part in self._of.items()}
        self._at_once = one_statement(dialect, firsts) if self._circle.at_once else None
        self._going: Sequence[Key] = ()

    # -- windows ---------------------------------------------------------------------------

    def window(self, after: Mapping[str, Any] | None, size: int, *, sweep: bool) -> Window | None:
        position = after["at"] if after is not None and after.get("by") == "remembered" else 0
        return self._together.after(position, min(size, self._dialect.most_keys or _AT_MOST))

    def cuts(self, ranges: int, due: int) -> Sequence[Mapping[str, Any]]:
        return ()

    def confine(self, upto: Mapping[str, Any] | None) -> None:
        """There is one range."""

    def keys_of(self, window: Window) -> Window:
        return window

    def oldest(self, most: int) -> Iterator[Window]:
        return self._together.oldest()

    # -- the batch -------------------------------------------------------------------------

    def begin(self) -> None:
        try:
            with wrapped(self._dialect, f"{self._where}: beginning a batch"):
                self._begin()
        except BaseException:
            self.rollback()
            raise

    def _begin(self) -> None:
        self._going = ()
        for each in self._of.values():
            each.forget()
        self._dialect.begin(self._connection, self._timeouts.clamped())
        if self._circle.deferring:
            self._dialect.defer_constraints(self._connection)

    def take(self, window: Window, most: int, *, wait: bool = False) -> Taken:
        held = self._by_dataset(window.keys[:most])
        with wrapped(self._dialect, f"{self._where}: {self.doing} a batch"):
            if wait:
                self._dialect.limit_waiting(self._connection, WAITING)
                return self._take(held, wait=True, hopeful=False)
            first = next(iter(self._of.values()))
            return first._hopefully(
                lambda: self._take(held, wait=False, hopeful=True),
                lambda: self._take(held, wait=False, hopeful=False),
            )

    def _by_dataset(self, keys: Sequence[Key]) -> dict[int, list[Key]]:
        found: dict[int, list[Key]] = {}
        for number, *key in keys:
            found.setdefault(number, []).append(tuple(key))
        return found

    def _take(self, held: Held, *, wait: bool, hopeful: bool) -> Taken:
        if len(held) > 1:
            return self._take_all(held, wait=wait, hopeful=hopeful)
        ((number, keys),) = held.items()
        self._hand_over({})
        part = self._of[number]
        taken = part._take(keys, wait=wait, hopeful=hopeful)
        part._left = taken.held, taken.locked
        self._going = _numbered({number: taken.keys})
        return replace(
            taken,
            keys=self._going,
            held=_numbered({number: taken.held}),
            locked=_numbered({number: taken.locked}),
        )

    def _take_all(self, asked: Held, *, wait: bool, hopeful: bool) -> Taken:
        """Steps 2 to 4, of several datasets at once."""
        held: dict[int, list[Key]] = {}
        locked: dict[int, list[Key]] = {}
        for number, keys in asked.items():
            roots, skipped = self._of[number]._lock_roots(keys, wait=wait)
            held[number], busy, _ = self._of[number]._lock_parts(roots, wait=wait, hopeful=hopeful)
            locked[number] = [*skipped, *busy]
        found = self._due(held)
        due = {number: [row[:-1] for row in rows] for number, rows in found.items() if rows}
        kept = {number: self._of[number].held_of(keys) for number, keys in held.items()}
        for number, rows in found.items():
            self._of[number].found(rows, kept[number], locked[number])
        self._delete(due, beside_locks=not hopeful)
        self._going = _numbered(due)
        went = sum((part.rows for part in self._of.values()), Counter[str]())
        away = sum(map(len, (*locked.values(), *kept.values())))
        return Taken(
            keys=self._going,
            overdue=sum(row[-1] for each in found.values() for row in each),
            rows=went,
            changed=sum(map(len, asked.values())) - len(self._going) - away,
            held=_numbered(kept),
            locked=_numbered(locked),
        )

    def _hand_over(self, held: Held) -> None:
        """Tells each which records of the others are at hand."""
        numbers = {str(bound): number for number, bound in self._bound.items()}
        every: dict[str, Any] = {}
        for place, (name, key) in enumerate(zip(self._circle.names, self._circle.keys, strict=True)):
            keys = held.get(numbers[name], ()) if name in numbers else ()
            every |= self._dialect.handed(key, keys, beside(place))
        for part in self._of.values():
            part.hand_over(every)

    def _due(self, held: Held) -> Mapping[int, list[tuple[Any, ...]]]:
        """Each by its own job, among all of them; asked until all agree."""
        for number, keys in held.items():
            self._of[number]._ask(keys)
        while True:
            self._hand_over(held)
            found = {
                number: self._of[number]._each_by_its_own(keys, self._of[number]._give(keys)) if keys else []
                for number, keys in held.items()
            }
            if all(len(found[number]) == len(keys) for number, keys in held.items()):
                return found
            held = {number: [row[:-1] for row in rows] for number, rows in found.items()}

    # -- deleting --------------------------------------------------------------------------

    def _delete(self, due: Held, *, beside_locks: bool) -> None:
        """Step 4: every row counted, in all tables; what refers by given relations is looked for behind all of it."""
        if not due:
            return
        before = {number: self._of[number].rows_before(keys) for number, keys in due.items()}
        expected = self._expected(due)
        looks = {
            number: self._of[number]._look_again.remember(self._of[number].give(keys))
            for number, keys in due.items()
        }
        led_to = [found for number, keys in due.items() for found in self._of[number].led_to(keys)]
        if self._at_once is not None:
            went = self._rows_at_once(due, expected)
        else:
            went = self._one_by_one(due, beside_locks)
        for number in due:
            part, own = self._of[number], {str(table): 0 for table in self._bound[number].members}
            for table in own:
                rows = own[table] = went.get((number, table), 0)
                part._counted(rows, expected.get((number, table)), table)
            part.went({table: rows for table, rows in own.items() if rows}, before[number])
        for number in due:
            self._of[number]._look_again.look(looks[number], self._where)
        self._delete_shared(led_to, beside_locks=beside_locks)

    def _delete_shared(self, led_to: Sequence[LedToBy], *, beside_locks: bool) -> None:
        """Rows that go after all of these records: each is of the last job that needed it."""
        for table in map(str, self._circle.shared):
            every = [each for each in led_to if each.table == table]
            needed: dict[Key, tuple[int, Deleting]] = {}
            for each in every:
                for key, place in each.needed.items():
                    if key not in needed or needed[key][0] < place:
                        needed[key] = place, each.of
            if not needed:
                continue
            first = every[0]
            gone = first.of.delete_shared(first.leaving, list(needed), self._where, beside_locks=beside_locks)
            for key in gone:
                place, of = needed[key]
                of.went_after(place, table)

    def _expected(self, due: Held) -> Rows:
        """How many rows have to go; one that is a part of records of several datasets is of the first of them."""
        found = {
            (number, table): rows
            for number, keys in due.items()
            for table, rows in self._of[number].counted(keys).items()
        }
        for table in self._common:
            before: set[Key] = set()
            for number in self._owners[table]:
                if number in due and (self._dialect.row_locks or table in self._roots):
                    own = self._of[number].rows_of(table, due[number], self._telling_apart(table)) - before
                    found[number, str(table)] = len(own)
                    before |= own
        return found

    def _telling_apart(self, table: TableId) -> Sequence[str]:
        """The columns that tell rows of the table apart, whichever dataset's records they belong to."""
        bound = self._bound[self._owners[table][0]]
        return self._roots[table] if table in self._roots else bound.part(table).table.key

    def _one_by_one(self, due: Held, beside_locks: bool) -> Rows:
        """Table by table, each before what it refers to, once what leads to others that go has been loosened."""
        for number, item in self._loosenings:
            if number in due:
                given = self._of[number].give(due[number])
                changed, wanted = item.loosen(self._connection, given, beside_locks=beside_locks)
                self._of[number]._counted(changed, wanted, item.name, "changed")
        went: dict[tuple[int, str], int] = {}
        for table in self._circle.removal:
            for at in self._owners[table]:
                if at in due:
                    emptying, keys = self._of[at]._emptyings[str(table)], due[at]
                    given = self._of[at].give(keys)
                    gone = emptying.delete(self._connection, keys, given, beside_locks=beside_locks)
                    went[at, str(table)] = gone
        return went

    def _rows_at_once(self, due: Held, expected: Rows) -> Rows:
        given: dict[str, Any] = {}
        for number, bound in self._bound.items():
            given |= self._dialect.handed(bound.key, due.get(number, ()), _named(number))
        (row,) = plain_rows(self._connection, self._at_once, given)
        every = [(n, str(member.id)) for n, part in self._of.items() for member in part._statements.members]
        went = dict(zip(every, row, strict=True))
        for table in map(str, self._common):  # whose they were of several the database does not tell
            owners = [n for n in self._of if (n, table) in went and n in due]
            if sum(went[n, table] for n in owners) == sum(expected[n, table] for n in owners):
                went |= {(n, table): expected[n, table] for n in owners}
        return went

    # -- the end of it ---------------------------------------------------------------------

    def shares(self) -> Mapping[int, Taken]:
        found: dict[int, Taken] = {}
        for part in self._of.values():
            found |= part.shares()
        return found

    def mark(self, marker: Marker) -> None:
        next(iter(self._of.values())).mark(marker)

    def commit(self) -> None:
        with wrapped(self._dialect, f"{self._where}: committing a batch", committing=True):
            self._connection.commit()
        self._together.gone(self._going)

    def rollback(self) -> None:
        next(iter(self._of.values())).rollback()


def _numbered(keys: Mapping[int, Sequence[Key]]) -> list[Key]:
    return [(number, *key) for number, some in keys.items() for key in some]


def one_statement(dialect: Dialect, works: Mapping[int, Work]) -> sa.Select[Any]:
    """Of every table of these datasets the rows that belong to records handed over, deleted; how many each lost."""
    counts = []
    for number, work in works.items():
        named = copy.copy(dialect)
        named.handed_as = _named(number)
        statements = Statements(named, work)
        for place, member in enumerate(statements.members):
            one: Any = sa.literal_column("1").label("one")
            gone = statements.delete(member).returning(one).cte(f"gone{number}_{place}")
            count = sa.select(sa.func.count()).select_from(gone).scalar_subquery()
            counts.append(count.label(f"n{number}_{place}"))
    return sa.select(*counts)


def _named(number: int) -> str:
    """What a dataset's keys are handed over as, where one statement has those of several."""
    return f"of{number}_keys"
