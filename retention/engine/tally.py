"""What a job has done so far, in numbers that add up whatever happens."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from retention.connectors.port import Key, Taken, Window
from retention.model.outcome import JobOutcome, Skipped
from retention.model.plan import JobPlan, JobStatus
from retention.model.progress import Progress
from retention.store.batches import ROLLED_BACK, UNKNOWN
from retention.store.runs import JobProgress

_LOCKED_REMEMBERED = 10_000


@dataclass(kw_only=True)
class Tally:
    """One job's. Shared by its workers; each call is whole.

    `limit`: the canary, at most so many records. `done` and `overdue`: records that went. `aside`: records that the
    database would not delete, and `aside_why` of the first. `failed`: status → batches.
    """

    plan: JobPlan
    limit: int | None
    progress: Progress
    timer: Callable[[], float]

    done: int = 0
    overdue: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    aside: set[Key] = field(default_factory=set)
    aside_why: str = ""
    _changed: int = 0
    _held: set[Key] = field(default_factory=set)
    _batches: int = 0
    _rows: Counter[str] = field(default_factory=Counter)
    _locked: dict[Key, None] = field(default_factory=dict)
    _locked_besides: int = 0
    _begun: float = 0.0
    _promised: int = 0
    _under_way: dict[int, Taken] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        """The job begins now."""
        self._begun = self.timer()

    def remaining(self) -> int:
        """How many records may still go: never more than planned."""
        most = self.plan.due if self.limit is None else min(self.limit, self.plan.due)
        return max(0, most - self.done)

    @contextmanager
    def promised(self, wanted: int | None) -> Iterator[int]:
        """How many records a batch may take, at most `wanted`: what other workers may take meanwhile is kept back."""
        with self._lock:
            free = max(0, self.remaining() - self._promised)
            most = free if wanted is None else min(free, wanted)
            self._promised += most
        try:
            yield most
        finally:
            with self._lock:
                self._promised -= most
                self._under_way.pop(threading.get_ident(), None)

    def count(self, taken: Taken) -> None:
        """A batch was committed."""
        with self._lock:
            self._under_way.pop(threading.get_ident(), None)
            self.done += len(taken.keys)
            self.overdue += taken.overdue
            self._batches += 1
            self._rows.update(taken.rows)
            self.progress.advance(len(taken.keys))

    def left_alone(self, taken: Taken, window: Window) -> None:
        """What a batch found in the window and did not take. Only what was surely due has changed since."""
        with self._lock:
            self._changed += taken.changed if window.sure else 0
            self._held |= set(taken.held)
        if window.keyed:
            self.remember_locked(taken.locked)

    def set_aside(self, key: Key, why: str) -> int:
        """The database would not delete it; how many such there are."""
        with self._lock:
            self.aside.add(key)
            self.aside_why = self.aside_why or why
            return len(self.aside)

    def remember_locked(self, keys: Iterable[Key]) -> None:
        """Others had them locked."""
        with self._lock:
            for key in keys:
                if len(self._locked) < _LOCKED_REMEMBERED:
                    self._locked[key] = None
                elif key not in self._locked:
                    self._locked_besides += 1

    def take_locked(self) -> tuple[Key, ...]:
        """Those that are remembered, which are remembered no more."""
        with self._lock:
            keys = tuple(self._locked)
            self._locked.clear()
            return keys

    def forget_locked(self) -> None:
        """Another pass looks at all of them."""
        with self._lock:
            self._locked.clear()
            self._locked_besides = 0

    def progress_with(self, also: Taken) -> JobProgress:
        """How far the job is with the batch that this worker is about to commit, and those of the others."""
        with self._lock:
            self._under_way[threading.get_ident()] = also
            every = tuple(self._under_way.values())
            outcome = self._outcome(JobStatus.DONE, None)
        done = outcome.done + sum(len(taken.keys) for taken in every)
        aside = min(outcome.set_aside, self.plan.due - done)
        return JobProgress(
            done=done,
            changed=0,
            locked=0,
            set_aside=aside,
            left=self.plan.due - done - aside,
            batches=outcome.batches + len(every),
            millis=int(outcome.seconds * 1000),
            rows=dict(sum((Counter(taken.rows) for taken in every), Counter(outcome.rows))),
        )

    def outcome(self, status: JobStatus, reason: str | None, *, waited: float = 0.0) -> JobOutcome:
        """planned = done + skipped + set aside + left, whatever happened."""
        with self._lock:
            return self._outcome(status, reason, waited)

    def _outcome(self, status: JobStatus, reason: str | None, waited: float = 0.0) -> JobOutcome:
        planned = self.plan.due
        rest = planned - self.done
        aside = min(len(self.aside), rest)
        waiting = sum(key not in self.aside for key in self._locked) + self._locked_besides
        locked = min(waiting, rest - aside)
        held = min(len(self._held), rest - aside - locked)
        rest -= aside + locked + held
        complete = status is JobStatus.DONE and self.limit is None
        changed = rest if complete else min(self._changed, rest) if self.limit is not None else 0
        left = rest - changed
        if status is JobStatus.DONE and (aside or locked):
            status = JobStatus.PARTIAL
            words = [f"{locked:,} locked by others"] * bool(locked)
            words += [f"{aside:,} set aside ({self.aside_why})"] * bool(aside)
            reason = reason or " and ".join(words)
        return JobOutcome(
            rule=self.plan.rule,
            connector=self.plan.connector,
            dataset=self.plan.dataset,
            status=status,
            reason=reason,
            planned=planned,
            done=self.done,
            overdue=self.overdue,
            skipped=Skipped(changed=changed, held=held, locked=locked),
            set_aside=aside,
            left=left,
            rows=dict(self._rows),
            batches=self._batches,
            rolled_back=self.failed[ROLLED_BACK],
            unknown=self.failed[UNKNOWN],
            seconds=round(self.timer() - self._begun, 3),
            waited=round(waited, 3),
        )
