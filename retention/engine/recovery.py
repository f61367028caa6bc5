"""What an earlier process left behind: batches in doubt, markers that tell more or less than the ledger.

Markers are read before the ledger for "a marker without an intent" and after it for "a committed
batch without its marker", so that a live worker beside raises no false alarm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from retention.connectors.port import Marker, Target
from retention.connectors.retrying import Retry, again
from retention.errors import RetentionError, SafetyRefusal, UnreachableError
from retention.ledger.evidence import batch_root
from retention.ledger.line import parse
from retention.model.policy import RELEASE
from retention.store.batches import COMMITTED, INTENT, UNKNOWN, BatchRow
from retention.store.owners import is_dead
from retention.store.state import StateStore

FOLDED = 0
"""The number of the row that stands for all committed batches of a run in one target."""


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """What was found. `in_doubt`: jobs of which a batch is still unknown; `notes`: sentences for people.

    `silent`: targets that did not answer, and why; nothing is known of their markers.
    """

    resolved: int
    in_doubt: Mapping[str, str]
    notes: tuple[str, ...]
    silent: Mapping[str, str]


def recover(
    store: StateStore,
    targets: Mapping[str, Target],
    away: Mapping[str, str],
    *,
    clock: Callable[[], datetime],
    retry: Retry,
) -> Recovered:
    """Resolves unknown batches by fencing, then holds markers against the ledger.

    `away`: connectors that do not answer, and why; their batches stay unknown until they do. Raises
    SafetyRefusal where a target has a marker of ours that the ledger knows nothing of.
    """
    resolved, in_doubt, notes = _resolve(store, targets, away, clock=clock, retry=retry)
    silent: dict[str, str] = {}
    for name, target in targets.items():
        try:
            notes += _compare(store, name, target, clock=clock)
        except UnreachableError as error:
            silent[name] = error.message
    return Recovered(resolved=resolved, in_doubt=in_doubt, notes=tuple(notes), silent=silent)


def _resolve(
    store: StateStore,
    targets: Mapping[str, Target],
    away: Mapping[str, str],
    *,
    clock: Callable[[], datetime],
    retry: Retry,
) -> tuple[int, dict[str, str], list[str]]:
    with store.read() as reading:
        waiting = [row for row in reading.batches.unresolved() if not _alive(store, row, clock())]
    in_doubt: dict[str, str] = {}
    notes: list[str] = []
    resolved = 0
    for row in waiting:
        target = targets.get(row.connector)
        if target is None:
            in_doubt[row.job] = away.get(
                row.connector, f"connector `{row.connector}` takes no part in this run"
            )
            continue
        try:
            status = _resolved(store, target, row, clock=clock, retry=retry)
        except RetentionError as error:
            in_doubt[row.job] = error.message
            continue
        resolved += 1
        notes.append(f"a batch of {row.count:,} records that an earlier run left in doubt had been {status}")
    return resolved, in_doubt, notes


def _resolved(
    store: StateStore, target: Target, row: BatchRow, *, clock: Callable[[], datetime], retry: Retry
) -> str:
    """Fences the batch and writes what became of it; nothing of the store is locked while it waits."""
    status = again(retry, partial(target.fence, store.origin, row.run, row.batch))
    with store.begin() as tx:
        before = tx.batches.get(row.run, row.job, row.batch)
        if before is not None and before.status in (INTENT, UNKNOWN):  # else somebody was faster
            data = {"run": row.run, "job": row.job, "batch": row.batch, "count": row.count, "root": row.root}
            tx.log.append("batch.reconciled", {**data, "outcome": status}, clock())
            if status == COMMITTED and row.job.startswith(f"{RELEASE}/") and row.seq is not None:
                intent = tx.log.line(row.seq)
                if intent is not None:
                    tx.log.append("record.released", released_data(parse(intent).data), clock())
            tx.batches.outcome(row.run, row.job, row.batch, status)
    return status


def released_data(intent: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of a record that was given back, by the data of its batch's intent."""
    _, connector, vault = str(intent["job"]).split("/", 2)
    said = {name: intent[name] for name in ("run", "to", "reason", "ref", "by", "rows", "root", "words")}
    return {"connector": connector, "dataset": vault, **said}


def settle(
    store: StateStore,
    target: Target,
    job: str,
    *,
    run: str,
    clock: Callable[[], datetime],
    retry: Retry,
) -> None:
    """Resolves what other runs left of a job that `run` has the lease of now.

    (At the start of the run its worker may have been alive still.) Raises RetentionError while
    something of it is in doubt.
    """
    with store.read() as reading:
        rows = [row for row in reading.batches.unresolved() if row.job == job and row.run != run]
    for row in rows:
        try:
            _resolved(store, target, row, clock=clock, retry=retry)
        except RetentionError as error:
            raise SafetyRefusal(in_doubt_still(error.message)) from error


