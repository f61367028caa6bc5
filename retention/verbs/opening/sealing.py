"""What people say in words, as the ledger has it: a keyed hash that only the evidence key opens."""

from __future__ import annotations

import hashlib

from retention.ledger.line import canonical

_FORMAT = "retention/words/1"


def sealed_words(key: bytes, id: str, *words: object) -> str:
    """BLAKE2b-256 in hex, keyed with the evidence key, over an id and words (JSON values).

    The id makes it another hash for each hold and telling: two on the same person can't be told to be so.
    """
    return hashlib.blake2b(canonical([_FORMAT, id, *words]), key=key, digest_size=32).hexdigest()
