"""A remover and a journal in memory, for what a database does seldom and a test needs at once."""

import copy
import random
from collections import Counter
from datetime import timedelta

from retention.connectors.port import Lost, Refused, Remover, Taken, Transient, Window
from retention.connectors.retrying import Retry
from retention.engine.between import Between
from retention.engine.job import JobRun
from retention.engine.journal import Numbers, aside_key
from retention.engine.pace import Pace
from retention.errors import UnreachableError
from retention.ledger.evidence import Committer
from retention.model.plan import FATES, JobPlan
from retention.model.progress import NoProgress

COMMITTER = Committer(b"k" * 32, "c", "d")


class MemoryRemover(Remover):
    """Records are numbers. `due` are in the table; of them `locked`, `bad` and `changed` ones can't go.

    `hinder(call)` is asked before each take: an exception that it returns is raised.
    """

    def __init__(self, due, *, locked=(), bad=(), changed=(), hinder=lambda call: None):
        self.there = set(due)
        self.locked = set(locked)
        self.bad = set(bad)
        self.changed = set(changed)
        self.hinder = hinder
        self.commits = []
        self.calls = Counter()
        self.at_commit = lambda: None
        self.upto = None
        self._taken = None

    def beside(self):
        """Another connection to the same table."""
        other = copy.copy(self)
        other.calls = Counter()
        return other

    def window(self, after, size, *, sweep):
        self.calls["window"] += 1
        start = after["at"] if after else -1
        keys = sorted(k for k in tuple(self.there) if k > start and k not in self.changed)
        keys = [k for k in keys if self.upto is None or k <= self.upto["at"]][:size]
        return Window(after={"at": keys[-1]}, keys=tuple((k,) for k in keys)) if keys else None

    def cuts(self, ranges, due):
        keys = sorted(self.there)
        step = max(1, due // ranges)
        return [{"at": key} for key in keys[step - 1 :: step]][: ranges - 1]

    def confine(self, upto):
        self.upto = upto

    def keys_of(self, window):
        return window

    def oldest(self, most):
        keys = sorted(self.there)[:most]
        if keys:
            yield Window(after={}, keys=tuple((k,) for k in keys), sure=True)

    def begin(self):
        self.calls["begin"] += 1
        assert self._taken is None, "a batch is under way"

    def take(self, window, most, *, wait=False):
        self.calls["wait" if wait else "take"] += 1
        error = self.hinder(window)
        if error is not None:
            raise error
        keys = [k for (k,) in window.keys[:most]]
        assert len(keys) <= most
        if wait and self.locked & set(keys):
            raise Transient("a lock was not released")
        busy = [k for k in keys if k in self.locked]
        gone = [k for k in keys if k not in self.there or k in self.changed]
        due = [k for k in keys if k not in busy and k not in gone]
        if self.bad & set(due):
            raise Refused("it would not have it")
        self._taken = due
        return Taken(
            keys=[(k,) for k in due],
            sealed=COMMITTER.seal([(k,) for k in due]),
            overdue=0,
            rows={"t": len(due)},
            changed=len(gone),
            locked=[(k,) for k in busy],
        )

    def mark(self, marker):
        assert marker.count == len(self._taken)

    def commit(self):
        self.at_commit()
        self.there -= set(self._taken)
        self.commits.append(self._taken)
        self._taken = None

    def rollback(self):
        self._taken = None


class MemoryJournal:
    """What a job wrote, as (what, …)."""

    def __init__(self):
        self.run = "r"
        self.numbers = Numbers()
        self.written = []
        self.set_aside_keys = []
        self.progress = []

    def keep(self):
        """Nothing runs out."""

    def intent(self, taken, sealed, *, batch, progress, cursor):
        assert len(sealed.leaves) == len(taken.keys)
        self.progress.append(progress)
        self.written.append(("intent", batch, len(taken.keys)))

    def committed(self, taken, *, batch, root):
        self.written.append(("committed", batch, len(taken.keys)))

    def failed(self, taken, *, batch, root, status):
        self.written.append((status, batch, len(taken.keys)))

    def set_aside(self, key, reason):
        self.set_aside_keys.append(aside_key(key))

    def flush(self):
        """All is written."""


def planned(due):
    fates = dict.fromkeys(FATES, 0) | {"due": due}
    return JobPlan(rule="r", connector="c", dataset="d", promise="p", action="delete", total=due, fates=fates)


def job_run(remover, due, *, journal=None, size=100, stop=lambda: False, limit=None, attempts=2, helpers=()):
    """A job over a remover, without pauses; `helpers` are jobs like it, for its other workers."""
    journal = journal or MemoryJournal()
    return JobRun(
        plan=planned(due),
        remover=remover,
        journal=journal,
        origin="o",
        pace=Pace(target=timedelta(seconds=1), size=size),
        between=Between(stop=stop, keep=journal.keep, sleep=lambda _: None, timer=lambda: 0.0),
        progress=NoProgress(),
        limit=limit,
        retry=Retry(attempts=attempts, first=0, longest=0, sleep=lambda _: None),
        timer=lambda: 0.0,
        helpers=helpers,
    )


def adds_up(outcome):
    """planned = done + skipped + set aside + left."""
    parts = (outcome.done, outcome.skipped.total, outcome.set_aside, outcome.left)
    assert all(part >= 0 for part in parts)
    assert outcome.planned == sum(parts)
    return True


def some_error(random_: random.Random):
    """What a database may answer, of every kind."""
    kinds = (Transient, Refused, Lost, UnreachableError)
    return random_.choice(kinds)("by chance")
