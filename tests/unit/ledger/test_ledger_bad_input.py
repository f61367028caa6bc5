"""What somebody may hand over in place of a ledger, a key or a checkpoint: refused by our own verification and by
verify.py alike, quickly and with a sentence. Lines that are none: test_ledger_tampering.
"""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
from pathlib import Path

import pytest

from retention.errors import LedgerError, SetupError
from retention.ledger.note import Checkpoint, Signer
from retention.ledger.tree import leaf_hash, root_of
from retention.ledger.verify import read_lines
from tests.support import auditors
from tests.unit.ledger.test_ledger_tampering import KEYS, ORIGIN, chained, note_of, ours, theirs

KEY = KEYS[0].verifier_key
LINES = chained([("key.created", {"kind": "signing", "key": KEY})] + [("error", {})] * 8)
NOTE = note_of(LINES, 9, (KEYS[0],))


def spelt(kind: bytes, public: bytes, name: str = ORIGIN) -> str:
    """A key in the form of a verifier key, its hash right."""
    data = kind + public
    key_hash = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4].hex()
    return f"{name}+{key_hash}+{base64.b64encode(data).decode()}"


PUBLIC = base64.b64decode(KEY.rsplit("+", 1)[1])[1:]
WRONG_KEYS = {
    "empty": "",
    "some text": "Dear auditor,\n\nplease find enclosed",
    "a private key": "retention-ed25519-private v1 " + base64.b64encode(b"\x01" * 32).decode(),
    "a witness's key": spelt(b"\x04", PUBLIC),
    "a key of another algorithm": spelt(b"\x02", PUBLIC),
    "a key that is too short": spelt(b"\x01", PUBLIC[:-1]),
    "a key that is too long": spelt(b"\x01", PUBLIC + b"\x00"),
    "a mistyped letter": KEY[:-3] + ("A" if KEY[-3] != "A" else "B") + KEY[-2:],
    "a mistyped hash": KEY.replace("+", "+0", 1),
    "a certificate": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
}


@pytest.mark.parametrize("what", WRONG_KEYS)
def test_a_key_file_of_the_wrong_type_verifies_nothing(tmp_path: Path, what: str) -> None:
    key = WRONG_KEYS[what]
    with pytest.raises(SetupError):
        ours(LINES, [NOTE], key)
    assert theirs(tmp_path / "export", LINES, [NOTE], key) is not None
    assert theirs(tmp_path / "export", LINES, [NOTE], KEY) is None


DAMAGED = {
    "CRLF": NOTE.replace("\n", "\r\n"),
    "CRLF in the text only": NOTE.replace("\n", "\r\n", 3),
    "old Mac line ends": NOTE.replace("\n", "\r"),
    "a byte order mark": "\ufeff" + NOTE,
    "another size": NOTE.replace("\n9\n", "\n8\n"),
    "a size with a zero before it": NOTE.replace("\n9\n", "\n09\n"),
    "a size beyond every number": NOTE.replace("\n9\n", "\n" + "9" * 400 + "\n"),
    "a negative size": NOTE.replace("\n9\n", "\n-9\n"),
    "a size in Arabic digits": NOTE.replace("\n9\n", "\n\u0669\n"),
    "no signature": NOTE.split("\n\n")[0] + "\n\n",
    "no end of line": NOTE[:-1],
    "half of it": NOTE[: len(NOTE) // 2],
    "nothing": "",
    "a hyphen for the dash": NOTE.replace("—", "-"),
    "another root": note_of(LINES[:8] + LINES[7:8], 9, (Signer(ORIGIN, b"\x63" * 32),)),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_a_checkpoint_that_is_none_verifies_nothing(tmp_path: Path, what: str) -> None:
    note = DAMAGED[what]
    assert ours(LINES, [note], KEY) is not None
    assert theirs(tmp_path / "export", LINES, [note], KEY) is not None


SIZES = (*(2**k + d for k in range(1, 8) for d in (-1, 0, 1)),)


@pytest.mark.parametrize("size", sorted({0, 1, *SIZES}))
def test_a_tree_of_each_size_around_a_power_of_two_is_verified_by_both(tmp_path: Path, size: int) -> None:
    """And one whose last event was exchanged for another is not."""
    events = [("key.created", {"kind": "signing", "key": KEY})] + [("error", {})] * size
    lines = chained(events[:size])
    note = note_of(lines, size, (KEYS[0],))
    assert ours(lines, [note], KEY) is None
    assert theirs(tmp_path / "export", lines, [note], KEY) is None
    if size:
        other = chained([*events[: size - 1], ("error", {"other": 1})])
        assert ours(other, [note], KEY) is not None
        assert theirs(tmp_path / "export", other, [note], KEY) is not None


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 64, 65])
def test_verify_py_follows_each_inclusion_proof_and_no_other(size: int) -> None:
    from retention.ledger.tree import inclusion_proof

    module = auditors.script()
    leaves = [leaf_hash(b"%d" % n) for n in range(size)]
    root = root_of(leaves)

    def leads(path: list[str], leaf: bytes, index: int, of: int) -> bool:
        try:
            return bool(module.root_by(path, leaf, index, of) == root)
        except module.Wrong:
            return False

    for index, leaf in enumerate(leaves):
        path = [step.hex() for step in inclusion_proof(leaves, index)]
        assert leads(path, leaf, index, size)
        assert not leads([*path, "00" * 32], leaf, index, size)
        assert not leads(path, leaf, size, size)
        assert not leads(path, leaf, -1, size)
        if size > 1:
            assert not leads(path[:-1], leaf, index, size)
            assert not leads(path, leaves[index - 1], index, size)
            assert not leads(path, leaf, index - 1, size)


