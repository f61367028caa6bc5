"""What an auditor is handed: an export and a proof, verified by verify.py alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from retention.errors import AnswerIsNo, LedgerError, UsageError
from retention.model.audit import Proof
from tests.support import auditors
from tests.support.stores import SqliteStore, Store
from tests.support.workplace import Workplace


def export(work: Workplace, name: str = "export", **days: str) -> Path:
    from retention.verbs.exporting import export

    folder = work.folder / name
    export(work.place, folder, **days)
    return folder


def prove(work: Workplace, dataset: str, key: str) -> Proof:
    from retention.verbs.proving import prove

    return prove(work.place, dataset=dataset, key=key)


def test_an_export_verifies_with_nothing_of_ours(done: Workplace) -> None:
    folder = export(done)
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md", "checkpoint", "checkpoints", "key.pub", "segments", "verify.py",
    ]  # fmt: skip
    code, said = auditors.typed(folder, "key.pub")
    events = len(done.events())
    assert (code, said.splitlines()[0][:27]) == (0, "Verified: the whole ledger ")
    assert f"{events} events" in said
    mirror = done.folder / "state" / "ledger" / "ledger.jsonl"
    assert b"".join(path.read_bytes() for path in sorted(folder.glob("segments/*"))) == mirror.read_bytes()
    readme = (folder / "README.md").read_text()
    assert "@" not in readme
    assert (folder / "key.pub").read_text().strip() in readme


def test_segments_are_of_so_many_lines(done: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retention.verbs.exporting.SEGMENT_LINES", 4)
    folder = export(done)
    names = [path.name for path in sorted(folder.glob("segments/*"))]
    assert names[:3] == ["000000000000.jsonl", "000000000004.jsonl", "000000000008.jsonl"]
    assert auditors.typed(folder, "key.pub")[0] == 0


def test_a_range_comes_with_what_joins_it_to_the_whole(done: Workplace) -> None:
    at = [event["at"] for event in done.events()]
    for name, first, stop in (("middle", 3, 6), ("first", 0, 4), ("last", 5, len(at)), ("all", 0, len(at))):
        days = {"since": at[first]} | ({"until": at[stop]} if stop < len(at) else {})
        folder = export(done, name, **days)
        code, said = auditors.typed(folder, "key.pub")
        assert code == 0, said
        first = at.index(at[first])  # events of one transaction may have one time
        what = "the whole ledger" if name == "all" else f"events {first} to {stop - 1} "
        assert said.startswith(f"Verified: {what}"), said
        segment = next(folder.glob("segments/*"))
        segment.write_bytes(
            segment.read_bytes().replace(b'"by":"', b'"by":"x', 1).replace(b'"run":"', b'"run":"x', 1)
        )
        assert auditors.typed(folder, "key.pub")[0] == 1
    empty = export(done, "empty", since="2031-01-01")
    assert "0 events" in auditors.typed(empty, "key.pub")[1]
    with pytest.raises(UsageError, match="--from 2026-01-02 is not before --to 2026-01-01"):
        export(done, "no", since="2026-01-02", until="2026-01-01")
    with pytest.raises(UsageError, match="--to: 'tomorrow' is not a point in time"):
        export(done, "no", until="tomorrow")


def test_an_export_goes_into_a_new_folder_whole_or_not_at_all(done: Workplace) -> None:
    folder = export(done)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match="has something in it"):
        export(done)
    with pytest.raises(UsageError, match="inside the ledger's mirror"):
        export(done, "state/ledger/here")
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    state = SqliteStore(done.folder / "state" / "retention.db")
    state.script("UPDATE retention_event SET line = replace(line, '2026-11', '2026-10') WHERE seq = 4")
    with pytest.raises(LedgerError, match="event 4"):
        export(done, "broken")
    assert not (done.folder / "broken").exists()
    assert not list(done.folder.glob(".broken*"))


@pytest.mark.parametrize(
    ("dataset", "key", "rule"), [("shop.orders", "17", "orders"), ("shop.lines", "7,3", "lines")]
)
def test_a_record_that_has_gone_is_proved(done: Workplace, dataset: str, key: str, rule: str) -> None:
    told = done.cli("audit", "prove", dataset, key, "--export", str(done.folder / "proof.json"))
    assert told.exit_code == 0, told.stderr
    for words in (f"the record {dataset} {key}", f"{rule.capitalize()}: a year", rule):
        assert words in told.stdout
    assert ("by ida" in told.stdout) == (rule == "orders")
    folder = export(done)
    code, said = auditors.typed(folder, "key.pub", "--proof", "../proof.json")
    assert code == 0, said
    assert f"the record {dataset} {key} " in said
    assert f"{rule.capitalize()}: a year" in said
    assert ("Approved by ida" in said) == (rule == "orders")


def test_it_needs_no_database_and_no_policy_that_has_the_dataset_still(done: Workplace) -> None:
    (done.folder / "target.db").unlink()
    assert prove(done, "shop.orders", "18").rule == "orders"
    done.connectors["shop"] = done.connectors["shop"].split("[datasets.lines]")[0]
    done.rules.pop("lines")
    assert prove(done, "shop.lines", "70,3").promise == "Lines: a year"


def test_where_there_is_no_evidence_the_answer_is_no(done: Workplace) -> None:
    for dataset, key in (
        ("shop.orders", "19"),
        ("shop.orders", "7"),
        ("shop.lines", "7"),
        ("shop.lines", "3,7"),
    ):
        told = done.cli("audit", "prove", dataset, key)
        assert told.exit_code == 7, told.stdout
        assert f"no evidence that a record {key} of `{dataset}`" in told.stderr
    with pytest.raises(
        UsageError, match=r"there is no dataset `shop.ordres`, and never was; there are: shop.lines"
    ):
        prove(done, "shop.ordres", "17")


def test_a_proof_opens_its_record_only(done: Workplace) -> None:
    """Nothing of it is another record's commitment, or leads to one."""
    proof = prove(done, "shop.lines", "7,3")
    text = json.dumps(proof.document)
    for key in (["7", "4"], ["70", "3"]):
        other = prove(done, "shop.lines", ",".join(key))
        assert other.document["blind"] not in text
        forged = {**proof.document, "record": {**proof.document["record"], "key": key}}
        (done.folder / "forged.json").write_text(json.dumps(forged))
        (done.folder / "verify.py").write_bytes(auditors.SCRIPT.read_bytes())
        code, said = auditors.typed(done.folder, "state/ledger/key.pub", "--proof", "forged.json")
        assert (code, said) == (1, "NOT VERIFIED: the record is not in the batch")


