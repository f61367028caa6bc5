"""What ran, what runs next, what is overdue, what waits. Asks the state store only, never a database."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from retention import periods
from retention.config import Configuration
from retention.config.forms import resolved_form
from retention.model.documents import plan_from_document
from retention.model.place import Place
from retention.model.plan import JobPlan, JobStatus, Plan
from retention.model.policy import Approval, Rule
from retention.model.status import FailedLine, NextLine, OverdueLine, ReviewLine, RunLine, Status, WaitingLine
from retention.model.switch import Stop
from retention.store.plans import StoredPlan
from retention.store.runs import RunRow
from retention.store.state import Snapshot
from retention.verbs.opening import stores
from retention.verbs.opening.configured import Clock, configuration, in_zone
from retention.verbs.progressing import running, standing, turns
from retention.verbs.schedule import upcoming
from retention.verbs.staying import as_planned, explained
from retention.verbs.switch import stopped
from retention.verbs.waiting import awaited, untold

_RUNS = 10
_PLANS = 20
_PLANS_BACK = 1_000


def status(place: Place, *, clock: Clock) -> Status:
    """Overdue and waiting records are as the newest stored plan counted them."""
    config = configuration(place)
    with stores.reading(config, place) as state, state.read() as snapshot:
        return status_of(config, snapshot, clock())


def status_of(config: Configuration, snapshot: Snapshot, now: datetime) -> Status:
    """The same, of a moment of the state store."""
    plans = snapshot.plans.newest(limit=_PLANS)
    newest = _plan(config, plans[0]) if plans else None
    holds = snapshot.holds.in_force()
    waiting = _waiting(config, plans[0] if plans else None, newest, snapshot)
    found = Status(
        now=in_zone(config, now),
        runs=tuple(_runs(config, snapshot)),
        failed=_failed(snapshot),
        next=tuple(_next(config, rule, snapshot, now) for rule in config.policy.rules.values()),
        overdue=_overdue(config, snapshot, plans, now),
        waiting=waiting,
        awaited=awaited(config, waiting, snapshot),
        notices=untold(config, snapshot, now),
        in_doubt=len(snapshot.batches.unresolved()),
        set_aside=snapshot.set_aside.count(),
        events=snapshot.log.head().size,
        archived=snapshot.log.first(),
        stopped=_stopped(config, snapshot),
        running=running(config, snapshot),
        turns=turns(config, snapshot, now),
        standing=standing(config, snapshot),
        holds=len(holds),
        held_since=_held_since(snapshot, plans, now),
        reviews=tuple(
            ReviewLine(id=hold.id, review=hold.review, by=hold.by, ref=hold.ref)
            for hold in holds
            if hold.review is not None and hold.review < periods.day_of(now, config.policy.timezone)
        ),
    )
    return explained(found, snapshot.runs.newest(limit=_RUNS))


def _stopped(config: Configuration, snapshot: Snapshot) -> Stop | None:
    found = stopped(config.folder, snapshot)
    return None if found is None else replace(found, at=in_zone(config, found.at))


def _plan(config: Configuration, row: StoredPlan) -> Plan:
    made = plan_from_document(json.loads(row.body))
    return replace(made, as_of=in_zone(config, made.as_of))


def _runs(config: Configuration, snapshot: Snapshot) -> list[RunLine]:
    lines = []
    for row in snapshot.runs.newest(limit=_RUNS):
        if row.plan is None:  # a record was given back from its vault
            continue
        done, left = _sums(row, snapshot)
        lines.append(
            RunLine(
                id=row.id,
                as_of=in_zone(config, row.as_of),
                started=in_zone(config, row.started),
                ended=in_zone(config, row.ended) if row.ended is not None else None,
                status=row.status,
                by=row.by,
                done=done,
                left=left,
            )
        )
    return lines


def _sums(row: RunRow, snapshot: Snapshot) -> tuple[int, int]:
    """(done, left) as the run's own report has them; of a run that has not told its end, as far as it got."""
    told = json.loads(row.body).get("jobs")
    if told is not None:
        return sum(job["done"] for job in told), sum(job["left"] for job in told)
    jobs = snapshot.jobs.of(row.id)
    return sum(job.progress.done for job in jobs), sum(job.progress.left for job in jobs)


def _failed(snapshot: Snapshot) -> tuple[FailedLine, ...]:
    """Of the newest run that told its end: what failed in it."""
    for row in snapshot.runs.newest(limit=_RUNS):
        told = json.loads(row.body).get("jobs") if row.ended is not None else None
        if told is not None:
            return tuple(
                FailedLine(
                    rule=job["rule"], connector=job["connector"], dataset=job["dataset"], reason=job["reason"]
                )
                for job in told
                if job["status"] == JobStatus.FAILED.value
            )
    return ()


