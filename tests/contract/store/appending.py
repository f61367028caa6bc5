"""A process that appends to a ledger and says each event's number once it is committed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from retention.ledger.note import Signer
from retention.store.state import StateStore

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)


def append(said: Callable[[int], None], url: str, mirror: Path, count: int, name: str) -> None:
    signer = Signer("acme.example/retention", b"\x01" * 32)
    with StateStore.open(url, signer=signer, evidence_key_id="0123456789abcdef", mirror=mirror) as store:
        for number in range(count):
            with store.begin() as tx:
                seq = tx.log.append("error", {"by": name, "number": number}, AT)
                if number % 10 == 9:
                    tx.log.checkpoint(AT)
            said(seq)
            store.catch_up()
