"""Keys as text: a line a key, with what it is, its version, and the secret in base64.

    retention-ed25519-private v1 BASE64     a signing key's 32-byte seed
    retention-evidence-secret v1 BASE64     32 bytes that key commitments
    retention-pseudonym-secret v1 BASE64    32 bytes that key hashed and fake values

A text of several lines is a key ring: all keys of one kind that there are, oldest first. A key that was
rotated stays in it, since what was made with it is opened with it; a key that was destroyed is not there.
The prefix lets a reader refuse the wrong file, and scanners for leaked secrets find it. Where texts
are read from is told in `retention.store.keyfiles`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from retention.errors import SetupError

KEY_SIZE = 32
SIGNING = "signing"
EVIDENCE = "evidence"
PSEUDONYM = "pseudonym"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """`prefix` begins a key's line; `shown` is what it is called; `id_of` goes before it in the hash that is its id."""

    prefix: str
    shown: str
    id_of: bytes


KINDS: Mapping[str, Kind] = {
    SIGNING: Kind(
        prefix="retention-ed25519-private", shown="a signing key", id_of=b"retention/signing-key/1"
    ),
    EVIDENCE: Kind(
        prefix="retention-evidence-secret", shown="an evidence key", id_of=b"retention/evidence-key/1"
    ),
    PSEUDONYM: Kind(
        prefix="retention-pseudonym-secret", shown="a pseudonyms' key", id_of=b"retention/pseudonym-key/1"
    ),
}


@dataclass(frozen=True, kw_only=True)
class Ring:
    """The keys of one kind, 32 bytes each, oldest first; never empty."""

    kind: str
    keys: tuple[bytes, ...] = field(repr=False)

    @property
    def newest(self) -> bytes:
        """The key of the last line."""
        return self.keys[-1]

    def get(self, id: str) -> bytes | None:
        """The key of an id; None where it is not there."""
        return next((key for key in self.keys if key_id(self.kind, key) == id), None)

    @property
    def ids(self) -> tuple[str, ...]:
        """What the keys are called, oldest first."""
        return tuple(key_id(self.kind, key) for key in self.keys)

    def having(self, key: bytes) -> Ring:
        """The ring with one more key."""
        return Ring(kind=self.kind, keys=(*self.keys, key))

    def without(self, ids: frozenset[str]) -> Ring:
        """The ring without the keys of these ids."""
        return Ring(kind=self.kind, keys=tuple(key for key in self.keys if key_id(self.kind, key) not in ids))

    @property
    def text(self) -> str:
        """All lines, a newline behind each."""
        return "".join(encode(self.kind, key) for key in self.keys)


def new_key() -> bytes:
    """32 random bytes from the system: a new key of any kind."""
    return secrets.token_bytes(KEY_SIZE)


def key_id(kind: str, key: bytes) -> str:
    """16 hex digits that name a key and tell nothing about it."""
    return hashlib.sha256(KINDS[kind].id_of + key).hexdigest()[:16]


def encode(kind: str, key: bytes) -> str:
    """A key's line, with a newline at its end."""
    if len(key) != KEY_SIZE:
        raise ValueError(f"a key has {KEY_SIZE} bytes")
    return f"{KINDS[kind].prefix} v1 {base64.b64encode(key).decode()}\n"


def parse_ring(text: str, kind: str) -> Ring:
    """All keys of a text. Raises SetupError that says what the text is instead, and never shows it."""
    lines = [line for line in text.splitlines() if line.strip()]
    keys = tuple(_parse(line, kind) for line in lines or [""])
    if len(set(keys)) < len(keys):
        raise SetupError(f"{KINDS[kind].shown} stands in it twice")
    return Ring(kind=kind, keys=keys)


def encode_signing_key(seed: bytes) -> str:
    """A signing key's line, with a newline at its end."""
    return encode(SIGNING, seed)


def encode_evidence_key(key: bytes) -> str:
    """An evidence key's line, with a newline at its end."""
    return encode(EVIDENCE, key)


def encode_pseudonym_key(key: bytes) -> str:
    """A pseudonyms' key's line, with a newline at its end."""
    return encode(PSEUDONYM, key)


def pseudonym_key_id(key: bytes) -> str:
    """16 hex digits that name a pseudonyms' key and tell nothing about it."""
    return key_id(PSEUDONYM, key)


def _parse(line: str, kind: str) -> bytes:
    wanted, words = KINDS[kind], line.split()
    first = words[0] if words else ""
    for other in KINDS.values():
        if first == other.prefix != wanted.prefix:
            raise SetupError(f"this is {other.shown}, where {wanted.shown} is needed")
    if first != wanted.prefix:
        raise SetupError(f"this is not {wanted.shown}: it does not begin with {wanted.prefix}")
    if len(words) != 3:
        raise SetupError(f"{wanted.shown} is one line: {wanted.prefix} v1 BASE64")
    if words[1] != "v1":
        raise SetupError(f"{wanted.shown} of version {words[1][:8]!r}; this version of retention reads v1")
    try:
        key = base64.b64decode(words[2].encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise SetupError(f"{wanted.shown} is damaged: its last word is not base64") from error
    if len(key) != KEY_SIZE:
        raise SetupError(f"{wanted.shown} is damaged: {len(key)} bytes instead of {KEY_SIZE}")
    return key
