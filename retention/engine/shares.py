"""What one job has in a batch: in the ledger a batch of its own, with its count, its evidence and its outcome.

Most batches are one job's. Where records of several jobs can only go together, one transaction of the target has a
share of each, with a marker each: all of them are there when it has committed, or none is.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from retention.connectors.port import Marker, Taken
from retention.engine.journal import Intent, Journal, intend
from retention.engine.tally import Tally
from retention.errors import RetentionError
from retention.ledger.evidence import Sealed


@dataclass(frozen=True, kw_only=True)
class Share:
    """One job's."""

    journal: Journal
    tally: Tally
    taken: Taken
    sealed: Sealed
    number: int

    def marker(self, origin: str) -> Marker:
        """Its row in the target, which commits with the batch."""
        return Marker(
            origin=origin,
            run=self.journal.run,
            batch=self.number,
            status="committed",
            root=self.sealed.root.hex(),
            count=len(self.taken.keys),
        )

    def committed(self) -> None:
        """The target has answered."""
        self.journal.committed(self.taken, batch=self.number, root=self.sealed.root)
        self.tally.count(self.taken)

    def failed(self, status: str) -> None:
        """Writes what became of a share that has an intent. Only a database that said no has surely not committed it;
        where even that can't be written, the next start finds out."""
        with suppress(RetentionError):
            self.journal.failed(self.taken, batch=self.number, root=self.sealed.root, status=status)


def share_of(journal: Journal, tally: Tally, taken: Taken) -> Share:
    """With the batch's commitments, one a record; without them nothing is committed."""
    if taken.sealed is None or len(taken.sealed.leaves) != len(taken.keys):
        raise RetentionError("a batch's records and its evidence do not agree")
    number = journal.numbers.next()
    return Share(journal=journal, tally=tally, taken=taken, sealed=taken.sealed, number=number)


def intend_all(shares: Sequence[Share], cursor: str) -> None:
    """Every share's intent, in one transaction of the state store."""
    if len(shares) == 1:
        (share,) = shares
        progress = share.tally.progress_with(share.taken)
        share.journal.intent(share.taken, share.sealed, batch=share.number, progress=progress, cursor=cursor)
        return
    intend(
        [
            Intent(
                journal=share.journal,
                taken=share.taken,
                sealed=share.sealed,
                batch=share.number,
                progress=share.tally.progress_with(share.taken),
                cursor=cursor,
            )
            for share in shares
        ]
    )
