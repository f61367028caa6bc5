"""Legal holds: placed, listed, released."""

from __future__ import annotations

import difflib
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from retention import periods
from retention.config import Configuration, told_files
from retention.errors import UsageError
from retention.model.coverage import Covered, HoldLine, Placed, Released
from retention.model.place import Place
from retention.model.told import Cover, Hold, HoldReason, Subject, folded
from retention.safety.holds import lost
from retention.store.state import StateStore
from retention.verbs.opening import stores
from retention.verbs.opening.configured import Clock, configuration, in_zone, to_the_second
from retention.verbs.opening.sealing import sealed_words
from retention.verbs.persons.carried import extended
from retention.verbs.persons.covering import Coverage, Group, covered
from retention.verbs.persons.everywhere import Everywhere, everywhere
from retention.verbs.persons.impossible import impossible
from retention.verbs.persons.settling import Begun, begun_in, settle


def place_hold(
    place: Place,
    *,
    subjects: tuple[str, ...] = (),
    listed: tuple[str, bytes] | None = None,
    dataset: str | None = None,
    data: str | None = None,
    rule: str | None = None,
    key: tuple[str, str] | None = None,
    reason: str,
    text: str = "",
    review: str | None = None,
    by: str,
    behalf: str | None = None,
    authority: str | None = None,
    ref: str | None = None,
    accept: bool = False,
    clock: Clock,
    patience: float = 30.0,
    pause: Callable[[float], None] = time.sleep,
) -> Placed:
    """Places a hold on one of: a person (`subjects`, KIND=VALUE), people (`listed`: a file's name and content, one a
    line), a dataset, data, a rule, a record (`key`: dataset and key).

    It is in force when this returns, whatever is out of its reach; the same hold again is looked at anew and not placed
    twice. Waits until batches that were begun before it are settled, at most `patience` seconds. UsageError for names
    that are not configured, and for identifiers of a kind that no dataset knows, or that no column of it can hold.
    """
    config = configuration(place)
    given = [
        bool(subjects or listed),
        dataset is not None,
        data is not None,
        rule is not None,
        key is not None,
    ]
    if sum(given) != 1 or (subjects and listed):
        raise UsageError("a hold is on one of --subject, --from, --dataset, --data, --rule and --key")
    told_files.said(text=text, by=behalf, authority=authority, key=None if key is None else key[1])
    groups = _groups(subjects, listed)
    _must_know(config, groups)
    cover = _cover(config, groups, dataset=dataset, data=data, rule=rule, key=key)
    now = clock()
    hold = Hold(
        id=secrets.token_hex(4),
        cover=cover,
        reason=HoldReason(reason),
        text=text,
        by=by,
        behalf=behalf,
        authority=authority,
        ref=_reference(ref, cover.subjects),
        at=now,
        review=_review(review, config, now),
    )
    with stores.opened(config, place) as state:
        with state.read() as snapshot:
            old = snapshot.holds.same(hold)
        before = () if old is None else tuple(s for s in old.cover.subjects if s.source is not None)
        with everywhere(place, config) as where:
            _can_be(groups, where)
            found = covered(cover, groups, where, now, before)
        stored, new, begun = _stored(state, hold, found, stores.evidence_key(config), accept, clock)
        unsettled = settle(state, begun, pause, patience)
    return Placed(
        hold=replace(stored, at=in_zone(config, stored.at)),
        new=new,
        lines=found.lines,
        found=found.found,
        accepted=accept,
        unsettled=unsettled,
    )


def list_holds(place: Place, *, clock: Clock) -> tuple[HoldLine, ...]:
    """Every hold in force, oldest first."""
    config = configuration(place)
    today = periods.day_of(clock(), config.policy.timezone)
    with stores.reading(config, place) as state, state.read() as snapshot:
        return tuple(
            HoldLine(
                hold=replace(hold, at=in_zone(config, hold.at)),
                overdue=hold.review is not None and hold.review < today,
                lost=lost(hold, config.policy, stores.datasets(config)),
            )
            for hold in snapshot.holds.in_force()
        )


def release_hold(
    place: Place, id: str, *, reason: str, by: str, behalf: str | None = None, clock: Clock
) -> Released:
    """Ends a hold; whom and which record it was on is forgotten. UsageError where none of this id is in force."""
    config = configuration(place)
    told_files.said(reason=reason, by=behalf)
    with stores.opened(config, place) as state:
        key, now = stores.evidence_key(config), clock()
        with state.begin() as tx:
            hold = None if told_files.unstorable(id) else tx.holds.get(id)
            if hold is None:
                raise UsageError(f"there is no hold `{id}`; type: retention hold list")
            if hold.released is not None:
                raise UsageError(f"hold {id} was released already, at {to_the_second(config, hold.released)}")
            tx.holds.release(id, at=now, why=reason)
            data = {"hold": id, "ref": hold.ref, "by": by, "words": sealed_words(key, id, reason, behalf)}
            tx.log.append("hold.released", data, now)
    return Released(id=id, at=in_zone(config, now), by=by)


