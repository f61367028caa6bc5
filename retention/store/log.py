"""The ledger inside the state store: events, head, checkpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, func, insert, select, text, update

from retention.errors import LedgerError, RetentionError, SafetyRefusal
from retention.ledger.history import BLOCK, History, block_root
from retention.ledger.keys import EVIDENCE, SIGNING
from retention.ledger.line import FIRST_PREV, encode, format_instant, parse, parse_instant
from retention.ledger.note import Checkpoint, Signer
from retention.ledger.tree import Edge, leaf_hash
from retention.ledger.verify import Head
from retention.model.outcome import CheckpointRef
from retention.store.columns import raw
from retention.store.schema import block, checkpoint, event, event_index, head, meta
from retention.store.sending import Hot, inserting, updating

_BACKWARDS = timedelta(minutes=5)
_PAGE = 500
_HEAD_COLUMNS = ("size", "edge", "last_hash", "last_at", "length")

_HEAD = Hot(select(*(head.c[name] for name in _HEAD_COLUMNS)).where(head.c.id == text("1")))
_HEAD_LOCKED = Hot(
    select(*(head.c[name] for name in _HEAD_COLUMNS)).where(head.c.id == text("1")).with_for_update()
)
"""On SQLite the whole database is one's own already, and the lock is not spelt."""
_SET_HEAD = updating(head, *_HEAD_COLUMNS, where=[head.c.id == text("1")])
_ADD_EVENT = inserting(event, "seq", "line")
_ADD_BLOCK = inserting(block, "number", "root")
_ADD_INDEX = inserting(event_index, "type", "name", "seq")
_NEWEST_SIZE = select(func.max(checkpoint.c.size))
_LINES = (
    select(event.c.seq, event.c.line)
    .where(event.c.seq >= bindparam("start"))
    .order_by(event.c.seq)
    .limit(_PAGE)
)


NAMED_BY: Mapping[str, str] = {
    "approval.granted": "plan",
    "evidence.dropped": "by",
    "key.created": "kind",
    "key.destroyed": "kind",
    "key.rotated": "kind",
    "plan.created": "plan",
    "policy.changed": "policy",
    "record.released": "run",
    "run.ended": "run",
    "run.started": "run",
}
"""Rare events that are found again without reading the ledger: type → the field of `data` that names them."""


@dataclass(frozen=True, kw_only=True)
class StoredCheckpoint:
    """A checkpoint as it was signed: `note` is the whole signed note."""

    size: int
    at: datetime
    note: str


