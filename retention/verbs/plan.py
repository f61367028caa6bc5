"""The dry run: what would be deleted today and why. Writes nothing to any target."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from retention.config import Configuration
from retention.config.forms import difference, policy_body, policy_digest
from retention.connectors.port import Refused
from retention.errors import UnreachableError, UsageError
from retention.model.documents import plan_document, plan_from_document
from retention.model.place import Place
from retention.model.plan import JobPlan, JobStatus, KeptElsewhere, Plan, PlanLine
from retention.model.progress import NoProgress, Progress
from retention.planning.circles import said as said_of
from retention.planning.circles import waiting
from retention.planning.fates.chains import empties
from retention.planning.leading import leading
from retention.safety import approvals, following, limits
from retention.safety.approvals import Granted
from retention.safety.verdict import Verdict
from retention.store.plans import ApprovalRow, StoredPlan
from retention.store.state import Snapshot, StateStore
from retention.verbs.opening import apart, stores
from retention.verbs.opening.configured import Clock, as_of_instant, configuration, in_zone
from retention.verbs.opening.prepared import Prepared, named, prepared
from retention.verbs.persons.carried import look_over
from retention.verbs.persons.spoken import NO_WORDS, Words, words, worked


def plan(
    place: Place,
    *,
    as_of: str | None = None,
    rules: tuple[str, ...] = (),
    connectors: tuple[str, ...] = (),
    clock: Clock,
    progress: Progress | None = None,
    store: bool = True,
) -> Plan:
    """Every record of every job in exactly one fate, as of now or of `as_of`.

    `rules` and `connectors` narrow what acts, never what protects: holds on people are carried over through all,
    as at a run's start, and nothing of it is stored. Where there is a state store (and `store` is true) the plan
    is kept there, so that it can be approved; else it says that it is not. The jobs on a database that does not
    answer are failed; raises UnreachableError where none answers.
    """
    config = configuration(place)
    named(config, rules, connectors)
    moment = as_of_instant(config, as_of, clock)
    keep = store and stores.exists(config, place)
    with prepared(place, config, connectors) as ready:
        carried = look_over(ready, place, config, stores.told(config, place))
        ready, said = words(carried.of(ready), carried.told, moment)
        ready, made = count(ready, moment, rules, progress or NoProgress(), said=said)
        ready.refuse_silence()
        if not keep:
            note = (
                "there is no state store here: this plan is not kept, and can't be approved (retention init)"
            )
            made = judged(made, ready, None)
            made = replace(made, notes=(*made.notes, note)) if store else made
        else:
            with stores.opened(config, place) as state:
                apart.remember(state, ready.servers, ready.addresses, clock())
                with state.read() as snapshot:
                    made = judged(made, ready, snapshot)
                made = keep_plan(state, config, made, clock)
        return replace(made, as_of=in_zone(config, made.as_of))


def count(
    ready: Prepared,
    as_of: datetime,
    rules: Sequence[str],
    progress: Progress,
    stop: Callable[[], bool] = lambda: False,
    *,
    said: Words = NO_WORDS,
) -> tuple[Prepared, Plan]:
    """Counts every job, with what people told; the plan has its digest, a name, and statuses that look at numbers only.

    A database in which counting fails takes no further part: each of its jobs counts on what the others
    of them delete. Raises InterruptedRun where `stop` says so between two ranges.
    """
    failed: dict[str, str] = {}
    counted: list[JobPlan] = []
    works = worked(ready, ready.jobs(rules), as_of, said)
    found: dict[str, JobPlan] = {}
    once: Counter[str] = Counter()
    exact = True
    for dataset in dict.fromkeys(str(item.bound) for item in works):
        here = [item for item in works if str(item.bound) == dataset]
        name = here[0].bound.connector.name
        if name in failed:
            continue
        try:
            seen = ready.targets[name].count(here, progress, stop, special=said.of(here[0].job))
            for item, counts in zip(here, seen.jobs, strict=True):
                found[item.job.name] = ready.job_plan(item, counts, as_of)
        except (UnreachableError, Refused) as error:
            failed[name] = error.message
            continue
        exact = exact and seen.once is not None
        once.update(seen.once or {})
    counted += [found[item.job.name] for item in works if item.job.name in found]
    ready = ready.without(failed)
    planned = (*(job for job in counted if job.connector not in failed), *ready.unreached(rules))
    elsewhere = tuple(
        KeptElsewhere(rule=r.name, promise=r.promise, kept_by=r.kept_by)
        for r in ready.config.policy.rules.values()
        if r.kept_by is not None and (not rules or r.name in rules)
    )
    bare = Plan(
        id="",
        digest="",
        as_of=as_of,
        policy=policy_digest(ready.config),
        jobs=planned,
        kept_elsewhere=elsewhere,
        notes=(*_circles(ready, planned), *_left_out(ready, planned, rules)),
        counted=dict(once) if exact and not failed else {},
    )
    return ready, replace(bare, id=secrets.token_hex(4), digest=digest(bare))


def _circles(ready: Prepared, jobs: Sequence[JobPlan]) -> Iterator[str]:
    """Where datasets refer to each other, what that means for the records of theirs that are referred to."""
    referenced = {f"{job.connector}.{job.dataset}" for job in jobs if job.fates["referenced"]}
    for circle in waiting(ready.bound):
        if referenced & {str(bound) for bound in circle}:
            yield said_of(circle)


def _left_out(ready: Prepared, jobs: Sequence[JobPlan], rules: Sequence[str]) -> Iterator[str]:
    """Rules that were not asked for, and whose records may be what keeps others: a whole plan can count on them."""
    others = [job for job in ready.jobs() if rules and job.rule.name not in rules and empties(job)]
    for place in dict.fromkeys(f"{job.connector}.{job.dataset}" for job in jobs if job.fates["referenced"]):
        keeping = leading(ready.bound)[place]
        found = dict.fromkeys(f"`{job.rule.name}`" for job in others if str(job.bound) in keeping)
        if found:
            yield (
                f"what refers to records of {place} stays where it goes by rules that are left out here:"
                f" {', '.join(found)}"
            )


def digest(made: Plan) -> str:
    """SHA-256 of all that the plan says, but for its name and for what may change while it lies there."""
    jobs = tuple(replace(job, status=JobStatus.READY, reason=None) for job in made.jobs)
    document = plan_document(replace(made, id="", digest="", stored=False, notes=(), jobs=jobs))
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def keep_plan(state: StateStore, config: Configuration, made: Plan, clock: Clock) -> Plan:
    """Stores the plan whole, and the policy where it is another than the last one, each with its event."""
    kept = replace(made, stored=True)
    body = policy_body(config)
    now = clock()
    with state.begin() as tx:
        last = tx.policies.last()
        if last is None or last.digest != made.policy:
            changed = difference(
                last.body if last is not None else None, body, key=stores.evidence_key(config)
            )
            data = {"policy": made.policy, "before": last.digest if last is not None else None}
            tx.log.append("policy.changed", {**data, "difference": changed}, now)
            tx.policies.put(made.policy, body, now)
        tx.plans.put(
            StoredPlan(
                id=kept.id,
                digest=kept.digest,
                as_of=kept.as_of,
                created=now,
                policy=kept.policy,
                body=json.dumps(plan_document(kept), ensure_ascii=False),
            )
        )
        tx.log.append("plan.created", _created(kept), now)
    return kept


def _created(kept: Plan) -> dict[str, object]:
    """What the ledger says of a plan: what was counted, and the connectors that could not be."""
    seen = [j for j in kept.jobs if j.status is not JobStatus.FAILED]
    silent = sorted({j.connector for j in kept.jobs if j.status is JobStatus.FAILED})
    jobs = [{"rule": j.rule, "connector": j.connector, "dataset": j.dataset, "due": j.due} for j in seen]
    made: dict[str, object] = {"plan": kept.id, "digest": kept.digest, "jobs": jobs}
    return {**made, "unreached": silent} if silent else made


def judged(made: Plan, ready: Prepared, snapshot: Snapshot | None) -> Plan:
    """The plan with each job's status as approvals and limits have it; without a state store there are none."""
    silent = (*ready.silent, *ready.beside)
    doubts = apart.doubts(silent, ready.servers, ready.addresses, apart.known_to(snapshot))
    unseen = ready.silent if ready.unseen is None else ready.unseen
    holds = () if snapshot is None else snapshot.told().holds
    followed = following.unseen(holds, stores.datasets(ready.config), unseen)

    def doubt(job: JobPlan) -> str | None:
        if job.status is not JobStatus.READY:
            return None
        dataset = ready.config.connectors[job.connector].datasets[job.dataset]
        return doubts.get(job.connector) or followed.doubt(dataset)

    return replace(
        made,
        jobs=tuple(
            _judged_job(job, made, ready, snapshot)
            if (why := doubt(job)) is None
            else replace(job, status=JobStatus.REFUSED, reason=why)
            for job in made.jobs
        ),
    )


