"""Told events: what no store records and a person tells the engine; told, listed, taken back."""

from __future__ import annotations

import difflib
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from retention.config import Configuration, told_files
from retention.errors import UsageError
from retention.model.coverage import Reach, ToldLine, ToldOutcome, ToldState, Withdrawn
from retention.model.place import Place
from retention.model.policy import Policy, ToldEvent
from retention.model.told import Subject, Telling, normalised
from retention.store.state import StateStore, Transaction
from retention.store.tellings import telling_digest
from retention.verbs.opening import stores
from retention.verbs.opening.configured import Clock, configuration, in_zone, to_the_second
from retention.verbs.opening.sealing import sealed_words
from retention.verbs.persons.everywhere import Everywhere, everywhere
from retention.verbs.persons.impossible import impossible
from retention.verbs.persons.reaching import Reached, carried, reached
from retention.verbs.persons.settling import begun_in, settle

AT_ONCE = 500
"""Tellings that one transaction stores."""

Confirm = Callable[[Reach], bool]


@dataclass(frozen=True, kw_only=True)
class _Read:
    """A line that is understood; `digest` knows it again."""

    line: int | None
    telling: Telling
    digest: str


@dataclass(frozen=True, kw_only=True)
class _Teller:
    """Who tells it, and when."""

    config: Configuration
    by: str
    behalf: str | None
    now: datetime

    def read(
        self,
        event: str,
        subjects: Sequence[Subject],
        at: str | None,
        ref: str | None,
        line: int | None = None,
    ) -> _Read:
        """Raises ValueError, in words that repeat no identifier."""
        policy = self.config.policy
        told = _event(policy.told, event)
        for subject in subjects:
            if subject.kind not in told.by:
                raise ValueError(f"`{event}` comes with {' or '.join(told.by)}, not with `{subject.kind}`")
            if not normalised(subject.value, policy.identifiers.get(subject.kind, ())):
                raise ValueError("its value is empty: that is nobody's identifier")
        telling = Telling(
            id=secrets.token_hex(6),
            event=event,
            subjects=tuple(dict.fromkeys(subjects)),
            at=self.now if at is None else told_files.a_time(at, policy.timezone, self.now),
            told_at=self.now,
            by=self.by,
            behalf=self.behalf,
            ref=None if ref is None else told_files.a_reference(ref, *subjects),
        )
        digest = telling_digest(telling, policy.identifiers, dated=at is not None)
        return _Read(line=line, telling=telling, digest=digest)


def tell_event(
    place: Place,
    event: str,
    *,
    subjects: tuple[str, ...],
    at: str | None = None,
    by: str,
    behalf: str | None = None,
    ref: str | None = None,
    clock: Clock,
    confirm: Confirm | None = None,
) -> ToldOutcome:
    """Tells one event of one person (`subjects`: KIND=VALUE, each an identifier of theirs).

    `at` is a day or an instant, now by default. What it reaches is looked up before it is stored, and shown to
    `confirm`, where there is one. UsageError for an event that is not declared and for what can't be meant.
    """
    config = configuration(place)
    told_files.said(by=behalf)
    teller = _Teller(config=config, by=by, behalf=behalf, now=clock())
    try:
        _event(config.policy.told, event)
        if not subjects:
            raise ValueError("it says of nobody: add --subject KIND=VALUE")
        read = teller.read(event, [told_files.subject(text) for text in subjects], at, ref)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return _told(place, config, [read], [], confirm)


def tell_file(
    place: Place,
    *,
    listed: tuple[str, bytes],
    event: str | None = None,
    at: str | None = None,
    by: str,
    behalf: str | None = None,
    ref: str | None = None,
    clock: Clock,
    confirm: Confirm | None = None,
) -> ToldOutcome:
    """Tells an event a line of a file (its name and content), CSV with a header or JSON Lines.

    `event`, `at` and `ref` are those of lines that have none of their own. A line that can't be understood is BAD, and
    changes nothing of the others. UsageError for a file that is neither.
    """
    config = configuration(place)
    told_files.said(by=behalf)
    teller = _Teller(config=config, by=by, behalf=behalf, now=clock())
    name, data = listed
    understood, bad = [], []
    for line in told_files.lines(told_files.decoded(data, name, by_lines=True), name, event):
        try:
            understood.append(_of_line(teller, line, event, at, ref))
        except ValueError as error:
            bad.append(ToldLine(line=line.number, state=ToldState.BAD, because=str(error)))
    if not understood and not bad:
        raise UsageError(f"{name} has no lines; write one told event a line")
    return _told(place, config, understood, bad, confirm)


