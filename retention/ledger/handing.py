"""Which key signs a ledger: the first one, and after each rotation the one that the old key signed.

A ledger begins with the key of its first event (`key.created`), or with the trusted key where that event says nothing
of it. `key.rotated` names the old key and the new one, and a checkpoint over it, of just so many events, is
signed by the old one. So whoever trusts any key of the chain trusts them all: later ones were handed over by it; what
was before is under the checkpoints that it signed.
"""

from __future__ import annotations

import json

from retention.errors import LedgerError, SetupError
from retention.ledger.keys import SIGNING
from retention.ledger.note import Checkpoint, Note, Verifier

_ENDS = (b'"type":"key.rotated"}', b'"type":"key.created"}')


class Handing:
    """The key in use along a ledger, from event 0 on: `in_use` signs. `trusted` is the auditor's own."""

    def __init__(self, trusted: Verifier) -> None:
        self.trusted = trusted
        self.in_use = trusted
        self.rotations = 0
        self.vouched = False
        """Whether the trusted key has signed any of it when that was its turn. Its signature beside another key's shows
        no more than what was until then: nothing hands the ledger over to that other key."""
        self._next: Verifier | None = None

    def read(self, number: int, line: bytes) -> None:
        """Take notice of an event that is canonical. Raises LedgerError for keys that do not follow one another."""
        if not line.endswith(_ENDS):
            return
        event = json.loads(line)
        data = event["data"]
        if data.get("kind") != SIGNING:
            return
        try:
            key = Verifier.parse(str(data.get("key")))
        except SetupError as error:
            if event["type"] == "key.created":  # the first version wrote other names of keys
                return
            raise LedgerError(f"event {number}: it names a signing key that is none") from error
        if event["type"] == "key.created":
            self.in_use = key if number == 0 else self.in_use
            return
        if str(self.in_use) != data.get("before"):
            raise LedgerError(f"event {number}: it rotates a signing key that is not in use")
        self._next = key

    def check(self, point: Checkpoint, note: Note) -> None:
        """Raises LedgerError unless the key in use has signed this checkpoint, of the events read so far."""
        try:
            self.in_use.check(note)
            for key in (self.trusted, self._next):
                if key is not None and key.signs(note):
                    key.check(note)
        except LedgerError as error:
            handed = "" if self.in_use == self.trusted else "; no event hands the ledger over to another key"
            raise LedgerError(f"checkpoint of {point.size} events: {error}{handed}") from error
        if point.origin != self.in_use.name:
            raise LedgerError(
                f"checkpoint of {point.size} events: it is of the log {point.origin!r}, not of {self.in_use.name!r}"
            )
        turn = point.size > 0 and self.trusted in (self.in_use, self._next)
        self.vouched = self.vouched or (turn and self.trusted.signs(note))

    def signed(self, number: int, *, checkpoint: bool) -> None:
        """After event `number`: a rotation must be under a checkpoint of the old key. Raises LedgerError."""
        if self._next is not None:
            if not checkpoint:
                raise LedgerError(
                    f"event {number}: the old signing key did not sign that another one takes its place"
                )
            self.in_use, self._next = self._next, None
            self.rotations += 1
