"""What stays of events whose lines lie in an archive: where it ends, and the hash of each line.

From the hashes every proof is made as before: of the ledger's root, that an event is in it, that one checkpoint's
history begins with another's. Lines of a few rare types are kept, since later events refer to them: keys,
approvals, changes of the policy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from retention.errors import LedgerError
from retention.ledger.beginning import Beginning
from retention.ledger.history import BLOCK
from retention.ledger.tree import HASH_SIZE, Edge
from retention.store.columns import raw
from retention.store.schema import archive, archived_leaves, event

KEPT = (
    "approval.granted",
    "evidence.dropped",
    "key.created",
    "key.destroyed",
    "key.rotated",
    "ledger.archived",
    "policy.changed",
)
"""Types of events whose lines stay where they are."""

_ENDS = tuple(f'"type":"{name}"}}'.encode() for name in KEPT)
_PAGE = 2_000
_BLOCKS = 64


@dataclass(frozen=True, kw_only=True)
class ArchiveRow:
    """Where an archive ends, when it was made, and what verification begins with there."""

    at: datetime
    edge: Edge
    last_hash: str
    last_at: datetime
    length: int
    verifier_key: str

    @property
    def stop(self) -> int:
        """The number of the first event that is in none."""
        return self.edge.size

    def beginning(self) -> Beginning:
        """What verification begins with, of events of which nothing else is there."""
        return Beginning(
            edge=self.edge,
            last_hash=self.last_hash,
            last_at=self.last_at,
            length=self.length,
            verifier_key=self.verifier_key,
        )


class ArchivedReading:
    """What can be read of it, in a snapshot."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def newest(self) -> ArchiveRow | None:
        """The archive that ends last; None where there is none. Raises LedgerError for a damaged row."""
        return next(iter(self.rows()), None)

    def ending(self, stop: int) -> ArchiveRow | None:
        """The archive that ends before event `stop`."""
        return next((row for row in self.rows() if row.stop == stop), None)

    def leaves(self, start: int, stop: int) -> Iterator[bytes]:
        """The hashes of lines `start` to `stop`, packed, some at a time; what is missing is left out."""
        if start >= stop:
            return
        for first in range(start // BLOCK, -(-stop // BLOCK), _BLOCKS):
            last = min(first + _BLOCKS, -(-stop // BLOCK))
            number = archived_leaves.c.number
            query = select(archived_leaves).where(number >= first, number < last).order_by(number)
            for row in self._connection.execute(query).all():
                begin = max(start - row.number * BLOCK, 0)
                yield raw(row.leaves)[begin * HASH_SIZE : (stop - row.number * BLOCK) * HASH_SIZE]

    def leaf(self, seq: int) -> bytes:
        """The hash of one line; empty where it is not kept."""
        return b"".join(self.leaves(seq, seq + 1))

    def kept(self, stop: int) -> dict[int, bytes]:
        """Lines before number `stop` that are still here, by number."""
        query = select(event.c.seq, event.c.line).where(event.c.seq < stop).order_by(event.c.seq)
        rows = ((row.seq, raw(row.line)) for row in self._connection.execute(query))
        return {seq: line for seq, line in rows if is_kept(line)}

    def beginning(self) -> Beginning | None:
        """What verification begins with; None where nothing is archived."""
        row = self.newest()
        if row is None:
            return None
        return replace(row.beginning(), leaves=self.leaves(0, row.stop), kept=self.kept(row.stop))

    def rows(self) -> list[ArchiveRow]:
        """Every archive, the one that ends last first."""
        query = select(archive).order_by(archive.c.stop.desc())
        return [_row(row) for row in self._connection.execute(query).all()]


def _row(row: Row[Any]) -> ArchiveRow:
    try:
        edge = Edge.decode(raw(row.edge))
        if edge.size != row.stop or edge.size % BLOCK:
            raise ValueError(row.stop)
    except ValueError as error:
        raise LedgerError("the state store's row about an archive is damaged") from error
    return ArchiveRow(
        at=row.at,
        edge=edge,
        last_hash=row.last_hash,
        last_at=row.last_at,
        length=row.length,
        verifier_key=row.verifier_key,
    )


class Archiving(ArchivedReading):
    """Takes lines out of the store, within write transactions of an account that may."""

    def try_rights(self) -> None:
        """Raises SetupError where the account may not remove lines; removes nothing."""
        self._connection.execute(delete(event).where(event.c.seq < 0))
        self._connection.execute(delete(archive).where(archive.c.stop < 0))

    def add(self, row: ArchiveRow, start: int, leaves: bytes) -> None:
        """From now on the lines up to `row.stop` are in an archive. `leaves`: hashes from line `start` on, packed."""
        size = BLOCK * HASH_SIZE
        values = [
            {"number": start // BLOCK + place, "leaves": leaves[place * size : (place + 1) * size]}
            for place in range(len(leaves) // size)
        ]
        for at in range(0, len(values), _BLOCKS):
            self._connection.execute(insert(archived_leaves), values[at : at + _BLOCKS])
        told = {
            "stop": row.stop,
            "at": row.at,
            "edge": row.edge.encode(),
            "last_hash": row.last_hash,
            "last_at": row.last_at,
            "length": row.length,
            "verifier_key": row.verifier_key,
        }
        self._connection.execute(insert(archive), told)

    def remove(self, start: int, stop: int) -> int | None:
        """Removes some lines from number `start` on, of those before `stop`; where to go on, None at the end."""
        query = select(event.c.seq, event.c.line).where(event.c.seq >= start, event.c.seq < stop)
        rows = self._connection.execute(query.order_by(event.c.seq).limit(_PAGE)).all()
        if not rows:
            return None
        kept = [row.seq for row in rows if is_kept(raw(row.line))]
        within = (event.c.seq >= rows[0].seq, event.c.seq <= rows[-1].seq)
        self._connection.execute(delete(event).where(*within, event.c.seq.not_in(kept)))
        return int(rows[-1].seq) + 1


def is_kept(line: bytes) -> bool:
    """Whether a line stays where it is."""
    return line.endswith(_ENDS)
