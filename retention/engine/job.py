"""One job from its first batch to its last sweep.

The order of steps is DESIGN's "How a batch is removed". A pass follows the cursor; a sweep from
the beginning follows, and again, until it finds nothing but rows that others have locked; those
are tried once more, waiting shortly. A batch that the database refuses is halved until the one
record is found that it will not delete; that one is set aside. A batch that others hinder is tried
again, then halved; where nothing at all can be had, the job fails.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from retention.connectors.port import Key, Lost, Refused, Remover, Taken, Transient, Window
from retention.connectors.retrying import PATIENCE, Retry, again
from retention.engine.between import Between, StoppedError
from retention.engine.journal import HoldsChangedError, Journal
from retention.engine.pace import Pace
from retention.engine.shares import Share, intend_all, share_of
from retention.engine.tally import Tally
from retention.engine.workers import Range, Ranges, side_by_side
from retention.errors import RetentionError, SafetyRefusal, UnreachableError
from retention.model.outcome import JobOutcome
from retention.model.plan import JobPlan, JobStatus
from retention.model.progress import Progress
from retention.store.batches import ROLLED_BACK, UNKNOWN

T = TypeVar("T")

MOST_SET_ASIDE = 100
"""More refused records than these mean that something is wrong with the rule or the database, not with a record."""
MOST_HINDRANCES = 16
"""More batches in a row that others hindered than halving needs to find one record: it is the table, not a record."""
_LOCKED_AT_ONCE = 100


@dataclass(kw_only=True)
class JobRun:
    """Removes the due records of one job. `planned` is what its plan counted, and never more go.

    `limit`: the canary, at most so many, the oldest first. `start`: a stored cursor to go on from. `renew`:
    where holds have changed, a remover that knows them; what its batches leave is the sweep's. `helpers`: the job's
    other workers in the first pass, whose stop is `halt`, too.
    """

    plan: JobPlan
    remover: Remover
    journal: Journal
    origin: str
    pace: Pace
    between: Between
    progress: Progress
    limit: int | None = None
    start: Mapping[str, Any] | None = None
    retry: Retry = field(default_factory=lambda: Retry(attempts=2))
    renew: Callable[[], Remover] | None = None
    timer: Callable[[], float] = time.perf_counter
    helpers: Sequence[JobRun] = ()
    halt: threading.Event = field(default_factory=threading.Event)

    tally: Tally = field(init=False)
    _hindrances: int = 0
    _renewals: int = 0
    _cursor: Mapping[str, Any] | None = None
    _range: Range | None = None
    _ranges: Ranges | None = None

    def __post_init__(self) -> None:
        self.tally = Tally(plan=self.plan, limit=self.limit, progress=self.progress, timer=self.timer)
        for helper in self.helpers:
            helper.tally = self.tally

    def run(self) -> JobOutcome:
        """The job's outcome; never raises for what happened to this job alone."""
        self.tally.begin()
        status, reason = self.ended()
        return self.tally.outcome(status, reason, waited=self.between.waited)

    def ended(self) -> tuple[JobStatus, str | None]:
        """Everything that it does, and how that ended."""
        status, reason = JobStatus.DONE, None
        try:
            self._everything()
            if self.limit is not None and self.limit < self.plan.due:
                reason = f"limited to {self.limit:,} records; the next run without --limit takes the others"
        except StoppedError:
            status, reason = JobStatus.STOPPED, "stopped before its end, after a whole batch"
        except RetentionError as error:
            status, reason = JobStatus.FAILED, error.message
            if isinstance(error, SafetyRefusal):
                status = JobStatus.REFUSED if not self.tally.done else JobStatus.PARTIAL
        except BaseException:
            with suppress(RetentionError):
                self.journal.flush()
            raise
        try:
            self.journal.flush()
        except RetentionError as error:
            status, reason = JobStatus.FAILED, reason or error.message
        return status, reason

    # -- passes ----------------------------------------------------------------------------

    def _everything(self) -> None:
        if self.limit is not None:
            for window in self._oldest(min(self.limit, self.plan.due)):
                self.between()
                self._window(window)
            return
        workers = 1 + len(self.helpers)
        ranges = Ranges.stored(self.start)
        if ranges is None and self.start is None:
            ranges = self._patiently(lambda: Ranges.cut(self.remover, workers, self.plan.due))
        if ranges is None:
            self._pass(self.start, sweep=False)
        else:
            self._side_by_side(ranges)
        renewals = -1
        while renewals != self._renewals:  # what was left alone then is looked at again
            renewals = self._renewals
            while self.tally.remaining() and self._pass(None, sweep=True):
                pass
            self._locked_once_more()

    def _side_by_side(self, ranges: Ranges) -> None:
        every = (self, *self.helpers)
        for worker in every:
            worker.between.workers = len(every)
        works = [partial(worker.within, ranges) for worker in every]
        try:
            side_by_side(works, self.halt)
        finally:
            self.between.workers = 1

    def within(self, ranges: Ranges) -> None:
        """One worker's part of the first pass: range after range, until none is left."""
        self._ranges = ranges
        try:
            while (range_ := ranges.next()) is not None:
                self._range = range_
                self.remover.confine(range_.upto)
                self._along(range_.after, sweep=False)
                ranges.over(range_)
        except BaseException:
            with suppress(RetentionError):
                self.journal.flush()
            raise
        finally:
            self._range = None
            self.remover.confine(None)
        self.journal.flush()

    def _oldest(self, most: int) -> Iterator[Window]:
        """The search is one statement, made for the first of the windows."""

        def searched() -> tuple[Iterator[Window], Window | None]:
            windows = self.remover.oldest(most)
            return windows, next(windows, None)

        windows, first = self._patiently(searched)
        if first is not None:
            yield first
            yield from windows

    def _pass(self, after: Mapping[str, Any] | None, *, sweep: bool) -> int:
        """One way through the table; how many records it removed."""
        before = self.tally.done
        self.tally.forget_locked()
        self._along(after, sweep=sweep)
        return self.tally.done - before

    def _along(self, after: Mapping[str, Any] | None, *, sweep: bool) -> None:
        while self.tally.remaining():
            self.between()
            window = self._next(after, sweep=sweep)
            if window is None:
                break
            after = window.after
            self._window(window)

    def _next(self, after: Mapping[str, Any] | None, *, sweep: bool) -> Window | None:
        return self._patiently(lambda: self.remover.window(after, self.pace.size, sweep=sweep))

    def _locked_once_more(self) -> None:
        """What others had locked in the last sweep is tried once more, waiting a little for the locks.

        One lock that is not released hides what is free beside it: then what is free is taken.
        """
        keys = self.tally.take_locked()
        for start in range(0, len(keys), _LOCKED_AT_ONCE):
            self.between()
            window = Window(after=self._cursor or {}, keys=keys[start : start + _LOCKED_AT_ONCE])
            try:
                self._batch(window, wait=True)
            except HoldsChangedError:
                self._renew()
            except (Transient, Refused):
                self._window(window)

    def _patiently(self, action: Callable[[], T]) -> T:
        """What looks, or begins, is only ever kept waiting by somebody who has the whole database or table."""
        patience = replace(self.retry, attempts=max(self.retry.attempts, PATIENCE))
        try:
            return again(patience, action)
        except Transient as error:
            raise UnreachableError(f"{error.found}: kept waiting for too long", write=error.write) from error

    # -- one window ------------------------------------------------------------------------

    def _window(self, window: Window) -> None:
        """Removes what is due in the window, never more than is planned."""
        if not window.keyed:
            self._whole(window)
            return
        if window.rings:
            self._rings(window)
            return
        keys = tuple(key for key in window.keys if key not in self.tally.aside)
        if not window.sure and len(keys) > self.tally.remaining():
            # As many are taken at once as may still go: the last one is not looked for in a batch a candidate.
            keys = self._screened(replace(window, keys=keys)).keys
        while keys and (most := self.tally.remaining()):
            self._whole(replace(window, keys=keys[:most]))
            keys = keys[most:]

    def _rings(self, window: Window) -> None:
        """The same of rings, each whole or not at all."""
        if not self._fits(window.keys):
            window = window.whole_rings(self._fits)
        if window.keys:
            self._whole(window)

    def _fits(self, keys: Sequence[Key]) -> bool:
        """All of them may still go, and the database refused none."""
        return len(keys) <= self.tally.remaining() and self.tally.aside.isdisjoint(keys)

    def _whole(self, window: Window) -> None:
        """Removes what is due in the window; halves it where the database refuses, or others hinder."""
        try:
            self._known(window)
        except HoldsChangedError:
            self._renew()

    def _renew(self) -> None:
        """Where holds have changed: what the batch left alone is another sweep's."""
        if self.renew is None:
            raise HoldsChangedError
        self.remover = self.renew()
        if self._range is not None:
            self.remover.confine(self._range.upto)
        self._renewals += 1

    def _known(self, window: Window) -> None:
        try:
            again(self.retry, lambda: self._batch(window), self.pace.halve)
            self._hindrances = 0
        except Transient as error:
            self._hindered(self._keys_of(window), error)
        except Refused as error:
            keyed = self._keys_of(window)
            if keyed.divisible:
                self._halves(keyed)
            else:
                for key in keyed.keys:
                    self._set_aside(key, error)

    def _hindered(self, window: Window, error: Transient) -> None:
        self._hindrances += 1
        if self._hindrances > MOST_HINDRANCES:
            raise RetentionError(f"{error.message}, {self._hindrances} times in a row")
        if window.divisible:
            self._halves(window)
        else:
            self.tally.remember_locked(window.keys)

    def _keys_of(self, window: Window) -> Window:
        return self._patiently(lambda: self.remover.keys_of(window))

    def _screened(self, window: Window) -> Window:
        return self._patiently(lambda: self.remover.screened(window))

    def _halves(self, window: Window) -> None:
        for half in window.halves():
            self.between()
            self._window(half)

    def _set_aside(self, key: Key, error: Refused) -> None:
        many = self.tally.set_aside(key, error.message) > MOST_SET_ASIDE
        self.journal.set_aside(key, error.message)
        if many:
            raise RetentionError(
                f"the database refused more than {MOST_SET_ASIDE} records; the last: {error.message}"
            )

    # -- one batch -------------------------------------------------------------------------

    def _batch(self, window: Window, *, wait: bool = False) -> None:
        """Steps 2 to 8; nothing of it is left where it raises."""
        with self.tally.promised(len(window.keys) if window.keyed else None) as most:
            if most:
                self._batch_of(window, most, wait=wait)

    def _batch_of(self, window: Window, most: int, *, wait: bool) -> None:
        self._patiently(self.remover.begin)
        started = self.timer()
        intended: Sequence[Share] = ()
        try:
            taken = self.remover.take(window, most, wait=wait)
            if not taken.keys:
                self.remover.rollback()
                self.tally.left_alone(taken, window)
                self._adapt(started, window, taken)
                return
            shares = self._shares(taken)
            for share in shares:
                self.remover.mark(share.marker(self.origin))
            intend_all(shares, json.dumps(self._reached(window.after)))
            intended = shares
            self.remover.commit()
        except BaseException as error:
            if not isinstance(error, Lost):
                self.remover.rollback()
            said_no = not intended or isinstance(error, Transient | Refused)
            self.tally.failed[status := ROLLED_BACK if said_no else UNKNOWN] += 1
            for share in intended:
                share.failed(status)
            if isinstance(error, Lost):
                raise UnreachableError(error.message) from error
            raise
        self._cursor = window.after
        for share in shares:
            share.committed()
        self.tally.left_alone(taken, window)
        self._adapt(started, window, taken)
        self.between.worked(self.timer() - started, sum(taken.rows.values()))

    def _shares(self, taken: Taken) -> Sequence[Share]:
        """Whose the records are: this job's."""
        return (share_of(self.journal, self.tally, taken),)

    def _reached(self, after: Mapping[str, Any]) -> Mapping[str, Any]:
        """The cursor that is stored."""
        if self._range is None or self._ranges is None:
            return after
        return self._ranges.at(self._range, after)

    def _adapt(self, started: float, window: Window, taken: Taken) -> None:
        full = not window.keyed or len(window.keys) >= self.pace.size or len(taken.keys) > 0
        self.pace.worked(self.timer() - started, full=full)