def _next(config: Configuration, rule: Rule, snapshot: Snapshot, now: datetime) -> NextLine:
    if not rule.acts:
        return NextLine(rule=rule.name, schedule=None, at=None, waits=f"kept by: {rule.kept_by}")
    waits = None
    if rule.approval is Approval.ALWAYS:
        waits = "each run wants an approval"
    elif rule.approval is Approval.CHANGES and not snapshot.approvals.of_form(
        rule.name, resolved_form(config, rule.name)
    ):
        waits = "this form of the rule has not been approved"
    return replace(upcoming(rule, now), waits=waits)


def _removed(runs: Sequence[RunRow], row: StoredPlan, what: str) -> Counter[tuple[str, str, str]]:
    """How many records were removed since the plan was made, by job; `what`: all ("done"), or the late ("overdue")."""
    removed: Counter[tuple[str, str, str]] = Counter()
    for run in runs:
        if run.started >= row.created:
            for job in json.loads(run.body).get("jobs", []):
                removed[job["rule"], job["connector"], job["dataset"]] += int(job.get(what, 0))
    return removed


def _overdue(
    config: Configuration, snapshot: Snapshot, plans: Sequence[StoredPlan], now: datetime
) -> tuple[OverdueLine, ...]:
    """Each job of today's rules as the plan of the latest day counted it, less what runs have removed since.

    A plan that looks ahead has nothing to say of today; nor has one of a job that it could not count: there the
    last one holds that did, a thousand plans back.
    """
    lines: dict[tuple[str, str, str], OverdueLine] = {}
    silent: set[tuple[str, str, str]] = set()
    runs = snapshot.runs.newest()
    for row in _by_day(plans):
        if row.as_of <= now:
            silent |= _count_late(config, row, runs, _let_go(snapshot, row), lines)
    for row in _by_day(snapshot.plans.newest(limit=_PLANS_BACK)) if silent - lines.keys() else ():
        if row.as_of <= now:
            _count_late(config, row, runs, _let_go(snapshot, row), lines)
    return tuple(lines.values())


def _let_go(snapshot: Snapshot, row: StoredPlan) -> set[str]:
    """Rules that a person has let go above their limits since the plan was made: it is refused to them no more."""
    return {given.rule for given in snapshot.approvals.of(row.id) if given.over_limit}


def _held_since(snapshot: Snapshot, plans: Sequence[StoredPlan], now: datetime) -> bool:
    touched = snapshot.holds.touched()
    counted = next((row.created for row in _by_day(plans) if row.as_of <= now), None)
    return touched is not None and counted is not None and counted < touched


def _by_day(plans: Iterable[StoredPlan]) -> list[StoredPlan]:
    """The latest day first; of one day the newest."""
    return sorted(plans, key=lambda plan: plan.as_of, reverse=True)


def _count_late(
    config: Configuration,
    row: StoredPlan,
    runs: Sequence[RunRow],
    let_go: set[str],
    lines: dict[tuple[str, str, str], OverdueLine],
) -> set[tuple[str, str, str]]:
    """Adds what the plan counted of jobs that no later one did; tells the jobs that it could not count."""
    made, done, late = _plan(config, row), _removed(runs, row, "done"), _removed(runs, row, "overdue")
    silent = set()
    for job in made.jobs:
        name = (job.rule, job.connector, job.dataset)
        if job.status is JobStatus.FAILED:
            silent.add(name)
        elif job.rule in config.policy.rules and name not in lines:
            line = _overdue_line(job, made.as_of, done[name], late[name])
            lines[name] = replace(line, refused=None) if job.rule in let_go else line
    return silent


def _overdue_line(job: JobPlan, as_of: datetime, done: int, late: int) -> OverdueLine:
    return OverdueLine(
        rule=job.rule,
        connector=job.connector,
        dataset=job.dataset,
        overdue=max(0, job.overdue - late),
        undated=job.fates["undated"],
        unclear=job.fates["unclear"],
        as_of=as_of,
        due=max(0, job.due - done),
        oldest=job.oldest if job.due > done else None,
        refused=job.reason if job.status is JobStatus.REFUSED else None,
        stays=as_planned(job),
    )


def _waiting(
    config: Configuration, row: StoredPlan | None, newest: Plan | None, snapshot: Snapshot
) -> tuple[WaitingLine, ...]:
    """Rules of the newest plan, if it has not been carried out, that nobody has approved."""
    if row is None or newest is None or row.used_by is not None:
        return ()
    given = {approval.rule for approval in snapshot.approvals.of(newest.id)}
    lines = []
    for job in newest.jobs:
        rule = config.policy.rules.get(job.rule)
        if rule is None or job.status in (JobStatus.NOTHING, JobStatus.FAILED) or job.rule in given:
            continue
        known = rule.approval is Approval.CHANGES and snapshot.approvals.of_form(job.rule, job.form)
        if rule.approval is Approval.NEVER or known:
            continue
        reason = job.reason or f"type: retention approve {newest.id}"
        above = job.status is JobStatus.REFUSED and "--over-limit" in reason
        lines.append(
            WaitingLine(plan=newest.id, rule=job.rule, records=job.due, reason=reason, over_limit=above)
        )
    return tuple(lines)
