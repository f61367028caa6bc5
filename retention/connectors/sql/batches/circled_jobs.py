"""The jobs on one dataset of a circle, in batches of records of all of its datasets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retention.connectors.port import Key
from retention.connectors.sql.batches.remembering import RememberingRemover
from retention.connectors.sql.batches.removal import KeyRemover
from retention.connectors.sql.batches.shared_parts import Leaving
from retention.connectors.sql.batches.together import TogetherRemover
from retention.connectors.sql.dialect import plain_rows
from retention.connectors.sql.listing import Listing
from retention.model.catalogue import TableId


class Beside(KeyRemover):
    """With its own keys it hands over those of other datasets' records."""

    beside: Mapping[str, Any] = {}

    def _give(self, keys: Sequence[Key]) -> Mapping[str, Any]:
        return {**super()._give(keys), **self.beside}


class Looking(Beside, RememberingRemover):
    """Looks at records of one job."""


class Deleting(Beside, TogetherRemover):
    """The jobs on one dataset of the circle."""

    begins: Callable[[], None]
    """Begins the transaction of all of them."""

    def _begin(self) -> None:
        self.begins()

    def _looking_at(self, *given: Any, listing: Listing | None) -> RememberingRemover:
        return Looking(*given, listing=listing)

    def hand_over(self, others: Mapping[str, Any]) -> None:
        """The keys of the other datasets' records, for all statements to come."""
        self.beside = others
        for remover in self._of.values():
            assert isinstance(remover, Looking)
            remover.beside = others

    def give(self, keys: Sequence[Key]) -> Mapping[str, Any]:
        """Its own keys alone: for statements that change rows."""
        return KeyRemover._give(self, keys)

    def _delete(
        self, due: Sequence[Key], given: Mapping[str, Any], counted: Mapping[str, int], *, beside_locks: bool
    ) -> Any:
        return super()._delete(due, self.give(due), counted, beside_locks=beside_locks)

    def forget(self) -> None:
        """Nothing of the last batch counts any more."""
        self._going, self._after = (), {}
        self._found, self._left, self._rows_of = [], ((), ()), {}

    def found(self, rows: list[tuple[Any, ...]], held: Sequence[Key], locked: Sequence[Key]) -> None:
        """What a batch of several datasets found of this one."""
        self._found, self._left = rows, (held, locked)

    def held_of(self, keys: Sequence[Key]) -> Sequence[Key]:
        """Those of the keys that are held."""
        return () if self._listing is None else self._listing.held(keys)

    def counted(self, due: Sequence[Key]) -> dict[str, int]:
        """Rows of these records, all locked, where rows are."""
        parts = self._count(self._parts, self.give(due)) if self._dialect.row_locks else {}
        return {**parts, str(self._work.bound.root.id): len(due)}

    def led_to(self, due: Sequence[Key]) -> list[LedToBy]:
        """The shared rows that these records need, before they go."""
        needed = self._shared_by(self._by_job(due))
        return [
            LedToBy(of=self, leaving=each, needed={key: n for (at, key), n in needed.items() if at == table})
            for each in self._shared.leaving
            if (table := str(each.item.table.id))
        ]

    def delete_shared(
        self, leaving: Leaving, keys: Sequence[Key], where: str, *, beside_locks: bool
    ) -> Sequence[Key]:
        """Those of these rows that go, since nothing refers to them any more."""
        (gone,) = self._shared.delete([(leaving, keys)], where, beside_locks=beside_locks).values()
        return gone

    def went_after(self, place: int, table: str) -> None:
        """A shared row went with records of this job."""
        self._rows_of[place] = Counter({table: 1}) + Counter(self._rows_of[place])

    def rows_of(self, table: TableId, due: Sequence[Key], columns: Sequence[str]) -> set[Key]:
        """The rows of one of the tables of these records, by these columns."""
        _, query = self._statements.rows_of(self._statements.member(table), columns)
        return {tuple(row) for row in plain_rows(self._connection, query, self.give(due))}

    @property
    def rows(self) -> Counter[str]:
        """Table → rows that went, of all of its jobs."""
        return sum(map(Counter, self._rows_of.values()), Counter())

    def rows_before(self, due: Sequence[Key]) -> dict[int, Counter[str]]:
        """By the place of each job of which records go: table → its rows, but for the last, whose are all others."""
        own = self._by_job(due)
        *first, last = own
        return {**{place: self._rows_with(own[place]) for place in first}, last: Counter()}

    def went(self, rows: Mapping[str, int], before: dict[int, Counter[str]]) -> None:
        """So many rows of its tables went; of a part in common perhaps with records of another dataset."""
        rest = Counter(rows)
        *first, last = before
        for place in first:
            before[place] &= rest
            rest -= before[place]
        self._rows_of = {**before, last: rest}


@dataclass(frozen=True, kw_only=True)
class LedToBy:
    """Rows of one shared table that records of a dataset need: key → the last job of which one does."""

    of: Deleting
    leaving: Leaving
    needed: Mapping[Key, int]

    @property
    def table(self) -> str:
        """Whose rows they are."""
        return str(self.leaving.item.table.id)
