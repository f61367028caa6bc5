"""Keys as text: one line with what it is, its version, and the secret in base64.

    retention-ed25519-private v1 BASE64     the signing key's 32-byte seed
    retention-evidence-secret v1 BASE64     the 32 bytes that key the commitments
    retention-pseudonym-secret v1 BASE64    the 32 bytes that key hashed and fake values

The prefix lets a reader refuse the wrong file, and scanners for leaked secrets find it.
Files are read and written in `retention.store.keyfiles`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets

from retention.errors import SetupError

KEY_SIZE = 32
_SIGNING = "retention-ed25519-private"
_EVIDENCE = "retention-evidence-secret"
_PSEUDONYM = "retention-pseudonym-secret"
_KINDS = {_SIGNING: "a signing key", _EVIDENCE: "an evidence key", _PSEUDONYM: "a pseudonyms' key"}
_PSEUDONYM_ID = b"retention/pseudonym-key/1"
PSEUDONYM = "pseudonym"
"""The kind of such a key, as the ledger has it."""


def new_key() -> bytes:
    """32 random bytes from the system: a new key of either kind."""
    return secrets.token_bytes(KEY_SIZE)


def encode_signing_key(seed: bytes) -> str:
    """The signing key file's text, with a newline at its end."""
    return _encode(_SIGNING, seed)


def encode_evidence_key(key: bytes) -> str:
    """The evidence key file's text, with a newline at its end."""
    return _encode(_EVIDENCE, key)


def encode_pseudonym_key(key: bytes) -> str:
    """The pseudonyms' key file's text, with a newline at its end."""
    return _encode(_PSEUDONYM, key)


def pseudonym_key_id(key: bytes) -> str:
    """16 hex digits that name a pseudonyms' key and tell nothing about it."""
    return hashlib.sha256(_PSEUDONYM_ID + key).hexdigest()[:16]


def parse_pseudonym_key(text: str) -> bytes:
    """The 32-byte key. Raises SetupError that says what the text is instead, and never shows it."""
    return _parse(text, _PSEUDONYM)


def parse_signing_key(text: str) -> bytes:
    """The 32-byte seed. Raises SetupError that says what the text is instead, and never shows it."""
    return _parse(text, _SIGNING)


def parse_evidence_key(text: str) -> bytes:
    """The 32-byte key. Raises SetupError that says what the text is instead, and never shows it."""
    return _parse(text, _EVIDENCE)


def _encode(kind: str, key: bytes) -> str:
    if len(key) != KEY_SIZE:
        raise ValueError(f"a key has {KEY_SIZE} bytes")
    return f"{kind} v1 {base64.b64encode(key).decode()}\n"


def _parse(text: str, wanted: str) -> bytes:
    words = text.split()
    kind = words[0] if words else ""
    if kind in _KINDS and kind != wanted:
        raise SetupError(f"this is {_KINDS[kind]}, where {_KINDS[wanted]} is needed")
    if kind != wanted:
        raise SetupError(f"this is not {_KINDS[wanted]}: it does not begin with {wanted}")
    if len(words) != 3:
        raise SetupError(f"{_KINDS[wanted]} is one line: {wanted} v1 BASE64")
    if words[1] != "v1":
        raise SetupError(f"{_KINDS[wanted]} of version {words[1][:8]!r}; this version of retention reads v1")
    try:
        key = base64.b64decode(words[2].encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise SetupError(f"{_KINDS[wanted]} is damaged: its last word is not base64") from error
    if len(key) != KEY_SIZE:
        raise SetupError(f"{_KINDS[wanted]} is damaged: {len(key)} bytes instead of {KEY_SIZE}")
    return key
