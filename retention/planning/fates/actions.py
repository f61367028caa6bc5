"""What a rule may do to a record whose clock has ended: each action of its chain, what stops it, what of it is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from retention.model import predicate as p
from retention.planning.binding.bound import Job
from retention.planning.fates.chains import DELETE, RESTRICT, REWRITING, removes
from retention.planning.fates.columns import Chain, Columns
from retention.planning.fates.results import OUT_OF_SCOPE


@dataclass(frozen=True, kw_only=True)
class Way:
    """What the chain comes to for a record whose clock has ended, where `test` is true, plain: `action`.

    `done`: it has been carried out already, plain; None where that can't be.
    """

    action: str
    test: p.Test
    done: p.Test | None = None


@dataclass(frozen=True, kw_only=True)
class Referenced:
    """Whether rows that stay refer to the record: `now`, as this form of the plan has it; `planned`, as the plan itself
    has it; and `lasting`: when all has gone that any rule deletes, whether it takes part or not. None: never."""

    now: p.Test | None
    planned: p.Test | None
    lasting: p.Test | None
    moving: Referenced | None = None
    """The same of what keeps it from being moved to a vault, where that is something else."""

    @property
    def by_plan(self) -> Referenced:
        """The same in the plan's own form."""
        moving = None if self.moving is None else self.moving.by_plan
        return Referenced(now=self.planned, planned=self.planned, lasting=self.lasting, moving=moving)

    @property
    def to_go(self) -> Referenced:
        """The same, as if it were what keeps the record from any action by which it leaves its tables."""
        return self if self.moving is None else replace(self, moving=None)

    def to(self, action: str) -> Referenced:
        """What keeps the record from this action."""
        return self if action != RESTRICT or self.moving is None else self.moving


def always_as(now: p.Test | None) -> Referenced:
    """In no form otherwise than `now`."""
    return Referenced(now=now, planned=now, lasting=now)


NEVER_REFERENCED = always_as(None)
NEVER_MOVED = replace(NEVER_REFERENCED, moving=always_as(p.All(items=())))
"""Nothing keeps the record from being deleted, and something does from a vault."""


class Actions(Columns):
    """Tests of one connector's jobs."""

    def ways(self, job: Job, root: p.Source, referenced: Referenced, *, gone: bool = False) -> Iterator[Way]:
        """What the chains come to: for any record at most one way."""
        for said in self.chains(job, root, gone=gone):
            yield from self.ways_of(job, said, root, referenced, gone=gone)

    def ways_of(
        self, job: Job, said: Chain, root: p.Source, referenced: Referenced, *, gone: bool = False
    ) -> Iterator[Way]:
        """What one chain comes to: its actions in order, as far as one can be stopped."""
        before: list[p.Test] = [] if said.guard is None else [said.guard]
        for action in said.actions:
            kept = self.kept_from(job, root, action, gone=gone)
            refer = referenced.to(action) if removes(action, job.bound) else NEVER_REFERENCED
            stops = [kept, refer.now]
            free = [p.Untrue(item=stop) for stop in stops if stop is not None]
            done = self.done(job, said, root, action, gone=gone)
            yield Way(action=action, test=p.All(items=(*before, *free)), done=done)
            lasting = [s for s in (kept, refer.lasting) if s is not None]
            if not lasting:
                break
            before.append(lasting[0] if len(lasting) == 1 else p.AnyOf(items=tuple(lasting)))

    def kept_from(self, job: Job, root: p.Source, action: str, *, gone: bool = False) -> p.Test | None:
        """Plain: other rules stop the action: rewriting where they need every column, and no restriction at all.

        It is made once for each row that is asked about: every fate of the job asks it anew, and is told the same.
        """
        same = id(job.rule), id(job.bound), *map(id, job.others)
        asked = same, job.told, root, action, gone
        if asked not in self._stopping:  # the job is kept, too, that the ids stay its own
            self._stopping[asked] = job, self._kept_from(job, root, action, gone=gone)
        return self._stopping[asked][1]

    def _kept_from(self, job: Job, root: p.Source, action: str, *, gone: bool) -> p.Test | None:
        if action == DELETE:
            return self.retained(job, job.rule, root, gone=gone)
        if action == RESTRICT:
            return None
        needed = self.needed(job, root, gone=gone)
        if None in needed.values():
            return None
        # by id: columns that the same rules need have the very same test
        each = {id(test): test for test in needed.values() if test is not None}
        return p.All(items=tuple(each.values()))

    def all_stopped(self, job: Job, root: p.Source, *, gone: bool = False) -> Iterator[tuple[p.Test, str]]:
        """Of a record that none of the ways is open to: what stops the first action; where nothing is said here, rows
        that refer to it do."""
        past = self.beyond_at_most(job, root)
        for said in self.chains(job, root, gone=gone):
            guard = () if said.guard is None else (said.guard,)
            if not said.actions:
                yield p.All(items=guard), OUT_OF_SCOPE
                continue
            kept = self.kept_from(job, root, said.actions[0], gone=gone)
            if kept is not None and past is not None:
                yield p.All(items=(*guard, kept, past)), "conflict"
            if kept is not None:
                yield p.All(items=(*guard, kept)), "retained"

    def done(
        self, job: Job, said: Chain, root: p.Source, action: str, *, gone: bool = False
    ) -> p.Test | None:
        """Plain, where the chain comes to the action: it has been carried out, on all columns that nothing needs."""
        if action == RESTRICT and job.bound.dataset.vault_of is not None:
            return p.All(items=())
        if action == RESTRICT and job.bound.mark is not None:
            return p.Not(item=p.IsNull(item=self._column(root, job.bound.mark)))
        if action not in REWRITING:
            return None
        left = self.left_to_rewrite(job, said, root, gone=gone)
        return p.Untrue(item=p.AnyOf(items=tuple(left.values())))

    # -- for others ------------------------------------------------------------------------

    def comes_to(self, job: Job, root: p.Source, action: str) -> p.Test | None:
        """Plain, of an ended record to which nothing refers: `action` is the first that other rules do not stop, and
        it is not done yet; None: it never is."""
        found = []
        for way in self.ways(job, root, NEVER_REFERENCED):
            if way.action == action:
                undone = () if way.done is None else (p.Untrue(item=way.done),)
                found.append(p.All(items=(way.test, *undone)))
        if not found:
            return None
        return found[0] if len(found) == 1 else p.AnyOf(items=tuple(found))
