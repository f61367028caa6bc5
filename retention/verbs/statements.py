"""The SQL that a run would send, for people to read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from retention.connectors.port import Refused, Target
from retention.errors import UnreachableError
from retention.model.place import Place
from retention.model.plan import JobPlan, Statement
from retention.model.progress import NoProgress, Progress
from retention.planning.fates.chains import DELETE
from retention.planning.work import Work
from retention.verbs.opening.configured import Clock, as_of_instant, configuration
from retention.verbs.opening.prepared import named, prepared
from retention.verbs.persons.spoken import NO_WORDS, worked


def statements(
    place: Place,
    *,
    as_of: str | None = None,
    rules: tuple[str, ...] = (),
    connectors: tuple[str, ...] = (),
    clock: Clock,
    progress: Progress | None = None,
) -> tuple[Statement, ...]:
    """The SQL of every job, with its values in place, as plan and run execute it; behind the jobs of a dataset that of
    batches in which several of them may have records together.

    Of a job on a database that does not answer, why there is none; UnreachableError where none answers.
    A run's way with a table may depend on how many of its records are due: then they are counted.
    """
    config = configuration(place)
    named(config, rules, connectors)
    moment = as_of_instant(config, as_of, clock)
    with prepared(place, config, connectors) as ready:
        works = worked(ready, ready.jobs(rules), moment, NO_WORDS)
        meeting = {several[-1].job.name: several for several in _meeting(works)}
        found: list[Statement] = []
        silent: dict[str, str] = {}
        for item in works:
            name = item.bound.connector.name
            try:
                found += _own(item, ready.targets[name], progress or NoProgress())
                if item.job.name in meeting:
                    found += _joint(meeting[item.job.name], ready.targets[name])
            except (UnreachableError, Refused) as error:
                silent[name] = error.message
        ready = ready.without(silent)
        ready.refuse_silence()
        told = [statement for statement in found if statement.connector not in silent]
        return (*told, *map(_none, ready.unreached(rules)))


def _meeting(works: Iterable[Work]) -> Iterator[Sequence[Work]]:
    """Jobs of one dataset, or of a circle, of which records may have to go together."""
    found: dict[tuple[str, ...], list[Work]] = {}
    for item in works:
        if DELETE in item.actions and (deleting := item.only(DELETE)).meets:
            found.setdefault(item.bound.together, []).append(deleting)
    yield from (several for several in found.values() if len(several) > 1)


def _none(job: JobPlan) -> Statement:
    return Statement(
        rule=job.rule,
        connector=job.connector,
        dataset=job.dataset,
        purpose="failed",
        sql="",
        reason=job.reason,
    )


def _own(item: Work, target: Target, progress: Progress) -> Iterator[Statement]:
    """Of every action that the job can come to, each statement once."""
    every = (each for action in item.actions for each in target.statements(item.only(action), progress))
    return _shown(item, dict.fromkeys(every))


def _joint(several: Sequence[Work], target: Target) -> Iterator[Statement]:
    together = tuple(item.job.rule.name for item in several)
    return _shown(several[0], target.joint_statements(several), together)


def _shown(
    item: Work, every: Iterable[tuple[str, str]], together: tuple[str, ...] = ()
) -> Iterator[Statement]:
    for purpose, sql in every:
        yield Statement(
            rule=item.job.rule.name,
            connector=item.bound.connector.name,
            dataset=item.bound.dataset.name,
            purpose=purpose,
            sql=sql,
            together=together,
        )