class LogReading:
    """What can be read of the ledger; in a snapshot, all of one moment."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def head(self) -> Head:
        """Where the log ends. Raises LedgerError where the store's head row is missing or damaged."""
        return _read_head(self._connection)

    def verifier_key(self) -> str:
        """The public half of the signing key that is in use."""
        return str(self._connection.scalar(select(meta.c.verifier_key)))

    def evidence_key_id(self) -> str:
        """The id of the evidence key that is in use."""
        return str(self._connection.scalar(select(meta.c.evidence_key_id)))

    def last_at(self) -> datetime | None:
        """When the last event happened; None while there is none."""
        return self.head().last_at

    def lines(self, start: int = 0) -> Iterator[bytes]:
        """The events' lines from number `start` on, without newlines, in order; memory stays flat.

        Raises LedgerError that names the first missing one, where a number is left out.
        """
        expected = start
        while True:
            rows = self._connection.execute(_LINES, {"start": expected}).all()
            for seq, line in rows:
                if seq != expected:
                    raise LedgerError(f"event {expected}: it is missing from the state store")
                yield raw(line)
                expected += 1
            if len(rows) < _PAGE:
                return

    def line(self, seq: int) -> bytes | None:
        """One event's line; None where there is none of this number."""
        line = self._connection.scalar(select(event.c.line).where(event.c.seq == seq))
        return None if line is None else raw(line)

    def position(self, at: datetime, size: int | None = None) -> int:
        """The first event, of the first `size`, that is not before `at`; found by halves, since times never go back."""
        low, high = 0, self.head().size if size is None else size
        while low < high:
            middle = (low + high) // 2
            (line,) = self.some(middle, middle + 1)
            low, high = (middle + 1, high) if parse(line).at < at else (low, middle)
        return low

    def some(self, start: int, stop: int) -> list[bytes]:
        """The lines from number `start` up to `stop`. Raises LedgerError that names the first missing one."""
        query = select(event.c.seq, event.c.line).where(event.c.seq >= start, event.c.seq < stop)
        rows = self._connection.execute(query.order_by(event.c.seq)).all()
        for expected, row in enumerate(rows, start):
            if row.seq != expected:
                raise LedgerError(f"event {expected}: it is missing from the state store")
        if len(rows) < stop - start:
            raise LedgerError(f"event {start + len(rows)}: it is missing from the state store")
        return [raw(row.line) for row in rows]

    def history(self, size: int) -> History:
        """The tree over the first `size` lines, to make proofs from. What it makes is to be verified."""
        stored = select(block.c.number, block.c.root).where(block.c.number < size // BLOCK)
        blocks = {row.number: raw(row.root) for row in self._connection.execute(stored)}

        def leaves(start: int, stop: int) -> list[bytes]:
            return [leaf_hash(line) for line in self.some(start, stop)]

        return History(size, leaves, blocks)

    def named(self, type: str, name: str | None = None, below: int | None = None) -> list[int]:
        """Numbers of the rare events of a type (`NAMED_BY`), oldest first; only those of a name, or below a number."""
        query = select(event_index.c.seq).where(event_index.c.type == type)
        if name is not None:
            query = query.where(event_index.c.name == name)
        if below is not None:
            query = query.where(event_index.c.seq < below)
        return list(self._connection.scalars(query.order_by(event_index.c.seq)))

    def length(self, start: int = 0) -> int:
        """Bytes of the lines from number `start` on, a newline each."""
        query = select(func.coalesce(func.sum(func.length(event.c.line) + 1), 0)).where(event.c.seq >= start)
        return int(self._connection.scalar(query) or 0)

    def checkpoints(self, above: int = -1) -> Iterator[StoredCheckpoint]:
        """The checkpoints of more than `above` events, smallest first."""
        query = select(checkpoint).where(checkpoint.c.size > above).order_by(checkpoint.c.size)
        for row in self._connection.execute(query):
            yield StoredCheckpoint(size=row.size, at=row.at, note=row.note)

    def checkpoint_of(self, size: int) -> StoredCheckpoint | None:
        """The checkpoint of just so many events."""
        row = self._connection.execute(select(checkpoint).where(checkpoint.c.size == size)).one_or_none()
        return None if row is None else StoredCheckpoint(size=row.size, at=row.at, note=row.note)

    def newest_size(self) -> int | None:
        """How many events the newest checkpoint signs; None while nothing is signed."""
        size: int | None = self._connection.scalar(_NEWEST_SIZE)
        return size

    def newest_checkpoint(self) -> StoredCheckpoint | None:
        """The checkpoint of the most events; None while nothing is signed."""
        query = select(checkpoint).order_by(checkpoint.c.size.desc()).limit(1)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else StoredCheckpoint(size=row.size, at=row.at, note=row.note)


class Log(LogReading):
    """The ledger within a write transaction, which has the head row locked from `head` on.

    `last`: number and line of the last event of this transaction, None while there is none.
    `flushed`: nothing comes behind it any more but the commit.
    """

    def __init__(self, connection: Connection, signer: Signer) -> None:
        super().__init__(connection)
        self._signer = signer
        self._head: Head | None = None
        self._stored = 0
        self.last: tuple[int, bytes] | None = None
        self.flushed = False

    def head(self) -> Head:
        """Where the log ends, this transaction's own events included."""
        if self._head is None:
            self._head = _read_head(self._connection, _HEAD_LOCKED)
            self._stored = self._head.size
        return self._head

    def append(self, type: str, data: Mapping[str, object], at: datetime) -> int:
        """Write one event and return its number.

        `at` never goes backwards: the last event's time is used in its place where it is up to
        five minutes later (clocks of several machines). Raises SafetyRefusal where it is later
        than that; RetentionError for data that the line format does not know.
        """
        before = self.head()
        at = self._not_before(before.last_at, at)
        line = encode(seq=before.size, at=at, type=type, data=data, prev=before.last_hash)
        _ADD_EVENT.later(self._connection, {"seq": before.size, "line": line})
        name = data.get(NAMED_BY.get(type, ""))
        if name is not None:
            _ADD_INDEX.later(self._connection, {"type": type, "name": str(name), "seq": before.size})
        if before.size % BLOCK == BLOCK - 1:
            root = block_root(before.edge, leaf_hash(line))
            _ADD_BLOCK.later(self._connection, {"number": before.size // BLOCK, "root": root})
        self._head = before.append(line, at)
        self.last = (before.size, line)
        return before.size

    def checkpoint(self, at: datetime) -> CheckpointRef:
        """Sign the log as it stands; where it is signed already, that checkpoint is returned."""
        self._refuse_old_key()
        now = self.head()
        point = Checkpoint(origin=self._signer.name, size=now.size, root=now.edge.root())
        old = self.checkpoint_of(now.size)
        if old is None:
            self._connection.execute(
                insert(checkpoint), {"size": point.size, "at": at, "note": point.sign(self._signer)}
            )
        elif Checkpoint.open(old.note, self._signer.verifier) != point:
            raise LedgerError(f"checkpoint of {now.size} events: it signs another ledger than the one here")
        return CheckpointRef(size=point.size, root=point.text.split("\n")[2])

    def rotate(self, new: Signer, by: str, at: datetime) -> CheckpointRef:
        """Hand the ledger over to another signing key: an event, and a checkpoint over it that both keys sign."""
        self._refuse_old_key()
        old = self._signer
        data = {"kind": SIGNING, "before": old.verifier_key, "key": new.verifier_key, "by": by}
        self.append("key.rotated", data, at)
        now = self.head()
        point = Checkpoint(origin=old.name, size=now.size, root=now.edge.root())
        values = {"size": point.size, "at": at, "note": new.also_sign(point.sign(old))}
        self._connection.execute(insert(checkpoint), values)
        self._connection.execute(update(meta).values(verifier_key=new.verifier_key))
        self._signer = new
        return CheckpointRef(size=point.size, root=point.text.split("\n")[2])

    def rotate_other(self, kind: str, before: str, key: str, by: str, at: datetime) -> None:
        """Another key of a kind that does not sign is in use from now on; both are given by their ids."""
        self.append("key.rotated", {"kind": kind, "before": before, "key": key, "by": by}, at)
        if kind == EVIDENCE:
            self._connection.execute(update(meta).values(evidence_key_id=key))

    def _refuse_old_key(self) -> None:
        """Another process may have rotated the key meanwhile; what the old one signs now would not verify."""
        if self.verifier_key() != self._signer.verifier_key:
            raise SafetyRefusal("the signing key was rotated while this was running; start it again")

    def flush(self) -> None:
        """Write the head row; the transaction does it once, before it commits."""
        if self._head is not None and self._head.size != self._stored:
            _SET_HEAD.later(self._connection, _head_row(self._head))
            self._stored = self._head.size
        self.flushed = True

    @staticmethod
    def _not_before(last: datetime | None, at: datetime) -> datetime:
        if at.tzinfo is None:
            raise RetentionError("an event's time needs a time zone")
        if last is None or at >= last:
            return at
        if last - at > _BACKWARDS:
            raise SafetyRefusal(
                f"the clock says {format_instant(at)}, but the ledger's last event happened at"
                f" {format_instant(last)}: set the clock right"
            )
        return last


def first_head() -> dict[str, object]:
    """The head row of an empty log."""
    return {
        "id": 1,
        "size": 0,
        "edge": Edge().encode(),
        "last_hash": FIRST_PREV,
        "last_at": None,
        "length": 0,
    }


def _head_row(value: Head) -> dict[str, object]:
    return {
        "new_size": value.size,
        "new_edge": value.edge.encode(),
        "new_last_hash": value.last_hash,
        "new_last_at": None if value.last_at is None else format_instant(value.last_at),
        "new_length": value.length,
    }


def _read_head(connection: Connection, query: Hot = _HEAD) -> Head:
    try:
        [(size, edge, last_hash, last_at, length)] = query.run(connection, {})
        found = Head(
            edge=Edge.decode(raw(edge)),
            last_hash=last_hash,
            last_at=None if last_at is None else parse_instant(last_at),
            length=length,
        )
        if found.size != size:
            raise ValueError(size)
    except (TypeError, ValueError) as error:
        raise LedgerError("the state store's head row is missing or damaged") from error
    return found