def test_a_ledger_cut_at_any_byte_is_refused_by_both(tmp_path: Path) -> None:
    """A truncated file, wherever it ends: within a line, and after one."""
    folder, module = tmp_path / "export", auditors.script()
    whole = b"".join(line + b"\n" for line in LINES)
    assert theirs(folder, LINES, [NOTE], KEY) is None
    for path in folder.glob("segments/*"):
        path.unlink()

    def said(data: bytes) -> str | None:
        try:
            return ours(tuple(read_lines(io.BytesIO(data))), [NOTE], KEY)
        except LedgerError as error:
            return str(error)

    for end in range(0, len(whole), 7):
        assert (said(whole[:end]) or "").startswith("event "), end
        (folder / "segments" / f"{0:012d}.jsonl").write_bytes(whole[:end])
        assert auditors.found(module, folder, KEY) is not None, end


def test_what_a_hostile_export_says_moves_no_cursor(tmp_path: Path) -> None:
    """The company's text is printed: it must not be able to overwrite `NOT VERIFIED` on a terminal."""
    hostile = "acme\x1b[2K\rVerified:\u202e"
    signer = Signer("acme.example/retention", b"\x01" * 32)
    note = NOTE.replace(ORIGIN, hostile)
    assert theirs(tmp_path / "export", LINES, [note], KEY) is not None
    folder = tmp_path / "export"
    shutil.copyfile(auditors.SCRIPT, folder / "verify.py")
    (folder / "key.pub").write_text(signer.verifier_key)
    code, said = auditors.typed(folder, "key.pub")
    assert code == 1
    assert said.startswith("NOT VERIFIED: ")
    assert said.isprintable()


def other(line: bytes, old: str, new: str) -> bytes:
    """The line with something else in it, which must have been there."""
    assert old.encode() in line
    return line.replace(old.encode(), new.encode(), 1)


SIGNED = {
    "the order of names was changed": lambda line: other(line, '{"b":1}', '{"b":1,"a":2}'),
    "order of names": lambda line: other(line, '{"b":1}', '{"\ufffd":1,"😀":2}'),
    "it has other members": lambda line: other(line, '"type"', '"tag":1,"type"'),
    "or of other types": lambda line: other(line, "T00:00:01", "T24:00:01"),
    "in its place stands event 5": lambda line: other(line, '"seq":3', '"seq":5'),
    "it does not follow the event before it": lambda line: other(line, '"prev":"', '"prev":"0')[:-1] + b"}",
    "it is earlier than the event before it": lambda line: other(line, "2026", "2025"),
}


@pytest.mark.parametrize("words", SIGNED)
def test_what_the_key_s_holder_signs_must_still_be_a_ledger(tmp_path: Path, words: str) -> None:
    """Each check is one by itself: here the tree, and the signature over it, are right."""
    begun = ("key.created", {"kind": "signing", "key": KEY})
    lines = chained([begun, ("error", {}), ("error", {}), ("error", {"b": 1})])
    bad = (*lines[:3], SIGNED[words](lines[3]))
    note = note_of(bad, 4, (KEYS[0],))
    assert theirs(tmp_path / "export", lines, [note_of(lines, 4, (KEYS[0],))], KEY) is None
    assert (ours(bad, [note], KEY) or "").startswith("event ")
    found = theirs(tmp_path / "export", bad, [note], KEY) or ""
    assert (found[:8], words in found) == ("event 3:", True), found


def test_a_last_line_without_its_end_is_cut_off(tmp_path: Path) -> None:
    """Though all of what it says is there, and signed."""
    folder = tmp_path / "export"
    assert theirs(folder, LINES, [NOTE], KEY) is None
    last = max(folder.glob("segments/*"))
    last.write_bytes(last.read_bytes()[:-1])
    assert "event 8: it is cut off" in (auditors.found(auditors.script(), folder, KEY) or "")


def test_a_checkpoint_that_the_key_signed_for_another_ledger_is_none_of_this(tmp_path: Path) -> None:
    """The name before the signature is the key's; the one in what is signed is another."""
    root = root_of([leaf_hash(line) for line in LINES])
    note = Checkpoint(origin="other.example", size=9, root=root).sign(KEYS[0])
    assert "other.example" in (ours(LINES, [note], KEY) or "")
    found = theirs(tmp_path / "export", LINES, [note], KEY)
    assert found == "checkpoint of 9 events: it is of another ledger, other.example"
