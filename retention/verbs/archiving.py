"""`audit archive`: older events leave the state store for a folder, and everything stays provable."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from retention import periods
from retention.errors import LedgerError, Problem, SetupError, UnreachableError
from retention.ledger.history import BLOCK
from retention.ledger.keys import SIGNING
from retention.ledger.line import format_instant, hash_of, parse
from retention.ledger.parts import Part, verify_part
from retention.ledger.tree import Builder, Edge, leaf_hash
from retention.model.audit import Archived
from retention.model.clock import Clock as Counting
from retention.model.place import Place
from retention.store.archived import ArchiveRow
from retention.store.archives import Archives
from retention.store.log import LogReading, StoredCheckpoint
from retention.store.state import StateStore
from retention.verbs.exporting import written
from retention.verbs.opening import stores
from retention.verbs.opening.configured import Clock, configuration
from retention.verbs.opening.output import refuse_folder
from retention.verbs.proof.published import publish_newest, refuse_damaged

FILE = "retention.toml"


def archive(place: Place, folder: Path, *, by: str, clock: Clock) -> Archived:
    """Moves events older than `[ledger] keep` into a new folder: the one that `audit export` writes, for their part.

    The folder is read back and compared before anything leaves the store; what leaves it is an event of the ledger.
    A death at any moment loses nothing: the lines are in the store until the folder is whole, and removing them goes
    on with the next archive. Raises SetupError without `keep`, or where the account may not remove lines; LedgerError
    where the ledger does not verify; UsageError for a folder that has something in it.
    """
    config = configuration(place)
    keep = config.settings.ledger_keep
    if keep is None:
        write = 'write how long events stay in the state store at least: keep = "10 years"'
        problem = Problem(file=FILE, key="ledger.keep", found="is missing", write=write)
        raise SetupError("nothing says how long the ledger is kept", [problem])
    refuse_folder(place, folder)
    with stores.opened(config, place, evidence=False) as state:
        _refuse_account(state)
        refuse_damaged(state, config)
        clear(state)
        now = clock()
        line = periods.cutoff(now, Counting(period=keep, timezone=config.policy.timezone)).instant
        done = move(state, line, folder, by=by, now=now)
        if done.events:
            clear(state)
            state.catch_up()
        return Archived(**{**vars(done), "notes": publish_newest(state, config)})


def _refuse_account(state: StateStore) -> None:
    try:
        with state.begin() as tx:
            tx.archiving.try_rights()
    except SetupError as error:
        raise SetupError(
            f"{error.message}: an archive removes lines of the ledger, which retention's own account may not;"
            " type it with the account that owns the tables (RETENTION_STATE=…)"
        ) from error


def clear(state: StateStore) -> None:
    """Removes the lines that lie in an archive, some in each transaction: nobody waits long."""
    with state.read() as snapshot:
        stop = snapshot.log.first()
    start: int | None = 0
    while start is not None and start < stop:
        with state.begin() as tx:
            start = tx.archiving.remove(start, stop)


def move(state: StateStore, line: datetime, folder: Path, *, by: str, now: datetime) -> Archived:
    """The folder, and then the event that says so, with the hashes that stay."""
    with state.read() as snapshot:
        log = snapshot.log
        newest, first = log.newest_checkpoint(), log.first()
        if newest is None:
            raise LedgerError("no checkpoint signs anything of this ledger yet; type: retention run")
        waiting = [row.seq for row in snapshot.batches.unresolved() if row.seq is not None]
        stop = min(log.position(line, newest.size), *waiting, newest.size) // BLOCK * BLOCK
        none = Archived(folder=None, before=format_instant(line), first=first, stop=first)
        if stop <= first:
            return none
        row, leaves = _written(state, log, newest, folder, stop, now)
    root = row.edge.root()
    with state.begin() as tx:
        if tx.log.first() != first:
            raise LedgerError(
                f"another archive was made meanwhile; {folder} is whole, and nothing was removed"
            )
        tx.archiving.add(row, first, leaves)
        said = {"first": first, "size": stop, "root": root.hex(), "last_hash": row.last_hash, "by": by}
        event = tx.log.append("ledger.archived", said, now)
        tx.log.checkpoint(now)
    shown = base64.b64encode(root).decode()
    return Archived(folder=str(folder), before=none.before, first=first, stop=stop, root=shown, event=event)


# -- the folder ----------------------------------------------------------------------------


@dataclass
class _Counted:
    """What has gone by: the tree so far, hashes of the lines, and the last one."""

    tree: Builder
    length: int
    leaves: bytearray = field(default_factory=bytearray)
    last: bytes = b""

    def through(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        for line in lines:
            leaf = leaf_hash(line)
            self.tree.append(leaf)
            self.leaves += leaf
            self.length += len(line) + 1
            self.last = line
            yield line


def _written(
    state: StateStore, log: LogReading, newest: StoredCheckpoint, folder: Path, stop: int, now: datetime
) -> tuple[ArchiveRow, bytes]:
    """Writes the folder and reads it back; what is to be kept of its events."""
    first = log.first()
    draft = folder.with_name(f".{folder.name}.new")
    try:
        draft.mkdir(parents=True)
        written(state, log, draft, newest, first, stop)
        counted = _read_back(state, log, draft, newest, first, stop)
        _sync(draft)
        if folder.exists():
            folder.rmdir()
        draft.rename(folder)
        _sync_folder(folder.parent)
    except OSError as error:
        raise UnreachableError(f"{folder}: the archive can't be written: {error.strerror}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    row = ArchiveRow(
        at=now,
        edge=counted.tree.edge(),
        last_hash=hash_of(counted.last),
        last_at=parse(counted.last).at,
        length=counted.length,
        verifier_key=_key_at(log, stop),
    )
    return row, bytes(counted.leaves)


def _read_back(
    state: StateStore, log: LogReading, draft: Path, newest: StoredCheckpoint, first: int, stop: int
) -> _Counted:
    """Every line of the folder is compared with the store's, and all of them with the newest checkpoint."""
    before = log.archived.newest()
    counted = _Counted(_grown(before.edge if before else Edge()), before.length if before else 0)
    lines = counted.through(Archives([draft]).lines(first, stop))
    history = log.history(newest.size)
    part = Part(first=first, before=tuple(history.before(first)), after=tuple(history.after(stop)))
    same = _same(lines, log.lines(first))
    verify_part(same, part, verifier_key=state.verifier_key, checkpoint=newest.note)
    if counted.tree.size != stop:
        raise LedgerError(f"{draft}: what was written is not all there; nothing was removed")
    return counted


def _same(lines: Iterable[bytes], stored: Iterable[bytes]) -> Iterator[bytes]:
    for line, own in zip(lines, stored, strict=False):
        if line != own:
            raise LedgerError("what was written is not what the state store has; nothing was removed")
        yield line


def _grown(edge: Edge) -> Builder:
    tree = Builder()
    for count, root in edge.nodes:
        tree.add(root, count)
    return tree


def _key_at(log: LogReading, stop: int) -> str:
    """The signing key in use where event `stop` comes."""
    rotated = [(seq, log.line(seq)) for seq in log.named("key.rotated", SIGNING)]
    events = [(seq, parse(line).data) for seq, line in rotated if line is not None]
    earlier = [str(data["key"]) for seq, data in events if seq < stop]
    later = [str(data["before"]) for seq, data in events if seq >= stop]
    return (earlier[-1:] or later[:1] or [log.verifier_key()])[0]


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
        else:
            _sync_folder(path)
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
