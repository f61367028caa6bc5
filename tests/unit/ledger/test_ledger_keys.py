"""Keys as text say what they are."""

from __future__ import annotations

import pytest

from retention.errors import SetupError
from retention.ledger.keys import (
    EVIDENCE,
    SIGNING,
    encode_evidence_key,
    encode_signing_key,
    new_key,
    parse_ring,
)


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
