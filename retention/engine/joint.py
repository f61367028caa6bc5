"""Batches of several jobs, of records that can go only with one another: after each of the jobs has had its turn.

The jobs are on one dataset, or on several that refer to each other in a circle.

One transaction of the target has a share of each job: an intent, a marker, evidence and numbers of its own. What is
true of one job's batches is true of these: never more records of a job than it planned, a ring whole or not at all,
what others have locked is tried once more, what the database refuses is set aside with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace

from retention.connectors.port import JointRemover, Key, Refused, Taken, Together, Window
from retention.engine.job import MOST_SET_ASIDE, JobRun
from retention.engine.journal import Journal
from retention.engine.shares import Share, share_of
from retention.engine.tally import Tally
from retention.errors import RetentionError
from retention.model.outcome import JobOutcome
from retention.model.plan import JobStatus


@dataclass(frozen=True, kw_only=True)
class Member:
    """One job: what it may take here, and where it is written down."""

    tally: Tally
    journal: Journal


@dataclass(kw_only=True)
class JointTally:
    """The members' numbers, by their places, as if they were one job's."""

    members: Mapping[int, Member]
    together: Together
    failed: Counter[str] = field(default_factory=Counter)

    @property
    def done(self) -> int:
        """Records that went, of all."""
        return sum(member.tally.done for member in self.members.values())

    @property
    def aside(self) -> set[tuple[int, Key]]:
        """Records that the database would not delete, each behind its job's place."""
        return {(place, key) for place, member in self.members.items() for key in member.tally.aside}

    def begin(self) -> None:
        """The batches begin now."""
        for member in self.members.values():
            member.tally.begin()

    def remaining(self) -> int:
        """How many records may still go."""
        return sum(member.tally.remaining() for member in self.members.values())

    @contextmanager
    def promised(self, wanted: int | None) -> Iterator[int]:
        """All that is wanted: `fitting` has looked at how many may go."""
        with ExitStack() as stack:
            for member in self.members.values():
                stack.enter_context(member.tally.promised(0))
            yield wanted or 0

    def fitting(self, keys: Sequence[Key]) -> Sequence[Key]:
        """Of `keys` those of the members, as many of each as may still go, and none that the database refused."""
        owners, aside = self.together.owners(keys), self.aside
        most = {place: member.tally.remaining() for place, member in self.members.items()}
        found = []
        for key in keys:
            place = owners.get(key)
            if place is not None and most.get(place, 0) and (place, self.together.plain(key)) not in aside:
                most[place] -= 1
                found.append(key)
        return found

    def left_alone(self, taken: Taken, window: Window) -> None:
        """What a batch found and did not take, each with its own job."""
        held, locked = self._by_owner(taken.held), self._by_owner(taken.locked)
        for place in held.keys() | locked.keys():
            its = replace(taken, changed=0, held=held.get(place, ()), locked=locked.get(place, ()))
            self.members[place].tally.left_alone(its, window)

    def remember_locked(self, keys: Iterable[Key]) -> None:
        """Others had them locked."""
        for place, some in self._by_owner(tuple(keys)).items():
            self.members[place].tally.remember_locked(some)

    def take_locked(self) -> tuple[Key, ...]:
        """Those that are remembered, which are remembered no more."""
        return tuple(key for member in self.members.values() for key in member.tally.take_locked())

    def forget_locked(self) -> None:
        """Another pass looks at all of them."""
        for member in self.members.values():
            member.tally.forget_locked()

    def _by_owner(self, keys: Sequence[Key]) -> Mapping[int, list[Key]]:
        """The records' own keys, by the places of the jobs."""
        found: dict[int, list[Key]] = {}
        for key, place in self.together.owners(keys).items():
            if place in self.members:
                found.setdefault(place, []).append(self.together.plain(key))
        return found


@dataclass(kw_only=True)
class JointRun(JobRun):
    """The batches of `members`, by their places. `plan` and `journal` are the first one's; `limit` is each tally's."""

    members: Mapping[int, Member]
    together: Together

    tally: JointTally = field(init=False)  # type: ignore[assignment]
    remover: JointRemover
    _waiting: bool = False

    def __post_init__(self) -> None:
        self.tally = JointTally(members=self.members, together=self.together)

    def outcomes(self) -> Mapping[int, JobOutcome]:
        """What became of each job's share; never raises for what happened to these jobs alone."""
        self.tally.begin()
        try:
            status, reason = self.ended()
        except BaseException:
            for member in self.members.values():
                with suppress(RetentionError):
                    member.journal.flush()
            raise
        for member in self.members.values():
            try:
                member.journal.flush()
            except RetentionError as error:
                status, reason = JobStatus.FAILED, reason or error.message
        next(iter(self.members.values())).tally.failed.update(self.tally.failed)
        return {
            place: member.tally.outcome(status, reason, waited=self.between.waited)
            for place, member in self.members.items()
        }

    def _everything(self) -> None:
        """In the order in which they were arranged, until nothing goes any more."""
        renewals = -1
        while renewals != self._renewals:
            renewals = self._renewals
            while self.tally.remaining() and self._pass(None, sweep=True):
                pass
            self._locked_once_more()

    def _locked_once_more(self) -> None:
        """What is locked may be one of a ring: all are looked at once more, waiting a little."""
        if not self.tally.take_locked():
            return
        self._waiting = True
        try:
            self._along(None, sweep=True)
        finally:
            self._waiting = False

    def _batch(self, window: Window, *, wait: bool = False) -> None:
        super()._batch(window, wait=wait or self._waiting)

    def _window(self, window: Window) -> None:
        if window.rings:
            self._rings(window)
        elif keys := tuple(self.tally.fitting(window.keys)):
            self._whole(replace(window, keys=keys))

    def _fits(self, keys: Sequence[Key]) -> bool:
        return len(self.tally.fitting(keys)) == len(keys)

    def _shares(self, taken: Taken) -> Sequence[Share]:
        shares = self.remover.shares()
        return [
            share_of(self.members[place].journal, self.members[place].tally, its)
            for place, its in sorted(shares.items())
        ]

    def _set_aside(self, key: Key, error: Refused) -> None:
        member, key = self.members[self.together.owners([key])[key]], self.together.plain(key)
        many = member.tally.set_aside(key, error.message) > MOST_SET_ASIDE
        member.journal.set_aside(key, error.message)
        if many:
            raise RetentionError(
                f"the database refused more than {MOST_SET_ASIDE} records; the last: {error.message}"
            )