def withdraw_event(
    place: Place,
    id: str,
    *,
    by: str,
    behalf: str | None = None,
    clock: Clock,
    patience: float = 30.0,
    pause: Callable[[float], None] = time.sleep,
) -> Withdrawn:
    """Takes a told event back, as if it had never been told; of whom it told is forgotten.

    A run that is at work hears of it before its next batch; waits until batches that were begun before it are
    settled, at most `patience` seconds. UsageError where none of this id is in force.
    """
    config = configuration(place)
    told_files.said(by=behalf)
    with stores.opened(config, place) as state:
        key, now = stores.evidence_key(config), clock()
        with state.begin() as tx:
            told = None if told_files.unstorable(id) else tx.tellings.get(id)
            if told is None:
                raise UsageError(f"there is no told event `{id}`; type: retention event list")
            if told.withdrawn is not None:
                raise UsageError(
                    f"told event {id} was withdrawn already, at {to_the_second(config, told.withdrawn)}"
                )
            tx.tellings.withdraw(id, at=now)
            words = sealed_words(key, id, behalf)
            data = {"telling": id, "event": told.event, "ref": told.ref, "by": by, "words": words}
            tx.log.append("event.withdrawn", data, now)
            begun = begun_in(tx)
        unsettled = settle(state, begun, pause, patience)
    return Withdrawn(telling=replace(told, withdrawn=in_zone(config, now)), unsettled=unsettled)


def list_events(place: Place) -> tuple[Telling, ...]:
    """Every told event that is not withdrawn, oldest first."""
    config = configuration(place)
    with stores.reading(config, place) as state, state.read() as snapshot:
        return tuple(_in_zone(config, telling) for telling in snapshot.tellings.in_force())


def _in_zone(config: Configuration, telling: Telling) -> Telling:
    at = in_zone(config, telling.at) if isinstance(telling.at, datetime) else telling.at
    return replace(telling, at=at, told_at=in_zone(config, telling.told_at))


def _event(known: Mapping[str, ToldEvent], name: str) -> ToldEvent:
    found = known.get(name)
    if found is None:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" (did you mean `{near[0]}`?)" if near else ""
        there = f"there are: {', '.join(known)}" if known else "the policy declares none: [events.NAME]"
        raise ValueError(f"there is no told event `{name}`{hint}; {there}")
    return found


def _of_line(
    teller: _Teller, line: told_files.Line, event: str | None, at: str | None, ref: str | None
) -> _Read:
    if line.wrong is not None:
        raise ValueError(line.wrong)
    values = {key: text for key, text in line.values.items() if text.strip()}
    name = values.get("event", event or "").strip()
    if not name:
        raise ValueError("it names no event")
    kind = values.get("kind", "").strip()
    if not kind:
        raise ValueError("it names no kind of identifier")
    subject = Subject(kind=kind, value=told_files.an_identifier(values.get("value", "")))
    ref = values.get("ref", ref or "").strip() or None
    return teller.read(name, [subject], values.get("at", at), ref, line.number)


# -- what is stored ------------------------------------------------------------------------


def _told(
    place: Place,
    config: Configuration,
    read: Sequence[_Read],
    bad: Sequence[ToldLine],
    confirm: Confirm | None,
) -> ToldOutcome:
    with stores.opened(config, place) as state:
        with state.read() as snapshot:
            known = snapshot.tellings.same({each.digest for each in read})
        fresh, again = _sorted_out(read, known)
        with everywhere(place, config) as where:
            fresh, never = _sifted(fresh, where)
            bad = [*bad, *never]
            found = reached([each.telling for each in fresh], where)
            # What did not answer when it was told first may lead on now.
            more = carried([each.telling for each in read if each.digest in known], where)
        reach = Reach(tellings=found.tellings, lines=found.lines, known=len(again), bad=len(bad))
        if fresh and confirm is not None and not confirm(reach):
            return ToldOutcome(lines=tuple(_in_order([*bad, *again])), reach=found.lines, declined=True)
        key = stores.evidence_key(config)
        stored = _store(state, config.policy, fresh, found, key)
        ids = [known[each.digest] for each in read if each.digest in known]
        _extend(
            state,
            dict(zip(ids, more, strict=True)),
            config,
            key,
            at=read[0].telling.told_at if read else None,
        )
    return ToldOutcome(lines=tuple(_in_order([*bad, *again, *stored])), reach=found.lines)


