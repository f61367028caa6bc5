"""Checks a ledger's lines against its signed checkpoints: nothing is needed but the public key.

Every line is read, hashed and compared anew; nothing stored beside the lines is
believed. Memory does not grow with the number of events: what is kept is the
right edge of the tree (RFC 6962). What no chain can show is a cut tail that no
checkpoint covers; that is what publishing checkpoints elsewhere is for.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO

from retention.errors import LedgerError
from retention.ledger.beginning import Beginning
from retention.ledger.handing import Handing
from retention.ledger.line import FIRST_PREV, MAX_LINE, Line, format_instant, hash_of, parse, quick
from retention.ledger.note import Checkpoint, Note, Verifier
from retention.ledger.tree import Builder, Edge, leaf_hash
from retention.ledger.witness import Witness
from retention.model.audit import Verification


@dataclass(frozen=True, kw_only=True)
class Head:
    """Where a log ends: `edge.size` events, the hash of the last, its time, and `length` in bytes."""

    edge: Edge = field(default_factory=Edge)
    last_hash: str = FIRST_PREV
    last_at: datetime | None = None
    length: int = 0

    @property
    def size(self) -> int:
        """How many events there are."""
        return self.edge.size

    def append(self, line: bytes, at: datetime) -> Head:
        """The head after one more line (bytes without newline)."""
        return Head(
            edge=self.edge.append(leaf_hash(line)),
            last_hash=hash_of(line),
            last_at=at,
            length=self.length + len(line) + 1,
        )


def read_lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a mirror, without their newlines, however long the file.

    Raises LedgerError for a line beyond 1 MiB (without reading it whole) and for a
    last line without a newline, which was torn while being written.
    """
    number = 0
    while line := stream.readline(MAX_LINE + 1):
        if not line.endswith(b"\n"):
            if len(line) > MAX_LINE:
                raise _wrong(number, f"the line is longer than {MAX_LINE:,} bytes")
            raise _wrong(number, "the line is torn: the file ends before its newline")
        yield line[:-1]
        number += 1


def verify_lines(
    lines: Iterable[bytes],
    *,
    verifier_key: str,
    checkpoints: Iterable[str],
    source: str,
    head: Head | None = None,
    witnesses: Iterable[Witness] = (),
    beginning: Beginning | None = None,
) -> Verification:
    """Verify a whole ledger, from event 0 on, or from where the archived events end.

    `lines`: bytes without newline, in order. `checkpoints`: signed notes in any
    order, also such as were published elsewhere. `source`: what was read, for
    people. `head`: what the state store believes its log's end to be, compared
    where given. `witnesses`: whose cosignatures are checked where a checkpoint has any. `beginning`: the end of what
    lies in an archive; `lines` are those behind it.
    Types of events are not judged: a later version may have more.

    Raises LedgerError that begins with `event N:`, N counted from 0, for the first
    event that is wrong, or with `checkpoint of N events:`; SetupError for an
    unreadable verifier key.
    """
    verifier = Verifier.parse(verifier_key)
    marks = _read_checkpoints(checkpoints)
    keys = Handing(verifier)
    walk = _Walk(lines, marks, keys)
    if beginning is not None:
        walk.begin(beginning)
    walk.run()
    witnessed = {mark.point.size for mark in marks if _witnessed(mark, tuple(witnesses))}
    found = walk.head
    if found.size and not marks:
        raise LedgerError(f"{source}: {found.size} events and no signed checkpoint: nothing vouches for them")
    if head is not None:
        _compare(found, head)
    size = marks[-1].point.size if marks else 0
    root = marks[-1].point.root if marks else Edge().root()
    return Verification(
        source=source,
        origin=verifier.name,
        events=found.size,
        size=size,
        root=base64.b64encode(root).decode(),
        checkpoints=len({mark.point.size for mark in marks}),
        unsigned_tail=found.size - size,
        last_at=None if found.last_at is None else format_instant(found.last_at),
        rotations=keys.rotations,
        witnessed=max(witnessed, default=0),
        archived=0 if beginning is None else beginning.size,
    )