def test_a_forged_proof_is_found(done: Workplace) -> None:
    """Every field that could be exchanged for another proof's, or be bent."""
    (done.folder / "verify.py").write_bytes(auditors.SCRIPT.read_bytes())
    module, key = auditors.script(), (done.folder / "state" / "ledger" / "key.pub").read_text().strip()
    one, other = prove(done, "shop.orders", "17").document, prove(done, "shop.lines", "7,3").document
    forged = [{**one, name: other[name]} for name in ("record", "blind", "batch") if one[name] != other[name]]
    forged += [
        {**one, "events": {**one["events"], name: other["events"][name]}} for name in ("intent", "outcome")
    ]
    forged += [
        {**one, "events": {**one["events"], "approval 1": one["events"]["started"]}},
        {**one, "events": {name: e for name, e in one["events"].items() if name != "outcome"}},
        {**one, "events": {**one["events"], "outcome": one["events"]["intent"]}},
        {**one, "checkpoint": one["checkpoint"].replace("\n", "\r\n")},
        {**one, "checkpoint": one["checkpoint"].replace("\n11\n", "\n12\n")},
        {**one, "format": "retention.proof/2"},
        {**one, "record": {**one["record"], "dataset": other["record"]["dataset"]}},
        {**one, "events": {n: e for n, e in one["events"].items() if not n.startswith("approval")}},
    ]
    line = one["events"]["outcome"]["line"].replace('"count":2', '"count":1')
    forged.append({**one, "events": {**one["events"], "outcome": {**one["events"]["outcome"], "line": line}}})
    path = done.folder / "proof.json"
    path.write_text(json.dumps(one))
    module.check_proof(path, key)
    for document in forged:
        path.write_text(json.dumps(document))
        with pytest.raises((module.Wrong, KeyError, ValueError)):
            module.check_proof(path, key)


