"""What the batches of a job ask of a connected store: a remover, what it is told, what it remembers."""

from __future__ import annotations

import abc
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from retention.connectors.answers import Dates, Key, Marker, Person, Taken, Window
from retention.model.lists import Lists

DatesOf = Callable[[str, str, Sequence[Key]], Iterable[Dates]]
"""(event, zone, keys) → the event of each of those records. In one zone a date may be clear that is not in another."""


@dataclass(frozen=True, kw_only=True)
class Making:
    """What the engine makes of values: name of a rewritten column → function, which raises ValueError of a value that
    it can't read, and whose message never holds it. `at`: when, for the column that says when it was done; aware.
    """

    makes: Mapping[str, Callable[[Any], Any]]
    at: datetime


class People(abc.ABC):
    """What people told about persons; asked of the records that a statement looks at."""

    @property
    def wanted(self) -> Mapping[str, frozenset[str]] | None:
        """Kind → every identifier that was named, trimmed and case-folded: of a record that has none of them nothing
        was told, unless it was found before. None where that can't be said.
        """
        return None

    @property
    def held(self) -> Collection[Key]:
        """Records that are held, whatever they will be when they are looked at."""
        return frozenset()

    @property
    def typed(self) -> Sequence[Key]:
        """Keys by which records are held, and which no record had: as they were typed. One may have come since, and
        have it in another form; only its database can tell."""
        return ()

    since: Any = None
    """What `Target.since` gave before those records were looked for that are about somebody who was named."""

    def before(self, keys: Sequence[Key]) -> Sequence[Person] | None:
        """These records, in turn, as they were before the run, where the lists that one is on rest on nothing that is
        read of it but that. None where that is not known of each, or other columns decide with what was told.
        """
        del keys
        return None

    @abc.abstractmethod
    def lists(self, persons: Sequence[Person], dates: DatesOf, came: Collection[Key] = ()) -> Lists:
        """The lists that these records are on. `came`: the keys of those that have one of `typed`."""


class Remover(abc.ABC):
    """One job's batches on one connection. `doing`: what becomes of the records, for messages."""

    doing: str

    @abc.abstractmethod
    def window(self, after: Mapping[str, Any] | None, size: int, *, sweep: bool) -> Window | None:
        """The next candidates after the cursor, about `size` records; None when there are no more.

        Takes no locks. A sweep looks at everything that is left from the beginning on, by index. Among
        candidates may be some that are gone or no longer due, or none: `take` looks again.
        """

    @abc.abstractmethod
    def cuts(self, ranges: int, due: int) -> Sequence[Mapping[str, Any]]:
        """Cursors that divide a pass over about `due` records into at most so many contiguous ranges; takes no locks.

        None where records of one range could decide about those of another, or where nothing is gained by it.
        """

    @abc.abstractmethod
    def confine(self, upto: Mapping[str, Any] | None) -> None:
        """From now on windows end at this cursor, which `cuts` gave. None: with the last candidate."""

    @abc.abstractmethod
    def keys_of(self, window: Window) -> Window:
        """The same candidates as a window of keys."""

    def screened(self, window: Window) -> Window:
        """The window without candidates that a look without locks finds not due; whole where that can't be told."""
        return window

    @abc.abstractmethod
    def oldest(self, most: int) -> Iterator[Window]:
        """Due records, oldest event first, at most `most` in all; of remembered ones all, as some may have to stay."""

    @abc.abstractmethod
    def begin(self) -> None:
        """Begins the batch's transaction, with its timeouts."""

    @abc.abstractmethod
    def take(self, window: Window, most: int, *, wait: bool = False) -> Taken:
        """Locks, rechecks and deletes at most `most` records of the window, parts first; or rewrites them.

        Rewritten is a column only where it has to be, and over no other value than was looked at.

        Commits to their keys, while the database works where that can be.
        Rows that others have locked are left out with their record, unless `wait`. A count other than
        expected raises Refused. A range of pages names no candidates: what is left out of it is in neither
        `changed` nor `locked`, and no count is expected of it; the sweep finds what is left.
        """

    @abc.abstractmethod
    def mark(self, marker: Marker) -> None:
        """Inserts the marker, and makes deferred constraints speak; where none can be asked, `commit` does."""

    @abc.abstractmethod
    def commit(self) -> None:
        """Commits; Lost where the answer was lost."""

    @abc.abstractmethod
    def rollback(self) -> None:
        """Undoes the batch; never raises."""


class Remembered(abc.ABC):
    """Due records of a job, written down before rows go that tell of them. Close it after the job."""

    @abc.abstractmethod
    def close(self) -> None:
        """Forgets everything."""


class Together(abc.ABC):
    """Due records of several jobs, on one dataset or on several of a circle, that can go only with or after another's:
    one of an earlier job waits for one of a later, by whatever records between them. Close it after the jobs.

    `counts`: the job's place → how many are its. Keys are as its windows have them.
    """

    counts: Mapping[int, int]

    def plain(self, key: Key) -> Key:
        """The record's own key."""
        return key

    @abc.abstractmethod
    def owners(self, keys: Sequence[Key]) -> Mapping[Key, int]:
        """By which job each of these goes, by its place."""

    @abc.abstractmethod
    def close(self) -> None:
        """Forgets everything."""


class JointRemover(Remover):
    """Batches of several jobs on one connection: one transaction, in which each job has a share of its own."""

    @abc.abstractmethod
    def shares(self) -> Mapping[int, Taken]:
        """What was taken last, by the job's place: of each that has records in it, with commitments of its own."""