def _judged_job(job: JobPlan, made: Plan, ready: Prepared, snapshot: Snapshot | None) -> JobPlan:
    if job.status is not JobStatus.READY:
        return job
    try:
        over = over_limit(job, ready)
    except UnreachableError as error:
        return replace(job, status=JobStatus.FAILED, reason=error.message)
    rule = ready.config.policy.rules[job.rule]
    verdict: Verdict = approvals.approved(
        job,
        plan=made.id,
        mode=rule.approval,
        over=over,
        grants=grants(snapshot, job) if snapshot is not None else (),
    )
    return replace(job, status=verdict.status, reason=verdict.reason)


def over_limit(job: JobPlan, ready: Prepared) -> str | None:
    """The limit that the job exceeds, in words."""
    rule = ready.config.policy.rules[job.rule]
    rows = job.total
    bound = next(b for b in ready.bound if str(b) == f"{job.connector}.{job.dataset}")
    if bound.where is not None:
        rows = ready.targets[job.connector].rows(bound.root.id)
    return limits.exceeded(due=job.due, table_rows=rows, limits=rule.limits)


def grants(snapshot: Snapshot, job: JobPlan) -> list[Granted]:
    """Every approval of the job's rule in the form that it has now."""
    return [_granted(row) for row in snapshot.approvals.all_of_form(job.rule, job.form)]


