"""What the engine asks of a connected store, and what an adapter promises.

The docstrings are the contract; `tests/contract/` holds every adapter to each sentence.

Order: a batch is `begin`, `take`, `mark`, `commit` (or `rollback`), on one `Remover`, one at a
time. Nothing of a batch is visible to anybody, and nothing of it survives a crash, before
`commit` has returned. `take` may be called again after `rollback`, with the same window or a
part of it: what it did before has left no trace.

Errors: an adapter raises `Transient` where the same batch may succeed a little later, `Refused`
where the database would not have these rows deleted, `Lost` where a commit's outcome is unknown,
`SetupError` where a right or a table is missing, `UnreachableError` where the store does not answer.
Driver errors never come out bare.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from retention.errors import RetentionError, UnreachableError
from retention.ledger.evidence import Committer, Sealed
from retention.model import predicate as p
from retention.model.catalogue import Catalogue, Reference, Table, TableId
from retention.model.progress import Progress
from retention.planning.rights import Need
from retention.planning.work import Work

Key = tuple[Any, ...]


class Transient(UnreachableError):  # noqa: N818 - a condition, not a fault
    """The database asked for the batch to be tried again."""


class Refused(RetentionError):  # noqa: N818 - the database's answer
    """The database would not delete a row."""


class Lost(UnreachableError):  # noqa: N818 - a state of knowledge
    """The connection broke while a commit was under way: its outcome is unknown."""


@dataclass(frozen=True, kw_only=True)
class Counts:
    """A job's records by fate. `rows`: table → rows of due records; `oldest`: ISO day.

    `ringed`: how many of the referenced stay for a ring of rows that the database lets not go.
    """

    fates: Mapping[str, int]
    overdue: int = 0
    oldest: str | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    referenced_by: Mapping[str, int] = field(default_factory=dict)
    ringed: int = 0


@dataclass(frozen=True, kw_only=True)
class Window:
    """Candidates for one batch: either keys, or a range of physical pages of one stored table.

    `after` is the cursor behind them, as JSON-able values; it is stored with the batch.
    """

    after: Mapping[str, Any]
    keys: tuple[Key, ...] = ()
    pages: tuple[str, int, int] | None = None  # stored table, first page, page behind the last
    span: tuple[Sequence[Any] | None, Sequence[Any] | None] | None = None  # behind, up to; None is open
    whole: bool = False  # the keys' records refer to each other in a ring: all go, or none

    @property
    def keyed(self) -> bool:
        """It names its candidates one by one."""
        return self.pages is None and self.span is None

    def halves(self) -> tuple[Window, Window]:
        """The same candidates in two windows; only of windows with at least two keys."""
        middle = len(self.keys) // 2
        return (
            Window(after=self.after, keys=self.keys[:middle]),
            Window(after=self.after, keys=self.keys[middle:]),
        )


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What one batch removed: `keys` of its records, rows per table; and what it left alone, why.

    `sealed`: the commitments of `keys`, None where there are none. `overdue`: how many of the records
    were past the time that carrying it out may take.
    """

    keys: Sequence[Key]
    sealed: Sealed | None = None
    overdue: int
    rows: Mapping[str, int]
    changed: int = 0
    locked: Sequence[Key] = ()


@dataclass(frozen=True, kw_only=True)
class Marker:
    """A row of `retention_marker`: proof in the target that a batch committed, or that it never will."""

    origin: str
    run: str
    batch: int
    status: str  # "committed", "aborted", "folded"
    root: str  # hex
    count: int


