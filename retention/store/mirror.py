"""The ledger as plain files, for people and log shippers.

    ledger.jsonl          the lines, byte for byte as in the state store, a newline behind each
    checkpoints/N.note    every checkpoint of N events, a signed note each
    checkpoint            the newest of them
    key.pub               the verifier key
    archived.json         where older events end that lie in an archive, if there are any

Whoever holds the lock on ledger.jsonl writes, from the last whole line on, after
cutting a torn one. What is in the files already is never changed: where it is not
what the store says, it is left as it is, and said. Lines that were put into an archive
go, once each has been compared with the hash that is kept of it.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import zip_longest
from pathlib import Path

from retention.errors import LedgerError, UnreachableError
from retention.ledger.history import BLOCK
from retention.ledger.keys import SIGNING
from retention.ledger.line import MAX_LINE, format_instant, parse
from retention.ledger.note import Checkpoint, Note
from retention.ledger.tree import leaf_hash
from retention.ledger.verify import Head, read_lines
from retention.store.log import LogReading

LINES = "ledger.jsonl"
CHECKPOINTS = "checkpoints"
NEWEST = "checkpoint"
KEY = "key.pub"
ARCHIVED = "archived.json"
ARCHIVED_FORMAT = "retention.archived/1"

_PATIENCE = 10.0
_ATTEMPTS = 10
_CHUNK = 1 << 20
_NEAR = 1 << 16


class Mirror:
    """A folder that follows the ledger."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._last: tuple[object, ...] = ()

    def catch_up(self, read: Callable[[], AbstractContextManager[LogReading]]) -> None:
        """Write what the files lack. `read` opens a snapshot of the ledger.

        May be called by several processes at any time; an earlier death at any moment is made
        good. Cheap when nothing is new: the last line and the length are compared. Raises
        LedgerError that names the first differing event where they are not the store's; raises
        UnreachableError where the folder cannot be written (then the files end with a whole line).
        """
        try:
            while not self._caught_up(read):
                pass
        except OSError as error:
            raise UnreachableError(
                f"{self.folder}: the ledger's mirror cannot be written: {error.strerror}; the ledger itself"
                " is whole, and the mirror catches up later"
            ) from error

    def _caught_up(self, read: Callable[[], AbstractContextManager[LogReading]]) -> bool:
        """False where another file of lines was put in place, which is to be looked at anew."""
        with _locked(self.folder) as file, read() as log:
            head = log.head()
            if self._last == (_stamp(file), head, log.newest_size()):
                return True
            first, count, end = self._kept(file, log, head)
            if log.first():
                self._archived(log)
            if end and first < log.first():
                self._trim(file, log, first, end)
                return False
            if count < head.size:
                _append(file, end, log.lines(count))
            self._checkpoints(log)
            self._key(log)
            self._last = (_stamp(file), head, log.newest_size())
        return True

    def _kept(self, file: int, log: LogReading, head: Head) -> tuple[int, int, int]:
        """(first line, line behind the last, bytes) that are there and right; a torn line behind them is cut."""
        size = os.fstat(file).st_size
        end = _after_newline(file, size)
        if end is None:
            raise self._difference(log)
        if end == 0:
            first = count = log.first()
        else:
            start = _after_newline(file, end - 1)
            last = b"" if start is None else os.pread(file, end - 1 - start, start)
            count, first = self._count(last, log, head), _first(file)
            if not _fits(log, head, first, count, last, end):
                raise self._difference(log)
        if size > end:
            os.ftruncate(file, end)
        return first, count, end

    def _count(self, last: bytes, log: LogReading, head: Head) -> int:
        """How many lines there are, as the last one says."""
        try:
            count = parse(last).seq + 1
        except LedgerError as error:
            raise self._difference(log) from error
        if count > head.size:
            raise self._difference(log)
        return count

    def _difference(self, log: LogReading) -> LedgerError:
        """What to say of files that are not the store's: read all of both."""
        path = self.folder / LINES
        advice = "the mirror is left as it is; move it away, and it is written anew"
        with path.open("rb") as stream:
            first = _first(stream.fileno())
            number = first = 0 if first % BLOCK else first  # an archive is of whole blocks
            if first and log.archived.ending(first) is None:
                return LedgerError(
                    f"event {first}: {path} begins with it, and the state store knows of no archive that ends there:"
                    " events were lost (an older backup of the store?), or the mirror is another ledger's"
                )
            try:
                own = log.leaves(first, log.head().size)
                for number, (line, leaf) in enumerate(zip_longest(read_lines(stream), own), first):
                    if leaf is None:
                        return LedgerError(
                            f"event {number}: {path} has it, and the state store does not: events were lost"
                            " (an older backup of the store?), or the mirror is another ledger's"
                        )
                    if line is None or leaf_hash(line) != leaf:
                        break
            except LedgerError as error:
                return LedgerError(f"{error} ({path}); {advice}")
        return LedgerError(f"event {number}: it differs between {path} and the state store; {advice}")

    def _archived(self, log: LogReading) -> None:
        """Write down where archives end, which is what verifying these files begins with."""
        text, path = archives_text(log), self.folder / ARCHIVED
        if _text(path) != text:
            _replace(path, text)

    def _trim(self, file: int, log: LogReading, first: int, end: int) -> None:
        """Put a file in the place of this one that begins behind the archive."""
        at = 0
        with os.fdopen(os.dup(file), "rb") as stream:
            stream.seek(0)
            for line, leaf in zip(read_lines(stream), log.leaves(first, log.first()), strict=False):
                if leaf_hash(line) != leaf:
                    raise self._difference(log)
                at += len(line) + 1
        path = self.folder / LINES
        draft = path.with_name(f".{path.name}.new")
        with draft.open("wb") as new:
            while at < end:
                chunk = os.pread(file, min(_CHUNK, end - at), at)
                new.write(chunk)
                at += len(chunk)
            new.flush()
            os.fsync(new.fileno())
        draft.replace(path)

    def _checkpoints(self, log: LogReading) -> None:
        newest = log.newest_checkpoint()
        if newest is None:
            return
        path = self.folder / NEWEST
        there = _text(path)
        if there == newest.note:
            return
        above = -1
        if there is not None:
            above = self._size_of(there)
            stored = log.checkpoint_of(above)
            if stored is None or stored.note != there:
                raise LedgerError(
                    f"checkpoint of {above} events: {path} is not the state store's; it is left as it is"
                )
        folder = self.folder / CHECKPOINTS
        folder.mkdir(exist_ok=True)
        for stored in log.checkpoints(above):
            _replace(folder / f"{stored.size:012d}.note", stored.note)
        _replace(path, newest.note)

    def _size_of(self, note: str) -> int:
        try:
            return Checkpoint.parse(Note.parse(note).text).size
        except LedgerError as error:
            raise LedgerError(f"{self.folder / NEWEST}: {error}; it is left as it is") from error

    def _key(self, log: LogReading) -> None:
        """The key in use; one that was in use before it is replaced."""
        path = self.folder / KEY
        there, verifier_key = _text(path), log.verifier_key()
        if there is not None and there.strip() == verifier_key:
            return
        if there is None or there.strip() in _former(log):
            _replace(path, verifier_key + "\n")
        else:
            raise LedgerError(f"{path}: this is not the state store's verifier key; it is left as it is")


