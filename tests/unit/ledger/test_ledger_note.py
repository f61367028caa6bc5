"""Notes are C2SP's: what Go's tools sign is read here."""

from __future__ import annotations

import base64

import pytest

from retention.errors import LedgerError, SetupError
from retention.ledger.note import Checkpoint, Note, Signer, Verifier
from retention.ledger.tree import EMPTY_ROOT

# The published example of golang.org/x/mod/sumdb/note.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
GO_NOTE = GO_TEXT + (
    "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZIn"
    "NIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
SIGNER = Signer("acme.example/retention", b"\x01" * 32)
NOTE = Checkpoint(origin=SIGNER.name, size=0, root=EMPTY_ROOT).sign(SIGNER)


def test_the_example_of_the_go_implementation_verifies():
    verifier = Verifier.parse(GO_KEY)
    assert str(verifier) == GO_KEY
    assert verifier.open(GO_NOTE) == GO_TEXT


def test_a_checkpoint_is_spelt_as_tlog_checkpoint_says():
    text, _, signatures = NOTE.partition("\n\n")
    assert text == "acme.example/retention\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    assert signatures.startswith("— acme.example/retention ")
    assert Checkpoint.open(NOTE, Verifier.parse(SIGNER.verifier_key)) == Checkpoint(
        origin="acme.example/retention", size=0, root=EMPTY_ROOT
    )


def test_signatures_of_witnesses_are_passed_over_wherever_they_stand():
    other = Signer("witness.example", b"\x02" * 32)
    line = other.sign(NOTE.partition("\n\n")[0] + "\n").rpartition("\n\n")[2]
    unknown = "— strange " + base64.b64encode(b"abcd" + b"\x09" * 100).decode() + "\n"
    before = NOTE.replace("\n\n", "\n\n" + unknown)
    assert Checkpoint.open(NOTE + line + unknown, SIGNER.verifier).size == 0
    assert Checkpoint.open(before, SIGNER.verifier).size == 0


@pytest.mark.parametrize(
    "damaged",
    [
        NOTE.replace("\n", "\r\n"),
        NOTE[:-1],
        NOTE + "\n",
        NOTE.replace("\n0\n", "\n1\n"),
        NOTE.replace("\n0\n", "\n00\n"),
        NOTE.replace("— ", "- "),
        NOTE.replace("\n\n", "\n"),
        NOTE.partition("\n\n")[0] + "\n",
        NOTE + "— nobody\n",
        NOTE + "— nobody !!!!\n",
        NOTE + "— a+b AAAAAAAA\n",
        NOTE.replace("\n0\n", "\n0\n\x00\n"),
        "",
        "\n\n",
        "x" * 2_000_000,
    ],
)
def test_damaged_notes_are_refused(damaged):
    with pytest.raises(LedgerError):
        Checkpoint.open(damaged, SIGNER.verifier)


def test_a_signature_by_another_key_is_refused_even_under_the_same_name():
    stranger = Signer(SIGNER.name, b"\x03" * 32)
    with pytest.raises(LedgerError, match=r"not signed by the key acme.example/retention"):
        Checkpoint.open(
            Checkpoint(origin=SIGNER.name, size=0, root=EMPTY_ROOT).sign(stranger), SIGNER.verifier
        )


def test_a_stolen_signature_is_refused():
    stolen = NOTE.rpartition("\n\n")[2]
    forged = Checkpoint(origin=SIGNER.name, size=7, root=EMPTY_ROOT).text + "\n" + stolen
    with pytest.raises(LedgerError, match=r"its signature by acme.example/retention is wrong"):
        Checkpoint.open(forged, SIGNER.verifier)


def test_a_checkpoint_of_another_log_is_refused():
    other = Checkpoint(origin="other.example/log", size=0, root=EMPTY_ROOT).sign(SIGNER)
    with pytest.raises(LedgerError, match=r"of the log 'other.example/log'"):
        Checkpoint.open(other, SIGNER.verifier)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000+AAAA",
        GO_KEY.replace("c74f20a3", "c74f20a4"),
        GO_KEY.replace("PeterNeumann", "Peter Neumann"),
        GO_KEY[:-4],
        GO_KEY.replace("+AR", "+BR"),
    ],
)
def test_mistyped_verifier_keys_are_refused(text):
    with pytest.raises(SetupError):
        Verifier.parse(text)


@pytest.mark.parametrize("name", ["", "with space", "with+plus", "new\nline", "é\u2003"])
def test_an_origin_that_a_note_cannot_carry_is_refused(name):
    with pytest.raises(SetupError):
        Signer(name, b"\x01" * 32)


def test_a_signer_never_shows_its_key():
    assert repr(SIGNER) == "Signer('acme.example/retention')"


def test_a_text_with_empty_lines_is_split_at_the_last_one():
    note = SIGNER.sign("one\n\ntwo\n")
    assert Note.parse(note).text == "one\n\ntwo\n"
    assert SIGNER.verifier.open(note) == "one\n\ntwo\n"


def test_what_was_found_right_once_vouches_for_no_other_note_key_or_signature():
    other = Signer(SIGNER.name, b"\x02" * 32)
    verifier, another = Verifier.parse(SIGNER.verifier_key), Verifier.parse(other.verifier_key)
    point = Checkpoint(origin=SIGNER.name, size=1, root=b"\x01" * 32)
    note = point.sign(SIGNER)
    assert Checkpoint.open(note, verifier) == Checkpoint.open(note, verifier) == point
    own = Note.parse(note).signatures[0].value
    for text, value, key in (
        (point.text.replace("\n1\n", "\n2\n"), own, verifier),
        (point.text, own[:-1] + bytes([own[-1] ^ 1]), verifier),
        (point.text, own, another),
    ):
        line = base64.b64encode(key.key_hash + value).decode()
        with pytest.raises(LedgerError, match="is wrong"):
            key.open(f"{text}\n— {SIGNER.name} {line}\n")
    assert Checkpoint.open(note, verifier) == point


def test_signatures_are_remembered_up_to_a_limit_and_checked_all_the_same_beyond(monkeypatch):
    monkeypatch.setattr("retention.ledger.note._right", set())
    monkeypatch.setattr("retention.ledger.note.MOST_REMEMBERED", 2)
    verifier = Verifier.parse(SIGNER.verifier_key)
    for size in (1, 2, 3, 3):
        point = Checkpoint(origin=SIGNER.name, size=size, root=b"\x01" * 32)
        assert Checkpoint.open(point.sign(SIGNER), verifier) == point
        with pytest.raises(LedgerError, match="is wrong"):
            verifier.open(point.sign(SIGNER).replace(f"\n{size}\n", "\n9\n"))
    from retention.ledger.note import _right

    assert len(_right) == 2