@dataclass(frozen=True, kw_only=True)
class Lacking:
    """A right that the role does not have: it can't `right` `table`; `grant` is the statement that gives it.

    `looking`: a plan needs it too.
    """

    table: TableId
    right: str
    grant: str
    looking: bool = False


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A column's least and greatest value as text, None where it has none; `nulls` None: not counted."""

    first: str | None
    last: str | None
    nulls: int | None = None


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a short look at a table told: its rows, counted to an end (`whole`) or not, and some columns."""

    rows: int
    whole: bool
    columns: Mapping[str, Seen] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RecordView:
    """One record as it stands: `fate` by this job, the event's components as (value text, state).

    `undecided`: the dataset's `where` is neither true nor false of it. `ringed`: it stays for a ring of rows that the
    database lets not go.
    """

    fate: str
    overdue: bool
    components: Mapping[str, tuple[str | None, str]]
    parts: Mapping[str, int]
    referring: Mapping[str, tuple[int, tuple[str, ...]]]
    undecided: bool = False
    ringed: bool = False


@dataclass(frozen=True, kw_only=True)
class Sight:
    """A clock's column over all rows: whether any value has passed. If none has, how many have not, or can't be read.

    `served`: an index of the bare column can serve a cutoff.
    """

    past: bool
    ahead: int = 0
    unclear: int = 0
    served: bool = True


class Remover(abc.ABC):
    """One job's batches on one connection."""

    @abc.abstractmethod
    def window(self, after: Mapping[str, Any] | None, size: int, *, sweep: bool) -> Window | None:
        """The next candidates after the cursor, about `size` records; None when there are no more.

        Takes no locks. A sweep looks at everything that is left from the beginning on, by index. Among
        candidates may be some that are gone or no longer due, or none: `take` looks again.
        """

    @abc.abstractmethod
    def keys_of(self, window: Window) -> Window:
        """The same candidates as a window of keys."""

    @abc.abstractmethod
    def oldest(self, most: int) -> Iterator[Window]:
        """Due records, oldest event first, at most `most` in all; of remembered ones all, as some may have to stay."""

    @abc.abstractmethod
    def begin(self) -> None:
        """Begins the batch's transaction, with its timeouts."""

    @abc.abstractmethod
    def take(self, window: Window, most: int, *, wait: bool = False) -> Taken:
        """Locks, rechecks and deletes at most `most` records of the window, parts first.

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


class Target(abc.ABC):
    """One connected store. Closing it twice is allowed."""

    name: str
    own_clock: bool

    @abc.abstractmethod
    def identity(self) -> str:
        """Which database this is: the same for every run, another for another database."""

    @abc.abstractmethod
    def store(self) -> str:
        """The same for every address of one database, as far as the database can tell."""

    @abc.abstractmethod
    def server(self) -> str:
        """The same for every connector whose statements can name the same tables by the same names."""

    @abc.abstractmethod
    def catalogue(self) -> Catalogue:
        """The live schema as the role sees it."""

    @abc.abstractmethod
    def now(self) -> datetime:
        """The store's own clock, aware."""

    @abc.abstractmethod
    def read_only(self) -> str | None:
        """Why nothing can be deleted here at all, None where it can."""

    @abc.abstractmethod
    def count(self, work: Work, progress: Progress, stop: Callable[[], bool] = lambda: False) -> Counts:
        """Every record in exactly one fate, in ranges of the key. Writes nothing.

        Raises InterruptedRun where `stop` says so between two ranges.
        """

    @abc.abstractmethod
    def rows(self, table: TableId) -> int:
        """How many rows a table has."""

    @abc.abstractmethod
    def look(self, table: Table, columns: Sequence[str], most: int) -> Look | None:
        """A look that takes a moment only: None, or less, where it would take longer or is not allowed.

        Rows are counted up to `most`. A column is looked at where the table has no more rows than that,
        or an index leads with it; its NULLs are counted in the first case only.
        """

    @abc.abstractmethod
    def lacking(self, needs: Sequence[Need]) -> tuple[Lacking, ...]:
        """Which of these rights, and of those on the marker table, the role does not have."""

    @abc.abstractmethod
    def referring(self, reference: Reference, most: int) -> int:
        """How many rows refer to others by `reference`, counted up to `most`."""

    @abc.abstractmethod
    def record(self, work: Work, key: str) -> RecordView | None:
        """The record whose key is typed `key` (`7,3` for a composite one); None where there is none."""

    @abc.abstractmethod
    def sight(self, clock: p.Field, floor: p.Line, now: p.Line) -> Sight:
        """A clock's column as it stands, seen from `now`."""

    @abc.abstractmethod
    def refuses(self, source: p.Source, test: p.Test) -> str | None:
        """In the database's words why it can't answer `test` of rows of `source`; None where it can. No row is read."""

    @abc.abstractmethod
    def leaves_out(self, work: Work, key: str) -> bool:
        """There is a row with this key, and it is no record: the dataset's `where` is false of it."""

    @abc.abstractmethod
    def statements(self, work: Work, progress: Progress) -> tuple[tuple[str, str], ...]:
        """(purpose, SQL) of everything that a plan and the batches of this job would execute, in the way in which they
        would be taken now: where that depends on how many records are due, they are counted.
        """

    @abc.abstractmethod
    def remember(self, work: Work) -> Remembered:
        """The records that are due now, for a job that asks for it (`work.remembered`): its event may be gone when its
        turn comes, or its records refer to each other and go in an order that can't be told by looking at each.
        """

    @abc.abstractmethod
    def remover(
        self, work: Work, committer: Committer, remembered: Remembered | None = None, *, share: float = 0.0
    ) -> AbstractContextManager[Remover]:
        """A connection for batches of this job, whose records `committer` commits to.

        `share`: how much of the dataset is due, which decides the way.

        A record that is remembered goes although its event can no longer be read, if nothing else keeps it. Records
        that refer to each other go in one batch, or the one that refers before the other.
        """

    @abc.abstractmethod
    def create_marker_table(self) -> bool:
        """Makes `retention_marker` where it is missing; True if it was made."""

    @abc.abstractmethod
    def has_marker_table(self) -> bool:
        """Whether `retention_marker` is there."""

    @abc.abstractmethod
    def markers(self, origin: str, run: str | None = None) -> Mapping[tuple[str, int], Marker]:
        """Markers of `origin` (of one run) by (run, batch)."""

    @abc.abstractmethod
    def fence(self, origin: str, run: str, batch: int) -> str:
        """Makes sure that the batch never commits from now on, and says what became of it.

        "committed" or "aborted"; Transient while another session still has it in its hands.
        """

    @abc.abstractmethod
    def fold(self, markers: Sequence[Marker], folded: Marker) -> None:
        """Replaces committed markers of one run by one row, in one transaction."""

    @abc.abstractmethod
    def close(self) -> None:
        """Lets every connection go."""
