"""Keyed commitments: proof that a record was in a batch, which tells nothing to those without the key.

For a record

    message = ["retention/record/1",CONNECTOR,DATASET,[KEY TEXT, …]]     canonical JSON, UTF-8
    blind   = BLAKE2b-256 keyed with the evidence key, of message (RFC 7693)
    leaf    = SHA-256(0x00 || blind || message)

so a leaf is an RFC 6962 leaf over `blind || message`. Showing a record's blind and
message opens that record and no other; when the key is destroyed nothing can be
opened any more, while every root still verifies. A batch's leaves are sorted, so
that their order tells nothing, and its root is the RFC 6962 root over them.

This format does not change any more.
"""

from __future__ import annotations

import hashlib
import hmac
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from retention.errors import RetentionError
from retention.ledger.line import canonical
from retention.ledger.tree import HASH_SIZE, leaf_hash, root_of, short_sha256

_FORMAT = "retention/record/1"
_KEY_ID = b"retention/evidence-key/1"
_MAX_EXPONENT = 1000


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What is shown to prove one record: `blind` (32 bytes) and `message` give `leaf` (32 bytes)."""

    blind: bytes
    message: bytes
    leaf: bytes


def key_id(key: bytes) -> str:
    """16 hex digits that name an evidence key and tell nothing about it."""
    return hashlib.sha256(_KEY_ID + key).hexdigest()[:16]


def key_text(value: object) -> str:
    """A key value's canonical text, the same whichever driver it came through.

    int: decimal digits. bool: true, false. str: as it is. UUID: lowercase with
    hyphens. bytes: lowercase hex. date: 2026-01-31. datetime: ISO 8601 with T,
    in UTC and with Z where it has a zone, microseconds (six digits) only where
    they are not zero. Decimal: digits without exponent, without zeros at the end
    of the fraction, no minus zero. Raises RetentionError for every other type
    (floats and NULL among them): such a value identifies nothing.
    """
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(int(value))
        case str():
            return str(value)
        case UUID():
            return str(value)
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case datetime():
            if value.tzinfo is None:
                return value.isoformat()
            return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
        case date():
            return value.isoformat()
        case Decimal():
            return _decimal_text(value)
    raise RetentionError(f"a key of type {type(value).__name__} cannot stand in the evidence")


def _decimal_text(value: Decimal) -> str:
    if not value.is_finite() or abs(value.adjusted()) > _MAX_EXPONENT:
        raise RetentionError("a key that is no finite number cannot stand in the evidence")
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """A batch's commitments: its leaves, sorted, and the RFC 6962 root over them, 32 bytes each."""

    leaves: Sequence[bytes]
    root: bytes


class Committer:
    """Commits to the records of one dataset. Not for several threads at once.

    BLAKE2b in its keyed mode is a message authentication code; the state after the key and the part
    of the message that all records share is kept, which HMAC with SHA-256 takes half as long again for.
    """

    def __init__(self, key: bytes, connector: str, dataset: str) -> None:
        """`key`: the 32-byte evidence key."""
        self._start = canonical([_FORMAT, connector, dataset])[:-1] + b",["
        self._keyed = hashlib.blake2b(self._start, key=key, digest_size=HASH_SIZE)

    def __repr__(self) -> str:
        return "Committer()"

    def leaves(self, keys: Iterable[tuple[object, ...]]) -> list[bytes]:
        """The sorted leaves, 32 bytes each, of records given by their keys (a tuple of column values each).

        Raises RetentionError for a value that `key_text` refuses.
        """
        sha, start = short_sha256, self._start
        tails = [b'"%d"]]' % key[0] if len(key) == 1 and type(key[0]) is int else _tail(key) for key in keys]
        found = [
            sha(b"\x00" + blind + start + tail).digest()
            for blind, tail in zip(self._blinds(tails), tails, strict=True)
        ]
        found.sort()
        return found

    def seal(self, keys: Iterable[tuple[object, ...]]) -> Sealed:
        """The commitments of one batch, given its records' keys. Raises as `leaves` does."""
        return sealed(self.leaves(keys))

    def leaf(self, key: tuple[object, ...]) -> bytes:
        """One record's leaf. Raises as `leaves` does."""
        tail = _tail(key)
        blind = self._keyed.copy()
        blind.update(tail)
        return short_sha256(b"\x00" + blind.digest() + self._start + tail).digest()

    def _blinds(self, tails: Iterable[bytes]) -> list[bytes]:
        copy = self._keyed.copy
        found = []
        for tail in tails:
            blind = copy()
            blind.update(tail)
            found.append(blind.digest())
        return found

    def open(self, key: tuple[object, ...]) -> Opening:
        """The opening of one record."""
        tail = _tail(key)
        keyed = self._keyed.copy()
        keyed.update(tail)
        blind, message = keyed.digest(), self._start + tail
        return Opening(blind=blind, message=message, leaf=leaf_hash(blind + message))


def _tail(key: tuple[object, ...]) -> bytes:
    """What is left of a record's message once format, connector and dataset are said."""
    first = key[0] if len(key) == 1 else None
    if type(first) is int:
        return b'"%d"]]' % first
    if type(first) is str and first.isascii() and first.isalnum():
        return b'"' + first.encode() + b'"]]'
    return canonical([key_text(value) for value in key])[1:] + b"]"


def sealed(leaves: Iterable[bytes]) -> Sealed:
    """The commitments of one batch, given its leaves in any order."""
    ordered = sorted(leaves)
    return Sealed(leaves=ordered, root=batch_root(ordered))


def batch_root(leaves: Sequence[bytes]) -> bytes:
    """The root, 32 bytes, over a batch's leaves as `Committer.leaves` gives them."""
    return root_of(leaves)


def pack(leaves: Sequence[bytes]) -> bytes:
    """32 bytes a record, as the state store keeps them."""
    return b"".join(leaves)


def unpack(packed: bytes) -> list[bytes]:
    """The reverse of `pack`; raises ValueError for a length that is no multiple of 32."""
    if len(packed) % HASH_SIZE:
        raise ValueError("leaves are 32 bytes each")
    return [packed[at : at + HASH_SIZE] for at in range(0, len(packed), HASH_SIZE)]


def locate(leaves: Sequence[bytes], leaf: bytes) -> int | None:
    """Where a leaf stands among a batch's sorted leaves; None if it does not."""
    index = bisect_left(leaves, leaf)
    return index if index < len(leaves) and leaves[index] == leaf else None


def open_record(key: bytes, connector: str, dataset: str, record: tuple[object, ...]) -> Opening:
    """The opening of one record, with the evidence key. `record`: its key's values, or their texts."""
    return Committer(key, connector, dataset).open(record)


def verify_opening(blind: bytes, message: bytes, leaf: bytes) -> bool:
    """Whether this blind and message open this leaf. Needs no key."""
    return len(blind) == HASH_SIZE and hmac.compare_digest(leaf_hash(blind + message), leaf)
