"""Keys as text say what they are, and one follows another only by the old one's signature."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from retention.errors import LedgerError, SetupError
from retention.ledger.keys import (
    EVIDENCE,
    SIGNING,
    encode_evidence_key,
    encode_signing_key,
    new_key,
    parse_ring,
)
from retention.ledger.line import hash_of
from retention.ledger.note import Signer
from retention.ledger.tree import leaf_hash, root_of
from retention.store.verifying import verify_folder
from tests.unit.ledger.test_ledger_tampering import KEYS, ORIGIN, chained, note_of, ours, theirs


def test_keys_come_back_from_their_text():
    key = new_key()
    assert len(key) == 32
    assert key != new_key()
    assert parse_ring(encode_signing_key(key), SIGNING).newest == key
    assert parse_ring(encode_evidence_key(key), EVIDENCE).newest == key
    assert encode_signing_key(b"\x00" * 32) == "retention-ed25519-private v1 " + "A" * 43 + "=\n"
    assert encode_evidence_key(b"\x00" * 32) == "retention-evidence-secret v1 " + "A" * 43 + "=\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (encode_evidence_key(b"\x07" * 32), "this is an evidence key, where a signing key is needed"),
        ("", "this is not a signing key"),
        ("-----BEGIN PRIVATE KEY-----\nabc", "this is not a signing key"),
        ("retention-ed25519-private v1", "one line"),
        ("retention-ed25519-private v2 AAAA", "version 'v2'"),
        ("retention-ed25519-private v1 !!!!", "not base64"),
        ("retention-ed25519-private v1 AAAA", "3 bytes instead of 32"),
    ],
)
def test_what_is_no_signing_key_is_refused_by_what_it_is(text, words):
    with pytest.raises(SetupError, match=words):
        parse_ring(text, SIGNING)


def test_a_refused_key_is_never_shown():
    secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQ"
    with pytest.raises(SetupError) as refused:
        parse_ring(f"retention-evidence-secret v1 {secret}=", EVIDENCE)
    assert secret not in str(refused.value)


def test_a_rotation_without_the_old_key_s_signature_is_found(tmp_path: Path):
    """The thief of the store has no old key: the event alone, or under the new key's signature, hands nothing over."""
    old, new = KEYS[0], KEYS[1]
    lines = chained(
        [
            ("key.created", {"kind": SIGNING, "key": old.verifier_key}),
            ("key.rotated", {"kind": SIGNING, "before": old.verifier_key, "key": new.verifier_key}),
            ("error", {}),
        ]
    )
    whole = [note_of(lines, 1, (old,)), note_of(lines, 2, (old, new)), note_of(lines, 3, (new,))]
    assert (
        ours(lines, whole, old.verifier_key) is theirs(tmp_path / "e", lines, whole, old.verifier_key) is None
    )
    for notes, words in (
        ([whole[0], whole[2]], "event 1: the old signing key did not sign that another one takes its place"),
        (
            [whole[0], note_of(lines, 2, (new,)), whole[2]],
            "checkpoint of 2 events: it is not signed by the key",
        ),
        (
            [whole[0], whole[1], note_of(lines, 3, (old,))],
            "checkpoint of 3 events: it is not signed by the key",
        ),
    ):
        assert (ours(lines, notes, old.verifier_key) or "").startswith(words)
        assert theirs(tmp_path / "e", lines, notes, old.verifier_key) is not None


def test_a_key_that_no_event_took_into_use_signs_nothing(tmp_path: Path):
    """Another key from some checkpoint on, and no `key.rotated`."""
    lines = chained([("key.created", {"kind": SIGNING, "key": KEYS[0].verifier_key}), ("error", {})])
    notes = [note_of(lines, 1, (KEYS[0],)), note_of(lines, 2, (KEYS[1],))]
    for key in KEYS[:2]:
        assert ours(lines, notes, key.verifier_key) is not None
        assert theirs(tmp_path / "e", lines, notes, key.verifier_key) is not None


def mirror(folder: Path, lines, notes, *, archived: int, key: str) -> Path:
    """A mirror's folder whose first events lie in an archive, with what the folder says of the key in use there."""
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "ledger.jsonl").write_bytes(b"".join(line + b"\n" for line in lines[archived:]))
    for number, note in enumerate(notes):
        (folder / "checkpoints" / f"{number:012d}.note").write_bytes(note.encode())
    row = {
        "stop": archived,
        "before": [[archived, root_of([leaf_hash(line) for line in lines[:archived]]).hex()]],
        "last_hash": hash_of(lines[archived - 1]),
        "last_at": json.loads(lines[archived - 1])["at"],
        "length": sum(len(line) + 1 for line in lines[:archived]),
        "key": key,
    }
    (folder / "archived.json").write_text(json.dumps({"archives": [row]}))
    return folder


def test_a_mirror_that_names_a_thief_s_key_behind_the_archive_is_no_mirror(tmp_path: Path):
    """`archived.json` is under no signature: a key that it names vouches for nothing that the trusted key does not.

    The thief signs beside the trusted key what is true, and alone the event that he adds.
    """
    old, thief = KEYS[0], Signer(ORIGIN, b"\x66" * 32)
    begun = ("key.created", {"kind": SIGNING, "key": old.verifier_key})
    lines = chained([begun, *[("error", {})] * 7, ("batch.committed", {"forged": 1})])
    true, forged = note_of(lines, 8, (old,)), note_of(lines, 9, (thief,))
    whole = mirror(tmp_path / "true", lines[:8], [true], archived=4, key=old.verifier_key)
    assert verify_folder(whole, old.verifier_key).events == 8
    notes = [thief.also_sign(true), forged]
    other = mirror(tmp_path / "forged", lines, notes, archived=4, key=thief.verifier_key)
    with pytest.raises(LedgerError, match="no event behind the archive hands the ledger over") as refused:
        verify_folder(other, old.verifier_key)
    assert "name the archive's folder: --archive DIR" in str(refused.value)


def test_a_mirror_behind_an_archive_is_verified_by_the_key_that_took_over_there(tmp_path: Path):
    """From the key that was in use at the archive's end to the trusted one, by an event that is there."""
    old, new = KEYS[0], KEYS[1]
    lines = chained(
        [
            ("key.created", {"kind": SIGNING, "key": old.verifier_key}),
            *[("error", {})] * 4,
            ("key.rotated", {"kind": SIGNING, "before": old.verifier_key, "key": new.verifier_key}),
        ]
    )
    notes = [note_of(lines, 6, (old, new))]
    folder = mirror(tmp_path / "mirror", lines, notes, archived=4, key=old.verifier_key)
    for key in (old, new):
        assert verify_folder(folder, key.verifier_key).rotations == 1


def test_a_signature_over_no_events_vouches_for_none():
    """The trusted key's checkpoint of an empty ledger is of every ledger's beginning."""
    old, thief = KEYS[0], Signer(ORIGIN, b"\x66" * 32)
    lines = chained([("key.created", {"kind": SIGNING, "key": thief.verifier_key}), ("error", {})])
    notes = [note_of(lines, 0, (old,)), note_of(lines, 2, (thief,))]
    assert "which never signed this ledger" in (ours(lines, notes, old.verifier_key) or "")
