"""Key files: created once, for their owner only, and refused where others can read them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from retention.errors import SetupError, UnreachableError
from retention.ledger.keys import parse_evidence_key, parse_pseudonym_key, parse_signing_key
from retention.ledger.note import Signer

_MAX_KEY_FILE = 4096


def create_key_file(path: Path, text: str) -> None:
    """Write a new key file, mode 0600; a folder that is made for it has 0700.

    Raises SetupError where something has that name: a key is never overwritten;
    UnreachableError where it cannot be written, and then leaves nothing behind.
    """
    try:
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, parents=True)
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
    except FileExistsError as error:
        raise SetupError(f"{path}: there is a key already, and keys are never overwritten") from error
    except OSError as error:
        raise UnreachableError(f"{path}: the key cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(file, "w", encoding="ascii") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise UnreachableError(f"{path}: the key cannot be written: {error.strerror}") from error


def load_signer(path: Path, origin: str) -> Signer:
    """The ledger's signing key, to sign under `origin`. Raises SetupError that says what to type."""
    return Signer(origin, _parsed(path, parse_signing_key))


def load_evidence_key(path: Path) -> bytes:
    """The evidence key's 32 bytes. Raises SetupError that says what to type."""
    return _parsed(path, parse_evidence_key)


def load_pseudonym_key(path: Path) -> bytes:
    """The pseudonyms' key's 32 bytes. Raises SetupError that says what to type."""
    return _parsed(path, parse_pseudonym_key)


def _parsed(path: Path, parse: Callable[[str], bytes]) -> bytes:
    text = _read(path)
    try:
        return parse(text)
    except SetupError as error:
        raise SetupError(f"{path}: {error}") from error


def _read(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            data = stream.read(_MAX_KEY_FILE + 1)
    except FileNotFoundError as error:
        raise SetupError(
            f"{path}: the key of this state store is not there; put your copy of it back (keys are made once,"
            " with the store; docs/how-to/recover.md says what to do where there is no copy)"
        ) from error
    except OSError as error:
        raise SetupError(f"{path}: the key cannot be read: {error.strerror}") from error
    if stat.S_IMODE(mode) & 0o077:
        raise SetupError(f"{path}: others can read this key; type: chmod 600 {path}")
    if len(data) > _MAX_KEY_FILE or not data.isascii():
        raise SetupError(f"{path}: this is no key file")
    return data.decode("ascii")
