"""Who did what to the ledger, and by what it is found: a sentence that an operator understands for each case.

What is published, and the markers in the databases, have tests of their own (test_audit_published,
test_faults_backups); keys that follow no rotation too (test_keys); docs/explanation/trust.md has the table.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import auditors
from tests.support.workplace import Workplace

Lines = list[bytes]


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
