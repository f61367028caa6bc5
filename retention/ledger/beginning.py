"""Where verification begins in a ledger whose older events lie in an archive.

Of archived events the hashes may be there: then the tree is built from them, and every checkpoint is held against
it as ever. Or nothing but the right edge of the tree (RFC 6962) where they end: then it is what comes behind that
is verified, and the newest checkpoint ties the two together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from retention.errors import LedgerError
from retention.ledger.line import parse
from retention.ledger.tree import HASH_SIZE, Edge, leaf_hash


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """The end of what is archived: `edge.size` events, the last one's hash and time, `length` in bytes.

    `verifier_key`: the signing key in use there. `leaves`: the hash of each of these events, packed, some at a
    time; None where they are not there. `kept`: lines that are there nevertheless, by number.
    """

    edge: Edge
    last_hash: str
    last_at: datetime
    length: int
    verifier_key: str
    leaves: Iterable[bytes] | None = None
    kept: Mapping[int, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many events lie in the archive."""
        return self.edge.size

    def events(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Of each archived event its hash, and its line where that is kept.

        Raises LedgerError that names the first that is missing, or whose line is another one.
        """
        number = 0
        for packed in self.leaves or ():
            for at in range(0, len(packed), HASH_SIZE):
                leaf, line = packed[at : at + HASH_SIZE], self.kept.get(number)
                if line is not None and (leaf_hash(line) != leaf or parse(line).seq != number):
                    raise LedgerError(f"event {number}: its content was changed since it was archived")
                yield leaf, line
                number += 1
        if number != self.size:
            raise LedgerError(f"event {number}: its hash is missing; {self.size} events were archived")
