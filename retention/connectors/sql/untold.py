"""Records of which nobody can have told anything, told apart within one statement: fast ways take those alone.

What people told of a record decides about it only where it bears an identifier that somebody named, or was found
before the run. Statements that look and delete at once leave such records out, whatever was told of them; those are
asked for one by one, by their keys, at the beginning of the job and at its sweep.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement, Grouping

from retention.connectors.port import Key, People
from retention.connectors.sql.dialect import Dialect
from retention.model.catalogue import Kind
from retention.planning.bound import BoundDataset

MOST = 25_000
"""More identifiers and keys than these are too many to hand over with every statement."""


class Untold:
    """Tests that leave out every record of a dataset that people's words could concern."""

    def __init__(
        self, dialect: Dialect, dataset: BoundDataset, people: People, special: Sequence[Key]
    ) -> None:
        """`special`: the records that they are known to concern."""
        self._dialect = dialect
        self._key = dataset.key
        self._special = [key[0] for key in special]
        self._subject = dataset.subject
        wanted = people.wanted
        self._wanted = {kind: values for kind, values in (wanted or {}).items() if kind in self._subject}
        own = all(not self._subject[kind].hops for kind in self._wanted)
        many = len(special) + sum(map(len, self._wanted.values()))
        self.told_apart = wanted is not None and own and len(self._key) == 1 and many <= MOST
        """The record's own columns say whom it is about, and the statement can hold all that was named."""

    def tests(self, column: Mapping[str, ColumnElement[Any]]) -> list[ColumnElement[Any]]:
        """Plain. `column`: the root's columns by their names, of those in `columns`."""
        found: list[ColumnElement[Any]] = []
        for kind, values in self._wanted.items():
            known = self._subject[kind].column
            named = may_be(self._dialect, column[known.name], known.kind, values)
            found.append(Grouping(named).is_not(sa.true()))
        return [*found, *self.others(column)]

    def others(self, column: Mapping[str, ColumnElement[Any]]) -> list[ColumnElement[Any]]:
        """Plain: the record is none of those that are known to be concerned; nothing where that is too long to say."""
        if not self._special or len(self._key) != 1 or len(self._special) > MOST:
            return []
        (key,) = self._key
        return [sa.not_(self._dialect.one_of(column[key.name], self._special, key.type))]

    @property
    def columns(self) -> frozenset[str]:
        """The root's columns that `tests` asks for."""
        return frozenset(
            {*(self._subject[k].column.name for k in self._wanted), *(c.name for c in self._key)}
        )


def may_be(
    dialect: Dialect, value: ColumnElement[Any], kind: Kind, values: Collection[str]
) -> ColumnElement[Any]:
    """The value, of a column of `kind`, is one of `values`, which are folded; or has letters beyond ASCII."""
    if kind is Kind.INTEGER:
        numbers = sorted(int(text) for text in values if _whole(text))
        return dialect.one_of(sa.cast(value, sa.BigInteger), numbers, "bigint") if numbers else sa.false()
    plain = sorted(text for text in values if text.isascii())
    tests = [dialect.beyond_ascii(value, kind)]
    if plain:
        tests.append(dialect.one_of(dialect.folded(value, kind), plain, "text"))
    return sa.or_(*tests)


def _whole(text: str) -> bool:
    return text.isascii() and text.removeprefix("-").isdigit() and len(text) < 19
