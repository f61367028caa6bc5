"""Some lines out of a ledger, and what joins them to the whole: a range proof.

What came before the first line and what comes behind the last are given as roots of complete subtrees
(compact ranges); with the lines between them they make up the very tree that a checkpoint signs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from retention.errors import LedgerError
from retention.ledger.line import hash_of, parse
from retention.ledger.note import Checkpoint, Verifier
from retention.ledger.tree import Builder, leaf_hash


@dataclass(frozen=True, kw_only=True)
class Part:
    """`first`: the number of the first line. `before`, `after`: (lines, root) of subtrees, in order."""

    first: int
    before: tuple[tuple[int, bytes], ...]
    after: tuple[tuple[int, bytes], ...]


def verify_part(lines: Iterable[bytes], part: Part, *, verifier_key: str, checkpoint: str) -> int:
    """How many lines there are of this part of the ledger that `checkpoint`, a signed note, signs.

    Raises LedgerError that begins with `event N:` for the first that is wrong by itself, and says so where they
    are not those of the checkpoint.
    """
    point = Checkpoint.open(checkpoint, Verifier.parse(verifier_key))
    tree = Builder()
    try:
        for count, root in part.before:
            tree.add(root, count)
        if tree.size != part.first:
            raise ValueError(tree.size)
        _through(lines, tree)
        events = tree.size - part.first
        for count, root in part.after:
            tree.add(root, count)
    except ValueError as error:
        raise LedgerError("the proof that joins these events to the ledger does not fit") from error
    if (tree.size, tree.edge().root()) != (point.size, point.root):
        raise LedgerError(
            f"these are not events of the ledger that the checkpoint of {point.size} events signs"
        )
    return events


def _through(lines: Iterable[bytes], tree: Builder) -> None:
    last_hash: str | None = None
    last_at: datetime | None = None
    for raw in lines:
        number = tree.size
        try:
            line = parse(raw)
        except LedgerError as error:
            raise LedgerError(f"event {number}: {error}") from error
        if line.seq != number:
            raise LedgerError(f"event {number}: in its place stands event {line.seq}")
        if last_hash not in (None, line.prev):
            raise LedgerError(f"event {number}: its prev is not the hash of the event before it")
        if last_at is not None and line.at < last_at:
            raise LedgerError(f"event {number}: it is earlier than the event before it")
        last_hash, last_at = hash_of(raw), line.at
        tree.append(leaf_hash(raw))
