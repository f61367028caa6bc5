"""In which batch a record was: found from its commitment, without reading every batch's evidence.

The commitments of a batch are 32 bytes a record. Batches that were committed are put into groups of up
to 256 batches or some 300,000 records; of a group, for each first byte that a commitment can have, there
is one row with the second and third byte of each, and the batch: three bytes a record. Looking one
commitment up reads one such row a group, and the commitments of the few batches that it points to. What
is not grouped yet, some 300,000 records at most, is looked at whole.

The groups say nothing that the evidence does not say; they could be thrown away and made again.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from retention.ledger.evidence import locate, unpack
from retention.ledger.tree import HASH_SIZE
from retention.store.batches import COMMITTED, BatchesReading, BatchRow, EvidenceReading
from retention.store.columns import raw
from retention.store.schema import batch, evidence, evidence_bucket, evidence_group

MOST_BATCHES = 256
MOST_RECORDS = 300_000


@dataclass(frozen=True, kw_only=True)
class Found:
    """Where a record was: `batch`, the commitments of all its records, and the index of this one among them."""

    batch: BatchRow
    leaves: Sequence[bytes]
    index: int


class Finding:
    """Looks commitments up, in a snapshot."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._batches = BatchesReading(connection)
        self._evidence = EvidenceReading(connection)

    def find(self, key_id: str, leaf: bytes) -> list[Found]:
        """The committed batches with this commitment, made with the key `key_id`; oldest first."""
        places = [*self._grouped(key_id, leaf), *self._ungrouped(key_id)]
        found = [each for place in places if (each := self._look(place, leaf)) is not None]
        return sorted(found, key=lambda each: (each.batch.at, each.batch.batch))

    def waiting(self) -> list[list[Any]]:
        """Full groups that could be made of committed batches, as `make` takes them; what is left over waits."""
        full: list[list[Any]] = []
        open_groups: dict[str, list[Any]] = {}
        for row in _waiting(self._connection):
            group = open_groups.setdefault(row.key_id, [])
            group.append(row)
            if len(group) == MOST_BATCHES or sum(each.records for each in group) >= MOST_RECORDS:
                full.append(open_groups.pop(row.key_id))
        return full

    def older(self, than: datetime) -> bool:
        """Whether there is evidence of batches of before an instant."""
        old = select(batch.c.run).join(evidence, _SAME).where(batch.c.at < than).limit(1)
        return self._connection.execute(old).first() is not None

    def unfindable(self) -> Iterator[tuple[str, str, int]]:
        """Committed batches with evidence whose commitments their group does not lead to."""
        query = select(batch.c.run, batch.c.job, batch.c.batch, batch.c.grouped, evidence.c.key_id)
        query = query.join(evidence, _SAME).where(batch.c.grouped.is_not(None), batch.c.status == COMMITTED)
        grouped: dict[tuple[int, str], list[tuple[str, str, int]]] = {}
        for row in self._connection.execute(query):
            grouped.setdefault((row.grouped, row.key_id), []).append((row.run, row.job, row.batch))
        for (number, key_id), places in grouped.items():
            yield from self._misled(number, key_id, places)

    def _misled(
        self, number: int, key_id: str, places: Iterable[tuple[str, str, int]]
    ) -> Iterator[tuple[str, str, int]]:
        groups, buckets = evidence_group.c, evidence_bucket.c
        named = select(groups.batches).where(groups.number == number, groups.key_id == key_id)
        ordinals = {
            tuple(each): at for at, each in enumerate(json.loads(self._connection.scalar(named) or "[]"))
        }
        rows = self._connection.execute(
            select(buckets.bucket, buckets.entries).where(buckets.number == number)
        )
        led = {row.bucket: _triples(raw(row.entries)) for row in rows}
        for place in places:
            ordinal, there = ordinals.get(place), self._evidence.get(*place)
            pieces = _pieces(there.leaves, ordinal) if there is not None and ordinal is not None else [None]
            if not all(
                piece and set(zip(*piece[1], strict=True)) <= led.get(piece[0], set()) for piece in pieces
            ):
                yield place

    def _look(self, place: tuple[str, str, int], leaf: bytes) -> Found | None:
        row = self._evidence.get(*place)
        if row is None or leaf not in row.leaves:
            return None
        leaves = unpack(row.leaves)
        index, there = locate(leaves, leaf), self._batches.get(*place)
        if index is None or there is None or there.status != COMMITTED:
            return None
        return Found(batch=there, leaves=leaves, index=index)

    def _grouped(self, key_id: str, leaf: bytes) -> Iterator[tuple[str, str, int]]:
        buckets, groups = evidence_bucket.c, evidence_group.c
        query = (
            select(buckets.number, buckets.entries)
            .join(evidence_group, groups.number == buckets.number)
            .where(buckets.bucket == leaf[0], groups.key_id == key_id)
        )
        for number, entries in self._connection.execute(query).all():
            ordinals = _ordinals(raw(entries), leaf)
            if ordinals:
                text = self._connection.scalar(select(groups.batches).where(groups.number == number))
                places = json.loads(text or "[]")
                yield from (tuple(places[each]) for each in ordinals if each < len(places))

    def _ungrouped(self, key_id: str) -> list[tuple[str, str, int]]:
        return [(row.run, row.job, row.batch) for row in _waiting(self._connection) if row.key_id == key_id]