def _former(log: LogReading) -> set[str]:
    """The signing keys that were rotated."""
    lines = [log.line(seq) for seq in log.named("key.rotated", SIGNING)]
    return {str(parse(line).data.get("before")) for line in lines if line is not None}


def archives_text(log: LogReading) -> str:
    """`archived.json`: of each archive, what verification begins with behind it."""
    rows = [
        {
            "stop": row.stop,
            "before": [[count, root.hex()] for count, root in row.edge.nodes],
            "last_hash": row.last_hash,
            "last_at": format_instant(row.last_at),
            "length": row.length,
            "key": row.verifier_key,
        }
        for row in log.archived.rows()
    ]
    return json.dumps({"format": ARCHIVED_FORMAT, "archives": rows}, indent=1) + "\n"


def _first(file: int) -> int:
    """The number of the first line of a file; 0 where that can't be read (which is found elsewhere)."""
    begin = os.pread(file, MAX_LINE + 1, 0).partition(b"\n")[0]
    try:
        return parse(begin).seq
    except LedgerError:
        return 0


def _fits(log: LogReading, head: Head, first: int, count: int, last: bytes, end: int) -> bool:
    """Whether `end` bytes from line `first` on, of which the last is line `count - 1`, are the store's."""
    row = log.archived.ending(first) if first else None
    if first and row is None:
        return False
    if count <= log.first():
        return log.archived.leaf(count - 1) == leaf_hash(last)
    before = 0 if row is None else row.length
    return log.line(count - 1) == last and head.length - log.length(count) - before == end


def shared_lines(folder: Path) -> AbstractContextManager[int]:
    """The mirror's lines, opened for reading while nobody writes (as far as that can be had)."""
    return _opened(folder / LINES, os.O_RDONLY, fcntl.LOCK_SH)


@contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """The mirror's lines, open for writing, by this process alone."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LINES
    for _ in range(_ATTEMPTS):
        with _opened(path, os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX) as file:
            if os.fstat(file).st_nlink:  # 0: it was removed while we waited; the next one is new
                yield file
                return
    raise UnreachableError(f"{path}: it keeps being removed")


@contextmanager
def _opened(path: Path, flags: int, lock: int) -> Iterator[int]:
    file = os.open(path, flags | os.O_CLOEXEC, 0o644)
    try:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(file, lock | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise UnreachableError(f"{path}: another process has it locked for too long") from None
                time.sleep(0.005)
        yield file
    finally:
        os.close(file)


def _stamp(file: int) -> tuple[int, ...]:
    """What changes when anybody writes into the file, or puts another in its place."""
    status = os.fstat(file)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _after_newline(file: int, size: int) -> int | None:
    """The offset after the last newline of the first `size` bytes; 0 where the file has none.

    None where a whole line's length is read back without finding one.
    """
    for reach in (_NEAR, MAX_LINE + 1):
        start = max(0, size - reach)
        found = os.pread(file, size - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        if start == 0:
            return 0
    return None


def _append(file: int, end: int, lines: Iterator[bytes]) -> None:
    """Write lines behind `end`; where the disk is full, what is left of the last try is cut."""
    chunk = bytearray()
    try:
        for line in lines:
            chunk += line
            chunk += b"\n"
            if len(chunk) >= _CHUNK:
                end = _write(file, end, chunk)
                chunk.clear()
        _write(file, end, chunk)
    except OSError:
        with suppress(OSError):
            os.ftruncate(file, _after_newline(file, os.fstat(file).st_size) or end)
        raise
    os.fsync(file)


def _write(file: int, end: int, data: bytearray) -> int:
    view = memoryview(bytes(data))
    while view:
        written = os.pwrite(file, view, end)
        view = view[written:]
        end += written
    return end


def _text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return None


def _replace(path: Path, text: str) -> None:
    """Write a small file so that it is there whole or not at all."""
    draft = path.with_name(f".{path.name}.new")
    with draft.open("wb") as stream:
        stream.write(text.encode())
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