def test_a_proof_hides_no_approval(done: Workplace) -> None:
    """Neither a file from which one was taken out, nor a state store whose index does not lead to it."""
    (done.folder / "verify.py").write_bytes(auditors.SCRIPT.read_bytes())
    proof = prove(done, "shop.orders", "17").document
    events = {name: event for name, event in proof["events"].items() if not name.startswith("approval")}
    assert len(events) < len(proof["events"])
    (done.folder / "proof.json").write_text(json.dumps({**proof, "events": events}))
    found = auditors.typed(done.folder, "state/ledger/key.pub", "--proof", "proof.json")
    assert found == (1, "NOT VERIFIED: the run names other approvals, or more")
    state = SqliteStore(done.folder / "state" / "retention.db")
    state.script("DELETE FROM retention_event_index WHERE type = 'approval.granted'")
    told = done.cli("audit", "prove", "shop.orders", "17")
    words = "its run names the approval of the plan"
    assert (told.exit_code, words in told.stderr) == (6, True), told.output


def test_a_proof_from_a_ledger_with_a_gap_names_the_event(done: Workplace) -> None:
    """Of an event that the proof needs and nobody has any more: the plan's approval, the promise."""
    for type in ("approval.granted", "policy.changed"):
        seq = next(event["seq"] for event in done.events() if event["type"] == type)
        state = SqliteStore(done.folder / "state" / "retention.db")
        ((line,),) = state.rows(f"SELECT hex(line) FROM retention_event WHERE seq = {seq}")
        state.script(f"DELETE FROM retention_event WHERE seq = {seq}")
        told = done.cli("audit", "prove", "shop.orders", "17")
        assert (told.exit_code, f"event {seq}: it is missing" in told.stderr) == (6, True), told.output
        state.script(f"INSERT INTO retention_event VALUES ({seq}, x'{line}')")
    assert prove(done, "shop.orders", "17")


def test_a_part_says_what_it_does_not_show(done: Workplace) -> None:
    """Whether it begins and ends where it was asked to, the parts beside it show; of none at all, nothing is shown."""
    at = [event["at"] for event in done.events()]
    said = auditors.typed(export(done, "part", since=at[3], until=at[6]), "key.pub")[1]
    first = at.index(at[3])
    stop = at.index(at[6])
    assert f"What was before event {first}, and from event {stop} on, this part does not show." in said
    assert "does not show" not in auditors.typed(export(done), "key.pub")[1]
    said = auditors.typed(export(done, "empty", since="2031-01-01"), "key.pub")[1]
    assert said.startswith("Verified: no event of ")
    assert f"before event {len(at)}, and from event {len(at)} on, this part does not show" in said
    assert "Here is none of " in (done.folder / "empty" / "README.md").read_text()


def test_a_part_that_counts_its_subtrees_otherwise_does_not_fit(done: Workplace) -> None:
    """The same roots, the same sum, and so the same root of all: events would have other numbers."""
    folder = export(done, "empty", since="2031-01-01")
    part = json.loads((folder / "range.json").read_text())
    (one, first), (two, second), *rest = part["before"]
    part["before"] = [[one - 1, first], [two + 1, second], *rest]
    (folder / "range.json").write_text(json.dumps(part))
    said = "NOT VERIFIED: range.json: a part of the tree does not fit"
    assert auditors.typed(folder, "key.pub") == (1, said)


def test_a_checkpoint_of_more_than_a_part_has_is_for_the_whole(done: Workplace) -> None:
    at = [event["at"] for event in done.events()]
    folder = export(done, "part", since=at[5], until=at[8])
    early = min(export(done).glob("checkpoints/*"))
    (folder / "checkpoints" / "mine.note").write_bytes(early.read_bytes())
    words = "this part has not all of them: compare it with the whole ledger"
    code, said = auditors.typed(folder, "key.pub")
    assert (code, words in said) == (1, True), said


