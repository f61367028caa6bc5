"""What an adapter answers: plain records that `retention.connectors.port` speaks of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from retention.ledger.evidence import Sealed
from retention.model.catalogue import TableId

Key = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """A job's records by fate. `actions`: by which action those are due that are. `rows`: table → rows that go or are
    changed; `oldest`: ISO day.

    `ringed`: how many of the referenced stay for a ring of rows that the database lets not go.
    """

    fates: Mapping[str, int]
    overdue: int = 0
    oldest: str | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    referenced_by: Mapping[str, int] = field(default_factory=dict)
    ringed: int = 0
    actions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Counted:
    """The counts of each job on a dataset, and `once`: over all of them, each record once.

    `once` has "total", "due", "overdue", "undated" and "unclear"; None where that was not counted.
    """

    jobs: tuple[Counts, ...]
    once: Mapping[str, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Window:
    """Candidates for one batch: either keys, or a range of physical pages of one stored table.

    `after` is the cursor behind them, as JSON-able values; it is stored with the batch. `rings`: how many keys each
    ring has, of records that refer to each other, one ring after the other: of each all go, or none.
    """

    after: Mapping[str, Any]
    keys: tuple[Key, ...] = ()
    pages: tuple[str, int, int] | None = None  # stored table, first page, page behind the last
    span: tuple[Sequence[Any] | None, Sequence[Any] | None] | None = None  # behind, up to; None is open
    rings: tuple[int, ...] = ()
    sure: bool = False  # the keys' records were due when they were looked for; else they may be

    @property
    def keyed(self) -> bool:
        """It names its candidates one by one."""
        return self.pages is None and self.span is None

    @property
    def divisible(self) -> bool:
        """There is more than what can only go together."""
        return len(self.rings or self.keys) > 1

    def halves(self) -> tuple[Window, Window]:
        """The same candidates in two windows; only of windows that are divisible."""
        middle = len(self.rings) // 2
        at = sum(self.rings[:middle]) if self.rings else len(self.keys) // 2
        return (
            replace(self, keys=self.keys[:at], rings=self.rings[:middle]),
            replace(self, keys=self.keys[at:], rings=self.rings[middle:]),
        )

    def whole_rings(self, fit: Callable[[Sequence[Key]], bool]) -> Window:
        """The rings of which all keys fit, with those of the rings before that do."""
        keys: tuple[Key, ...] = ()
        rings: tuple[int, ...] = ()
        at = 0
        for size in self.rings:
            more = (*keys, *self.keys[at : at + size])
            at += size
            if fit(more):
                keys, rings = more, (*rings, size)
        return replace(self, keys=keys, rings=rings)


@dataclass(frozen=True, kw_only=True)
class Misfit:
    """What rewriting would come to grief over in `column`, and what to write instead."""

    column: str
    found: str
    write: str


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What one batch removed: `keys` of its records, rows per table; and what it left alone: `held` since the plan.

    `sealed`: the commitments of `keys`, None where there are none. `overdue`: how many of the records
    were past the time that carrying it out may take.
    """

    keys: Sequence[Key]
    sealed: Sealed | None = None
    overdue: int
    rows: Mapping[str, int]
    changed: int = 0
    held: Sequence[Key] = ()
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
    """A column's least and greatest value as text, None where it has none; `nulls` None: not counted.

    Of numbers besides: `middle`, the median of some values that are neither NULL nor 0, and whether some are 0.
    """

    first: str | None
    last: str | None
    nulls: int | None = None
    middle: str | None = None
    zeros: bool = False


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a short look at a table told: its rows, counted to an end (`whole`) or not, and some columns."""

    rows: int
    whole: bool
    columns: Mapping[str, Seen] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RecordView:
    """One record as it stands: `fate` by this job, and by which `action` it is due; table → rows of its parts;
    reference → rows that stay, some keys.

    `undecided`: the dataset's `where` is neither true nor false of it. `ringed`: it stays for a ring of rows that the
    database lets not go.
    """

    fate: str
    overdue: bool
    parts: Mapping[str, int]
    referring: Mapping[str, tuple[int, tuple[str, ...]]]
    undecided: bool = False
    ringed: bool = False
    action: str | None = None


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What was asked of one record: true, false or None for unknown; text, None for NULL; (how many, some keys)."""

    tests: Mapping[str, bool | None]
    values: Mapping[str, str | None]
    rows: Mapping[str, tuple[int, tuple[str, ...]]]


@dataclass(frozen=True, kw_only=True)
class Sight:
    """A clock's column over all rows: whether any value has passed. If none has, how many have not, or can't be read.

    `served`: an index of the bare column can serve a cutoff. `sampled`: of how many values most, `unlikely`, lie
    outside what was called likely, or can't be read; 0 where most are likely.
    """

    past: bool
    ahead: int = 0
    unclear: int = 0
    served: bool = True
    sampled: int = 0
    unlikely: int = 0


@dataclass(frozen=True, kw_only=True)
class Person:
    """A record and whom it is about: kind of identifier → text, None for NULL; `began` as text."""

    key: Key
    identifiers: Mapping[str, str | None]
    began: str | None


@dataclass(frozen=True, kw_only=True)
class Dates:
    """A record's event: the value of each component as text, None where there is none that can be read.

    Of related rows it is the latest. `unclear`: of some component it can't be told.
    """

    key: Key
    values: tuple[str | None, ...]
    unclear: bool
