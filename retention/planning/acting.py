"""Which job acts on a record where several could, and in which order jobs run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from retention import periods
from retention.model.policy import Rule
from retention.planning.bound import Job

_PROBES = tuple(date(year, month, day) for year in (2023, 2024) for month, day in ((1, 31), (2, 28), (7, 1)))


def acts(job: Job) -> bool:
    """Whether this rule is the one that acts where several have ended: the one that ended last, then file order."""
    if not job.others:
        return True

    def length(rule: Rule) -> tuple[tuple[date, ...], int]:
        assert rule.clock is not None
        return tuple(periods.due_day(day, rule.clock) for day in _PROBES), -rule.order

    return all(length(job.rule) > length(other) for other in job.others)


def in_order(jobs: Iterable[Job]) -> tuple[Job, ...]:
    """The jobs so that what refers to a record goes before it; file order otherwise, and where there is a cycle."""
    waiting = sorted(jobs, key=lambda j: (j.rule.order, j.bound.connector.name, j.bound.dataset.name))
    order: list[Job] = []

    def waits_for(job: Job, other: Job) -> bool:
        return job.bound.connector.name == other.bound.connector.name and any(
            not item.inside and item.reference.table in other.bound.members for item in job.bound.outside
        )

    while waiting:
        free = next(
            (j for j in waiting if not any(waits_for(j, k) for k in waiting if k.bound is not j.bound)),
            waiting[0],
        )
        order.append(free)
        waiting.remove(free)
    return tuple(order)