class Grouping(Finding):
    """Puts batches into groups, within write transactions."""

    def make(self, rows: Iterable[Any]) -> None:
        """One group of these batches."""
        rows = list(rows)
        number = (self._connection.scalar(select(func.max(evidence_group.c.number))) or 0) + 1
        places = [[row.run, row.job, row.batch] for row in rows]
        buckets: list[list[tuple[bytes, bytes, bytes]]] = [[] for _ in range(256)]
        for ordinal, place in enumerate(places):
            there = self._evidence.get(*place)
            for first, piece in _pieces(there.leaves if there is not None else b"", ordinal):
                buckets[first].append(piece)
        values = {"number": number, "key_id": rows[0].key_id, "batches": json.dumps(places)}
        self._connection.execute(insert(evidence_group), values)
        entries = [
            {"bucket": first, "number": number, "entries": b"".join(map(b"".join, zip(*pieces, strict=True)))}
            for first, pieces in enumerate(buckets)
            if pieces
        ]
        self._connection.execute(insert(evidence_bucket), entries)
        mark = update(batch).where(
            batch.c.run == bindparam("its_run"),
            batch.c.job == bindparam("its_job"),
            batch.c.batch == bindparam("its_batch"),
        )
        names = ("its_run", "its_job", "its_batch")
        marks = [{**dict(zip(names, place, strict=True)), "grouped": number} for place in places]
        self._connection.execute(mark.values(grouped=bindparam("grouped")), marks)

    def drop(self, before: datetime) -> tuple[int, int]:
        """Forgets the evidence of all batches of before an instant; how many batches and records.

        Groups go with their last batch.
        """
        old = select(batch.c.run, batch.c.job, batch.c.batch, batch.c.grouped, _RECORDS)
        old = old.join(evidence, _SAME).where(batch.c.at < before)
        rows = self._connection.execute(old).all()
        gone = delete(evidence).where(
            evidence.c.run == bindparam("its_run"),
            evidence.c.job == bindparam("its_job"),
            evidence.c.batch == bindparam("its_batch"),
        )
        if rows:
            named = [{"its_run": row.run, "its_job": row.job, "its_batch": row.batch} for row in rows]
            self._connection.execute(gone, named)
        for number in {row.grouped for row in rows if row.grouped is not None}:
            left = select(batch.c.run).join(evidence, _SAME).where(batch.c.grouped == number).limit(1)
            if self._connection.execute(left).first() is None:
                self._connection.execute(delete(evidence_bucket).where(evidence_bucket.c.number == number))
                self._connection.execute(delete(evidence_group).where(evidence_group.c.number == number))
        return len(rows), sum(row.records for row in rows)


_RECORDS = evidence.c.count.label("records")
_SAME = (
    (evidence.c.run == batch.c.run) & (evidence.c.job == batch.c.job) & (evidence.c.batch == batch.c.batch)
)


def _waiting(connection: Connection) -> Sequence[Any]:
    """Committed batches with evidence that are in no group, oldest first."""
    query = (
        select(batch.c.run, batch.c.job, batch.c.batch, evidence.c.key_id, _RECORDS)
        .join(evidence, _SAME)
        .where(batch.c.grouped.is_(None), batch.c.status == COMMITTED)
        .order_by(batch.c.at, batch.c.batch)
    )
    return connection.execute(query).all()


def _pieces(packed: bytes, ordinal: int) -> Iterator[tuple[int, tuple[bytes, bytes, bytes]]]:
    """For each first byte among sorted commitments: their second bytes, their third bytes, the batch that often."""
    firsts, seconds, thirds = packed[0::HASH_SIZE], packed[1::HASH_SIZE], packed[2::HASH_SIZE]
    start = 0
    while start < len(firsts):
        first = firsts[start]
        stop = bisect_left(firsts, first + 1, start)
        yield first, (seconds[start:stop], thirds[start:stop], bytes([ordinal]) * (stop - start))
        start = stop


def _triples(entries: bytes) -> set[tuple[int, int, int]]:
    """The second and third byte of each commitment of a row, and the batch."""
    third = len(entries) // 3
    return set(zip(entries[:third], entries[third : 2 * third], entries[2 * third :], strict=False))


def _ordinals(entries: bytes, leaf: bytes) -> list[int]:
    """The batches of a group that may have this commitment."""
    count = len(entries) // 3
    found, at = [], entries.find(leaf[1], 0, count)
    while at >= 0:
        if entries[count + at] == leaf[2]:
            found.append(entries[2 * count + at])
        at = entries.find(leaf[1], at + 1, count)
    return list(dict.fromkeys(found))