def in_doubt_still(why: str) -> str:
    """The reason of a job that must wait."""
    return f"a batch of an earlier run is still in doubt: {why}"


def _alive(store: StateStore, row: BatchRow, now: datetime) -> bool:
    """Whether the job that the batch belongs to is at work right now."""
    with store.read() as reading:
        holder = reading.leases.holder(lease_name(row.job))
    return holder is not None and holder[2] > now and not is_dead(holder[0])


def lease_name(job: str) -> str:
    """The lease under which a job works: one dataset, one worker. `job` is rule/connector/dataset."""
    _, connector, dataset = job.split("/", 2)
    return f"{connector}.{dataset}"


def _compare(store: StateStore, name: str, target: Target, *, clock: Callable[[], datetime]) -> list[str]:
    before = target.markers(store.origin)
    with store.read() as reading:
        settled = reading.batches.settled(name)
        folded = reading.batches.folded(name)
        # Each run is a question; of folded ones, which every run that there ever was becomes, nothing is asked.
        lately = {run for run, number in before if number != FOLDED and run not in folded}
        known = reading.batches.known(name, lately)
    committed = Counter(folded)
    for row in settled:
        committed[row.run] += row.count
    lost = [marker for marker in before.values() if not _known(marker, known, folded, committed)]
    if lost:
        raise SafetyRefusal(
            f"`{name}` has {len(lost)} batch marker{'s' if len(lost) != 1 else ''} of this engine that the ledger"
            " knows nothing of"
            f" (the first: run {lost[0].run}): the state store was put back to an older copy, or is another one."
            " Put the right one in place; nothing is deleted until then"
        )
    after = target.markers(store.origin)
    missing = [row for row in settled if (row.run, row.batch) not in after and (row.run, FOLDED) not in after]
    missing_runs = {run: count for run, count in folded.items() if (run, FOLDED) not in after}
    if not missing and not missing_runs:
        return []
    records = sum(row.count for row in missing) + sum(missing_runs.values())
    now = clock()
    with store.begin() as tx:
        data = {"what": "backup restored", "connector": name, "records": records}
        tx.log.append("error", data, now)
    _mark_again(store, name, target, missing, missing_runs)
    return [
        f"`{name}` was restored from a backup: {records:,} records that had been deleted may be back;"
        " those that are due are planned again"
    ]


def _known(
    marker: Marker,
    known: Collection[tuple[str, int]],
    folded: Mapping[str, int],
    committed: Mapping[str, int],
) -> bool:
    """The ledger knows of the batch; of a folded run, of all the records that its marker counts."""
    if marker.batch == FOLDED:
        return marker.count <= committed.get(marker.run, 0)
    return (marker.run, marker.batch) in known or marker.run in folded


def _mark_again(
    store: StateStore, name: str, target: Target, missing: list[BatchRow], runs: Mapping[str, int]
) -> None:
    """Writes the missing markers anew, so that the next restored backup is told from this one."""
    totals = dict(runs)
    for row in missing:
        totals[row.run] = totals.get(row.run, 0) + row.count
    for run, count in totals.items():
        target.fold([], _folded(store.origin, run, [], count))
        with store.begin() as tx:
            tx.batches.mark_folded(run, name)


def fold(store: StateStore, targets: Mapping[str, Target]) -> tuple[str, ...]:
    """Replaces the markers of runs that have ended, and of which everything is known, by one row each.

    Housekeeping: where a target would not have it, a sentence says so, and the next run tries again.
    """
    with store.read() as reading:
        busy = {row.run for row in reading.batches.unresolved()} | {row.id for row in reading.runs.open()}
        settled = {name: reading.batches.settled(name) for name in targets}
    notes = []
    for name, target in targets.items():
        try:
            _fold_in(store, name, target, [row for row in settled[name] if row.run not in busy])
        except RetentionError as error:
            notes.append(f"the markers in `{name}` were not folded: {error.message}")
    return tuple(notes)


def _fold_in(store: StateStore, name: str, target: Target, rows: Sequence[BatchRow]) -> None:
    for run in sorted({row.run for row in rows}):
        mine = [row for row in rows if row.run == run]
        markers = [
            Marker(
                origin=store.origin,
                run=run,
                batch=row.batch,
                status="committed",
                root=row.root,
                count=row.count,
            )
            for row in mine
        ]
        roots = [bytes.fromhex(row.root) for row in mine]
        target.fold(markers, _folded(store.origin, run, roots, sum(row.count for row in mine)))
        with store.begin() as tx:
            tx.batches.mark_folded(run, name)


def _folded(origin: str, run: str, roots: list[bytes], count: int) -> Marker:
    return Marker(
        origin=origin,
        run=run,
        batch=FOLDED,
        status="folded",
        root=batch_root(roots).hex(),
        count=count,
    )
