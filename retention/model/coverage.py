"""What a hold covers and a told event reaches, dataset by dataset, for the person who places or tells it."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from retention.model.told import Hold, Telling


class Covered(enum.Enum):
    """`NONE_NOW`: what comes later is covered. `OUT_OF_REACH`: nobody can tell what of it should be covered."""

    COVERED = "covered"
    NONE_NOW = "covered (none now)"
    OUT_OF_REACH = "out of reach"


@dataclass(frozen=True, kw_only=True)
class CoverLine:
    """One dataset: `records` that are covered now; `because` says why it is out of reach, or what was found.

    `asked`: its database answered.
    """

    connector: str
    dataset: str
    state: Covered
    records: int = 0
    because: str | None = None
    asked: bool = True


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A hold that is in force. `new`: it was placed just now, and is not one that was placed before.

    `found`: a record is covered, or a person known, somewhere. `unsettled`: batches begun before it, of which
    nobody knows yet whether they were committed.
    """

    hold: Hold
    new: bool
    lines: Sequence[CoverLine]
    found: bool
    accepted: bool
    unsettled: int = 0

    @property
    def out_of_reach(self) -> tuple[CoverLine, ...]:
        """The datasets that it can't cover."""
        return tuple(line for line in self.lines if line.state is Covered.OUT_OF_REACH)


@dataclass(frozen=True, kw_only=True)
class ReachLine:
    """One dataset that rules with the event are on: records that began before it, and those that can't be told of.

    `later`: records of the same persons that began after it, and are not concerned. `because`: why it is out of reach.
    """

    connector: str
    dataset: str
    records: int = 0
    unclear: int = 0
    later: int = 0
    because: str | None = None


class ToldState(enum.Enum):
    """What became of a line: stored; known already; not understood, so that nothing was stored of it."""

    TOLD = "told"
    KNOWN = "known"
    BAD = "bad"


@dataclass(frozen=True, kw_only=True)
class ToldLine:
    """What became of one told event. `line`: where it stood in the file, from 1 on; None: on the command line.

    `records`: how many a new one reaches now.
    """

    line: int | None
    state: ToldState
    event: str | None = None
    id: str | None = None
    records: int | None = None
    because: str | None = None


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What people are about to tell, before it is accepted: `tellings` that are new, and the datasets they reach."""

    tellings: Sequence[Telling]
    lines: Sequence[ReachLine]
    known: int = 0
    bad: int = 0


@dataclass(frozen=True, kw_only=True)
class ToldOutcome:
    """Every line's outcome, and what the stored ones reach. `declined`: somebody was asked and said no."""

    lines: Sequence[ToldLine]
    reach: Sequence[ReachLine]
    declined: bool = False

    def count(self, state: ToldState) -> int:
        """How many lines came to this."""
        return sum(line.state is state for line in self.lines)


@dataclass(frozen=True, kw_only=True)
class Withdrawn:
    """A told event that counts no more. `unsettled`: batches begun before that, of which nobody knows yet whether
    they were committed.
    """

    telling: Telling
    unsettled: int = 0


@dataclass(frozen=True, kw_only=True)
class HoldLine:
    """A hold in force; `overdue`: the day on which somebody should have looked at it again has passed.

    `lost`: why it covers nothing any more, where that is so.
    """

    hold: Hold
    overdue: bool
    lost: str | None = None


@dataclass(frozen=True, kw_only=True)
class Released:
    """A hold that is over."""

    id: str
    at: datetime
    by: str
