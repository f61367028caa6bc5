"""Keys where they are kept: a file for its owner only, a variable of the environment, or a command's output."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
from contextlib import suppress
from pathlib import Path

from retention.errors import SetupError, UnreachableError
from retention.ledger.keys import EVIDENCE, SIGNING, Ring, parse_ring
from retention.ledger.note import Signer
from retention.model.settings import KeyReference

_MAX_KEY_FILE = 1 << 16
_PATIENCE = 30.0
"""Seconds that a command may take to give a key."""


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


def replace_ring(path: Path, ring: Ring) -> None:
    """Write a ring over the one that is there: whole or not at all, and the old one's bytes overwritten.

    What other copies there are (backups, snapshots, what a file system or a disk keeps) it can't reach. Raises
    UnreachableError where it cannot be written; then the old one is there still.
    """
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    create_key_file(draft, ring.text)
    try:
        with path.open("r+b") as old:
            draft.replace(path)
            _fsync_folder(path.parent)
            size = old.seek(0, os.SEEK_END)
            old.seek(0)
            old.write(b"\0" * size)
            old.flush()
            os.fsync(old.fileno())
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise UnreachableError(f"{path}: the key cannot be written: {error.strerror}") from error


def read_ring(where: KeyReference | Path, kind: str) -> Ring:
    """The keys of a kind. Raises SetupError that says what to type, and never shows what was read."""
    where = KeyReference(file=where) if isinstance(where, Path) else where
    if where.file is not None:
        text = _read(where.file)
    elif where.env is not None:
        text = _of_variable(where)
    else:
        text = _of_command(where)
    try:
        return parse_ring(text, kind)
    except SetupError as error:
        raise SetupError(f"{where.shown}: {error}") from error


def load_signer(where: KeyReference | Path, origin: str, verifier_key: str | None = None) -> Signer:
    """The signing key with this public half, the newest where there is none such, to sign under `origin`.

    Raises SetupError that says what to type.
    """
    signers = [Signer(origin, seed) for seed in read_ring(where, SIGNING).keys]
    return next((signer for signer in signers if signer.verifier_key == verifier_key), signers[-1])


def load_evidence_key(where: KeyReference | Path) -> bytes:
    """The newest evidence key's 32 bytes. Raises SetupError that says what to type."""
    return read_ring(where, EVIDENCE).newest


def _of_variable(where: KeyReference) -> str:
    if where.value is None:
        raise SetupError(
            f"{where.shown}: the variable is not set; it should hold the key of this state store"
        )
    return _ascii(where.value.encode("utf-8", "replace"), where.shown)


def _of_command(where: KeyReference) -> str:
    words = shlex.split(where.command or "")
    try:
        ran = subprocess.run(  # noqa: S603 - the operator's own command
            words, capture_output=True, stdin=subprocess.DEVNULL, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SetupError(f"{where.shown}: the command gave no key within {_PATIENCE:.0f} seconds") from error
    except OSError as error:
        raise SetupError(f"{where.shown}: the command can't be run: {error.strerror}") from error
    if ran.returncode:
        raise SetupError(f"{where.shown}: the command gave no key and ended with {ran.returncode}")
    return _ascii(ran.stdout, where.shown)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            found = os.fstat(stream.fileno())
            data = stream.read(_MAX_KEY_FILE + 1)
    except FileNotFoundError as error:
        raise SetupError(
            f"{path}: the key of this state store is not there; put your copy of it back (keys are made once,"
            " with the store; docs/how-to/recover.md says what to do where there is no copy)"
        ) from error
    except OSError as error:
        raise SetupError(f"{path}: the key cannot be read: {error.strerror}") from error
    # A mounted secret is root's, and for the group of who is to read it.
    lent = found.st_uid == 0 != os.geteuid()
    if stat.S_IMODE(found.st_mode) & (0o037 if lent else 0o077):
        raise SetupError(f"{path}: others can read this key; type: chmod 600 {path}")
    return _ascii(data, str(path))


def _ascii(data: bytes, shown: str) -> str:
    if len(data) > _MAX_KEY_FILE or not data.isascii():
        raise SetupError(f"{shown}: this is no key file")
    return data.decode("ascii")


def _fsync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
