"""Cosignatures of witnesses on a checkpoint, as C2SP defines them (tlog-cosignature, Ed25519).

A witness signs that it has seen a checkpoint, after checking that it is of the same history as those that it
saw before. Its line is one of the note's signatures, `— NAME base64(key hash || time || signature)`: the time is eight
bytes, big-endian, seconds since 1970; what is signed is `cosignature/v1`, a line with the time, and the note's text.
The key hash is made with 0x04 in place of a log's 0x01, and so is the verifier key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from retention.errors import LedgerError, SetupError
from retention.ledger.note import Note

_COSIGNATURE = b"\x04"
_SIZE = 8 + 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = int((datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) / timedelta(seconds=1))


@dataclass(frozen=True, kw_only=True)
class Witness:
    """A witness's public key, 32 bytes, and the name that it signs under."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> Witness:
        """Read `name+hash+base64`. Raises SetupError for anything else, a log's own key among them."""
        parts = text.strip().split("+", 2)
        try:
            data = base64.b64decode(parts[2].encode("ascii"), validate=True) if len(parts) == 3 else b""
        except (UnicodeEncodeError, binascii.Error):
            data = b""
        if not parts[0] or any(c.isspace() for c in parts[0]) or data[:1] != _COSIGNATURE or len(data) != 33:
            raise SetupError(
                "this is no witness's key: it looks like name+0123abcd+base64 of 0x04 and 32 bytes"
            )
        witness = cls(name=parts[0], public=data[1:])
        if witness.key_hash.hex() != parts[1]:
            raise SetupError("this witness's key is mistyped: its hash is not that of its name and key")
        return witness

    @property
    def key_hash(self) -> bytes:
        """4 bytes: the key ID of a timestamped signature."""
        return hashlib.sha256(self.name.encode() + b"\n" + _COSIGNATURE + self.public).digest()[:4]

    def check(self, note: Note) -> datetime | None:
        """When this witness cosigned; None where it did not. Raises LedgerError where a cosignature is wrong."""
        newest: datetime | None = None
        for signature in note.signatures:
            if (signature.name, signature.key_hash) != (self.name, self.key_hash):
                continue
            seconds = int.from_bytes(signature.value[:8], "big")
            message = f"cosignature/v1\ntime {seconds}\n{note.text}".encode()
            try:
                if len(signature.value) != _SIZE or seconds > _LATEST:
                    raise InvalidSignature
                Ed25519PublicKey.from_public_bytes(self.public).verify(signature.value[8:], message)
            except InvalidSignature as error:
                raise LedgerError(f"its cosignature by the witness {self.name} is wrong") from error
            at = _EPOCH + timedelta(seconds=seconds)
            newest = at if newest is None else max(newest, at)
        return newest