def test_what_verify_py_can_t_read_it_names(done: Workplace) -> None:
    folder = export(done)
    (folder / "proof.json").write_bytes(b'{"format": "retention.proof/1", "che')
    (folder / "notes.pub").write_text((folder / "key.pub").read_text(), encoding="utf-16")
    (folder / "typed.pub").write_text((folder / "key.pub").read_text()[:-3] + "AA\n")
    for words, said in (
        (("nothing.pub",), "nothing.pub can't be read: No such file or directory"),
        (("checkpoints",), "checkpoints can't be read: Is a directory"),
        (("notes.pub",), "this is no public key of a ledger, which is one line: NAME+12345678+LETTERS"),
        (("typed.pub",), "this public key is mistyped, or not one of a ledger"),
        (("key.pub", "--proof", "nothing.json"), "nothing.json can't be read: No such file or directory"),
        (("key.pub", "--proof", "proof.json"), "a file is damaged, or another one: ask for it anew (JSON"),
    ):
        code, found = auditors.typed(folder, *words)
        assert code == 1
        assert found.startswith(f"NOT VERIFIED: {said}"), found
        assert "Traceback" not in found


def test_a_terminal_without_some_letters_is_told_all_the_same(done: Workplace) -> None:
    folder = export(done)
    ran = subprocess.run(
        [sys.executable, "-X", "utf8=0", "verify.py", "clé.pub"],
        cwd=folder, capture_output=True, check=False, env={"PATH": "/usr/bin", "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (1, b"")
    assert ran.stdout.startswith(b"NOT VERIFIED: cl")


def test_a_record_that_came_back_and_went_again_is_proved_by_its_last_batch(done: Workplace) -> None:
    SqliteStore(done.folder / "target.db").script("INSERT INTO lines VALUES (7, 3, '2020-05-05 10:00:00')")
    first = prove(done, "shop.lines", "7,3")
    done.run("lines")
    proof = prove(done, "shop.lines", "7,3")
    assert proof.event > first.event
    assert len(proof.others) == 1
    told = done.cli("audit", "prove", "shop.lines", "7,3")
    assert "went 1 time before" in told.stdout


def test_old_evidence_is_dropped_where_that_is_said(done: Workplace) -> None:
    """And the ledger says so, and so does who is asked for a proof."""
    done.settings = '[ledger]\nevidence_keep = "1 month"'
    assert prove(done, "shop.orders", "17")
    done.now = done.now.replace(year=2027)
    SqliteStore(done.folder / "target.db").script("INSERT INTO lines VALUES (1, 1, '2020-05-05 10:00:00')")
    done.run("lines")
    with pytest.raises(AnswerIsNo, match=r"evidence of before 2027-10-2.* is not kept any more"):
        prove(done, "shop.orders", "17")
    assert prove(done, "shop.lines", "1,1").notes
    (dropped,) = [event["data"] for event in done.events() if event["type"] == "evidence.dropped"]
    assert (dropped["batches"], dropped["records"]) == (2, 5)
    assert auditors.typed(export(done), "key.pub")[0] == 0


TYPES = {
    "sqlite": ("INTEGER", "TEXT"),
    "postgresql": ("uuid", "timestamptz"),
    "mysql": ("decimal(10,2)", "datetime"),
}
VALUES = {
    "sqlite": ("17", "'Smith, Ltd'"),
    "postgresql": ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'2020-01-31 10:00:00+02'"),
    "mysql": ("1.50", "'2020-01-31 10:00:00'"),
}
TYPED = {
    "sqlite": '17,"Smith, Ltd"',
    "postgresql": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11,2020-01-31 10:00:00+02:00",
    "mysql": "1.5,2020-01-31 10:00",
}


def test_keys_of_several_types_are_found_as_people_type_them(work: Workplace, store: Store) -> None:
    kind = store.url.split(":")[0].split("+")[0]
    one, two = TYPES[kind]
    length = "(99)" if two == "TEXT" and kind == "mysql" else ""
    store.script(f"CREATE TABLE t (a {one}, b {two}{length}, made timestamp, PRIMARY KEY (a, b))")
    store.script(f"INSERT INTO t VALUES ({', '.join(VALUES[kind])}, '2020-05-05 10:00:00')")
    work.connect(store, '[datasets.t]\ndata = "t"\ntable = "t"\nevents = { made = "made" }')
    work.rule("t", 'data = "t"\nkeep = "1 year"\nfrom = "made"')
    assert work.run().status == "done"
    assert prove(work, "db.t", TYPED[kind]).rule == "t"
