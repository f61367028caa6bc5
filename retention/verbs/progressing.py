"""What runs now and how far, whose turn it is, and how each job has fared; from the state store alone."""

from __future__ import annotations

from datetime import datetime

from retention.config import Configuration
from retention.daemon.claims import lease_of
from retention.model.status import RunningLine, StandingLine, TurnLine
from retention.store.owners import is_dead
from retention.store.state import Snapshot
from retention.verbs.opening.configured import in_zone


def running(config: Configuration, snapshot: Snapshot) -> tuple[RunningLine, ...]:
    """Jobs that have begun and not ended, of runs that have not; those of a process that died, too, until the next
    run has ended it."""
    return tuple(
        RunningLine(
            run=run.id,
            rule=job.rule,
            connector=job.connector,
            dataset=job.dataset,
            started=in_zone(config, job.started),
            planned=job.planned,
            done=job.progress.done,
            waits=job.waits,
        )
        for run in snapshot.runs.open()
        for job in snapshot.jobs.of(run.id)
        if job.ended is None
    )


def turns(config: Configuration, snapshot: Snapshot, now: datetime) -> tuple[TurnLine, ...]:
    """Times of schedules that have come and are not over, of today's rules."""
    lines = []
    for turn in snapshot.turns.all().values():
        if turn.ended or turn.rule not in config.policy.rules:
            continue
        holder = snapshot.leases.holder(lease_of(turn.rule))
        lives = holder is not None and holder[2] > now and not is_dead(holder[0])
        lines.append(
            TurnLine(
                rule=turn.rule,
                slot=in_zone(config, turn.slot),
                by=str(holder[0]) if holder is not None and lives else None,
                attempts=turn.attempts,
                again=None if turn.again is None else in_zone(config, turn.again),
                connectors=turn.connectors,
            )
        )
    return tuple(lines)


def standing(config: Configuration, snapshot: Snapshot) -> tuple[StandingLine, ...]:
    """Every job of today's rules and datasets that ever was in a run."""
    return tuple(
        StandingLine(
            rule=each.rule,
            connector=each.connector,
            dataset=each.dataset,
            status=each.status,
            at=in_zone(config, each.at),
            succeeded=None if each.succeeded is None else in_zone(config, each.succeeded),
            failures=each.failures,
            reason=each.reason,
        )
        for each in snapshot.standings.all()
        if each.rule in config.policy.rules and _is_there(config, each.connector, each.dataset)
    )


def _is_there(config: Configuration, connector: str, dataset: str) -> bool:
    known = config.connectors.get(connector)
    return known is not None and dataset in known.datasets
