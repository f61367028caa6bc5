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
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from retention.connectors.answers import Answers as Answers
from retention.connectors.answers import Counted as Counted
from retention.connectors.answers import Counts as Counts
from retention.connectors.answers import Dates as Dates
from retention.connectors.answers import Key as Key
from retention.connectors.answers import Lacking as Lacking
from retention.connectors.answers import Look as Look
from retention.connectors.answers import Marker as Marker
from retention.connectors.answers import Misfit as Misfit
from retention.connectors.answers import Person as Person
from retention.connectors.answers import RecordView as RecordView
from retention.connectors.answers import Seen as Seen
from retention.connectors.answers import Sight as Sight
from retention.connectors.answers import Taken as Taken
from retention.connectors.answers import Window as Window
from retention.connectors.failures import Lost as Lost
from retention.connectors.failures import Refused as Refused
from retention.connectors.failures import Transient as Transient
from retention.connectors.removers import DatesOf as DatesOf
from retention.connectors.removers import JointRemover as JointRemover
from retention.connectors.removers import Making as Making
from retention.connectors.removers import People as People
from retention.connectors.removers import Remembered as Remembered
from retention.connectors.removers import Remover as Remover
from retention.connectors.removers import Together as Together
from retention.ledger.evidence import Committer
from retention.model import predicate as p
from retention.model.catalogue import Catalogue, Column, Reference, Table, TableId
from retention.model.progress import Progress
from retention.planning.binding.bound import BoundDataset, Cell
from retention.planning.binding.rights import Need
from retention.planning.binding.vault_tables import NewTable
from retention.planning.fates.reasons import Questions
from retention.planning.work import Work


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
    def count(
        self,
        works: Sequence[Work],
        progress: Progress,
        stop: Callable[[], bool] = lambda: False,
        *,
        special: Sequence[Key] = (),
    ) -> Counted:
        """All jobs on one dataset: every record in exactly one fate under each, in ranges of the key. Writes nothing.

        `special`: the only records to which the lists of `works` can make a difference.

        Raises InterruptedRun where `stop` says so between two ranges.
        """

    @abc.abstractmethod
    def rows(self, table: TableId) -> int:
        """How many rows a table has."""

    @abc.abstractmethod
    def matching(self, root: p.Source, test: p.Test) -> int:
        """How many rows of `root` pass a test that is never unknown."""

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
    def ask(self, work: Work, key: str, questions: Questions) -> Answers:
        """Answers about the record whose key is typed `key`; none at all where there is none.

        The tests are over the root of `work`. Of rows that are asked for, some keys are given as they are typed.
        """

    @abc.abstractmethod
    def persons(
        self, dataset: BoundDataset, wanted: Mapping[str, Collection[str]], keys: Sequence[Key] | None = None
    ) -> Iterator[Person]:
        """Records that may be about one of the persons `wanted` (kind → identifiers, trimmed and case-folded).

        With `keys`, those records instead, whoever they are about. None that is meant is missing; others may come.
        """

    def could_be(self, column: Column, value: object) -> bool:
        """The column could hold the value, of a key that somebody typed."""
        return True

    def since(self, dataset: BoundDataset) -> Any:
        """By what a `remover` tells records that were changed after now; None where it can't."""
        del dataset
        return None

    @abc.abstractmethod
    def referred(
        self, holder: BoundDataset, reference: Reference, keys: Sequence[Key], dataset: BoundDataset
    ) -> Iterator[Key]:
        """Keys of records of `dataset` to which rows of the records `keys` of `holder` refer by `reference`."""

    @abc.abstractmethod
    def sharing(
        self, holder: BoundDataset, table: TableId, keys: Sequence[Key], dataset: BoundDataset
    ) -> Iterator[Key]:
        """Keys of records of `dataset` that share a row of `table` with the records `keys` of `holder`."""

    @abc.abstractmethod
    def users(
        self, holder: BoundDataset, link: Reference, keys: Sequence[Key], dataset: BoundDataset
    ) -> Iterator[Key]:
        """Keys of records of `dataset` that refer, by `link`, to the root of one of the records `keys` of `holder`."""

    @abc.abstractmethod
    def sort(
        self, work: Work, wanted: p.Test, tests: Sequence[p.Test], among: Sequence[Key] | None = None
    ) -> Iterator[tuple[Key, frozenset[int]]]:
        """Every record of which `wanted` is true, with the places of those of `tests` that are. No test is unknown.

        With `among` only records that have one of these keys; without it no list may make a difference to others.
        """

    @abc.abstractmethod
    def standing(self, dataset: BoundDataset, cell: Cell, texts: Collection[str]) -> frozenset[str]:
        """Which of these texts stand in a column of a record or a part, to the letter; an index that leads with it
        serves."""

    @abc.abstractmethod
    def dates(self, work: Work, event: str, timezone: str, keys: Sequence[Key]) -> Iterator[Dates]:
        """The event of each of the records `keys`, as a rule reads it that counts in `timezone`."""

    @abc.abstractmethod
    def sight(
        self, clock: p.Field, floor: p.Line, now: p.Line, likely: tuple[p.Line, p.Line] | None = None
    ) -> Sight:
        """A clock's column as it stands, seen from `now`; some values held against `likely`, from when to when."""

    @abc.abstractmethod
    def refuses(self, source: p.Source, test: p.Test) -> str | None:
        """In the database's words why it can't answer `test` of rows of `source`; None where it can. No row is read."""

    @abc.abstractmethod
    def tried(self, bound: BoundDataset, samples: Mapping[str, Any]) -> tuple[Misfit, ...]:
        """What the dataset's rewriting would come to grief over, as far as it shows without writing.

        `samples`: name of a rewritten column → one result, where the engine computes them. Some rows are looked at,
        not all.
        """

    @abc.abstractmethod
    def leaves_out(self, work: Work, key: str) -> bool:
        """There is a row with this key, and it is no record: the dataset's `where` is false of it."""

    @abc.abstractmethod
    def statements(self, work: Work, progress: Progress) -> tuple[tuple[str, str], ...]:
        """(purpose, SQL) of everything that a plan and the batches of this job would execute, in the way in which they
        would be taken now: where that depends on how many records are due, they are counted.
        """

    @abc.abstractmethod
    def joint_statements(self, works: Sequence[Work]) -> tuple[tuple[str, str], ...]:
        """(purpose, SQL) of the batches that `joint_remover` takes of records of these jobs."""

    @abc.abstractmethod
    def remember(self, work: Work) -> Remembered:
        """The records that are due now, for a job that asks for it (`work.remembered`): its event may be gone when its
        turn comes, or its records refer to each other and go in an order that can't be told by looking at each; and for
        one behind a job that changes such records and leaves them there. It takes no others.
        """

    @abc.abstractmethod
    def remover(
        self,
        work: Work,
        committer: Committer,
        remembered: Remembered | None = None,
        *,
        share: float = 0.0,
        people: People | None = None,
        special: Sequence[Key] = (),
        making: Making | None = None,
        left: Callable[[], float | None] = lambda: None,
    ) -> AbstractContextManager[Remover]:
        """A connection for batches of this job, whose records `committer` commits to.

        `making`: the job rewrites records, by what the engine makes of their values and by what the database does.

        `share`: how much of the dataset is due, which decides the way. `people` are asked of the records of
        every batch, in its transaction; `special`: those that they told of before it. `left`: seconds until the job
        has to be over (None: whenever it is), which no statement of a batch outlasts but for a last second.

        A record that is remembered goes although its event can no longer be read, if nothing else keeps it. Records
        that refer to each other go in one batch, or the one that refers before the other.
        """

    @abc.abstractmethod
    def remember_together(self, works: Sequence[Work]) -> tuple[Sequence[Remembered], Together | None]:
        """As `remember`, for jobs on one dataset, or on several of a circle, whose records can refer to each other, in
        the order of the run.

        What waits for a record of a later job, in a ring or at the end of a chain, is in none of theirs, but in the
        last. None where there is nothing of that kind.
        """

    @abc.abstractmethod
    def joint_remover(
        self,
        works: Mapping[int, Work],
        committers: Mapping[int, Committer],
        together: Together,
        *,
        people: Mapping[int, tuple[People | None, Sequence[Key]]],
        left: Callable[[], float | None] = lambda: None,
    ) -> AbstractContextManager[JointRemover]:
        """As `remover`, for what these jobs, by their places, wrote down in `together`; others' records stay.

        A record goes only by the job by which it was due, and only where nothing else keeps it: with all that refers
        to it, or after it.
        """

    @abc.abstractmethod
    def vault_statements(
        self, tables: Sequence[NewTable], schemas: Sequence[str], role: str, reviewers: str
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What makes these tables, but for those that are there, and `schemas` before them; and the rights that the
        engine's `role` needs there, and `reviewers`. Without semicolons; nothing is executed.
        """

    @abc.abstractmethod
    def make(self, statements: Sequence[str], what: str) -> None:
        """Executes statements that `vault_statements` gave; SetupError where the role may not."""

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