# -- what was typed ------------------------------------------------------------------------


def _groups(subjects: Sequence[str], listed: tuple[str, bytes] | None) -> tuple[Group, ...]:
    if listed is not None:
        name, data = listed
        return tuple((each,) for each in told_files.subjects(told_files.decoded(data, name), name))
    try:
        return (tuple(told_files.subject(text) for text in subjects),) if subjects else ()
    except ValueError as error:
        raise UsageError(f"--subject: {error}") from error


def _must_know(config: Configuration, groups: Sequence[Group]) -> None:
    known = sorted({kind for dataset in stores.datasets(config) for kind in dataset.subject or ()})
    for kind in {subject.kind for group in groups for subject in group}:
        if kind not in known:
            there = (
                f"there are: {', '.join(known)}"
                if known
                else "no connector file says whom its records are about"
            )
            raise UsageError(f"no dataset knows people by `{kind}`{_near(kind, known)}; {there}")


def _can_be(groups: Sequence[Group], where: Everywhere) -> None:
    wrong = [why for group in groups for each in group if (why := impossible(each, where)) is not None]
    if wrong:
        many = f"{len(wrong):,} of {sum(map(len, groups)):,} identifiers: " if len(groups) > 1 else ""
        raise UsageError(f"{many}{wrong[0]}")


def _near(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean `{near[0]}`?)" if near else ""


def _cover(
    config: Configuration,
    groups: Sequence[Group],
    *,
    dataset: str | None,
    data: str | None,
    rule: str | None,
    key: tuple[str, str] | None,
) -> Cover:
    every = stores.datasets(config)
    name, typed = key if key is not None else (dataset, None)
    for what, word, known in (
        ("dataset", name, [str(d) for d in every]),
        ("data", data, sorted({d.data for d in every})),
        ("rule", rule, sorted(config.policy.rules)),
    ):
        if word is not None and word not in known:
            there = ", ".join(known) or "none"
            raise UsageError(f"there is no {what} `{word}`{_near(word, known)}; there are: {there}")
    if rule is not None and not config.policy.rules[rule].acts:
        raise UsageError(
            f"rule `{rule}` is kept by something else, which no hold reaches; hold its data there"
        )
    named = tuple(dict.fromkeys(subject for group in groups for subject in group))
    return Cover(subjects=named, dataset=name, key=typed, data=data, rule=rule)


def _reference(ref: str | None, named: Sequence[Subject]) -> str | None:
    try:
        return None if ref is None else told_files.a_reference(ref, *named)
    except ValueError as error:
        raise UsageError(f"--ref: {error}") from error


def _review(text: str | None, config: Configuration, now: datetime) -> date | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--review `{text}` is no day; write one such as 2027-01-31") from error
    if day < periods.day_of(now, config.policy.timezone):
        raise UsageError(
            f"--review {day} has passed; write the day on which somebody looks at the hold again"
        )
    return day


# -- what is stored ------------------------------------------------------------------------


def _stored(
    state: StateStore, hold: Hold, found: Coverage, key: bytes, accept: bool, clock: Clock
) -> tuple[Hold, bool, Begun]:
    """The hold as it is stored, whether it is new, and the batches that were begun before it."""
    now = clock()
    with state.begin() as tx:
        old = tx.holds.same(hold)
        known = {(s.kind, folded(s.value)) for s in (old or hold).cover.subjects}
        more = [s for s in found.carried if (s.kind, folded(s.value)) not in known]
        if old is None:
            placed = replace(hold, cover=replace(hold.cover, subjects=(*hold.cover.subjects, *more)))
            tx.holds.place(placed)
            tx.log.append("hold.placed", _event(placed, found, key, accept), now)
        else:
            placed = replace(old, cover=replace(old.cover, subjects=(*old.cover.subjects, *more)))
            if more:
                tx.holds.widen(old.id, more)
                tx.log.append("hold.extended", extended(key, old.id, more), now)
        begun = begun_in(tx)
    return placed, old is None, begun


def _event(hold: Hold, found: Coverage, key: bytes, accept: bool) -> dict[str, Any]:
    cover = hold.cover
    kinds = {
        "data": cover.data,
        "rule": cover.rule,
        "record" if cover.key is not None else "dataset": cover.dataset,
    }
    what = next(((kind, name) for kind, name in kinds.items() if name is not None), ("person", None))
    named = [[s.kind, folded(s.value)] for s in cover.subjects]
    return {
        "hold": hold.id,
        "on": what[0],
        "name": what[1],
        "reason": hold.reason.value,
        "ref": hold.ref,
        "review": None if hold.review is None else hold.review.isoformat(),
        "by": hold.by,
        "accepted": accept,
        "datasets": [
            {
                "connector": line.connector,
                "dataset": line.dataset,
                "covered": line.state is not Covered.OUT_OF_REACH,
                "records": line.records,
            }
            for line in found.lines
        ],
        "words": sealed_words(key, hold.id, named, cover.key, hold.text, hold.authority, hold.behalf),
    }
