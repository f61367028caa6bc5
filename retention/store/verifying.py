"""Verifying a ledger where it lies: in a state store, or in a folder without any store."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from retention.errors import LedgerError, UnreachableError
from retention.ledger.beginning import Beginning
from retention.ledger.line import MAX_LINE, parse, parse_instant
from retention.ledger.note import Checkpoint, Note
from retention.ledger.tree import Builder
from retention.ledger.verify import read_lines, verify_lines
from retention.ledger.witness import Witness
from retention.model.audit import Verification
from retention.store.archives import Archives
from retention.store.mirror import ARCHIVED, CHECKPOINTS, NEWEST, shared_lines
from retention.store.state import StateStore

_MAX_NOTE = 1_000_000
_BUFFER = 1 << 20


def verify_store(
    store: StateStore,
    verifier_key: str,
    published: Iterable[str] = (),
    witnesses: Sequence[Witness] = (),
    archives: Archives | None = None,
) -> Verification:
    """Verify the ledger inside a state store: its lines, checkpoints and head row.

    Of events that lie in an archive, by the hashes that are kept of them; by their lines where `archives` are named.

    `published`: signed notes kept elsewhere, which must agree as well. `witnesses`: whose cosignatures are checked
    where there are any. Raises LedgerError that names the first wrong event.
    """
    with store.read() as snapshot:
        log = snapshot.log
        log.archives = archives
        return verify_lines(
            log.lines(log.readable()),
            verifier_key=verifier_key,
            checkpoints=chain((stored.note for stored in log.checkpoints()), published),
            source=store.place,
            head=log.head(),
            witnesses=witnesses,
            beginning=log.archived.beginning() if archives is None else None,
        )


def verify_folder(
    folder: Path,
    verifier_key: str,
    published: Iterable[str] = (),
    witnesses: Sequence[Witness] = (),
    archives: Archives | None = None,
) -> Verification:
    """Verify a mirror with nothing but the public key; no store is opened, nothing is written.

    Where it begins behind an archive, from there on, under the checkpoints of later events; whole where `archives`
    are named.

    Raises LedgerError that names the first wrong event; UnreachableError where files are missing
    or cannot be read.
    """
    try:
        with shared_lines(folder) as file, os.fdopen(os.dup(file), "rb") as stream:
            beginning = _beginning(folder, stream)
            first = 0 if beginning is None else beginning.size
            notes = [note for note in _notes(folder) if archives is not None or _size(note) >= first]
            lines: Iterable[bytes] = read_lines(stream)
            if archives is not None:
                lines, beginning = chain(archives.lines(0, first), lines), None
            return verify_lines(
                lines,
                verifier_key=verifier_key,
                checkpoints=chain(notes, published),
                source=str(folder),
                witnesses=witnesses,
                beginning=beginning,
            )
    except OSError as error:
        raise UnreachableError(f"{error.filename or folder}: cannot be read: {error.strerror}") from error


def verify_store_and_folder(
    store: StateStore, folder: Path, verifier_key: str, published: Sequence[str] = ()
) -> Verification:
    """What `verify_store` and then `verify_folder` prove, in one pass where the two have the same bytes.

    Each byte of the mirror is compared with the store's, so that its lines are hashed once; its
    checkpoints are opened and compared with the tree like the store's own. Where anything differs,
    both are verified on their own. Raises what they raise.
    """
    try:
        found = _both_at_once(store, folder, verifier_key, published)
    except (LedgerError, OSError):
        found = None
    if found is None:
        found = verify_store(store, verifier_key, published)
        verify_folder(folder, verifier_key)
    return found


def _both_at_once(
    store: StateStore, folder: Path, verifier_key: str, published: Sequence[str]
) -> Verification | None:
    """None where the mirror is not, byte for byte, the store's ledger, with checkpoints on both sides."""
    with (
        shared_lines(folder) as file,
        os.fdopen(os.dup(file), "rb", buffering=_BUFFER) as stream,
        store.read() as snapshot,
    ):
        log = snapshot.log
        stored = [checkpoint.note for checkpoint in log.checkpoints()]
        notes = [text for _, text in _texts(folder)]
        if not stored or not notes:
            return None
        found = verify_lines(
            _compared(log.lines(log.first()), stream),
            verifier_key=verifier_key,
            checkpoints=dict.fromkeys(
                (*stored, *notes, *published)
            ),  # what is the same to the byte says the same
            source=store.place,
            head=log.head(),
            beginning=log.archived.beginning(),
        )
        return None if stream.read(1) else found


def _compared(lines: Iterable[bytes], stream: BinaryIO) -> Iterator[bytes]:
    """The lines, as long as the stream has the same. Raises LedgerError at the first other."""
    for line in lines:
        if stream.read(len(line) + 1) != line + b"\n":
            raise LedgerError("the mirror differs from the state store")
        yield line


def _size(note: str) -> int:
    return Checkpoint.parse(Note.parse(note).text).size


def _beginning(folder: Path, stream: BinaryIO) -> Beginning | None:
    """What a mirror begins with whose older lines lie in an archive; None where it has all of them."""
    path, first = folder / ARCHIVED, stream.readline(MAX_LINE + 1).rstrip(b"\n")
    stream.seek(0)
    if not path.exists():
        return None
    with path.open("rb") as file:
        data = file.read(_MAX_NOTE + 1)
    try:
        start = parse(first).seq if first else None
        rows = json.loads(data)["archives"]
        (row,) = [each for each in rows if each["stop"] == start] if start is not None else rows[:1]
        tree = Builder()
        for count, root in row["before"]:
            tree.add(bytes.fromhex(root), count)
        return Beginning(
            edge=tree.edge(),
            last_hash=str(row["last_hash"]),
            last_at=parse_instant(row["last_at"]),
            length=int(row["length"]),
            verifier_key=str(row["key"]),
        )
    except LedgerError:
        return None  # the first line is no line, which is said when it is verified
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if start == 0:
            return None
        raise LedgerError(f"{path}: it does not say where these events begin") from error


def _notes(folder: Path) -> Iterator[str]:
    """The mirror's checkpoints. Raises LedgerError that names the file that is none."""
    for path, text in _texts(folder):
        try:
            Checkpoint.parse(Note.parse(text).text)
        except LedgerError as error:
            raise LedgerError(f"{path}: {error.message}") from error
        yield text


def _texts(folder: Path) -> Iterator[tuple[Path, str]]:
    """The same, not looked at."""
    paths = sorted((folder / CHECKPOINTS).glob("*.note"))
    newest = folder / NEWEST
    if newest.exists():
        paths.append(newest)
    for path in paths:
        with path.open("rb") as stream:
            data = stream.read(_MAX_NOTE + 1)
        try:
            yield path, data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise LedgerError(
                f"{path}: this is no signed note: it is not UTF-8; copy it as it was given"
            ) from error
