"""Records of which nobody can have told anything, told apart: fast ways take those alone.

What people told of a record decides about it only where it was found to be concerned before the run, or bears an
identifier that somebody named. Statements that look and delete at once leave out the first by their keys, and give back
the identifiers of what they deleted, which are looked up in memory: where one was named after all, the batch is undone,
and its records are asked for one by one, as the others are at the beginning of the job.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement, Grouping

from retention.connectors.port import Key, People, Person
from retention.connectors.sql.dialect import Dialect, Rows
from retention.connectors.sql.physical import Since
from retention.connectors.sql.ranges import Lying
from retention.model.catalogue import Kind
from retention.planning.binding.bound import BoundDataset

MOST = 25_000
"""More keys than these are too many to hand over with every statement."""
LEFT_OUT = "but"
"""The parameter that holds the keys that a statement leaves out."""


class ConcernedError(Exception):
    """A statement met a record that people's words concern."""


class Untold:
    """Leaves out the records of a dataset that people's words are known to concern, and looks at the others."""

    def __init__(
        self, dialect: Dialect, dataset: BoundDataset, people: People, special: Sequence[Key]
    ) -> None:
        """`special`: the records that they are known to concern."""
        self._dialect = dialect
        self.key = dataset.key
        self.special = special
        self._known = frozenset(special)
        self._first = frozenset(key[0] for key in special)
        self._lying = Lying(special)
        self._subject = dataset.subject
        wanted = people.wanted
        self._wanted = {kind: values for kind, values in (wanted or {}).items() if kind in self._subject}
        own = all(not self._subject[kind].hops for kind in self._wanted)
        self.told_apart = wanted is not None and own and len(self.key) == 1
        """The record's own columns say whom it is about, and one column which it is."""
        kinds = {self._subject[kind].column.kind for kind in self._wanted}
        self.since: Since | None = people.since if kinds <= {Kind.TEXT, Kind.INTEGER} else None
        """The other records are as they were, and concern nobody, unless they were changed since."""
        self.few = len(special) <= MOST
        """All that are known can be handed over with every statement."""

    @property
    def columns(self) -> list[str]:
        """The root's columns that `look` wants with the rows, in order."""
        return [self._subject[kind].column.name for kind in self._wanted]

    @property
    def kinds(self) -> list[Kind]:
        """What these columns hold."""
        return [self._subject[kind].column.kind for kind in self._wanted]

    def as_before(self, persons: Mapping[Key, Person], rows: Rows, at: int) -> bool:
        """The records say what they said before. `at`: where `columns`, and then when they began, stand in each row."""
        for row in rows:
            person, width = persons[row[: at - 1]], len(self._wanted)
            told = [None if value is None else text(value) for value in row[at:]]
            if told[:width] != [person.identifiers.get(kind) for kind in self._wanted]:
                return False
            if told[width:] != ([] if len(told) == width else [person.began]):
                return False
        return True

    def others(self, columns: Sequence[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
        """The record with this key is none of those handed over to be left out."""
        if not self.special or len(self.key) != 1:
            return []
        named = self._dialect.among_handed(columns, self.key, LEFT_OUT)
        return [Grouping(named).is_not(sa.true())]

    def leaving_out(self, keys: Sequence[Key] | None = None) -> Mapping[str, Any]:
        """The parameters of `others`: `keys`, or all that are known."""
        if not self.special or len(self.key) != 1:
            return {}
        return self._dialect.handed(self.key, self.special if keys is None else keys, LEFT_OUT)

    def between(self, after: Sequence[Any] | None, upto: Sequence[Any] | None) -> Sequence[Key]:
        """Those of the known that may lie behind the key `after`, up to `upto`; None is open."""
        return self._lying.between(after, upto)

    def knows(self, keys: Collection[Key]) -> bool:
        """One of these records is known to be concerned."""
        return not self._known.isdisjoint(keys)

    def among(self, keys: Sequence[Key]) -> Sequence[Key]:
        """The records of these that are not known to be concerned."""
        return [key for key in keys if key not in self._known] if self._known else keys

    def look(self, rows: Rows, at: int) -> None:
        """Raises ConcernedError where one of the records is concerned. `at`: where `columns` begin in each row."""
        if not self._first.isdisjoint(map(itemgetter(0), rows)):
            raise ConcernedError
        for place, values in enumerate(self._wanted.values(), at):
            if not values.isdisjoint(all_folded(map(itemgetter(place), rows))):
                raise ConcernedError


def all_folded(values: Iterable[Any]) -> Iterable[str]:
    """`folded` of each that is not NULL; millions pass here, and calls of our own for each would take long."""
    known = [value for value in values if value is not None]
    texts = (value if type(value) is str else text(value) for value in known)
    return map(str.casefold, map(str.strip, texts))


def text(value: Any) -> str:
    """An identifier as a text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def may_be(
    dialect: Dialect, value: ColumnElement[Any], kind: Kind, values: Collection[str]
) -> ColumnElement[Any]:
    """The value, of a column of `kind`, is one of `values`, which are folded; or has letters beyond ASCII,
    or a blank at an end: that is rare, and trimming each takes longer than to look at those afterwards.
    """
    if kind is Kind.INTEGER:
        numbers = sorted(int(text) for text in values if _whole(text))
        return dialect.one_of(sa.cast(value, sa.BigInteger), numbers, "bigint") if numbers else sa.false()
    plain = sorted(text for text in values if text.isascii())
    tests = [dialect.odd(value, kind)]
    if plain:
        tests.append(dialect.one_of(dialect.lowered(value, kind), plain, "text"))
    return sa.or_(*tests)


def _whole(text: str) -> bool:
    return text.isascii() and text.removeprefix("-").isdigit() and len(text) < 19
