"""One record: every rule, date and reference that decides its fate. Reads what plan and run read."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from retention import periods
from retention.connectors.port import RecordView
from retention.errors import UsageError
from retention.ledger.evidence import key_text
from retention.model.explanation import Component, Explanation, RuleView, Stopper
from retention.model.place import Place
from retention.model.typed import pieces
from retention.periods.encodings import read
from retention.planning.bound import BoundDataset, Job
from retention.planning.bound import Component as BoundComponent
from retention.planning.fate import WITHIN
from retention.planning.work import Work
from retention.verbs import stores
from retention.verbs.prepared import Clock, Prepared, as_of_instant, configuration, in_zone, prepared


def explain(place: Place, *, dataset: str, key: str, as_of: str | None = None, clock: Clock) -> Explanation:
    """The record `key` of `CONNECTOR.DATASET` (a composite key is typed `7,3`).

    UsageError for a dataset that is not configured, a key of another type, and a record that is not there;
    UnreachableError where its database does not answer.
    """
    config = configuration(place)
    connector, _, name = dataset.partition(".")
    if connector not in config.connectors or name not in config.connectors[connector].datasets:
        known = ", ".join(f"{c.name}.{d}" for c in config.connectors.values() for d in c.datasets) or "none"
        raise UsageError(f"there is no dataset `{dataset}`; there are: {known}")
    moment = as_of_instant(config, as_of, clock)
    with prepared(place, config, (connector,)) as ready:
        ready.refuse_silence()
        bound = next(b for b in ready.bound if b.dataset.name == name)
        every = ready.jobs()
        found = [
            (item, view)
            for item in ready.works(every, moment)
            if item.bound is bound and (view := ready.targets[connector].record(item, key)) is not None
        ]
        if not found:
            if not any(job.bound is bound for job in every):
                raise UsageError(f"no rule acts on {bound.dataset.data!r}: `{dataset}` is kept for ever")
            raise UsageError(_not_found(ready, bound, every, key, moment))
        views = tuple(_view(item, view, moment) for item, view in found)
        aside = _set_aside(place, ready, bound, key)
        return Explanation(
            connector=connector,
            dataset=name,
            key=key,
            as_of=in_zone(config, moment),
            rules=views,
            parts=found[0][1].parts,
            set_aside=aside,
        )


def _not_found(
    ready: Prepared, bound: BoundDataset, every: tuple[Job, ...], key: str, as_of: datetime
) -> str:
    """Why there is no record of this key: no row has it, or `where` leaves that row out."""
    target = ready.targets[bound.connector.name]
    item = next(item for item in ready.works(every, as_of) if item.bound is bound)
    if bound.where is not None and target.leaves_out(item, key):
        return f"the row {key} exists, and the `where` of `{bound}` leaves it out ({bound.where.text}): no record of it"
    return f"`{bound}` has no record {key}"


def _set_aside(place: Place, ready: Prepared, bound: BoundDataset, key: str) -> str | None:
    if not stores.exists(ready.config, place):
        return None
    with stores.reading(ready.config, place) as state, state.read() as snapshot:
        for row in snapshot.set_aside.of(bound.connector.name, bound.dataset.name):
            values = [key_text(value) for value in json.loads(row.key)]
            if pieces(key, len(values)) == values:
                return row.reason
    return None


def _view(item: Work, view: RecordView, as_of: datetime) -> RuleView:
    job = item.job
    event = _event_day(job, view)
    due_on = periods.due_day(event, job.clock) if event is not None and not view.undecided else None
    ended = periods.ended_day(event, job.clock) if event is not None else None
    late_on = periods.late_day(event, job.clock, WITHIN) if due_on is not None and event is not None else None
    today = periods.day_of(as_of, job.clock.timezone)
    has_ended = due_on is not None and due_on <= today and view.fate not in ("unclear", "undated", "not_due")
    stoppers = _stoppers(job, view)
    return RuleView(
        rule=job.rule.name,
        promise=job.rule.promise,
        fate=view.fate,
        action=job.rule.action or "delete",
        overdue=view.overdue,
        event_name=job.rule.event or "",
        components=tuple(
            Component(column=name, value=value, state=state)
            for name, (value, state) in view.components.items()
        ),
        event=_iso(event),
        due_on=_iso(due_on),
        ended=_iso(ended) if has_ended else None,
        overdue_on=_iso(late_on),
        keep=job.clock.period.text,
        timezone=job.clock.timezone,
        stopped_by=stoppers,
        because=_because(job, view, due_on),
    )


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _event_day(job: Job, view: RecordView) -> date | None:
    """The latest component's day in the rule's zone; None where there is none that can be read."""
    days = []
    bound = {c.text: c for c in job.bound.events[job.rule.event or ""]}
    for name, (value, state) in view.components.items():
        if value is not None and state in ("past", "recent"):
            day = _day(value, bound[name], job)
            if day is not None:
                days.append(day)
    return max(days, default=None)


def _day(value: str, component: BoundComponent, job: Job) -> date | None:
    moment = read(value, component.encoding)
    if not isinstance(moment, datetime):
        return moment
    if moment.tzinfo is None:
        zone = job.bound.connector.timezone
        moment = periods.instant_of_naive(moment, zone if zone is not None else "UTC")
    return periods.day_of(moment.astimezone(UTC), job.clock.timezone)


def _stoppers(job: Job, view: RecordView) -> tuple[Stopper, ...]:
    stoppers = [
        Stopper(kind="referenced", by=by, count=count, rows=rows)
        for by, (count, rows) in view.referring.items()
    ]
    if view.fate == "retained":
        stoppers = [Stopper(kind="retained", by=rule.name) for rule in job.others]
    return tuple(stoppers) if view.fate in ("referenced", "retained") else ()


def _because(job: Job, view: RecordView, due_on: date | None) -> str:
    """One sentence for people."""
    event = job.rule.event
    zone = ZoneInfo(job.clock.timezone).key
    match view.fate:
        case "due":
            return f"its clock has ended and nothing keeps it: due since {_iso(due_on)}"
        case "not_due" if due_on is not None:
            return f"it is kept until its clock ends; due on {_iso(due_on)} ({zone})"
        case "not_due":
            return f"the event `{event}` lies ahead"
        case "undated":
            return f"the event `{event}` has not happened: there is no date to count from"
        case "unclear" if view.undecided and job.bound.where is not None:
            condition = f"the dataset's `where` ({job.bound.where.text})"
            return f"{condition} is neither true nor false of it: unknown never deletes"
        case "unclear":
            return f"whether or when `{event}` happened can't be told: unknown never deletes"
        case "referenced" if view.ringed:
            why = " and ".join(map(str, job.bound.stubborn))
            return f"its clock has ended, but rows refer to each other, and to it, in a ring that can't go, by {why}"
        case "referenced":
            rows = " and ".join(f"{count} by {by}" for by, (count, _) in view.referring.items())
            return f"its clock has ended, but rows that stay refer to it: {rows}"
        case "retained":
            return f"another rule still keeps it: {', '.join(rule.name for rule in job.others)}"
        case "elsewhere":
            return "another rule, which ended later, acts on it"
    return view.fate
