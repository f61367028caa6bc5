"""Whose turn it is: which time of a rule's schedule is still to be carried out, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from retention.connectors.retrying import Retry, pause_after
from retention.daemon.clockwork import Clockwork
from retention.model.outcome import JobOutcome
from retention.model.plan import JobStatus
from retention.store.turns import Turn

PAUSES = Retry(first=15.0, longest=900.0)
"""Between attempts at what failed: 15 seconds, twice as long each time, a quarter of an hour at most."""


@dataclass(frozen=True, kw_only=True)
class Due:
    """A time of a rule's schedule that has come and is not over. `attempts`: how many have failed before.

    `connectors`: where it failed the last time, and is tried again; none named: everywhere.
    """

    rule: str
    slot: datetime
    attempts: int = 0
    connectors: tuple[str, ...] = ()


def due(rule: str, clockwork: Clockwork, turn: Turn | None, *, loaded: datetime, now: datetime) -> Due | None:
    """What is to be done now; None where nothing is.

    Of all the times that were missed the last is made up for. `loaded`: when this schedule was first seen here;
    one that has changed since the rule's last turn makes up for nothing before that.
    """
    since = loaded
    if turn is not None:
        same = (turn.schedule, turn.timezone) == (
            clockwork.schedule.expression,
            clockwork.schedule.timezone,
        )
        since = turn.slot if same else max(turn.slot, loaded)
    latest = clockwork.latest(now)
    if latest > since:
        return Due(rule=rule, slot=latest)
    if turn is not None and not turn.ended and (turn.again is None or turn.again <= now):
        return Due(rule=rule, slot=turn.slot, attempts=turn.attempts, connectors=turn.connectors)
    return None


def begun(item: Due, clockwork: Clockwork) -> Turn:
    """The turn as it is stored while it is carried out: whoever finds it so without its lease takes it over."""
    return Turn(
        rule=item.rule,
        schedule=clockwork.schedule.expression,
        timezone=clockwork.schedule.timezone,
        slot=item.slot,
        ended=False,
        attempts=item.attempts,
        connectors=item.connectors,
    )


def after(turn: Turn, outcomes: Sequence[JobOutcome], now: datetime) -> Turn:
    """What becomes of a turn by the outcomes of its rule's jobs.

    What failed is tried again on the same connectors, after a pause; what another run was at, too. What waits for
    a person, was refused or is done is over until the schedule's next time. What was interrupted goes on as soon as
    it may: that was no failure of its own.
    """
    if any(job.status is JobStatus.STOPPED for job in outcomes):
        return turn
    again = {job.connector for job in outcomes if job.status is JobStatus.FAILED or job.busy}
    return later(turn, now, tuple(sorted(again))) if again else over(turn)


def later(turn: Turn, now: datetime, connectors: tuple[str, ...] | None = None) -> Turn:
    """It failed, and is tried again after a pause that grows; on these connectors, or on the same as before."""
    attempts = turn.attempts + 1
    return Turn(
        rule=turn.rule,
        schedule=turn.schedule,
        timezone=turn.timezone,
        slot=turn.slot,
        ended=False,
        attempts=attempts,
        again=now + timedelta(seconds=pause_after(PAUSES, attempts)),
        connectors=turn.connectors if connectors is None else connectors,
    )


def over(turn: Turn) -> Turn:
    """It has been carried out."""
    return Turn(rule=turn.rule, schedule=turn.schedule, timezone=turn.timezone, slot=turn.slot, ended=True)
