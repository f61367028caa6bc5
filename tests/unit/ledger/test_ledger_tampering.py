"""Random histories, randomly tampered with: nothing passes, neither our verification nor the auditor's own program.

The two share no code, and must agree on what is whole.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retention.errors import LedgerError
from retention.ledger.line import FIRST_PREV, encode, hash_of
from retention.ledger.note import Checkpoint, Signer
from retention.ledger.tree import leaf_hash, root_of
from retention.ledger.verify import verify_lines
from tests.support import auditors

ORIGIN = "acme.example/retention"
KEYS = [Signer(ORIGIN, bytes([number]) * 32) for number in range(1, 5)]
FOREIGN = Signer(ORIGIN, b"\x63" * 32)
START = datetime(2026, 1, 1, tzinfo=UTC)
VERIFY = auditors.script()


@dataclass(frozen=True)
class Ledger:
    """Lines, (size, signers) of each checkpoint, and how many keys there are."""

    lines: tuple[bytes, ...]
    marks: tuple[tuple[int, tuple[Signer, ...]], ...]
    keys: int

    def notes(self):
        return [note_of(self.lines, size, signers) for size, signers in self.marks]


def note_of(lines, size, signers):
    root = root_of([leaf_hash(line) for line in lines[:size]])
    note = Checkpoint(origin=ORIGIN, size=size, root=root).sign(signers[0])
    for signer in signers[1:]:
        note = signer.also_sign(note)
    return note


def chained(events):
    lines, prev = [], FIRST_PREV
    for seq, (kind, data) in enumerate(events):
        line = encode(seq=seq, at=START + timedelta(seconds=seq // 2), type=kind, data=data, prev=prev)
        lines.append(line)
        prev = hash_of(line)
    return tuple(lines)


@st.composite
def ledgers(draw):
    """Up to 20 events, checkpoints between them, the signing key rotated now and then."""
    events = [("key.created", {"kind": "signing", "key": KEYS[0].verifier_key})]
    marks, used = {}, 0
    for _ in range(draw(st.integers(1, 18))):
        what = draw(st.sampled_from(["event", "event", "event", "rotate", "mark"]))
        if what == "rotate" and used < len(KEYS) - 1:
            data = {"kind": "signing", "before": KEYS[used].verifier_key, "key": KEYS[used + 1].verifier_key}
            events.append(("key.rotated", data))
            marks[len(events)] = (KEYS[used], KEYS[used + 1])
            used += 1
        elif what == "mark" and len(events) not in marks:
            marks[len(events)] = (KEYS[used],)
        else:
            events.append(
                (
                    "batch.committed",
                    {"n": draw(st.integers(0, 9)), "name": draw(st.sampled_from(["a", "é", "😀"]))},
                )
            )
    marks.setdefault(len(events), (KEYS[used],))
    return Ledger(
        lines=chained(events), marks=tuple(sorted(marks.items(), key=lambda mark: mark[0])), keys=used + 1
    )


def ours(lines, notes, key):
    """What our own verification says is wrong; an unsigned tail is no fault for it, and is for an export."""
    try:
        found = verify_lines(lines, verifier_key=key, checkpoints=notes, source="test")
    except LedgerError as error:
        return str(error)
    return "not signed" if found.unsigned_tail else None


def theirs(folder, lines, notes, key):
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "segments").mkdir(parents=True)
    (folder / "checkpoints").mkdir()
    half = len(lines) // 2
    for number, some in ((0, lines[:half]), (half, lines[half:])):
        (folder / "segments" / f"{number:012d}.jsonl").write_bytes(b"".join(line + b"\n" for line in some))
    for number, note in enumerate(notes):
        (folder / "checkpoints" / f"{number:012d}.note").write_bytes(note.encode())
    if notes:
        (folder / "checkpoint").write_bytes(notes[-1].encode())
    return auditors.found(VERIFY, folder, key)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tampering") / "export"


GARBAGE = [b"", b"{}", b"\xff\xfe", b"[" * 3000, b'{"a":1,"a":1}', b"9" * 400, b"nan"]
LOOSE = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@LOOSE
@given(ledgers(), st.data())
def test_a_whole_ledger_verifies_with_every_key_that_it_had(folder, ledger, data):
    key = KEYS[data.draw(st.integers(0, ledger.keys - 1))].verifier_key
    signed = {signer.verifier_key for _, signers in ledger.marks for signer in signers}
    wrong = None if key in signed else "never signed"
    for found in (ours(ledger.lines, ledger.notes(), key), theirs(folder, ledger.lines, ledger.notes(), key)):
        assert (found is None) == (wrong is None), found


def rewritten(ledger, number, change):
    """The events with one changed, every hash behind it computed anew: what a forger does who knows the format."""
    events = [(json.loads(line)["type"], json.loads(line)["data"]) for line in ledger.lines]
    events[number] = change(events[number])
    return chained(events)


@st.composite
def tampered(draw):
    """(lines, notes, what was done) of a ledger that somebody without the keys in use got hold of."""
    ledger = draw(ledgers())
    lines, notes = list(ledger.lines), ledger.notes()
    number = draw(st.integers(0, len(lines) - 1))
    line = lines[number]
    what = draw(st.sampled_from([
        "edit", "space", "equal", "swap", "insert", "double", "remove", "cut", "add", "rewrite", "other key", "byte",
        "rotate", "forge", "drop the rotation's checkpoint", "garbage", "crlf",
    ]))  # fmt: skip
    if what == "edit":
        lines[number] = line.replace(b'"data":{', b'"data":{"also":1,', 1)
    elif what == "space":
        lines[number] = line.replace(b'":', b'": ', 1)
    elif what == "equal":
        lines[number] = line.replace(b'"at"', b'"\\u0061t"', 1)
    elif what == "swap" and len(lines) > 1:
        other = (number + 1) % len(lines)
        lines[number], lines[other] = lines[other], lines[number]
    elif what == "insert":
        lines.insert(number, encode(seq=number, at=START, type="error", data={}, prev=FIRST_PREV))
    elif what == "double":
        lines.insert(number, line)
    elif what == "remove":
        del lines[number]
    elif what == "cut":
        lines = lines[:number]
    elif what == "add":
        lines.append(
            encode(
                seq=len(lines), at=START + timedelta(days=1), type="error", data={}, prev=hash_of(lines[-1])
            )
        )
    elif what == "rewrite":
        lines = list(rewritten(ledger, number, lambda event: (event[0], {**event[1], "also": 1})))
    elif what == "other key":
        notes[-1] = note_of(ledger.lines, len(lines), (FOREIGN,))
    elif what == "byte":
        at = draw(st.integers(0, len(line) - 1))
        lines[number] = (
            line[:at] + bytes([line[at] ^ draw(st.sampled_from([1, 2, 32, 128]))]) + line[at + 1 :]
        )
    elif what == "rotate":
        data = {"kind": "signing", "before": KEYS[ledger.keys - 1].verifier_key, "key": FOREIGN.verifier_key}
        lines.append(
            encode(
                seq=len(lines),
                at=START + timedelta(days=1),
                type="key.rotated",
                data=data,
                prev=hash_of(lines[-1]),
            )
        )
        notes.append(note_of(tuple(lines), len(lines), (FOREIGN,)))
    elif what == "forge":
        events = [(json.loads(each)["type"], json.loads(each)["data"]) for each in lines]
        events[0] = ("key.created", {"kind": "signing", "key": FOREIGN.verifier_key})
        lines = [*chained(events)]
        notes = [note_of(tuple(lines), size, (FOREIGN,)) for size, _ in ledger.marks]
    elif what == "drop the rotation's checkpoint":
        kept = [note for note, (_, signers) in zip(notes, ledger.marks, strict=True) if len(signers) == 1]
        changed = len(kept) < len(notes)
        notes = kept if changed else notes
        if not changed:
            lines[number] = b""
    elif what == "garbage":
        lines[number] = draw(st.sampled_from(GARBAGE))
    else:
        notes[-1] = notes[-1].replace("\n", "\r\n")
    return ledger, tuple(lines), notes, what


@pytest.mark.heavy
@settings(LOOSE, max_examples=3000)
@given(tampered())
def test_nothing_of_thousands_passes(folder, case):
    nothing_passes(folder, case)


@LOOSE
@given(tampered())
def test_nothing_that_was_tampered_with_passes(folder, case):
    nothing_passes(folder, case)


def nothing_passes(folder, case):
    ledger, lines, notes, what = case
    if (lines, notes) == (ledger.lines, ledger.notes()):
        return
    key = KEYS[ledger.keys - 1].verifier_key
    key = KEYS[0].verifier_key if what in ("rotate", "forge") else key
    assert ours(lines, notes, key) is not None, what
    assert theirs(folder, lines, notes, key) is not None, what


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33])
def test_trees_of_every_shape_are_the_same_to_both(folder, size):
    lines = chained(
        [("key.created", {"kind": "signing", "key": KEYS[0].verifier_key})] + [("error", {})] * (size - 1)
    )
    ledger = Ledger(lines=lines, marks=tuple((n, (KEYS[0],)) for n in range(1, size + 1)), keys=1)
    for key in (KEYS[0], FOREIGN):
        for found in (
            ours(ledger.lines, ledger.notes(), key.verifier_key),
            theirs(folder, ledger.lines, ledger.notes(), key.verifier_key),
        ):
            assert (found is None) == (key is KEYS[0]), found
    empty = replace(ledger, lines=(), marks=((0, (KEYS[0],)),))
    assert ours((), empty.notes(), KEYS[0].verifier_key) is None
    assert theirs(folder, (), empty.notes(), KEYS[0].verifier_key) is None


@pytest.mark.parametrize(
    "data",
    [
        b'{"n":9007199254740992}', b'{"n":1.0}', b'{"n":NaN}', b'{"n":1,"n":1}', b'{"n":"\xff"}', b'{"n":"\\ud800"}',
        b'{"n":' + b"[" * 20 + b"]" * 20 + b"}", b'{"n":"' + b"x" * (10 << 20) + b'"}',
    ],
    ids=["2^53", "a float", "NaN", "doubled", "not UTF-8", "half a character", "deep", "10 MB"],
)  # fmt: skip
def test_lines_that_are_none_are_refused_by_both(folder, data):
    head = b'{"at":"2026-01-01T00:00:00.000000Z","data":'
    lines = (head + data + b',"prev":"%s","seq":0,"type":"x"}' % FIRST_PREV.encode(),)
    notes = [note_of(lines, 1, (KEYS[0],))]
    assert ours(lines, notes, KEYS[0].verifier_key) is not None
    assert theirs(folder, lines, notes, KEYS[0].verifier_key) is not None
