"""The rows of one record's shared parts: which they are, how many go with it, and what the others stay for."""

from __future__ import annotations

from retention.model import predicate as p
from retention.model.explanation import KeptView, SharedView
from retention.planning.binding.bound import Job, Shared
from retention.planning.binding.reach import described
from retention.planning.fates.reasons import Questions, Rows
from retention.verbs.explaining.dates import Reader


def shared(reader: Reader, job: Job, key: str) -> tuple[SharedView, ...]:
    """A view of each shared part of the job's dataset of which the record refers to rows."""
    found = (_view(reader, job, key, item) for item in job.bound.shared)
    return tuple(view for view in found if view.count)


def _view(reader: Reader, job: Job, key: str, item: Shared) -> SharedView:
    reasons, work = reader.asking(job)
    source, linked, keepers = reasons.staying_beside(job, item, work.root)
    asked = {
        str(place): Rows(source=each.source, where=each.where, key=_key(reader, job, each.source))
        for place, each in enumerate(keepers)
    }
    apart = reasons.by_rules_of_its_own(item, source)
    asked |= {
        str(bound): Rows(source=source, where=p.All(items=(linked, record)), key=item.table.key)
        for bound, record in apart
    }
    rows = Rows(source=source, where=linked, key=item.table.key)
    kept = p.AnyOf(items=(*(each.keeps(source) for each in keepers), *(record for _, record in apart)))
    going = Rows(source=source, where=p.All(items=(linked, p.Untrue(item=kept))), key=())
    answers = reader.ask(job, key, Questions(rows={"rows": rows, "going": going, **asked})).rows
    views = [
        KeptView(by=described(each.reference), count=answers[str(place)][0], rows=answers[str(place)][1])
        for place, each in enumerate(keepers)
    ]
    views += (
        KeptView(by=str(bound), count=answers[str(bound)][0], rows=answers[str(bound)][1], record=True)
        for bound, _ in apart
    )
    return SharedView(
        table=str(item.table.id),
        count=answers["rows"][0],
        rows=answers["rows"][1],
        goes=answers["going"][0],
        kept_by=tuple(view for view in views if view.count),
    )


def _key(reader: Reader, job: Job, source: p.Source) -> tuple[str, ...]:
    return reader.ready.catalogues[job.bound.connector.name].tables[source.table].key