def _extend(
    state: StateStore,
    more: Mapping[str, Sequence[Subject]],
    config: Configuration,
    key: bytes,
    *,
    at: datetime | None,
) -> None:
    """Adds to told events what is known now of the persons that they name."""
    wanted = {id: subjects for id, subjects in more.items() if subjects}
    if not wanted or at is None:
        return
    steps = config.policy.identifiers
    with state.begin() as tx:
        for id, subjects in wanted.items():
            told = tx.tellings.get(id)
            if told is None or told.withdrawn is not None:
                continue
            there = {(s.kind, normalised(s.value, steps.get(s.kind, ()))) for s in told.subjects}
            fresh = [s for s in subjects if (s.kind, normalised(s.value, steps.get(s.kind, ()))) not in there]
            if fresh:
                tx.tellings.widen(id, fresh)
                if told.event in _keeping(config.policy):
                    tx.tellings.must_be_heard()
                words = sealed_words(key, id, [[s.kind, s.value] for s in fresh])
                kinds = sorted({s.kind for s in fresh})
                tx.log.append(
                    "event.extended", {"telling": id, "event": told.event, "kinds": kinds, "words": words}, at
                )


def _in_order(lines: Sequence[ToldLine]) -> Iterator[ToldLine]:
    return iter(sorted(lines, key=lambda each: each.line or 0))


def _sorted_out(read: Sequence[_Read], known: Mapping[str, str]) -> tuple[list[_Read], list[ToldLine]]:
    """What is new, and what was told before, by this file too."""
    fresh, again, seen = [], [], dict(known)
    for each in read:
        if each.digest in seen:
            again.append(_known(each, seen[each.digest]))
        else:
            seen[each.digest] = each.telling.id
            fresh.append(each)
    return fresh, again


def _sifted(fresh: Sequence[_Read], where: Everywhere) -> tuple[list[_Read], list[ToldLine]]:
    """Those of which something may be found, and lines that name somebody whom no column can hold.

    Raises UsageError for what was not a line.
    """
    good, bad = [], []
    for read in fresh:
        why = next((w for s in read.telling.subjects if (w := impossible(s, where)) is not None), None)
        if why is None:
            good.append(read)
        elif read.line is None:
            raise UsageError(why)
        else:
            bad.append(ToldLine(line=read.line, state=ToldState.BAD, because=why))
    return good, bad


def _known(read: _Read, id: str) -> ToldLine:
    return ToldLine(
        line=read.line, state=ToldState.KNOWN, event=read.telling.event, id=id, because="it was told before"
    )


def _keeping(policy: Policy) -> frozenset[str]:
    """Told events from which a rule counts: a later one keeps a record longer, also from a run that is at work."""
    variants = (variant for rule in policy.rules.values() if rule.acts for variant in rule.variants)
    return frozenset(variant.event for variant in variants if variant.event) & policy.told.keys()


def _store(
    state: StateStore, policy: Policy, fresh: Sequence[_Read], found: Reached, key: bytes
) -> list[ToldLine]:
    keeping = _keeping(policy)
    lines: list[ToldLine] = []
    whole = list(zip(fresh, found.tellings, found.records, strict=True))
    for start in range(0, len(whole), AT_ONCE):
        some = whole[start : start + AT_ONCE]
        with state.begin() as tx:
            known = tx.tellings.same({read.digest for read, _, _ in some})  # by another process meanwhile
            new = [each for each in some if each[0].digest not in known]
            tx.tellings.put([(telling, read.digest) for read, telling, _ in new])
            if any(telling.event in keeping for _, telling, _ in new):
                tx.tellings.must_be_heard()
            for _, telling, records in new:
                _log(tx, telling, records, key)
            lines += [_known(read, known[read.digest]) for read, _, _ in some if read.digest in known]
            lines += [
                ToldLine(
                    line=read.line,
                    state=ToldState.TOLD,
                    event=telling.event,
                    id=telling.id,
                    records=sum(records.values()),
                )
                for read, telling, records in new
            ]
    return lines


def _log(tx: Transaction, telling: Telling, records: Mapping[str, int], key: bytes) -> None:
    named = [[s.kind, s.value] for s in telling.subjects]
    data: dict[str, Any] = {
        "telling": telling.id,
        "event": telling.event,
        "ref": telling.ref,
        "by": telling.by,
        "kinds": sorted({s.kind for s in telling.subjects if s.source is None}),
        "reaches": [{"dataset": dataset, "records": n} for dataset, n in records.items()],
        "words": sealed_words(key, telling.id, named, telling.at.isoformat(), telling.behalf),
    }
    tx.log.append("event.told", data, telling.told_at)
