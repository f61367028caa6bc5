"""`[ledger] publish` and `witnesses`: where checkpoints go, and whose cosignatures are checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from retention.config.connector.dataset_values import path
from retention.config.reading.findings import Finding, Unusable, printable, unusable

_EXAMPLE = '"file:PATH", "folder:PATH", "https://HOST/PATH", or "env:NAME" that holds an address'
_WITNESS = re.compile(r"[^\s+]{1,200}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def places(value: object) -> tuple[str, ...]:
    """One place or a list of them, each as it was written."""
    return tuple(_place(item) for item in _listed(value, _EXAMPLE))


def witnesses(value: object) -> tuple[str, ...]:
    """Keys of witnesses, `name+hash+base64` each."""
    how = 'write its key: "witness.example/w1+0123abcd+base64"'
    for item in _listed(value, how):
        if not _WITNESS.fullmatch(item):
            raise unusable(f"`{printable(item[:80])}` is no witness's key", how)
    return tuple(_listed(value, how))


def resolved(
    found: tuple[str, ...], folder: Path, environ: Mapping[str, str], findings: list[Finding]
) -> tuple[str, ...]:
    """The places with absolute paths, and addresses read from where they are kept; mistakes go to `findings`."""
    known = []
    for place in found:
        kind, _, rest = place.partition(":")
        if kind in ("file", "folder"):
            known.append(f"{kind}:{folder / rest}")
            continue
        try:
            known.append(_address(environ.get(rest, "").strip()) if kind == "env" else place)
        except Unusable:
            where, how = f"`env:{rest}` holds no address", "set it to an address: https://HOST/PATH"
            findings.append(Finding(at=("ledger", "publish"), found=where, write=how))
    return tuple(known)


def _listed(value: object, how: str) -> list[str]:
    given = value if isinstance(value, list) else [value]
    items = [item for item in given if isinstance(item, str) and item.strip()]
    if not items or len(items) < len(given):
        raise unusable("is empty, or no text", f"write {how}")
    if len(set(items)) < len(items):
        raise unusable("names one twice", "name each once")
    return items


def _place(text: str) -> str:
    kind, _, rest = text.partition(":")
    if kind in ("file", "folder"):
        return f"{kind}:{path(rest)}"
    if kind == "env" and _VARIABLE.fullmatch(rest):
        return text
    return _address(text)


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"[\s\x00-\x1f]", text):
        raise unusable("is no place to publish to", f"write {_EXAMPLE}")
    if parts.password is not None:
        raise unusable(
            "is an address with a password in it", 'write "env:NAME", and the address in that variable'
        )
    return text
