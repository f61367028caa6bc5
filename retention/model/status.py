"""What ran, what runs next, what is overdue, what waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from retention.model.switch import Stop


@dataclass(frozen=True, kw_only=True)
class RunLine:
    """A run, newest first. `ended` None: it is running now, or was killed."""

    id: str
    as_of: datetime
    started: datetime
    ended: datetime | None
    status: str
    by: str
    done: int
    left: int


@dataclass(frozen=True, kw_only=True)
class Firing:
    """One moment: as the rule's zone has it, and in UTC."""

    local: datetime
    utc: datetime


@dataclass(frozen=True, kw_only=True)
class NextLine:
    """When a rule's schedule comes next, in the rule's zone; None: by hand only. `waits`: why it would not run, if so.

    `times`: the next five, the first of which is `at`.
    """

    rule: str
    schedule: str | None
    at: datetime | None
    waits: str | None
    timezone: str = "UTC"
    times: tuple[Firing, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StayingLine:
    """So many records of a job stay, and `text` says why. `why`: running, stopped, approval, refused, failed, partial,
    schedule, by hand, set aside or locked, of what is due; referenced or conflict. Then some of them may be late;
    of those that are held, retained or deferred none is (`late` false).
    """

    why: str
    records: int
    text: str
    late: bool = True


@dataclass(frozen=True, kw_only=True)
class OverdueLine:
    """Overdue records of a job as its newest stored plan or run counted them.

    `refused`: why that plan could not be run. `stays`: what keeps the records whose time has come, late or not.
    """

    rule: str
    connector: str
    dataset: str
    overdue: int
    undated: int
    unclear: int
    as_of: datetime
    due: int = 0
    oldest: str | None = None  # the oldest event among the due, as an ISO date
    refused: str | None = None
    stays: tuple[StayingLine, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FailedLine:
    """A job that failed in the run that ended last, and why."""

    rule: str
    connector: str
    dataset: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class WaitingLine:
    """A plan's rule that waits for a person. `over_limit`: the approval has to name the rule's limit."""

    plan: str
    rule: str
    records: int
    reason: str
    over_limit: bool = False


@dataclass(frozen=True, kw_only=True)
class RunningLine:
    """A job that runs now: how far it got of what was planned, and what its next batch waits for."""

    run: str
    rule: str
    connector: str
    dataset: str
    started: datetime
    planned: int
    done: int
    waits: str | None


@dataclass(frozen=True, kw_only=True)
class TurnLine:
    """A time of a rule's schedule that has come and is not over.

    `by`: the process that carries it out; None: nobody does now. `again`: not before then, after so many `attempts`
    that failed; on these `connectors` only, where any are named.
    """

    rule: str
    slot: datetime
    by: str | None
    attempts: int = 0
    again: datetime | None = None
    connectors: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StandingLine:
    """How a job has fared over all runs: its last outcome, its last success (None: never), its failures in a row."""

    rule: str
    connector: str
    dataset: str
    status: str
    at: datetime
    succeeded: datetime | None
    failures: int
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReviewLine:
    """A hold in force that somebody should have looked at again on the day `review`."""

    id: str
    review: date
    by: str
    ref: str | None


@dataclass(frozen=True, kw_only=True)
class NoticeLine:
    """A notice that a channel has not taken yet. `state`: new, lasts or over. `error`: of the last of `attempts`;
    `again`: not before then."""

    channel: str
    kind: str
    state: str
    text: str
    since: datetime
    attempts: int = 0
    again: datetime | None = None
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class Status:
    """The engine at a glance, as of `now`."""

    now: datetime
    runs: tuple[RunLine, ...]
    next: tuple[NextLine, ...]
    overdue: tuple[OverdueLine, ...]
    waiting: tuple[WaitingLine, ...]
    in_doubt: int  # batches whose outcome is not known yet
    set_aside: int  # records set aside with a reason
    events: int  # of the ledger
    archived: int = 0  # of these lie in an archive
    failed: tuple[FailedLine, ...] = ()
    holds: int = 0  # in force
    held_since: bool = False  # one was placed or released since what is overdue was counted
    reviews: tuple[ReviewLine, ...] = ()  # holds whose day of review has passed
    stopped: Stop | None = None  # the kill switch
    running: tuple[RunningLine, ...] = ()
    turns: tuple[TurnLine, ...] = ()  # times of schedules that have come and are not over
    standing: tuple[StandingLine, ...] = ()  # every job of today's rules that ever was in a run
    awaited: tuple[str, ...] = ()  # rules that wait for a person's approval
    notices: tuple[NoticeLine, ...] = ()  # what somebody has still to be told
