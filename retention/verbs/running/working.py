"""One action of a job: its workers, each with a connection, a journal and a pause of its own."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from retention.connectors.port import Remembered, Remover, Target
from retention.connectors.retrying import PATIENCE, Retry, again
from retention.engine.job import JobRun
from retention.engine.journal import Journal
from retention.engine.pace import Pace
from retention.engine.workers import LEAST
from retention.errors import RetentionError, UnreachableError
from retention.ledger.evidence import Committer
from retention.model.outcome import JobOutcome
from retention.model.plan import JobStatus
from retention.verbs.checking.rewriting import making_of
from retention.verbs.running.ended import not_run
from retention.verbs.running.pacing import between
from retention.verbs.running.phases import Phase

if TYPE_CHECKING:
    from retention.verbs.running.execution import Execution


def worked_off(
    execution: Execution,
    phase: Phase,
    target: Target,
    journal: Journal,
    start: Mapping[str, object] | None,
    remembered: Remembered | None,
    limit: int | None,
) -> JobOutcome:
    """The action's outcome; what happens to this job alone is no error."""
    job, throttle = phase.plan, phase.work.bound.connector.throttle
    try:
        making = making_of(execution.ready.config, execution.state, phase.work, execution.plan.as_of)
        way = partial(
            target.remover,
            committer=Committer(execution.evidence, job.connector, job.dataset),
            remembered=remembered,
            share=job.due / max(job.total, 1),
            making=making,
            left=execution.left,
        )
        several = throttle.workers > 1 and limit is None and job.due >= throttle.workers * LEAST
        with ExitStack() as stack:
            working = _Working(
                execution=execution, phase=phase, way=way, limit=limit, start=start, stack=stack
            )
            helpers = [
                working.worker(journal.another()) for _ in range(throttle.workers - 1 if several else 0)
            ]
            worker = working.worker(journal, helpers)
            execution.progress.start(phase.doing, job.due)
            outcome = worker.run()
            execution.progress.finish()
            return outcome
    except RetentionError as error:
        return not_run(job, JobStatus.FAILED, error.message)


@dataclass(kw_only=True)
class _Working:
    """What the workers share. `way`: makes a remover."""

    execution: Execution
    phase: Phase
    way: partial[Any]
    limit: int | None
    start: Mapping[str, object] | None
    stack: ExitStack
    pace: Pace = field(init=False)
    _halt: threading.Event = field(default_factory=threading.Event)
    _alone: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.pace = Pace(target=self.phase.work.bound.connector.throttle.batch_time)

    def worker(self, journal: Journal, helpers: Sequence[JobRun] = ()) -> JobRun:
        """One, with a connection of its own."""
        execution = self.execution
        return JobRun(
            plan=self.phase.plan,
            remover=again(Retry(attempts=PATIENCE), partial(self._opened, journal)),
            journal=journal,
            origin=execution.state.origin,
            pace=self.pace,
            between=between(
                self.phase.work.bound.connector,
                execution.environ,
                journal,
                stop=lambda: self._halt.is_set() or execution.stop(),
                progress=execution.progress,
                stack=self.stack,
            ),
            progress=execution.progress,
            limit=self.limit,
            start=self.start,
            renew=partial(self._renewed, journal),
            helpers=helpers,
            halt=self._halt,
        )

    def _opened(self, journal: Journal) -> Remover:
        execution, job = self.execution, self.phase.plan
        now, known = execution.items.get(job.name), execution.said
        if now is None:
            raise UnreachableError(execution.ready.silent.get(job.connector, "its store does not answer"))
        journal.epoch = known.told.epoch
        people, special = known.people(now.job), known.of(now.job)
        made = self.way(now.only(self.phase.action), people=people, special=special)
        remover: Remover = self.stack.enter_context(made)
        return remover

    def _renewed(self, journal: Journal) -> Remover:
        """One that knows what people told meanwhile; another worker may have listened already."""
        with self._alone:
            self.execution.go_on()
            self.execution.listen_again()
            return self._opened(journal)
