"""Keyed results: the same for the same value and key, and nothing without the key.

    hash    "rh1-" and 26 base-32 digits of BLAKE2b (RFC 7693), 16 bytes, keyed, personalised "retention-hash-1"
    seed    8 bytes of the same, personalised "retention-fake-1"

of the value's text in UTF-8, made alike before (trimmed, in small letters) as its kind of identifier says.
When the key is destroyed nothing can be linked any more.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence

from retention.model.strategy import HASH_PREFIX
from retention.model.told import normalised

_HASH = b"retention-hash-1"
_SEED = b"retention-fake-1"
_SMALL = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz")


def pseudonyms(key: bytes, steps: Sequence[str] = ()) -> Callable[[str], str]:
    """The function from a text, made alike by `steps`, to 30 characters that stand for it."""
    keyed = hashlib.blake2b(key=key, digest_size=16, person=_HASH)

    def pseudonym(text: str) -> str:
        state = keyed.copy()
        state.update(_bytes(normalised(text, steps) if steps else text))
        digits = base64.b32encode(state.digest())[:26].translate(_SMALL)
        return HASH_PREFIX + digits.decode("ascii")

    return pseudonym


def seed(key: bytes, text: str, steps: Sequence[str] = (), attempt: int = 0) -> int:
    """A number for `text`, another one at each attempt."""
    content = attempt.to_bytes(2) + _bytes(normalised(text, steps))
    return int.from_bytes(hashlib.blake2b(content, key=key, digest_size=8, person=_SEED).digest())


def _bytes(text: str) -> bytes:
    """UTF-8; bytes of a text that is none stand in it as lone surrogates, and are themselves again."""
    return text.encode("utf-8", "surrogateescape")
