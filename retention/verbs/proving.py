"""`audit prove`: that one record was deleted, when, under which promise, and who approved it."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from retention.errors import AnswerIsNo, LedgerError, UsageError
from retention.ledger.evidence import Opening, key_id, key_text, open_record
from retention.ledger.line import format_instant, parse
from retention.ledger.note import Verifier
from retention.ledger.tree import inclusion_proof, verify_inclusion
from retention.model.audit import Denial, Proof
from retention.model.place import Place
from retention.model.policy import DELETE, RELEASE
from retention.model.typed import pieces
from retention.store.archives import Archives
from retention.store.batches import BatchRow
from retention.store.finding import Found
from retention.store.state import Snapshot
from retention.verbs.opening import stores
from retention.verbs.opening.configured import configuration, setting
from retention.verbs.proof.denying import denial, denials
from retention.verbs.proof.signed import Signed, data_of, promise_in

FORMAT = "retention.proof/1"
_READINGS = 64
"""How many ways to read a typed key are tried at most."""


def prove(
    place: Place, *, dataset: str, key: str, refused: bool = False, archives: Sequence[Path] = ()
) -> Proof | Denial:
    """The proof that a record of `CONNECTOR.DATASET` with this key, as it is typed, went; its database is not asked.

    Nor are policy and connectors read, unless no run has met the dataset: what they say today proves nothing.

    Where it did not, or with `refused`, that somebody demanded something for it which was refused. Raises AnswerIsNo
    where there is no evidence; UsageError for a dataset that is neither configured nor has ever been in a run, or
    where its events lie in an archive that is not among `archives`; SetupError where the evidence key is missing.
    """
    here = setting(place)
    connector, _, name = dataset.partition(".")
    keys = {key_id(secret): secret for secret in stores.evidence_keys(here)}
    with stores.reading(here, place) as state, state.read() as snapshot:
        snapshot.log.archives = Archives(archives) if archives else None
        _refuse_unknown(place, snapshot, connector, name)
        signed = Signed(snapshot, Verifier.parse(state.verifier_key))
        found = [] if refused else _found(snapshot, keys, connector, name, key)
        denied = denials(snapshot, keys, connector, name, readings(key))
        if denied and not found:
            return replace(denial(signed, connector, name, denied), notes=_unseen(snapshot, keys))
        if not found:
            raise AnswerIsNo(_no(snapshot, keys, dataset, key, refused=refused))
        newest = found[-1]
        proof = _Proving(signed, connector, name, newest).proof()
        others = tuple(each.found.batch.seq or 0 for each in found[:-1])
        seqs = tuple(row.seq for _, _, row, _ in denied)
        return Proof(**{**proof, "others": others, "refused": seqs, "notes": _unseen(snapshot, keys)})


# -- which record --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Match:
    """A way to read the key under which a record was found."""

    key: tuple[str, ...]
    opening: Opening
    found: Found


def _refuse_unknown(place: Place, snapshot: Snapshot, connector: str, name: str) -> None:
    known = {(row.connector, row.dataset) for row in snapshot.jobs.last()}
    if (connector, name) in known:
        return
    known |= {(c.name, d) for c in configuration(place).connectors.values() for d in c.datasets}
    if (connector, name) not in known:
        there = ", ".join(sorted(f"{c}.{d}" for c, d in known)) or "none"
        raise UsageError(f"there is no dataset `{connector}.{name}`, and never was; there are: {there}")


def _found(
    snapshot: Snapshot, keys: Mapping[str, bytes], connector: str, name: str, key: str
) -> list[_Match]:
    """Every batch with the record, oldest first."""
    matches = [
        _Match(key=reading, opening=opening, found=found)
        for reading in readings(key)
        for id, secret in keys.items()
        for opening in [open_record(secret, connector, name, reading)]
        for found in snapshot.finding.find(id, opening.leaf)
    ]
    return sorted(matches, key=lambda match: (match.found.batch.at, match.found.batch.batch))


def readings(key: str) -> list[tuple[str, ...]]:
    """The canonical texts that a key as it is typed may stand for: of one column, or of several with commas.

    The database that knows the columns' types may be gone with its records; so `A0EE…` is tried as a UUID, `1.50` as
    a decimal, `2026-01-31 10:00` as a time, and each as it is.
    """
    shapes = [[key]]
    split = pieces(key, 2)
    if len(split) > 1:
        shapes.append(split)
    found: dict[tuple[str, ...], None] = {}
    for shape in shapes:
        found.update(dict.fromkeys(itertools.islice(itertools.product(*map(_texts, shape)), _READINGS)))
    return list(found)


def _texts(typed: str) -> list[str]:
    text = typed.strip()
    found = [typed, text, text.lower(), text.lower().removeprefix("0x")]
    if re.fullmatch(r"[+-]?\d{1,500}(\.\d{0,500})?", text, re.ASCII):
        found.append(key_text(Decimal(text)))
    if re.fullmatch(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d.*", text, re.ASCII):
        with suppress(ValueError):
            found.append(key_text(datetime.fromisoformat(text)))
    return list(dict.fromkeys(found))


def _no(snapshot: Snapshot, keys: Mapping[str, bytes], dataset: str, key: str, *, refused: bool) -> str:
    what = "that something was refused for a record" if refused else "that a record"
    told = f"there is no evidence {what} {key} of `{dataset}`" + ("" if refused else " was in any batch")
    return "; ".join((told, *_unseen(snapshot, keys)))


def _unseen(snapshot: Snapshot, keys: Mapping[str, bytes]) -> tuple[str, ...]:
    """What could not be looked at: batches under keys that are not here, evidence that was dropped."""
    notes = []
    made, destroyed = (
        {
            str(data_of(snapshot.log, seq)["key"]): None
            for type in types
            for seq in snapshot.log.named(type, "evidence")
        }
        for types in (("key.created", "key.rotated"), ("key.destroyed",))
    )
    for id in made:
        if id not in keys:
            why = "was destroyed" if id in destroyed else "is not here"
            notes.append(f"batches under the evidence key {id} could not be looked at: that key {why}")
    dropped = snapshot.log.named("evidence.dropped")
    if dropped:
        before = data_of(snapshot.log, dropped[-1])["before"]
        notes.append(f"evidence of before {before} is not kept any more ([ledger] evidence_keep)")
    return tuple(notes)


# -- the proof -----------------------------------------------------------------------------


class _Proving:
    """One record's proof, put together and verified before it is shown."""

    def __init__(self, signed: Signed, connector: str, dataset: str, match: _Match) -> None:
        self._signed = signed
        self._record = (connector, dataset)
        self._match = match

    def proof(self) -> dict[str, Any]:
        """The fields of `Proof`."""
        batch, signed = self._match.found.batch, self._signed
        intent = batch.seq if batch.seq is not None else self._first(batch, 0, _INTENT)
        outcome = self._first(batch, intent, _OUTCOMES)
        shown = {"intent": intent, "outcome": outcome, **self._reasons(batch, intent)}
        events = {name: parse(signed.line(seq)) for name, seq in shown.items()}
        document = self._document(shown)
        approvals = [event for name, event in events.items() if name.startswith("approval")]
        began = events["started"] if "started" in events else events["released"]
        return {
            "connector": self._record[0],
            "dataset": self._record[1],
            "key": self._match.key,
            "event": outcome,
            "at": format_instant(events["outcome"].at),
            "run": batch.run,
            "batch": batch.batch,
            "rule": _rule(batch),
            "by": began.data["by"],
            "as_of": began.data.get("as_of", format_instant(began.at)),
            "action": str(events["intent"].data.get("action", DELETE)),
            "promise": promise_in(events["promise"].data, _rule(batch)) if "promise" in events else None,
            "approvals": tuple((event.data["by"], format_instant(event.at)) for event in approvals),
            "size": signed.point.size,
            "document": document,
        }

    def _document(self, shown: Mapping[str, int]) -> dict[str, Any]:
        found, (connector, dataset) = self._match.found, self._record
        path = inclusion_proof(found.leaves, found.index)
        root = bytes.fromhex(found.batch.root)
        if not verify_inclusion(self._match.opening.leaf, found.index, len(found.leaves), path, root):
            raise LedgerError(
                f"event {shown['intent']}: the evidence kept of its batch is not what its root says"
            )
        return {
            "format": FORMAT,
            "record": {"connector": connector, "dataset": dataset, "key": list(self._match.key)},
            "blind": self._match.opening.blind.hex(),
            "batch": {"index": found.index, "path": [step.hex() for step in path]},
            "events": {name: self._signed.event(seq) for name, seq in shown.items()},
            "checkpoint": self._signed.note,
        }

    def _first(self, batch: BatchRow, start: int, types: Iterable[bytes]) -> int:
        """The first event of these types of the batch. Raises AnswerIsNo where no checkpoint signs it yet."""
        ends = tuple(b'"type":"' + name + b'"}' for name in types)
        wanted = {"run": batch.run, "job": batch.job, "batch": batch.batch}
        for seq, line in enumerate(self._signed.log.lines(start), start):
            if seq >= self._signed.point.size:
                break
            if not line.endswith(ends):
                continue
            data = json.loads(line)["data"]
            if all(data.get(name) == value for name, value in wanted.items()):
                return seq
        raise AnswerIsNo(
            f"the record was in batch {batch.batch} of run {batch.run}, and no checkpoint signs what became of it yet;"
            " ask again after the next run"
        )

    def _reasons(self, batch: BatchRow, below: int) -> dict[str, int]:
        """The run's start, the approvals that it names for the rule, and where the promise was written down.

        Of a record that a person gave back, that event alone.
        """
        signed, rule = self._signed, _rule(batch)
        released = signed.log.named("record.released", batch.run) if rule == RELEASE else []
        if released:
            return {"released": released[-1]}
        started = signed.started(batch.run, below)
        return {"started": started, **signed.approvals(rule, started), **signed.promise(rule, started)}


_INTENT = (b"batch.intent",)
_OUTCOMES = (b"batch.committed", b"batch.reconciled")


def _rule(batch: BatchRow) -> str:
    return batch.job.split("/")[0]
