"""Holds on people, carried over at a run's start to what has become known of them since; and looked over for a dry run.

Every dataset that knows two kinds of identifier is asked, whichever connectors are to act: what a run is narrowed to
says what goes, and never what protects. What can't be asked may know a held person by more than the hold says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from retention.config import Configuration
from retention.connectors.port import Person, Refused, Target
from retention.errors import ConfigurationError, UnreachableError
from retention.model.place import Place
from retention.model.told import Hold, Subject, Told, folded
from retention.planning.binding.bound import BoundDataset
from retention.safety.carrying import Remembering, to_the_end
from retention.safety.holds import refuse_lost
from retention.store.state import StateStore
from retention.verbs.opening import stores
from retention.verbs.opening.configured import Clock
from retention.verbs.opening.prepared import Prepared, prepared
from retention.verbs.opening.sealing import sealed_words


@dataclass(frozen=True, kw_only=True)
class CarriedOver:
    """Everything in force, holds with what was found of their persons.

    `failed`: connectors that were to act and ceased to answer → why; `unseen`: all that could not be asked.
    `found`: hold → what its person is known by besides, of holds of which that was not known.
    """

    told: Told
    failed: Mapping[str, str]
    unseen: frozenset[str] = frozenset()
    found: Mapping[str, Sequence[Subject]] = field(default_factory=dict)

    def of(self, ready: Prepared) -> Prepared:
        """What is connected, without what failed, and with what could not be asked."""
        return replace(ready.without(self.failed), unseen=self.unseen)


def carry_over(
    ready: Prepared, place: Place, state: StateStore, config: Configuration, clock: Clock
) -> CarriedOver:
    """What has become known of held persons is added to their holds, each with its event.

    A database that does not answer adds nothing, and is named. SafetyRefusal where what a hold is on is not
    configured any more.
    """
    with state.read() as snapshot:
        told = snapshot.told()
    refuse_lost(told.holds, config.policy, stores.datasets(config))
    seen = look_over(ready, place, config, told)
    if not seen.found:
        return seen
    key, now = stores.evidence_key(config), clock()
    with state.begin() as tx:
        for id, more in seen.found.items():
            hold = tx.holds.get(id)
            if hold is None or hold.released is not None:
                continue
            tx.holds.widen(id, more)
            tx.log.append("hold.extended", extended(key, id, more), now)
    with state.read() as snapshot:
        return replace(seen, told=snapshot.told())


def look_over(ready: Prepared, place: Place, config: Configuration, told: Told) -> CarriedOver:
    """The holds as a run that began now would have them. Nothing is written."""
    if not any(hold.cover.subjects for hold in told.holds):
        return CarriedOver(told=told, failed={})
    failed: dict[str, str] = {}
    with ExitStack() as stack:
        targets, bound, unseen = _others(ready, place, config, stack)
        targets |= ready.targets

        def look(dataset: BoundDataset, wanted: Mapping[str, Any]) -> Iterable[Person]:
            name = dataset.connector.name
            if name in failed:
                return ()
            try:
                return list(targets[name].persons(dataset, wanted))
            except (UnreachableError, Refused) as error:
                failed[name] = error.message
                return ()

        found = _found_since(told.holds, (*ready.bound, *bound), look)
    acting = {name: why for name, why in failed.items() if name in ready.targets}
    unseen = frozenset({*unseen, *failed, *ready.silent})
    told = replace(told, holds=[_wider(hold, found.get(hold.id, ())) for hold in told.holds])
    return CarriedOver(told=told, failed=acting, unseen=unseen, found=found)


def _wider(hold: Hold, more: Sequence[Subject]) -> Hold:
    return replace(hold, cover=replace(hold.cover, subjects=(*hold.cover.subjects, *more)))


def _others(
    ready: Prepared, place: Place, config: Configuration, stack: ExitStack
) -> tuple[dict[str, Target], list[BoundDataset], Collection[str]]:
    """The connectors that are not to act and know people by two kinds of identifier; and those that can't be asked."""
    targets: dict[str, Target] = {}
    bound: list[BoundDataset] = []
    unseen: list[str] = []
    leading = {d.connector for d in stores.datasets(config) if len(d.subject or ()) > 1}
    for name in config.connectors:
        if name not in leading or name in ready.targets or name in ready.silent:
            continue
        try:
            one = stack.enter_context(prepared(place, config, (name,)))
        except ConfigurationError:
            unseen.append(name)
            continue
        if name in one.silent:
            unseen.append(name)
            continue
        targets[name] = one.targets[name]
        bound += (dataset for dataset in one.bound if dataset.connector.name == name)
    return targets, bound, unseen


def _found_since(
    holds: Sequence[Hold],
    bound: Sequence[BoundDataset],
    look: Callable[[BoundDataset, Mapping[str, Any]], Iterable[Person]],
) -> dict[str, list[Subject]]:
    persons = [hold for hold in holds if hold.cover.subjects]
    remembering = Remembering(look)
    to_the_end([s for hold in persons for s in hold.cover.subjects], bound, remembering.look)
    found = {hold.id: to_the_end(hold.cover.subjects, bound, remembering.again) for hold in persons}
    return {id: more for id, more in found.items() if more}


def extended(key: bytes, id: str, more: Sequence[Subject]) -> dict[str, Any]:
    """The data of `hold.extended`: of what kind the identifiers are, and where they were found."""
    counts = Counter((subject.source, subject.kind) for subject in more)
    return {
        "hold": id,
        "found": [
            {"dataset": d, "kind": kind, "identifiers": n} for (d, kind), n in sorted(counts.items(), key=str)
        ],
        "words": sealed_words(key, id, [[s.kind, folded(s.value)] for s in more]),
    }
