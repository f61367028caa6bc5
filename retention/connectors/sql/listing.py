"""What people told of the records that a statement looks at: asked on its own connection, within its transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import Key, People, Person
from retention.connectors.sql import once
from retention.connectors.sql.alike import Alike, slot_values
from retention.connectors.sql.batches.statements import Statements
from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.persons import Persons
from retention.connectors.sql.records import RecordReader
from retention.model.catalogue import Catalogue
from retention.planning.fates.holding import held_list
from retention.planning.work import Work

_AT_ONCE = 5_000
Made = Callable[[Work], sa.Select[Any]]
"""Makes a statement of the job's work, in which the lists are those of some records."""
Asked = tuple[sa.Select[Any], Sequence[Key], Mapping[str, Any]]
"""(statement, keys, its parameters beside those).

Records of which the same was told share a statement, which is made once for the job.
"""


class Listing:
    """The lists of some records of a job at a time."""

    def __init__(
        self,
        dialect: Dialect,
        connection: Connection,
        catalogue: Catalogue,
        work: Work,
        people: People,
        special: Sequence[Key] = (),
    ) -> None:
        """`special`: records that are candidates whatever their columns say; those that are held are none.

        `before`: those that were held when the work was made, also through others.
        """
        self.bound = work.bound
        self._held_list = held_list(work.bound)
        self.before: frozenset[Key] = frozenset(work.lists.keys.get(self._held_list, ()))
        held = people.held
        self.special = [key for key in special if key not in held]
        self._dialect = dialect
        self._work = work
        self._people = people
        self._persons = Persons(dialect, connection, catalogue, work.bound)
        self._reader = RecordReader(dialect, connection, work, {})
        self._beside = work.lists.beside(str(work.bound))  # of rows that are records of other datasets, too
        self._lists = self._beside
        self._covered: frozenset[Key] = frozenset()
        self._of_others = once.told_of_others(
            (work.fate, work.strict, *work.freed.values()), work.root, str(work.bound)
        )
        self.alone = not self.bound.tangled and not self._of_others
        """What was told of other records of the dataset says nothing of one."""
        self._made: dict[tuple[str, frozenset[str], tuple[str, ...]], sa.Select[Any]] = {}

    def ask(self, keys: Sequence[Key]) -> None:
        """Looks up what was told of the records, as they are now."""
        persons = list(self._persons.named({}, keys)) if keys else []
        typed = self._people.typed if keys else ()
        came = [person.key for person in self._persons.named({}, typed)] if typed else ()
        self._lists = self._people.lists(persons, self._reader.dates, came).together(self._beside)
        if self._of_others:
            self._lists = self._lists.over(self._work.lists, keys)
        self._covered = frozenset(self._lists.keys.get(self._held_list, ()))

    def statements(self, keys: Sequence[Key]) -> Statements:
        """The job's statements as they are for the records `keys`, which are asked for."""
        self.ask(keys)
        return Statements(self._dialect, replace(self._work, lists=self._lists))

    def rechecks(self, keys: Sequence[Key], made: Made, what: str = "recheck") -> Iterator[Asked]:
        """What `made` makes of the job's statements, of the records last asked for that are not held.

        `what`: its name."""
        free = [key for key in keys if key not in self._covered]
        if self._of_others:  # of which as many may be on a list: it is asked for as it is
            return iter([(made(replace(self._work, lists=self._lists)), free, {})])
        return self._asked(what, Alike(str(self._work.bound), self._lists), free, made)

    def beforehand(
        self, what: str, keys: Sequence[Key], made: Made
    ) -> tuple[Mapping[Key, Person], Iterator[Asked]] | None:
        """The records as they were before the run, and what `made` makes of the statements for them as those.

        `what`: its name. None where that can't be said of each, or one is held. What was said holds as long as they are
        as they were.
        """
        persons = self._people.before(keys) if self.alone and self.before.isdisjoint(keys) else None
        if persons is None:
            return None
        return {person.key: person for person in persons}, self._asked(what, self._lists_before, keys, made)

    @cached_property
    def _lists_before(self) -> Alike:
        return Alike(str(self._work.bound), self._work.lists)

    def _asked(self, what: str, lists: Alike, keys: Sequence[Key], made: Made) -> Iterator[Asked]:
        for some in lists.some(keys, _AT_ONCE):
            form = what, some.lists.every, tuple(some.lists.slots)
            if form not in self._made:
                self._made[form] = made(replace(self._work, lists=some.lists))
            yield self._made[form], some.keys, slot_values(self._dialect, self._work.bound.key, some)

    def covers(self, keys: Sequence[Key]) -> Collection[Key]:
        """Those of the records last asked for that are held."""
        return self._covered.intersection(keys)

    def held(self, keys: Sequence[Key]) -> tuple[Key, ...]:
        """Those of the records last asked for that are held, and were not when the plan was made."""
        return tuple(key for key in keys if key in self._covered and key not in self.before)
