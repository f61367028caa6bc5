"""Plans and runs as JSON documents, and plans back again.

A document is made of dicts, lists, strings, whole numbers, booleans and None (a run's `seconds`
alone is a float), and its `format` names its shape and version. Fields may be added within a version; none
changes its meaning. A plan is stored as this document, so `plan_from_document` gives back what
`plan_document` was given.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from retention.errors import ConfigurationError
from retention.model.outcome import JobOutcome, RunOutcome
from retention.model.plan import FATES, Cutoff, JobPlan, JobStatus, KeptElsewhere, Plan

PLAN_FORMAT = "retention.plan/1"
RUN_FORMAT = "retention.run/1"

Document: TypeAlias = dict[str, Any]


def instant(moment: datetime) -> str:
    """An aware datetime in RFC 3339, in its own offset, `Z` for UTC. ValueError for a naive one.

    RFC 3339 knows no offsets with seconds (local mean times have them): those are given in UTC.
    """
    offset = moment.utcoffset()
    if offset is None:
        raise ValueError("an instant needs a time zone")
    if offset % timedelta(minutes=1):
        moment, offset = moment.astimezone(UTC), timedelta(0)
    text = moment.replace(tzinfo=None).isoformat()
    if not offset:
        return text + "Z"
    sign = "-" if offset < timedelta(0) else "+"
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    return f"{text}{sign}{hours:02}:{minutes:02}"


def plan_document(plan: Plan) -> Document:
    """The plan as `retention.plan/1`."""
    head: Document = {
        "id": plan.id,
        "digest": plan.digest,
        "as_of": instant(plan.as_of),
        "policy": plan.policy,
        "stored": plan.stored,
    }
    if plan.counted:
        head["counted"] = dict(plan.counted)
    return {
        "format": PLAN_FORMAT,
        "plan": head,
        "jobs": [_job_document(job) for job in plan.jobs],
        "totals": dict(plan.totals),
        "kept_elsewhere": [
            {"rule": item.rule, "promise": item.promise, "kept_by": item.kept_by}
            for item in plan.kept_elsewhere
        ],
        "notes": list(plan.notes),
    }


def _job_document(job: JobPlan) -> Document:
    rings: Document = {"rings": {"records": job.ringed, "by": list(job.ringed_by)}} if job.ringed else {}
    return {
        "rule": job.rule,
        "connector": job.connector,
        "dataset": job.dataset,
        "promise": job.promise,
        "action": job.action,
        "total": job.total,
        **{fate: job.fates[fate] for fate in FATES},
        "overdue": job.overdue,
        "actions": dict(job.actions),
        "rows": dict(job.rows),
        "cutoffs": [{"when": each.when, "cutoff": instant(each.cutoff)} for each in job.cutoffs],
        "oldest": job.oldest,
        "exact": job.exact,
        "referenced_by": dict(job.referenced_by),
        **rings,
        "status": job.status.value,
        "reason": job.reason,
        "form": job.form,
        "target": job.target,
        "schema": job.schema,
    }


def plan_from_document(document: Mapping[str, Any]) -> Plan:
    """The plan that a `retention.plan/1` document was made from.

    Instants keep their offset, not the name of their zone. Anything that is not such a document,
    or lacks a field, is a ConfigurationError: a plan is never half read.
    """
    if document.get("format") != PLAN_FORMAT:
        raise ConfigurationError(
            f"this is no {PLAN_FORMAT} document; its format is {document.get('format')!r}"
        )
    try:
        head = document["plan"]
        return Plan(
            id=head["id"],
            digest=head["digest"],
            as_of=_moment(head["as_of"]),
            policy=head["policy"],
            jobs=tuple(_job(each) for each in document["jobs"]),
            kept_elsewhere=tuple(KeptElsewhere(**each) for each in document["kept_elsewhere"]),
            stored=head["stored"],
            notes=tuple(document["notes"]),
            counted=dict(head.get("counted", {})),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(f"this {PLAN_FORMAT} document is damaged: {error!r}") from error


def _job(document: Mapping[str, Any]) -> JobPlan:
    actions = document.get("actions", {})
    plain = actions == {document["action"]: document["due"]}
    return JobPlan(
        rule=document["rule"],
        connector=document["connector"],
        dataset=document["dataset"],
        promise=document["promise"],
        action=document["action"],
        by_action={} if plain else actions,
        total=document["total"],
        fates={fate: document[fate] for fate in FATES},
        overdue=document["overdue"],
        rows=dict(document["rows"]),
        cutoffs=tuple(
            Cutoff(when=each["when"], cutoff=_moment(each["cutoff"])) for each in document["cutoffs"]
        ),
        oldest=document["oldest"],
        exact=document["exact"],
        referenced_by=dict(document["referenced_by"]),
        ringed=document.get("rings", {}).get("records", 0),
        ringed_by=tuple(document.get("rings", {}).get("by", ())),
        status=JobStatus(document["status"]),
        reason=document["reason"],
        form=document["form"],
        target=document["target"],
        schema=document["schema"],
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment


def run_document(outcome: RunOutcome) -> Document:
    """The outcome as `retention.run/1`."""
    checkpoint = outcome.checkpoint
    return {
        "format": RUN_FORMAT,
        "run": {"id": outcome.id, "as_of": instant(outcome.as_of), "status": outcome.status},
        "jobs": [_outcome_document(job) for job in outcome.jobs],
        "checkpoint": {"size": checkpoint.size, "root": checkpoint.root} if checkpoint else None,
        "notes": list(outcome.notes),
    }


def _outcome_document(job: JobOutcome) -> Document:
    return {
        "rule": job.rule,
        "connector": job.connector,
        "dataset": job.dataset,
        "status": job.status.value,
        "reason": job.reason,
        "planned": job.planned,
        "done": job.done,
        "skipped": {
            "changed": job.skipped.changed,
            "held": job.skipped.held,
            "locked": job.skipped.locked,
        },
        "set_aside": job.set_aside,
        "overdue": job.overdue,
        "left": job.left,
        "rows": dict(job.rows),
        "batches": job.batches,
        "seconds": round(job.seconds, 3),
        "counted": job.counted,
    }