def _granted(row: ApprovalRow) -> Granted:
    return Granted(
        plan=row.plan,
        rule=row.rule,
        form=row.form,
        target=row.target,
        schema=row.schema,
        records=row.records,
        over_limit=row.over_limit,
        by=row.by,
    )


def listed(place: Place) -> tuple[PlanLine, ...]:
    """Stored plans, newest first."""
    config = configuration(place)
    with stores.reading(config, place) as state, state.read() as snapshot:
        lines = []
        for row in snapshot.plans.newest():
            made = plan_from_document(json.loads(row.body))
            due = {job.rule for job in made.jobs if job.due}
            given = {approval.rule for approval in snapshot.approvals.of(row.id)} & due
            words = "all" if given == due else f"{len(given)} of {len(due)} rules" if given else "no"
            words = words if due else "nothing due"
            lines.append(
                PlanLine(
                    id=row.id,
                    as_of=in_zone(config, row.as_of),
                    created=in_zone(config, row.created),
                    due=made.totals["due"],
                    approved=words,
                    used=row.used_by is not None,
                )
            )
        return tuple(lines)


def stored(place: Place, id: str) -> Plan:
    """A stored plan, as it was; UsageError where there is none of that name."""
    config = configuration(place)
    with stores.reading(config, place) as state, state.read() as snapshot:
        row = stored_row(snapshot, id)
        made = plan_from_document(json.loads(row.body))
        notes = made.notes if row.used_by is None else (*made.notes, f"run {row.used_by} carried it out")
        return replace(made, as_of=in_zone(config, made.as_of), notes=notes)


def stored_row(snapshot: Snapshot, id: str) -> StoredPlan:
    """The stored plan named `id`."""
    row = snapshot.plans.get(id)
    if row is None:
        raise UsageError(f"there is no plan `{id}`; type: retention plan list")
    return row
