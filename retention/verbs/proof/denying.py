"""The proof that something was demanded for one record and refused: for what reason, and since when."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from retention.errors import AnswerIsNo, LedgerError
from retention.ledger.evidence import Opening, open_record, unpack
from retention.ledger.line import format_instant, parse
from retention.ledger.tree import inclusion_proof, verify_inclusion
from retention.model.audit import Denial
from retention.store.refusals import RefusalRow
from retention.store.state import Snapshot
from retention.verbs.proof.signed import Signed, promise_in

FORMAT = "retention.refusal/1"
Found = tuple[tuple[str, ...], Opening, RefusalRow, int]
"""A way to read the key, the record's opening, the group that it is in, and where in it."""


def denials(
    snapshot: Snapshot,
    keys: Mapping[str, bytes],
    connector: str,
    dataset: str,
    readings: Iterable[tuple[str, ...]],
) -> list[Found]:
    """Every refusal of a record with one of these keys, oldest first. `keys`: id → evidence key."""
    found = [
        (reading, opening, row, place)
        for reading in readings
        for id, secret in keys.items()
        for opening in [open_record(secret, connector, dataset, reading)]
        for row, place in snapshot.refusals.find(connector, dataset, id, opening.leaf)
    ]
    return sorted(found, key=lambda each: (each[2].seq, each[2].place))


def denial(signed: Signed, connector: str, dataset: str, found: Sequence[Found]) -> Denial:
    """The newest of these, verified. Raises AnswerIsNo where no checkpoint signs it yet."""
    key, opening, row, index = found[-1]
    if row.seq >= signed.point.size:
        raise AnswerIsNo(
            f"the refusal is event {row.seq}, and no checkpoint signs it yet; ask again after the next run"
        )
    event = parse(signed.line(row.seq))
    group: dict[str, Any] = dict(event.data["refused"][row.place])
    leaves = unpack(row.leaves)
    path, root = inclusion_proof(leaves, index), bytes.fromhex(group["root"])
    if json.loads(row.why) != {name: group[name] for name in ("actions", "instead", "because")} or not (
        verify_inclusion(opening.leaf, index, len(leaves), path, root) and group["count"] == len(leaves)
    ):
        raise LedgerError(f"event {row.seq}: the evidence kept of it is not what it says")
    began = signed.started(event.data["run"], row.seq)
    shown = {"refused": row.seq, "started": began, **signed.promise(row.rule, began)}
    events = {name: parse(signed.line(seq)).data for name, seq in shown.items()}
    document = {
        "format": FORMAT,
        "record": {"connector": connector, "dataset": dataset, "key": list(key)},
        "blind": opening.blind.hex(),
        "group": {"place": row.place, "index": index, "path": [step.hex() for step in path]},
        "events": {name: signed.event(seq) for name, seq in shown.items()},
        "checkpoint": signed.note,
    }
    return Denial(
        connector=connector,
        dataset=dataset,
        key=key,
        event=row.seq,
        at=format_instant(event.at),
        run=event.data["run"],
        rule=row.rule,
        by=events["started"]["by"],
        as_of=events["started"]["as_of"],
        promise=promise_in(events["promise"], row.rule) if "promise" in events else None,
        group={name: group[name] for name in ("actions", "instead", "because")},
        size=signed.point.size,
        document=document,
        others=tuple(each[2].seq for each in found[:-1]),
    )
