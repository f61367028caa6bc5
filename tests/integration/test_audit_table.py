"""Who did what to the ledger, and by what it is found: a sentence that an operator understands for each case.

docs/explanation/trust.md has the table; `CELLS` says which test shows each of its rows, here or elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import auditors
from tests.support.workplace import Workplace

Lines = list[bytes]
ROOT = Path(__file__).parents[2]
_OFFLINE = "integration/test_audit_table.py::test_whoever_changes_lines_is_found_offline"
CELLS = {
    "edits, swaps, inserts, doubles or removes a line; changes a space; writes an equal JSON": (
        _OFFLINE, "unit/ledger/test_ledger_tampering.py::test_nothing_that_was_tampered_with_passes",
    ),
    "cuts the tail below a checkpoint that is there": (_OFFLINE,),
    "cuts it with its checkpoints; puts an old copy of the whole state store back; forks history": (
        "unit/ledger/test_ledger_verify.py::test_a_published_checkpoint_shows_a_tail_that_was_cut_with_its_own",
        "integration/test_audit_published.py::test_an_old_copy_of_the_store_is_found_by_what_was_published",
        "integration/test_audit_published.py::test_a_forked_history_is_found",
    ),
    "the same, and nothing was published": (
        "integration/test_audit_published.py::test_without_one_it_is_found_by_the_markers_in_the_database",
        "faults/test_faults_backups.py::test_an_older_state_store_is_refused",
    ),
    "restores a database's backup": (
        "faults/test_faults_backups.py::test_a_restored_target_is_said_once_and_its_records_are_planned_again",
    ),
    "deletes behind the engine's back": (
        "integration/test_audit_table.py::test_what_somebody_deletes_behind_our_back_is_missing_from_the_plan",
    ),
    "signs with another key, or rotates the key without the old one's signature": (
        "integration/test_keys.py::test_a_key_that_signs_without_a_rotation_is_found",
        "unit/ledger/test_ledger_keys.py::test_a_rotation_without_the_old_key_s_signature_is_found",
    ),
    "shows a whole ledger of his own making": (
        "integration/test_keys.py::test_the_signing_key_is_rotated_and_both_keys_verify_everything",
        "unit/ledger/test_ledger_tampering.py::test_nothing_that_was_tampered_with_passes",
    ),
    "forges a proof for a record that was never there": (
        "integration/test_audit_files.py::test_a_forged_proof_is_found",
        "integration/test_audit_files.py::test_a_proof_opens_its_record_only",
    ),
    "takes evidence out of the state store, or changes it, so that no proof is found": (
        "integration/test_audit_evidence.py::test_evidence_that_was_taken_away_or_changed_is_missed",
        "integration/test_audit_evidence.py::test_a_group_that_leads_to_no_batch_is_missed",
    ),
    "runs the engine under a changed policy, without approval": (
        "integration/test_audit_table.py::test_a_policy_that_nobody_approved_is_in_the_ledger_by_its_hash",
    ),
}  # fmt: skip


def test_each_row_of_the_table_has_its_test() -> None:
    page = (ROOT / "docs" / "explanation" / "trust.md").read_text(encoding="utf-8")
    rows = [line.split(" | ")[0].removeprefix("| ") for line in page.splitlines() if line.startswith("| ")]
    assert rows[0] == "somebody"
    assert set(rows[1:]) == CELLS.keys()
    for path, _, name in (test.partition("::") for tests in CELLS.values() for test in tests):
        assert f"def {name}(" in (ROOT / "tests" / path).read_text(encoding="utf-8"), (path, name)


def edited(lines: Lines) -> Lines:
    return [*lines[:7], lines[7].replace(b'"count":2', b'"count":1'), *lines[8:]]


CASES: dict[str, tuple[Callable[[Lines], Lines], str]] = {
    "edits a line": (edited, "event 7: its content was changed: event 8 has the hash of another one"),
    "swaps two": (
        lambda ls: [*ls[:7], ls[8], ls[7], *ls[9:]],
        "event 7: in its place stands event 8: a line was",
    ),
    "inserts one": (lambda ls: [*ls[:7], ls[2], *ls[7:]], "event 7: in its place stands event 2: a line was"),
    "doubles one": (lambda ls: [*ls[:7], ls[6], *ls[7:]], "event 6: it is there twice: a line was added"),
    "removes one": (
        lambda ls: [*ls[:7], *ls[8:]],
        "event 7: in its place stands event 8: a line was removed",
    ),
    "removes the first": (lambda ls: ls[1:], "event 0: in its place stands event 1: a line was removed"),
    "cuts the tail": (
        lambda ls: ls[:9],
        "event 9: it is missing: a checkpoint signs 11 events and here are 9",
    ),
    "changes a space": (
        lambda ls: [*ls[:7], ls[7].replace(b'"count":', b'"count": '), *ls[8:]],
        "event 7: it is not in canonical form: a space, an escape or the order of keys was changed",
    ),
    "writes an equal JSON": (
        lambda ls: [*ls[:7], json.dumps(json.loads(ls[7])).encode(), *ls[8:]],
        "event 7: it is not in canonical form",
    ),
    "cuts a line in two": (lambda ls: [*ls[:-1], ls[-1][:50]], "event 10: it is not JSON"),
    "writes rubbish": (lambda ls: [*ls[:7], b"\xff\xfe", *ls[8:]], "event 7: it is not UTF-8"),
    "writes 10 MB": (
        lambda ls: [*ls[:7], b"x" * (10 << 20), *ls[8:]],
        "event 7: the line is longer than 1,048,576 bytes",
    ),
}


@pytest.mark.parametrize("who", CASES)
def test_whoever_changes_lines_is_found_offline(finished: Workplace, tmp_path: Path, who: str) -> None:
    from retention.errors import LedgerError
    from retention.store.verifying import verify_folder
    from retention.verbs.exporting import export

    change, words = CASES[who]
    ledger = finished.folder / "state" / "ledger"
    key = (ledger / "key.pub").read_text()
    export(finished.place, tmp_path / "export")
    lines = change((ledger / "ledger.jsonl").read_bytes().splitlines())
    data = b"".join(line + b"\n" for line in lines)
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    for name in ("checkpoint", "key.pub"):
        (mirror / name).write_bytes((ledger / name).read_bytes())
    (mirror / "ledger.jsonl").write_bytes(data)
    with pytest.raises(LedgerError, match=words):
        verify_folder(mirror, key)
    (tmp_path / "export" / "segments" / f"{0:012d}.jsonl").write_bytes(data)
    assert auditors.found(auditors.script(), tmp_path / "export", key) is not None


def test_a_policy_that_nobody_approved_is_in_the_ledger_by_its_hash(done: Workplace) -> None:
    """Somebody shortens a period and switches approval off: the run is bound to another policy, and to no approval."""
    from tests.support.stores import SqliteStore

    approved = next(event["data"] for event in done.events() if event["type"] == "approval.granted")
    rule = 'data = "orders"\nkeep = "1 month"\nfrom = "made"'
    done.rule("orders", rule, promise='"Orders: a year"', approval='"always"')
    assert {job.status.value for job in done.run("orders").jobs} == {"awaiting approval"}
    done.rule("orders", rule, promise='"Orders: a year"', approval='"never"')
    done.run("orders")
    assert SqliteStore(done.folder / "target.db").rows("SELECT id FROM orders") == []
    events = done.events()
    started = [event["data"] for event in events if event["type"] == "run.started"][-1]
    assert started["policy"] != approved["policy"]
    assert started["approvals"] == []
    changed = [event["data"] for event in events if event["type"] == "policy.changed"][-1]
    assert changed["policy"] == started["policy"]
    told = done.cli("audit", "log", "--type", "policy", "--type", "run.started").stdout
    assert "rules.orders.approval always → never" in told


def test_a_truncated_export_does_not_verify(done: Workplace) -> None:
    """Whatever is missing of it."""
    done.cli("audit", "export", str(done.folder / "export"))
    folder, module = done.folder / "export", auditors.script()
    key = (folder / "key.pub").read_text()
    assert auditors.found(module, folder, key) is None
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if path.name in ("README.md", "verify.py", "key.pub") or path.parent.name == "checkpoints":
            continue
        whole = path.read_bytes()
        for length in (0, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:length])
            assert auditors.found(module, folder, key) is not None, (path, length)
        path.unlink()
        assert auditors.found(module, folder, key) is not None, path
        path.write_bytes(whole)
    assert auditors.found(module, folder, key) is None
    for text in (
        "",
        "nonsense",
        key.replace("+", "-"),
        (done.folder / "state" / "keys" / "signing.key").read_text(),
    ):
        (folder / "other.pub").write_text(text)
        assert auditors.typed(folder, "other.pub")[0] == 1


def test_what_somebody_deletes_behind_our_back_is_missing_from_the_plan(done: Workplace) -> None:
    """The plan that was approved counted it and the run did not, in one ledger; no proof says that we removed it."""
    from retention.verbs.approve import approve
    from retention.verbs.plan import plan
    from tests.support.stores import SqliteStore

    store = SqliteStore(done.folder / "target.db")
    store.script("INSERT INTO orders VALUES (31, '2020-05-05 10:00:00'), (32, '2020-05-05 10:00:00')")
    made = plan(done.place, clock=done.clock)
    approve(done.place, made.id, rules=("orders",), by="ida", clock=done.clock)
    store.script("DELETE FROM orders WHERE id = 31")
    (job,) = done.run("orders").jobs
    assert (job.planned, job.done) == (1, 1)
    counts = {
        event["type"]: {each["rule"]: each for each in event["data"]["jobs"]}["orders"]
        for event in done.events()
        if event["type"] in ("plan.created", "approval.granted", "run.ended")
    }
    assert counts["plan.created"]["due"] == counts["approval.granted"]["records"] == 2
    assert counts["run.ended"]["done"] == 1
    assert done.cli("audit", "prove", "shop.orders", "32").exit_code == 0
    told = done.cli("audit", "prove", "shop.orders", "31")
    assert (told.exit_code, "there is no evidence that a record 31" in told.stderr) == (7, True)
