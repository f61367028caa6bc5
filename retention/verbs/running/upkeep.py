"""What a run does for those who will ask later: evidence is put where it is found, and dropped when it is old."""

from __future__ import annotations

from retention import periods
from retention.config import Configuration
from retention.errors import RetentionError
from retention.ledger.line import format_instant
from retention.model.clock import Clock as Counting
from retention.store.state import StateStore
from retention.verbs.opening.configured import Clock
from retention.verbs.proof.published import publish_newest


def tidy(state: StateStore, config: Configuration, clock: Clock) -> tuple[str, ...]:
    """Groups the evidence of committed batches, drops what is older than `evidence_keep`, publishes the checkpoint.

    Housekeeping, so nothing of it fails a run: a sentence says what could not be done, and the next run tries again.
    """
    notes: tuple[str, ...] = ()
    try:
        _drop(state, config, clock)
        _group(state)
    except RetentionError as error:
        notes = (f"the evidence was not put in order: {error.message}",)
    return (*notes, *publish_newest(state, config))


def _group(state: StateStore) -> None:
    with state.read() as snapshot:
        full = snapshot.finding.waiting()
    for rows in full:
        with state.begin() as tx:
            tx.grouping.make(rows)


def _drop(state: StateStore, config: Configuration, clock: Clock) -> None:
    keep = config.settings.evidence_keep
    if keep is None:
        return
    now = clock()
    line = periods.cutoff(now, Counting(period=keep, timezone=config.policy.timezone)).instant
    with state.read() as snapshot:
        if not snapshot.finding.older(line) and not snapshot.refusals.older(line):
            return
    with state.begin() as tx:
        batches, records = tx.grouping.drop(line)
        refused = tx.refusals.drop(line)
        before = format_instant(line)
        data: dict[str, object] = {"before": before, "batches": batches, "records": records}
        data |= {"by": "evidence_keep", **({"refused": refused} if refused else {})}
        tx.log.append("evidence.dropped", data, now)
        tx.log.checkpoint(now)
