"""Evidence that somebody took out of the state store is missed: that no proof is found must not pass for a denial."""

from __future__ import annotations

import pytest

from tests.support.stores import SqliteStore
from tests.support.workplace import Workplace

ORDERS = "run IN (SELECT run FROM retention_run) AND job = 'orders/shop/orders'"
ROW = "INSERT INTO lines VALUES ({0}, {0}, '2020-05-05 10:00:00')"


def verified(work: Workplace) -> tuple[int, str]:
    told = work.cli("audit", "verify", "--evidence")
    return told.exit_code, " ".join((told.stdout + told.stderr).split())


def grouped(work: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every batch is in a group."""
    monkeypatch.setattr("retention.store.finding.MOST_BATCHES", 1)
    SqliteStore(work.folder / "target.db").script(ROW.format(500))
    assert work.run("lines").status == "done"
    state = SqliteStore(work.folder / "state" / "retention.db")
    assert state.rows("SELECT count(*) FROM retention_batch WHERE grouped IS NULL") == [(0,)]


CHANGES = {
    "taken away": (f"DELETE FROM retention_evidence WHERE {ORDERS}", "its evidence is missing"),
    "with its batch": (
        f"DELETE FROM retention_evidence WHERE {ORDERS}; DELETE FROM retention_batch WHERE {ORDERS}",
        "its evidence is missing, and no event says that it was dropped",
    ),
    "changed": (
        f"UPDATE retention_evidence SET leaves = zeroblob(length(leaves)) WHERE {ORDERS}",
        "its evidence is not what its root says",
    ),
    "cut": (
        f"UPDATE retention_evidence SET leaves = substr(leaves, 1, 32) WHERE {ORDERS}",
        "not what its root says",
    ),
    "undone": (f"UPDATE retention_batch SET status = 'aborted' WHERE {ORDERS}", "its evidence is not found"),
    "of another key": (
        f"UPDATE retention_evidence SET key_id = '00' WHERE {ORDERS}",
        "its evidence is not found",
    ),
}
IN_GROUPS = {
    "no group": "DELETE FROM retention_evidence_group",
    "no rows": "DELETE FROM retention_evidence_bucket",
    "other rows": "UPDATE retention_evidence_bucket SET entries = zeroblob(length(entries))",
    "other batches": "UPDATE retention_evidence_group SET batches = '[]'",
    "a group of another key": "UPDATE retention_evidence_group SET key_id = '00'",
}


@pytest.mark.parametrize("what", CHANGES)
def test_evidence_that_was_taken_away_or_changed_is_missed(done: Workplace, what: str) -> None:
    statement, words = CHANGES[what]
    assert verified(done)[0] == 0
    SqliteStore(done.folder / "state" / "retention.db").script(statement)
    assert done.cli("audit", "verify").exit_code == 0
    # What is left of evidence that was cut may be the very record's: then it is no evidence, and not none.
    proved = done.cli("audit", "prove", "shop.orders", "17").exit_code
    assert proved in ((6, 7) if what == "cut" else (7,))
    code, said = verified(done)
    assert (code, words in said, "batch 1 of run" in said) == (6, True, True), said


@pytest.mark.parametrize("what", IN_GROUPS)
def test_a_group_that_leads_to_no_batch_is_missed(
    done: Workplace, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    grouped(done, monkeypatch)
    assert verified(done)[0] == 0
    SqliteStore(done.folder / "state" / "retention.db").script(IN_GROUPS[what])
    assert done.cli("audit", "prove", "shop.orders", "17").exit_code == 7
    code, said = verified(done)
    assert (code, "its group was changed" in said) == (6, True), said


def test_evidence_that_was_dropped_as_it_was_said_is_not_missed(
    done: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    grouped(done, monkeypatch)
    done.settings = '[ledger]\nevidence_keep = "1 month"'
    done.now = done.now.replace(year=2027)
    SqliteStore(done.folder / "target.db").script(ROW.format(501))
    assert done.run("lines").status == "done"
    code, said = verified(done)
    assert (code, "The evidence is what the ledger says: batches 1, records 1." in said) == (0, True), said


def test_a_mirror_has_no_evidence(done: Workplace) -> None:
    told = done.cli("audit", "verify", "--evidence", "--mirror", str(done.folder / "state" / "ledger"))
    assert (told.exit_code, "a mirror has none" in told.stderr) == (2, True)
