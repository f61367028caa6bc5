"""What changed between two bodies, told so that the ledger may keep it: no literal of a condition."""

from __future__ import annotations

import hashlib
import hmac
import json

from retention.config.form_pieces import Json, canonical
from retention.config.reading.findings import dotted

CONDITION_KEYS = frozenset({"where", "when", "defer_while"})
"""Keys whose values hold literals of conditions, at any depth."""


def difference(old_body: str | None, new_body: str, *, key: bytes | None = None) -> list[dict[str, Json]]:
    """What changed, as `{"path", "old", "new"}` in order of path; None stands for "not there".

    For `policy.changed`: JSON without floats and without literals of conditions, of which
    only a hash is given (HMAC-SHA-256 under `key`, plain SHA-256 without one). Tables are
    compared key by key, lists as a whole.
    """
    old = _leaves(json.loads(old_body), ()) if old_body else {}
    new = _leaves(json.loads(new_body), ())
    changed = [path for path in old.keys() | new.keys() if old.get(path, _ABSENT) != new.get(path, _ABSENT)]
    return [
        {
            "path": dotted(path),
            "old": _masked(old.get(path), path, key),
            "new": _masked(new.get(path), path, key),
        }
        for path in sorted(changed)
    ]


_ABSENT = object()


def _leaves(value: Json, path: tuple[str, ...]) -> dict[tuple[str, ...], Json]:
    """Path → value, of everything that is not a table with something in it."""
    if not isinstance(value, dict) or not value:
        return {path: value}
    leaves: dict[tuple[str, ...], Json] = {}
    for name, item in value.items():
        leaves |= _leaves(item, (*path, name))
    return leaves


def _masked(value: Json, path: tuple[str, ...], key: bytes | None) -> Json:
    """`value`, or its hash where it is, or lies under, a condition."""
    if value is None:
        return None
    if CONDITION_KEYS & set(path):
        content = canonical(value).encode()
        if key is not None:
            return f"hmac-sha256:{hmac.new(key, content, hashlib.sha256).hexdigest()}"
        return f"sha256:{hashlib.sha256(content).hexdigest()}"
    if isinstance(value, list):
        return [_masked(item, path, key) for item in value]
    if isinstance(value, dict):
        return {name: _masked(item, (*path, name), key) for name, item in value.items()}
    return value
