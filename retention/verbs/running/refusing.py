"""`action.refused`: what a run would not do though somebody asked for it, each record and reason written down once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from retention.connectors.port import Key
from retention.engine.journal import RUN_LEASE, run_lease
from retention.ledger.evidence import Committer, key_id, pack, sealed, unpack
from retention.ledger.line import canonical
from retention.model.lists import NO_LISTS
from retention.model.plan import JobPlan
from retention.planning.fates.refusing import Refused, Refusing, by_people_alone, demands, refusing
from retention.planning.work import Work
from retention.store.refusals import RefusalRow
from retention.verbs.explaining.dates import Reader
from retention.verbs.opening import stores

if TYPE_CHECKING:
    from retention.verbs.running.execution import Execution

MOST = 20_000
"""Records that one event speaks of."""
_STOPPED = ("held", "retained", "conflict", "referenced")


def document(execution: Execution, job: JobPlan, item: Work) -> int:
    """Writes down the demands of one job that are refused, and were not written down before for the same reasons.

    How many records these are. Each event is a transaction of its own: after a kill the next run goes on with the
    others. Raises RetentionError where the records can't be looked at or the ledger not be written.
    """
    if not demands(item.job.rule) or not _may_be_refused(job, item):
        return 0
    reader = Reader(execution.ready, execution.said, execution.plan.as_of)
    asked = next(each for each in reader.jobs if each.name == item.job.name)
    reasons, work = reader.asking(asked)
    questions = refusing(reasons, asked, work.root)
    if questions is None:
        return 0
    notes = _Notes(execution=execution, job=job, name=item.job.name)
    for key, true in _denied(execution, work, questions):
        if notes.add(key, true, questions) and notes.waiting >= MOST:
            notes.write()
            if execution.stop():
                return notes.written
    notes.write()
    return notes.written


def _may_be_refused(job: JobPlan, item: Work) -> bool:
    """By the numbers of the plan: something is stopped, or comes to an action that is not the first."""
    stopped = any(job.fates[fate] for fate in _STOPPED)
    return stopped or (len(item.actions) > 1 and bool(job.due or job.fates["done"]))


def _denied(execution: Execution, work: Work, questions: Refusing) -> Iterator[tuple[Key, frozenset[int]]]:
    """Of every record only where its own columns demand something; else of those of which people told something."""
    target = execution.ready.targets[work.bound.connector.name]
    special = execution.said.of(work.job)
    if special:
        yield from target.sort(work, questions.denied, questions.tests, special)
    if not by_people_alone(work.job):
        seen = set(special)
        plain = replace(work, lists=NO_LISTS)
        for key, true in target.sort(plain, questions.denied, questions.tests):
            if key not in seen:
                yield key, true


@dataclass(kw_only=True)
class _Notes:
    """What is to be written down of one job. `written`: records that were."""

    execution: Execution
    job: JobPlan
    name: str
    waiting: int = 0
    written: int = 0
    _groups: dict[str, list[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        secret = self.execution.evidence
        self._key_id = key_id(secret)
        self._committer = Committer(secret, self.job.connector, self.job.dataset)
        self._said: dict[str, Refused] = {}
        self._why: dict[frozenset[int], str] = {}  # few answers, and many records of each
        self._known = self._remembered()

    def _remembered(self) -> list[tuple[Committer, dict[bytes, str]]]:
        """What was last said of each record, under every evidence key that something was said under."""
        found: dict[str, dict[bytes, str]] = {}
        job = self.job
        with self.execution.state.read() as snapshot:
            for row in snapshot.refusals.of(job.connector, job.dataset, job.rule):
                found.setdefault(row.key_id, {}).update(dict.fromkeys(unpack(row.leaves), row.why))
        if not found:
            return []
        keys = {key_id(secret): secret for secret in stores.evidence_keys(self.execution.ready.config)}
        there = [id for id in found if id in keys]  # the newest last
        return [(Committer(keys[id], job.connector, job.dataset), found[id]) for id in reversed(there)]

    def add(self, key: Key, true: frozenset[int], questions: Refusing) -> bool:
        """Whether that is new. `true`: the answers to the questions."""
        why = self._why.get(true)
        if why is None:
            refused = questions.told(true)
            why = self._why[true] = canonical(_told(refused)).decode()
            self._said[why] = refused
        if self._before(key) == why:
            return False
        self._groups.setdefault(why, []).append(self._committer.leaf(key))
        self.waiting += 1
        return True

    def _before(self, key: Key) -> str | None:
        """What was said of the record last."""
        for committer, known in self._known:
            if (why := known.get(committer.leaf(key))) is not None:
                return why
        return None

    def write(self) -> None:
        """One event for all that waits, most records first."""
        if not self.waiting:
            return
        groups = sorted(self._groups.items(), key=lambda group: (-len(group[1]), group[0]))
        execution, job, now = self.execution, self.job, self.execution.clock()
        seals = [(why, sealed(leaves)) for why, leaves in groups]
        data = {
            "run": execution.id,
            "job": self.name,
            "count": self.waiting,
            "evidence": self._key_id,
            "refused": [
                {**_told(self._said[why]), "count": len(seal.leaves), "root": seal.root.hex()}
                for why, seal in seals
            ],
        }
        with execution.state.begin() as tx:
            tx.leases.renew(run_lease(execution.id), execution.token, now, RUN_LEASE)
            seq = tx.log.append("action.refused", data, now)
            for place, (why, seal) in enumerate(seals):
                tx.refusals.put(
                    RefusalRow(
                        seq=seq,
                        place=place,
                        rule=job.rule,
                        connector=job.connector,
                        dataset=job.dataset,
                        key_id=self._key_id,
                        why=why,
                        at=now,
                        leaves=pack(seal.leaves),
                    )
                )
        self.written += self.waiting
        self.waiting, self._groups = 0, {}


def _told(refused: Refused) -> Mapping[str, Any]:
    """As the ledger has it."""
    because = [dict(each.said) for each in sorted(refused.because)]
    return {"actions": list(refused.actions), "instead": refused.instead, "because": because}
