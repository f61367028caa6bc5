"""When rules run by schedule. Asks nobody: neither a database nor the state store."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

from retention.daemon.schedule import Schedule
from retention.model.place import Place
from retention.model.policy import Rule
from retention.model.status import Firing, NextLine
from retention.verbs.opening.configured import Clock, configuration

TIMES = 5


def print_schedule(place: Place, *, clock: Clock) -> tuple[NextLine, ...]:
    """The next five times of every rule that acts, in file order."""
    now = clock()
    return tuple(upcoming(rule, now) for rule in configuration(place).policy.rules.values() if rule.acts)


def upcoming(rule: Rule, now: datetime) -> NextLine:
    """The next times of a rule that acts, in its own zone and in UTC; none where it runs by hand only."""
    times: tuple[Firing, ...] = ()
    if rule.schedule is not None:
        found = islice(Schedule(rule.schedule, rule.timezone).upcoming(now), TIMES)
        times = tuple(Firing(local=each, utc=each.astimezone(UTC)) for each in found)
    return NextLine(
        rule=rule.name,
        schedule=rule.schedule,
        at=times[0].local if times else None,
        waits=None,
        timezone=rule.timezone,
        times=times,
    )
