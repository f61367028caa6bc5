"""One record: every rule, date, hold and reference that decides its fate. Reads what plan and run read."""

from __future__ import annotations

import json
import shlex
from datetime import timedelta

from retention.connectors.port import RecordView
from retention.errors import UsageError
from retention.ledger.evidence import key_text
from retention.model.explanation import Explanation, HoldView, RuleView
from retention.model.place import Place
from retention.model.policy import REWRITING
from retention.model.typed import pieces
from retention.planning.binding.bound import BoundDataset, Job
from retention.verbs.explaining import words as explain_words
from retention.verbs.explaining.dates import Reader, Reading
from retention.verbs.explaining.shared import shared
from retention.verbs.explaining.stops import Stops, covering
from retention.verbs.opening import stores
from retention.verbs.opening.configured import Clock, as_of_instant, configuration, in_zone
from retention.verbs.opening.prepared import Prepared, prepared
from retention.verbs.persons.carried import look_over
from retention.verbs.persons.spoken import words


def explain(
    place: Place,
    *,
    dataset: str,
    key: str,
    as_of: str | None = None,
    clock: Clock,
) -> Explanation:
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
        carried = look_over(ready, place, config, stores.told(config, place))
        ready, said = words(carried.of(ready), carried.told, moment)
        ready.refuse_silence()
        bound = next(b for b in ready.bound if b.dataset.name == name)
        reader = Reader(ready, said, moment)
        jobs = [job for job in reader.jobs if job.bound is bound]
        if not jobs:
            raise UsageError(f"no rule acts on {bound.dataset.data!r}: `{dataset}` is kept for ever")
        target = ready.targets[connector]
        found = [(job, target.record(reader.asking(job)[1], key)) for job in jobs]
        there = [(job, view) for job, view in found if view is not None]
        if not there:
            raise UsageError(_not_found(reader, jobs[0], key))
        held = covering(reader, jobs[0], key)
        stops = Stops(reader)
        return Explanation(
            connector=connector,
            dataset=name,
            key=key,
            as_of=in_zone(config, moment),
            rules=tuple(_view(reader, stops, job, view, key, held) for job, view in there),
            parts=there[0][1].parts,
            shared=shared(reader, _acting(there), key),
            set_aside=_set_aside(place, ready, bound, key),
            holds=held,
        )


def _acting(there: list[tuple[Job, RecordView]]) -> Job:
    """The job by which the record goes; the first of all, where none does."""
    return next((job for job, view in there if view.fate == "due"), there[0][0])


def _not_found(reader: Reader, job: Job, key: str) -> str:
    """Why there is no record of this key: no row has it, or `where` leaves that row out."""
    bound = job.bound
    target = reader.ready.targets[bound.connector.name]
    if bound.where is not None and target.leaves_out(reader.asking(job)[1], key):
        return f"the row {key} exists, and the `where` of `{bound}` leaves it out ({bound.where.text}): no record of it"
    vault = None if bound.vault is None else bound.vault.dataset
    there = next((job for job in reader.jobs if str(job.bound) == vault), None)
    if there is not None and target.record(reader.asking(there)[1], key) is not None:
        return (
            f"`{bound}` has no record {key}: it is in the vault; type: retention explain {_typed(vault, key)}"
        )
    prove = f"retention audit prove {_typed(bound, key)}"
    return f"`{bound}` has no record {key}; whether retention removed one, and why, says: {prove}"


def _typed(dataset: BoundDataset | str | None, key: str) -> str:
    """What to type for the record: a key that begins with a dash stands behind two."""
    return f"{dataset} {'-- ' if key.startswith('-') else ''}{shlex.quote(key)}"


def _set_aside(place: Place, ready: Prepared, bound: BoundDataset, key: str) -> str | None:
    if not stores.exists(ready.config, place):
        return None
    with stores.reading(ready.config, place) as state, state.read() as snapshot:
        for row in snapshot.set_aside.of(bound.connector.name, bound.dataset.name):
            values = [key_text(value) for value in json.loads(row.key)]
            if pieces(key, len(values)) == values:
                return row.reason
    return None


def _view(
    reader: Reader, stops: Stops, job: Job, view: RecordView, key: str, held: tuple[HoldView, ...]
) -> RuleView:
    reading = reader.reading(job, key)
    stopped_by = stops.of(job, key, view, held)
    changes, changes_on = explain_words.changes(view, reading, stopped_by)
    variant = reading.case.variant
    name, day = _event(reading)
    action = view.action or (stops.chosen(job, key) if view.fate == "done" else None) or stops.first(job, key)
    rewriting = action in REWRITING and view.fate in ("due", "done", "retained", "conflict")
    return RuleView(
        rule=job.rule.name,
        promise=job.rule.promise,
        fate=view.fate,
        action=action,
        overdue=view.overdue,
        event_name=name,
        components=reading.components,
        event=day,
        due_on=reading.due_on,
        ended=min(
            (limb.ended for limb in reading.dated if limb.state == "come" and limb.ended), default=None
        ),
        overdue_on=_overdue_on(reading),
        at_most=None if reading.at_most is None else reading.at_most.isoformat(),
        defers_until=None if reading.defers_until is None else reading.defers_until.isoformat(),
        keep=variant.keep.text if variant.keep is not None and not reading.varied else "",
        instructed=_instructed(job, reading),
        timezone=variant.timezone,
        exception=None if variant.when is None else variant.when.text,
        limbs=reading.limbs,
        conditions=reading.conditions,
        facts=reading.facts,
        stopped_by=stopped_by,
        columns=stops.columns(job, key) if rewriting else (),
        because=explain_words.because(job, view, reading, stopped_by),
        changes=changes,
        changes_on=changes_on,
    )


def _event(reading: Reading) -> tuple[str, str | None]:
    """The event that the clock counts from, else the first that has a day, and that day."""
    named = [(limb.event, limb.day) for limb in reading.limbs]
    return next((each for each in named if each[1] is not None), named[0] if named else ("", None))


def _overdue_on(reading: Reading) -> str | None:
    if not reading.dated:
        return None
    if reading.at_most is not None:
        return (reading.at_most + timedelta(days=1)).isoformat()
    return min((limb.overdue_on for limb in reading.dated if limb.overdue_on is not None), default=None)


def _instructed(job: Job, reading: Reading) -> str | None:
    """The period as it was read from the record, with its unit."""
    name = reading.case.variant.instructed
    if name is None:
        return None
    told = job.bound.periods[name]
    return f"{reading.instructed if reading.instructed is not None else 'none'} {told.unit.value}"
