"""Keyed results: the same for the same value and key, and nothing without the key.

    hash    "rh1-" and 26 base-32 digits of BLAKE2b (RFC 7693), 16 bytes, keyed, personalised "retention-hash-1"
    seed    8 bytes of the same, personalised "retention-fake-1"

of the value's text in UTF-8, made alike before (trimmed, in small letters) as its kind of identifier says.
When the key is destroyed nothing can be linked any more.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Sequence

from retention.model.strategy import HASH_PREFIX
from retention.model.told import normalised

_HASH = b"retention-hash-1"
_SEED = b"retention-fake-1"
_DIGITS = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = tuple(a + b for a in _DIGITS for b in _DIGITS)
"""Two digits by ten bits: the library's base 32 takes five times as long as the hash, and with this twice."""
_HALVES = struct.Struct(">QQ").unpack


def pseudonyms(key: bytes, steps: Sequence[str] = ()) -> Callable[[str], str]:
    """The function from a text, made alike by `steps`, to 30 characters that stand for it."""
    copy = hashlib.blake2b(key=key, digest_size=16, person=_HASH).copy

    def pseudonym(text: str) -> str:
        state = copy()
        state.update(_bytes(normalised(text, steps) if steps else text))
        return HASH_PREFIX + _digits(state.digest())

    return pseudonym


def _digits(digest: bytes) -> str:
    """26 digits of 16 bytes, the highest first and two bits of zeros at the end; two digits at a time."""
    p = _PAIRS
    high, low = _HALVES(digest)
    low = ((high & 15) << 64 | low) << 2
    return (
        f"{p[high >> 54]}{p[high >> 44 & 1023]}{p[high >> 34 & 1023]}{p[high >> 24 & 1023]}{p[high >> 14 & 1023]}"
        f"{p[high >> 4 & 1023]}{p[low >> 60]}{p[low >> 50 & 1023]}{p[low >> 40 & 1023]}{p[low >> 30 & 1023]}"
        f"{p[low >> 20 & 1023]}{p[low >> 10 & 1023]}{p[low & 1023]}"
    )


def seed(key: bytes, text: str, steps: Sequence[str] = (), attempt: int = 0) -> int:
    """A number for `text`, another one at each attempt."""
    content = attempt.to_bytes(2) + _bytes(normalised(text, steps))
    return int.from_bytes(hashlib.blake2b(content, key=key, digest_size=8, person=_SEED).digest())


def _bytes(text: str) -> bytes:
    """UTF-8; bytes of a text that is none stand in it as lone surrogates, and are themselves again."""
    return text.encode("utf-8", "surrogateescape")
