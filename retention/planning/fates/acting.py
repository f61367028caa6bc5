"""Which job acts on a record where several could, and in which order jobs run: as far as no record need be seen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from retention.model.policy import RESTRICT, Rule, Variant
from retention.planning.binding.bound import Job
from retention.planning.fates.chains import empties


def never_acts(job: Job) -> bool:
    """Another rule acts on every record on which this one could: it ends later whatever the dates are."""
    return any(_always_instead(other, job.rule) for other in job.others)


def surely_later(rule: Rule, other: Rule) -> bool:
    """Where both have ended, `rule` is the one that ended last, or the first in the file of those that did.

    Known only of two rules without exceptions that count from one event in one way.
    """
    mine, theirs = _only(rule), _only(other)
    if mine is None or theirs is None or _anchor(mine) != _anchor(theirs):
        return False
    assert mine.keep is not None
    assert theirs.keep is not None
    if mine.keep == theirs.keep:
        return rule.order < other.order
    return mine.keep.months >= theirs.keep.months and mine.keep.days >= theirs.keep.days


def _always_instead(other: Rule, rule: Rule) -> bool:
    """`rule` waits for `other`, which reaches all of the data, ends later, and waits for no more than `rule` does."""
    if not surely_later(other, rule) or other.where is not None:
        return False
    if {other.base.chain, rule.base.chain} != {("delete",)}:
        return False
    mine, theirs = rule.base.yields_to, other.base.yields_to
    if mine is None:
        return True
    return other.base.basis in mine and theirs is not None and theirs <= mine


def _only(rule: Rule) -> Variant | None:
    """The rule's one variant, where all that it says is `keep` from an event."""
    if len(rule.variants) != 1:
        return None
    variant = rule.base
    plain = variant.keep is not None and not variant.ending and variant.defer_while is None
    return variant if plain else None


def _anchor(variant: Variant) -> tuple[object, ...]:
    return variant.event, variant.start, variant.fiscal_year_end, variant.timezone


def in_order(jobs: Iterable[Job]) -> tuple[Job, ...]:
    """The jobs so that what refers to a record goes before it, what is done in a vault before more is moved there, what
    is done to a slice of a row before what is done to the row, and what is marked as restricted after all else that is
    done to such records, or to parts of them; file order otherwise, and where there is a cycle. What goes in a circle
    does so when the last of its jobs has had its turn: what that leads to waits for all of them."""
    waiting = sorted(jobs, key=lambda j: (j.rule.order, j.bound.connector.name, j.bound.dataset.name))
    order: list[Job] = []

    def next_of(waits: Callable[[Job, Job], bool]) -> Job | None:
        return next(
            (job for job in waiting if not any(waits(job, other) for other in waiting)),
            None,
        )

    def first_of_a_cycle() -> Job:
        """One that waits for none but such as wait for it."""
        before = {job.name: {o.name for o in waiting if _refers(o, job)} for job in waiting}
        every = {name: _all_before(name, before) for name in before}
        return next(job for job in waiting if all(job.name in every[name] for name in every[job.name]))

    while waiting:
        free = next_of(lambda job, other: _refers(other, job) or _waits(job, other))
        free = free or next_of(lambda job, other: _refers(other, job)) or first_of_a_cycle()
        order.append(free)
        waiting.remove(free)
    return tuple(order)


def _all_before(name: str, before: Mapping[str, Collection[str]]) -> set[str]:
    """Those that are waited for, and what these wait for in turn."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        more = set(before[waiting.pop()]) - found
        found |= more
        waiting += more
    return found


def _beside(job: Job, other: Job) -> bool:
    return job.bound is not other.bound and job.bound.connector.name == other.bound.connector.name


def _refers(other: Job, job: Job) -> bool:
    """Rows that go with records of `other`, or of its circle, refer to records of `job`. Nobody asks it of a slice, of
    which no row goes."""
    if job.bound.sliced or not empties(other) or not _beside(job, other):
        return False
    emptied, circle = other.bound.emptied, other.bound.circled
    if circle is not None and str(job.bound) not in circle.names:
        emptied |= frozenset(circle.removal)
    part = None if job.bound.circled is None else other.bound.root.id  # it goes by itself where it is none's
    return any(
        (not item.inside or item.reference.table == part) and item.reference.table in emptied
        for item in job.bound.outside
    )


def _waits(job: Job, other: Job) -> bool:
    beside = _beside(job, other) and (
        _leaves_last(job, other)
        or _rewrites_of(job, other)
        or _fills(job, other)
        or (_marks(job) and other.bound.within(job.bound))
    )
    return beside or (_same_rows(job, other) and (_leaves_slices(job, other) or _marks(job) > _marks(other)))


def _same_rows(job: Job, other: Job) -> bool:
    return (job.bound.connector.name, job.bound.root.id) == (other.bound.connector.name, other.bound.root.id)


def _leaves_slices(job: Job, other: Job) -> bool:
    """Of a row of which `job` would rewrite more, `other` leaves its slice alone, while that is to come."""
    return other.bound.sliced and not job.bound.sliced


def _marks(job: Job) -> bool:
    """Records are marked as restricted; from then on no other rule leaves them to the job, and one that would delete
    them takes with it what is a part of them."""
    every = (action for variant in job.rule.variants for action in variant.chain)
    return RESTRICT in every and job.bound.mark is not None


def _fills(job: Job, other: Job) -> bool:
    """Records are moved to where `other` is at work: its events may be read otherwise there, by which they would go in
    this very run, unplanned and instead of others."""
    if job.bound.vault is None or not _moves(job):
        return False
    return any(twin.target.id in other.bound.emptied for twin in job.bound.vault.twins)


def _moves(job: Job) -> bool:
    return job.bound.moves and any(RESTRICT in variant.chain for variant in job.rule.variants)


def _rewrites_of(job: Job, other: Job) -> bool:
    """Rows of `other` are rewritten with records of `job`, which its own rules leave to that while it is to come."""
    return any(not item.own and item.table.id == other.bound.root.id for item in job.bound.rewriting)


def _leaves_last(job: Job, other: Job) -> bool:
    """Both refer to rows that are shared parts of `job` alone: only with its records can they go."""
    return any(
        reference.table in other.bound.members and item.table.id not in other.bound.emptied
        for item in job.bound.leaving
        for reference in item.referring
    )
