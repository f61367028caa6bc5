"""Checkpoints elsewhere: what shows that a tail was cut, or that an old copy of the store was put back.

    file:PATH      one file, the newest checkpoint
    folder:PATH    a folder to be put under version control: checkpoints/N.note, never changed, and the newest
    https://…      a web server that is sent each new checkpoint by POST, as text

What lies in a file or folder is read before it is written: a checkpoint of ours that is not in our history
is the alarm, and is left as it is.
"""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from retention.errors import LedgerError, UnreachableError
from retention.ledger.note import Checkpoint, Note
from retention.store.log import LogReading

MAX_NOTE = 1_000_000
_SECONDS = 10.0
_NEWEST = "checkpoint"
_ALL = "checkpoints"


@dataclass(frozen=True, kw_only=True)
class Published:
    """A checkpoint that was found elsewhere. `source`: where, for people; `note`: the signed note."""

    source: str
    note: str


def read_published(source: str) -> Published:
    """The checkpoint at a path or an http(s) address.

    Raises UnreachableError where it can't be read, LedgerError where it is no signed checkpoint.
    """
    data = _fetched(source) if source.startswith(("http://", "https://")) else _read(Path(source))
    try:
        note = data.decode("utf-8")
        Checkpoint.parse(Note.parse(note).text)
    except UnicodeDecodeError as error:
        raise LedgerError(
            f"{source}: this is no signed note: it is not UTF-8; copy it as it was given"
        ) from error
    except LedgerError as error:
        raise LedgerError(f"{source}: {error.message}") from error
    return Published(source=source, note=note)


def lying_at(places: Iterable[str]) -> list[Published]:
    """The newest checkpoint of every file and folder that has one; what can't be asked (an address) is left out."""
    found = []
    for place in places:
        kind, _, rest = place.partition(":")
        path = {"file": Path(rest), "folder": Path(rest) / _NEWEST}.get(kind)
        if path is not None and path.exists():
            found.append(read_published(str(path)))
    return found


def publish(log: LogReading, places: Iterable[str]) -> tuple[str, ...]:
    """Put the newest checkpoint at every place; a sentence for each that would not have it."""
    newest = log.newest_checkpoint()
    if newest is None:
        return ()
    notes = []
    for place in places:
        try:
            _publish(log, place, newest.note)
        except UnreachableError as error:
            notes.append(f"the checkpoint was not published: {error.message}")
    return tuple(notes)


def _publish(log: LogReading, place: str, note: str) -> None:
    kind, _, rest = place.partition(":")
    if kind not in ("file", "folder"):
        _send(place, note)
        return
    path = Path(rest)
    try:
        if kind == "file":
            _replace(path, note)
            return
        (path / _ALL).mkdir(parents=True, exist_ok=True)
        for stored in log.checkpoints():
            target = path / _ALL / f"{stored.size:012d}.note"
            if not target.exists():
                _replace(target, stored.note)
        _replace(path / _NEWEST, note)
    except OSError as error:
        raise UnreachableError(f"{path}: it can't be written: {error.strerror}") from error


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    with draft.open("wb") as stream:
        stream.write(text.encode())
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)


def _send(address: str, note: str) -> None:
    request = urllib.request.Request(  # noqa: S310 - the configuration lets http and https through only
        address, data=note.encode(), method="POST", headers={"Content-Type": "text/plain; charset=utf-8"}
    )
    _asked(request, shown_address(address))


def _fetched(address: str) -> bytes:
    return _asked(urllib.request.Request(address), shown_address(address))  # noqa: S310 - http and https only


def _asked(request: urllib.request.Request, shown: str) -> bytes:
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - as above
            data: bytes = answer.read(MAX_NOTE + 1)
    except urllib.error.HTTPError as error:
        raise UnreachableError(f"{shown}: the server answers {error.code}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
        raise UnreachableError(f"{shown}: it can't be reached: {reason}") from error
    return data


def shown_address(address: str) -> str:
    """An address without what may be a secret in it: user, password, query."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_NOTE + 1)
    except OSError as error:
        raise UnreachableError(f"{path}: it can't be read: {error.strerror}") from error
