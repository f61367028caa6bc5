"""Signed notes and checkpoints, as C2SP defines them (signed-note, tlog-checkpoint), with Ed25519.

A checkpoint is what the log's key signs: `origin`, the number of events, the
root of their tree in base64, a line each; then an empty line and the
signatures, `— NAME base64(key hash || signature)`. A key hash is the first
four bytes of SHA-256(name || LF || 0x01 || public key); a verifier key is
written `name+hex(key hash)+base64(0x01 || public key)`. Signatures of others
(witnesses) may stand beside ours and are passed over.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from retention.errors import LedgerError, SetupError

_ED25519 = b"\x01"
_MAX_NOTE = 1_000_000
_MAX_SIGNATURES = 100
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]{1,200}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, kw_only=True)
class Signature:
    """One signature line. `key_hash` is 4 bytes; `value` what the algorithm of that key makes of the text."""

    name: str
    key_hash: bytes
    value: bytes


@dataclass(frozen=True, kw_only=True)
class Note:
    """`text` ends with a newline and is what was signed; there is at least one signature."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, note: str) -> Note:
        """Read a note. Raises LedgerError for CRLF, control characters, or another shape."""
        if "\r" in note:
            raise LedgerError(
                "this is no signed note any more: its line ends are those of Windows now; copy it as it was given"
            )
        if len(note) > _MAX_NOTE or _CONTROL.search(note) or not note.endswith("\n"):
            raise LedgerError(
                "this is no signed note: it is empty, or cut off, or too long, or has control characters"
            )
        text, gap, tail = note.rpartition("\n\n")
        if not gap:
            raise LedgerError("this is no signed note: no empty line before the signatures")
        lines = tail[:-1].split("\n")
        if len(lines) > _MAX_SIGNATURES:
            raise LedgerError("this is no signed note: more than 100 signatures")
        return cls(text=text + "\n", signatures=tuple(_signature(line) for line in lines))


@dataclass(frozen=True, kw_only=True)
class Verifier:
    """A public key and the name that it signs under."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """Read `name+hash+base64`. Raises SetupError for anything else."""
        parts = text.strip().split("+", 2)
        if len(parts) != 3 or not _NAME.fullmatch(parts[0]):
            raise SetupError("this is no verifier key; one looks like name+0123abcd+base64")
        data = _base64(parts[2])
        if data is None or data[:1] != _ED25519 or len(data) != 33:
            raise SetupError("this verifier key is not an Ed25519 key (base64 of 0x01 and 32 bytes)")
        verifier = cls(name=parts[0], public=data[1:])
        if verifier.key_hash.hex() != parts[1]:
            raise SetupError("this verifier key is mistyped: its hash is not that of its name and key")
        return verifier

    @property
    def key_hash(self) -> bytes:
        """4 bytes: the signed note's key ID."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_hash.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"

    def open(self, note: str) -> str:
        """The text of a note that this key has signed.

        Raises LedgerError where it has not, or where a signature said to be its own is not.
        """
        return self.check(Note.parse(note))

    def signs(self, note: Note) -> bool:
        """Whether a signature is said to be this key's; it may be wrong."""
        return any(s.name == self.name and s.key_hash == self.key_hash for s in note.signatures)

    def check(self, parsed: Note) -> str:
        """As `open`, of a note that was read."""
        own = [s for s in parsed.signatures if s.name == self.name and s.key_hash == self.key_hash]
        if not own:
            raise LedgerError(f"it is not signed by the key {self.name}+{self.key_hash.hex()}")
        for signature in own:
            if not _holds(self.public, signature.value, parsed.text.encode()):
                raise LedgerError(f"its signature by {self.name} is wrong")
        return parsed.text


class Signer:
    """A private key and the name that it signs under: a log's `origin`. Kept out of every repr."""

    def __init__(self, name: str, seed: bytes) -> None:
        """`seed`: the 32 bytes of an Ed25519 private key.

        Raises SetupError for a name that notes cannot carry.
        """
        if not _NAME.fullmatch(name):
            raise SetupError(f"{name!r} cannot be the ledger's origin; write a name without spaces and +")
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = Verifier(name=name, public=self._private.public_key().public_bytes_raw())

    @property
    def name(self) -> str:
        """The log's `origin`."""
        return self.verifier.name

    @property
    def verifier_key(self) -> str:
        """The public half as text, for `key.pub` and for auditors."""
        return str(self.verifier)

    def __repr__(self) -> str:
        return f"Signer({self.name!r})"

    def sign(self, text: str) -> str:
        """The signed note over `text`, which ends with a newline."""
        if not text.endswith("\n") or _CONTROL.search(text):
            raise ValueError("a note's text ends with a newline and holds no control characters")
        return f"{text}\n{self._line(text)}"

    def also_sign(self, note: str) -> str:
        """A signed note with this key's signature behind the others."""
        return note + self._line(Note.parse(note).text)

    def _line(self, text: str) -> str:
        value = base64.b64encode(self.verifier.key_hash + self._private.sign(text.encode())).decode()
        return f"— {self.name} {value}\n"


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """What a log looked like: `size` events under `root`, 32 bytes."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """What is signed: origin, size and root, a line each."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read a note's text; extension lines behind the root are passed over. Raises LedgerError."""
        lines = text.split("\n")
        root = _base64(lines[2]) if len(lines) > 3 else None
        if root is None or len(root) != 32 or not _SIZE.fullmatch(lines[1]) or "" in lines[:-1]:
            raise LedgerError("it is no checkpoint: origin, size and root, a line each")
        return cls(origin=lines[0], size=int(lines[1]), root=root)

    def sign(self, signer: Signer) -> str:
        """The note, by the key that signs under this origin."""
        return signer.sign(self.text)

    @classmethod
    def open(cls, note: str, verifier: Verifier) -> Checkpoint:
        """The checkpoint that `verifier` has signed under its own origin. Raises LedgerError."""
        checkpoint = cls.parse(verifier.open(note))
        if checkpoint.origin != verifier.name:
            raise LedgerError(f"it is of the log {checkpoint.origin!r}, not of {verifier.name!r}")
        return checkpoint


MOST_REMEMBERED = 50_000
"""Signatures that a process remembers to have found right, some six MB of them; further ones are checked each time."""

_right: set[bytes] = set()


def _holds(public: bytes, value: bytes, text: bytes) -> bool:
    """The signature is right. A daemon reads every checkpoint before each run: what was right once, to the byte, under
    the same key, is right for ever (a check costs a hundred times what its hash does)."""
    seen = hashlib.sha256(b"%b%d:%b%b" % (public, len(value), value, text)).digest()
    if seen in _right:
        return True
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(value, text)
    except InvalidSignature:
        return False
    if len(_right) < MOST_REMEMBERED:
        _right.add(seen)
    return True


def _signature(line: str) -> Signature:
    mark, _, rest = line.partition(" ")
    name, _, value = rest.partition(" ")
    data = _base64(value)
    if mark != "—" or not _NAME.fullmatch(name) or data is None or len(data) < 5:
        raise LedgerError("this is no signed note: a signature line looks like — NAME BASE64")
    return Signature(name=name, key_hash=data[:4], value=data[4:])


def _base64(text: str) -> bytes | None:
    """The bytes of standard base64 in its one spelling (padded, no stray bits); None for anything else."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None
    return data if base64.b64encode(data).decode() == text else None
