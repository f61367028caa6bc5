"""Records of which an action was refused: commitments, as batches have them, and why. No record's key is among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from retention.errors import RetentionError
from retention.ledger.evidence import locate, unpack
from retention.ledger.tree import HASH_SIZE
from retention.store.columns import raw
from retention.store.schema import refusal


@dataclass(frozen=True, kw_only=True)
class RefusalRow:
    """Records that one event `action.refused` speaks of, for the same reasons: its group at `place`, from 0.

    `seq`: the event; `why`: what it says of them, as canonical JSON; `leaves`: sorted commitments under the evidence
    key `key_id`, 32 bytes a record.
    """

    seq: int
    place: int
    rule: str
    connector: str
    dataset: str
    key_id: str
    why: str
    at: datetime
    leaves: bytes

    @property
    def count(self) -> int:
        """How many records."""
        return len(self.leaves) // HASH_SIZE


class RefusalsReading:
    """What was refused, for reading."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, connector: str, dataset: str, rule: str | None = None) -> Iterator[RefusalRow]:
        """Groups of a dataset, of one rule or of all, in the order of their events."""
        query = select(refusal).where(refusal.c.connector == connector, refusal.c.dataset == dataset)
        if rule is not None:
            query = query.where(refusal.c.rule == rule)
        for row in self._connection.execute(query.order_by(refusal.c.seq, refusal.c.place)):
            fields = dict(row._mapping)
            del fields["count"]
            yield RefusalRow(**{**fields, "leaves": raw(row.leaves)})

    def find(
        self, connector: str, dataset: str, key_id: str, leaf: bytes
    ) -> Iterator[tuple[RefusalRow, int]]:
        """Groups in which this commitment is, made with the key `key_id`, each with where; in the order of events."""
        for row in self.of(connector, dataset):
            if row.key_id == key_id and leaf in row.leaves:
                place = locate(unpack(row.leaves), leaf)
                if place is not None:
                    yield row, place

    def older(self, than: datetime) -> bool:
        """Whether there are some of before an instant."""
        old = select(refusal.c.seq).where(refusal.c.at < than).limit(1)
        return self._connection.execute(old).first() is not None


class Refusals(RefusalsReading):
    """What was refused, within a write transaction."""

    def put(self, row: RefusalRow) -> None:
        """Keep a group, with its event. Raises RetentionError for half a commitment."""
        if len(row.leaves) % HASH_SIZE:
            raise RetentionError("evidence has 32 bytes a record")
        self._connection.execute(insert(refusal), {**asdict(row), "count": row.count})

    def drop(self, before: datetime) -> int:
        """Forget those of before an instant; how many records they spoke of."""
        old = select(refusal.c.count).where(refusal.c.at < before)
        records: int = sum(self._connection.scalars(old))
        self._connection.execute(delete(refusal).where(refusal.c.at < before))
        return records
