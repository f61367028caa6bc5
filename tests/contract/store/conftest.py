"""Every kind of state store that there is; each contract test runs over all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retention.ledger.note import Signer
from retention.store.state import StateStore

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
SEED = b"\x01" * 32
ORIGIN = "acme.example/retention"
EVIDENCE_KEY_ID = "0123456789abcdef"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Somewhere a store of one kind can be; `path` where it is a file."""

    url: str
    path: Path
    folder: Path
    signer: Signer

    def create(self):
        StateStore.create(
            self.url,
            origin=self.signer.name,
            verifier_key=self.signer.verifier_key,
            evidence_key_id=EVIDENCE_KEY_ID,
            at=AT,
        )

    def open(self, **changes):
        options = {
            "signer": self.signer,
            "evidence_key_id": EVIDENCE_KEY_ID,
            "mirror": self.folder / "mirror",
        }
        return StateStore.open(self.url, **{**options, **changes})


@pytest.fixture(params=["sqlite"])
def place(request, tmp_path):
    path = tmp_path / "state" / "state.db"
    return Place(url=f"sqlite:///{path}", path=path, folder=tmp_path, signer=Signer(ORIGIN, SEED))


@pytest.fixture
def store(place):
    place.create()
    with place.open() as store:
        yield store
