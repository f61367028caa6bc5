"""Ledgers of earlier versions verify for ever: tests/data/ledger-N is never written anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from retention.errors import LedgerError
from retention.store.verifying import verify_folder

DATA = Path(__file__).parents[2] / "data"


@pytest.mark.parametrize("folder", sorted(DATA.glob("ledger-*")), ids=lambda folder: folder.name)
def test_a_ledger_of_an_earlier_version_verifies(folder):
    found = verify_folder(folder, (folder / "key.pub").read_text())
    assert (found.events, found.size, found.checkpoints, found.unsigned_tail) == (6, 5, 2, 1)
    assert found.origin == "acme.example/retention"


def test_and_not_when_it_is_touched(tmp_path):
    for name in ("ledger.jsonl", "checkpoint"):
        (tmp_path / name).write_bytes((DATA / "ledger-1" / name).read_bytes())
    lines = (tmp_path / "ledger.jsonl").read_bytes()
    (tmp_path / "ledger.jsonl").write_bytes(lines.replace(b'"count":2', b'"count":3', 1))
    with pytest.raises(LedgerError, match="event 2: its content was changed"):
        verify_folder(tmp_path, (DATA / "ledger-1" / "key.pub").read_text())