@dataclass(frozen=True, kw_only=True)
class _Mark:
    """A checkpoint whose signatures are yet to be checked."""

    point: Checkpoint
    note: Note


class _Walk:
    """One pass over the lines. `_good`: the size of the last checkpoint that held."""

    def __init__(self, lines: Iterable[bytes], marks: list[_Mark], keys: Handing) -> None:
        self._lines = iter(lines)
        self._keys = keys
        self._newest = marks[-1].point.size if marks else 0
        self._marks = iter(marks)
        self._mark = next(self._marks, None)
        self._good = 0
        self._tree = Builder()
        self._last_hash = FIRST_PREV
        self._last_at: datetime | None = None
        self._length = 0
        self._archived = False
        """Whether it stands among events of which the hashes alone are there."""
        self._stepped = False
        """Whether nothing of the archive was there: then the key in use at its end is what the folder says."""

    @property
    def head(self) -> Head:
        """Where it stands."""
        return Head(
            edge=self._tree.edge(), last_hash=self._last_hash, last_at=self._last_at, length=self._length
        )

    def begin(self, beginning: Beginning) -> None:
        """Pass over what lies in an archive, by the hashes of its events where they are there."""
        if beginning.leaves is None:
            self._step_over(beginning)
        else:
            self._archived = True
            self._check_marks()
            for leaf, line in beginning.events():
                number = self._tree.size
                self._tree.append(leaf)
                self._take(number, line)
            if self._tree.edge() != beginning.edge:
                raise LedgerError("the hashes that are kept of archived events are not those of the archive")
        self._archived = False
        self._last_hash, self._last_at = beginning.last_hash, beginning.last_at
        self._length = beginning.length

    def _step_over(self, beginning: Beginning) -> None:
        if self._mark is not None and self._mark.point.size < beginning.size:
            raise LedgerError(
                f"checkpoint of {self._mark.point.size} events: they lie in an archive, and can't be compared without"
                " it; name its folder: --archive DIR"
            )
        for count, root in beginning.edge.nodes:
            self._tree.add(root, count)
        self._keys.in_use = Verifier.parse(beginning.verifier_key)
        self._stepped = True

    def _take(self, number: int, line: bytes | None) -> None:
        """Event `number` is in the tree: look at the keys that it names, and at checkpoints over it."""
        if line is not None:
            self._keys.read(number, line)
        marked = self._mark is not None and self._mark.point.size == self._tree.size
        if marked:
            self._check_marks()
        self._keys.signed(number, checkpoint=marked)

    def run(self) -> None:
        """Raises LedgerError at the first wrong event."""
        self._check_marks()
        for raw in self._lines:
            number = self._tree.size
            at = quick(raw, seq=self._tree.size, prev=self._last_hash)
            if at is None or (self._last_at is not None and at < self._last_at):
                at = self._read(raw).at
            self._last_at = at
            self._tree.append(leaf_hash(raw))
            self._last_hash = hash_of(raw)
            self._length += len(raw) + 1
            self._take(number, raw)
        if self._mark is not None:
            raise _wrong(
                self._tree.size,
                f"it is missing: a checkpoint signs {self._mark.point.size} events and here are {self._tree.size}",
            )
        if self._newest and not self._keys.vouched:
            if self._stepped:
                raise LedgerError(
                    f"checkpoint of {self._newest} events: it is signed by {self._keys.in_use}, and no event behind the"
                    f" archive hands the ledger over from or to the key {self._keys.trusted}: name the archive's"
                    " folder: --archive DIR"
                )
            raise LedgerError(
                f"checkpoint of {self._newest} events: it is not signed by the key {self._keys.trusted},"
                f" which never signed this ledger; it is signed by {self._keys.in_use}"
            )

    def _read(self, raw: bytes) -> Line:
        number = self._tree.size
        try:
            line = parse(raw)
        except LedgerError as error:
            raise _wrong(number, str(error)) from error
        if line.seq == number - 1:
            raise _wrong(line.seq, "it is there twice: a line was added")
        if line.seq != number:
            raise _wrong(number, f"in its place stands event {line.seq}: a line was removed, added or moved")
        if line.prev != self._last_hash:
            raise self._broken_link(raw, number)
        if self._last_at is not None and line.at < self._last_at:
            raise _wrong(number, "it is earlier than the event before it")
        return line

    def _broken_link(self, raw: bytes, number: int) -> LedgerError:
        """Event `number` names another one before it; the next event tells which of the two was edited."""
        if number == 0:
            return _wrong(0, "it says that an event came before it: the beginning was removed")
        if number == self._good:
            return _wrong(number, "its prev is not the hash of the event before it, which a checkpoint signs")
        after = next(self._lines, None)
        intact = after is None or _follows(after, hash_of(raw))
        if intact:
            return _wrong(number - 1, f"its content was changed: event {number} has the hash of another one")
        return _wrong(number, "its content was changed: neither of its neighbours is chained to it")

    def _check_marks(self) -> None:
        """Compare with every checkpoint of the size reached."""
        while self._mark is not None and self._mark.point.size == self._tree.size:
            self._keys.check(self._mark.point, self._mark.note)
            if self._mark.point.root != self._tree.edge().root():
                raise self._wrong_root(self._tree.size)
            self._good = self._mark.point.size
            self._mark = next(self._marks, None)

    def _wrong_root(self, size: int) -> LedgerError:
        """A chain that holds under a root that does not.

        Where the next event, or its want, shows that only the last can have been edited, it is named.
        """
        if size == self._good:
            return LedgerError(f"checkpoint of {size} events: two are signed, with different roots")
        if self._archived:
            return LedgerError(
                f"checkpoint of {size} events: the hashes kept of archived events are not those that it signs"
            )
        last, first = size - 1, self._good
        also = "" if first == last else f" (with or without others from event {first} on)"
        after = next(self._lines, None)
        if after is not None and not _follows(after, self._last_hash):
            return _wrong(last, f"its content was changed: event {size} has the hash of another one{also}")
        if first == last or after is None:
            return _wrong(last, f"its content is not what the checkpoint of {size} events signs{also}")
        return _wrong(
            first,
            f"it, or one up to event {last}, was rewritten with all that follow: the checkpoint of"
            f" {size} events signs others",
        )


