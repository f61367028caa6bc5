"""Verifying a ledger where it lies: in a state store, or in a folder without any store."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from retention.errors import LedgerError, UnreachableError
from retention.ledger.note import Checkpoint, Note
from retention.ledger.verify import read_lines, verify_lines
from retention.model.explanation import Verification
from retention.store.mirror import CHECKPOINTS, NEWEST, shared_lines
from retention.store.state import StateStore

_MAX_NOTE = 1_000_000


def verify_store(store: StateStore, verifier_key: str, published: Iterable[str] = ()) -> Verification:
    """Verify the ledger inside a state store: its lines, checkpoints and head row.

    `published`: signed notes kept elsewhere, which must agree as well. Raises LedgerError that
    names the first wrong event.
    """
    with store.read() as snapshot:
        log = snapshot.log
        return verify_lines(
            log.lines(),
            verifier_key=verifier_key,
            checkpoints=chain((stored.note for stored in log.checkpoints()), published),
            source=store.place,
            head=log.head(),
        )


def verify_folder(folder: Path, verifier_key: str, published: Iterable[str] = ()) -> Verification:
    """Verify a mirror with nothing but the public key; no store is opened, nothing is written.

    Raises LedgerError that names the first wrong event; UnreachableError where files are missing
    or cannot be read.
    """
    try:
        with shared_lines(folder) as file, os.fdopen(os.dup(file), "rb") as stream:
            return verify_lines(
                read_lines(stream),
                verifier_key=verifier_key,
                checkpoints=chain(_notes(folder), published),
                source=str(folder),
            )
    except OSError as error:
        raise UnreachableError(f"{error.filename or folder}: cannot be read: {error.strerror}") from error


def _notes(folder: Path) -> Iterator[str]:
    paths = sorted((folder / CHECKPOINTS).glob("*.note"))
    newest = folder / NEWEST
    if newest.exists():
        paths.append(newest)
    for path in paths:
        with path.open("rb") as stream:
            data = stream.read(_MAX_NOTE + 1)
        try:
            text = data.decode("utf-8")
            Checkpoint.parse(Note.parse(text).text)
        except UnicodeDecodeError as error:
            raise LedgerError(f"{path}: this is no signed note: it is not UTF-8") from error
        except LedgerError as error:
            raise LedgerError(f"{path}: {error.message}") from error
        yield text
