"""What people told of the records that a statement looks at: asked on its own connection, within its transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.engine import Connection

from retention.connectors.port import Key, People
from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.persons import Persons
from retention.connectors.sql.records import RecordReader
from retention.connectors.sql.statements import Statements
from retention.model.catalogue import Catalogue
from retention.model.lists import NO_LISTS, Lists
from retention.planning.holding import held_list
from retention.planning.work import Work


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
        """`special`: records that are candidates whatever their columns say."""
        self.special = special
        self._dialect = dialect
        self._work = work
        self._people = people
        self._persons = Persons(dialect, connection, catalogue, work.bound)
        self._reader = RecordReader(dialect, connection, work, {})
        self._lists: Lists = NO_LISTS
        self._before = frozenset(work.lists.keys.get(held_list(work.bound), ()))

    def statements(self, keys: Sequence[Key]) -> Statements:
        """The job's statements as they are for the records `keys`."""
        persons = list(self._persons.named({}, keys)) if keys else []
        self._lists = self._people.lists(persons, self._reader.dates)
        return Statements(self._dialect, replace(self._work, lists=self._lists))

    def held(self, keys: Sequence[Key]) -> tuple[Key, ...]:
        """Those of the records last asked for that are held, and were not when the plan was made."""
        listed = frozenset(self._lists.keys.get(held_list(self._work.bound), ()))
        return tuple(key for key in keys if key in listed and key not in self._before)