def _witnessed(mark: _Mark, witnesses: Iterable[Witness]) -> bool:
    """Whether any of them cosigned. Raises LedgerError for a cosignature that is wrong."""
    try:
        return bool([at for witness in witnesses if (at := witness.check(mark.note)) is not None])
    except LedgerError as error:
        raise LedgerError(f"checkpoint of {mark.point.size} events: {error}") from error


def _follows(raw: bytes, last_hash: str) -> bool:
    """Whether a line names this hash as the one before it; of an unreadable line nothing is known."""
    try:
        return parse(raw).prev == last_hash
    except LedgerError:
        return True


def _read_checkpoints(notes: Iterable[str]) -> list[_Mark]:
    """In order of size; each is checked when its size is reached, by the key that is in use then."""
    read = []
    for note in notes:
        try:
            parsed = Note.parse(note)
            read.append(_Mark(point=Checkpoint.parse(parsed.text), note=parsed))
        except LedgerError as error:
            size = note.split("\n", 2)[1:2]
            named = f" of {size[0]} events" if size and size[0].isdigit() and len(size[0]) < 20 else ""
            raise LedgerError(f"checkpoint{named}: {error}") from error
    return sorted(read, key=lambda mark: mark.point.size)


def _compare(found: Head, believed: Head) -> None:
    """Raise LedgerError where the state store's head row is not the end of its own lines."""
    if found.size < believed.size:
        raise _wrong(found.size, f"it is missing: the state store counts {believed.size} events")
    if found.size > believed.size:
        raise _wrong(believed.size, f"it was not appended by the engine, which counts {believed.size} events")
    if found != believed:
        raise _wrong(max(found.size - 1, 0), "its content is not what the state store's head row says")


def _wrong(number: int, reason: str) -> LedgerError:
    return LedgerError(f"event {number}: {reason}")
