"""Whether the evidence of each batch is still what the ledger says: a proof that can't be found is no denial."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from retention.errors import LedgerError
from retention.ledger.evidence import unpack
from retention.ledger.tree import HASH_SIZE, root_of
from retention.store.batches import COMMITTED
from retention.store.state import Snapshot
from retention.verbs.proof.signed import data_of

_TYPES = (b'"type":"batch.intent"}', b'"type":"batch.committed"}', b'"type":"batch.reconciled"}')
Batch = tuple[str, str, int]


def refuse_lost_evidence(snapshot: Snapshot) -> str:
    """A sentence of how much evidence is whole, of the batches whose events are in the state store.

    Raises LedgerError that names the first batch that the ledger has and whose commitments were taken away or changed,
    or are not found any more, though no event says that they were dropped.
    """
    batches = records = 0
    for seq, data in _kept(snapshot):
        place = (str(data["run"]), str(data["job"]), int(data["batch"]))
        there, row = snapshot.evidence.get(*place), snapshot.batches.get(*place)
        what = f"event {seq}: batch {place[2]} of run {place[0]} ({place[1]})"
        if there is None or row is None:
            raise LedgerError(f"{what}: its evidence is missing, and no event says that it was dropped")
        whole = len(there.leaves) == HASH_SIZE * data["count"]
        leaves = unpack(there.leaves) if whole else []
        if not whole or root_of(leaves).hex() != data["root"]:
            raise LedgerError(f"{what}: its evidence is not what its root says: it was changed")
        if row.status != COMMITTED or there.key_id != data.get("evidence", there.key_id):
            raise LedgerError(
                f"{what}: its evidence is not found: what the state store says of it was changed"
            )
        batches, records = batches + 1, records + len(leaves)
    for run, job, number in snapshot.finding.unfindable():
        raise LedgerError(
            f"batch {number} of run {run} ({job}): its evidence is not found: its group was changed"
        )
    return f"The evidence is what the ledger says: batches {batches:,}, records {records:,}."


def _kept(snapshot: Snapshot) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Number and data of each outcome as committed, of batches whose evidence is kept still."""
    log, began = snapshot.log, dict[Batch, str]()
    dropped = log.named("evidence.dropped")
    before = str(data_of(log, dropped[-1])["before"]) if dropped else ""
    first = log.readable()
    for seq, line in enumerate(log.lines(first), first):
        if not line.endswith(_TYPES):
            continue
        event = json.loads(line)
        data = event["data"]
        place = (data["run"], data["job"], data["batch"])
        if event["type"] == "batch.intent":
            began[place] = event["at"]
        elif began.pop(place, event["at"]) >= before and data.get("outcome", "committed") == "committed":
            yield seq, data
