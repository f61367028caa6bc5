"""`audit export`: a folder that an auditor verifies without this program."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from retention.config import Configuration
from retention.errors import LedgerError, UnreachableError, UsageError
from retention.ledger.note import Checkpoint, Note
from retention.ledger.parts import Part, verify_part
from retention.ledger.verify import verify_lines
from retention.model.audit import Export
from retention.model.place import Place
from retention.store.archives import SEGMENTS, Archives
from retention.store.log import LogReading, StoredCheckpoint
from retention.store.mirror import CHECKPOINTS, KEY, NEWEST
from retention.store.state import StateStore
from retention.verbs.opening import days, stores
from retention.verbs.opening.configured import configuration
from retention.verbs.opening.output import refuse_folder

RANGE = "range.json"
SEGMENT_LINES = 50_000
_TEMPLATES = Path(__file__).parent / "templates" / "export"


def export(
    place: Place,
    folder: Path,
    *,
    since: str | None = None,
    until: str | None = None,
    archives: Sequence[Path] = (),
) -> Export:
    """Writes the ledger, or its events of some days, into a new folder, verified on the way.

    Without events that lie in an archive, unless the `archives` are named.

    `since`, `until`: days in the policy's zone, both in it, or RFC 3339 instants (the second one not in it). Raises
    UsageError for a folder that has something in it, LedgerError where the ledger does not verify (then nothing is
    written), or where no checkpoint signs anything yet.
    """
    config = configuration(place)
    refuse_folder(place, folder)
    draft = folder.with_name(f".{folder.name}.new")
    with stores.reading(config, place) as state, state.read() as snapshot:
        snapshot.log.archives = Archives(archives) if archives else None
        newest = snapshot.log.newest_checkpoint()
        if newest is None:
            raise LedgerError("no checkpoint signs anything of this ledger yet; type: retention run")
        first, stop = _range(snapshot.log, config, since, until, newest.size)
        archived = first if since is None or first == snapshot.log.first() else 0
        try:
            draft.mkdir(parents=True)
            done = written(state, snapshot.log, draft, newest, first, stop)
            draft.rename(folder)
        except OSError as error:
            raise UnreachableError(f"{folder}: the export can't be written: {error.strerror}") from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        unsigned = snapshot.log.head().size - newest.size
    size, root, checkpoints, segments = done
    return Export(
        folder=str(folder),
        origin=state.origin,
        first=first,
        last=stop - 1,
        size=size,
        root=root,
        checkpoints=checkpoints,
        segments=segments,
        unsigned=unsigned,
        archived=archived,
    )


def _range(
    log: LogReading, config: Configuration, since: str | None, until: str | None, size: int
) -> tuple[int, int]:
    """The first event and the one behind the last, of the `size` that are signed."""
    start = days.beginning(config, "--from", since)
    end = days.ending(config, "--to", until)
    if start is not None and end is not None and start >= end:
        raise UsageError(f"--from {since} is not before --to {until}")
    first = log.readable() if start is None else log.position(start, size)
    stop = size if end is None else log.position(end, size)
    return first, max(first, stop)


def written(
    state: StateStore, log: LogReading, draft: Path, newest: StoredCheckpoint, first: int, stop: int
) -> tuple[int, str, int, int]:
    """Writes events `first` to `stop`, and what they are verified with; (size, root, checkpoints, segments)."""
    whole = (first, stop) == (0, newest.size)
    notes = [s for s in log.checkpoints() if whole or first < s.size <= stop or s.size == newest.size]
    writing = _Segments(draft / SEGMENTS, first)
    lines = writing.through(_some(log, first, stop))
    if whole:
        texts = [stored.note for stored in notes]
        verify_lines(lines, verifier_key=state.verifier_key, checkpoints=texts, source=state.place)
    else:
        history = log.history(newest.size)
        part = Part(first=first, before=tuple(history.before(first)), after=tuple(history.after(stop)))
        verify_part(lines, part, verifier_key=state.verifier_key, checkpoint=newest.note)
        (draft / RANGE).write_text(json.dumps(_range_document(part, stop), indent=1) + "\n", encoding="ascii")
    (draft / CHECKPOINTS).mkdir()
    for stored in notes:
        (draft / CHECKPOINTS / f"{stored.size:012d}.note").write_bytes(stored.note.encode())
    (draft / NEWEST).write_bytes(newest.note.encode())
    (draft / KEY).write_bytes(f"{state.verifier_key}\n".encode())
    shutil.copyfile(_TEMPLATES / "verify.py", draft / "verify.py")
    checkpoint = Checkpoint.parse(Note.parse(newest.note).text)
    root = base64.b64encode(checkpoint.root).decode()
    (draft / "README.md").write_text(_readme(state, first, stop, newest.size, root), encoding="utf-8")
    return newest.size, root, len(notes), writing.count


def _some(log: LogReading, first: int, stop: int) -> Iterator[bytes]:
    for number, line in enumerate(log.lines(first), first):
        if number >= stop:
            return
        yield line


class _Segments:
    """Files of so many lines each, named by the number of their first event."""

    def __init__(self, folder: Path, first: int) -> None:
        folder.mkdir()
        self._folder = folder
        self._next = first
        self.count = 0

    def through(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """The lines, each written before it is passed on."""
        stream: BinaryIO | None = None
        try:
            for number, line in enumerate(lines):
                if number % SEGMENT_LINES == 0:
                    if stream is not None:
                        _close(stream)
                    stream = (self._folder / f"{self._next + number:012d}.jsonl").open("wb")
                    self.count += 1
                if stream is not None:
                    stream.write(line + b"\n")
                yield line
        finally:
            if stream is not None:
                _close(stream)


def _close(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())
    stream.close()


def _range_document(part: Part, stop: int) -> dict[str, object]:
    return {
        "format": "retention.range/1",
        "first": part.first,
        "last": stop - 1,
        "before": [[count, root.hex()] for count, root in part.before],
        "after": [[count, root.hex()] for count, root in part.after],
    }


def _readme(state: StateStore, first: int, stop: int, size: int, root: str) -> str:
    text = (_TEMPLATES / "README.md").read_text(encoding="utf-8")
    what = f"are events {first} to {stop - 1} of {size:,}"
    if (first, stop) == (0, size):
        what = f"are all {size:,} events"
    elif first == stop:
        what = f"is none of {size:,} events: there is none of the days that were asked for"
    values = {"ORIGIN": state.origin, "WHAT": what, "ROOT": root, "KEY": state.verifier_key}
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text
