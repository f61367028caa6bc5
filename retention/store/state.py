"""The state store as a whole: made once, opened with its keys, read in snapshots, written in transactions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Row, select, text
from sqlalchemy.exc import SQLAlchemyError

from retention.connectors.retrying import Retry, again
from retention.errors import RetentionError, SetupError, UnreachableError
from retention.ledger.note import Signer
from retention.model.told import Told
from retention.store.archived import Archiving
from retention.store.aside import SetAside, SetAsideReading
from retention.store.backend import BUSY_SECONDS, Backend, Clash, Lost
from retention.store.backends import backend_of
from retention.store.batches import Batches, BatchesReading, Evidence, EvidenceReading
from retention.store.described import checked_meta, connected, describe, description, filled
from retention.store.finding import Finding, Grouping
from retention.store.holds import Holds, HoldsReading
from retention.store.leases import Leases, LeasesReading
from retention.store.log import Log, LogReading
from retention.store.migrations import upgrade
from retention.store.mirror import Mirror
from retention.store.notices import Notices, NoticesReading
from retention.store.plans import Approvals, ApprovalsReading, Plans, PlansReading
from retention.store.policies import Policies, PoliciesReading, Schemas, SchemasReading
from retention.store.refusals import Refusals, RefusalsReading
from retention.store.runs import Jobs, JobsReading, Runs, RunsReading
from retention.store.schema import VERSIONS, head, meta, metadata
from retention.store.standings import Standings, StandingsReading
from retention.store.switch import Switch, SwitchReading
from retention.store.tellings import Tellings, TellingsReading
from retention.store.turns import Turns, TurnsReading

_BEGINNING = Retry(attempts=5)
"""How a transaction is begun where the database would not, for no fault of ours."""
_REPEATING = Retry(attempts=4)
"""How what may be done twice is done once more, where it is not known whether it was done."""


class Snapshot:
    """One moment of the store, for reading, while others go on writing."""

    def __init__(self, connection: Connection) -> None:
        self.log = LogReading(connection)
        self.plans = PlansReading(connection)
        self.approvals = ApprovalsReading(connection)
        self.policies = PoliciesReading(connection)
        self.schemas = SchemasReading(connection)
        self.runs = RunsReading(connection)
        self.jobs = JobsReading(connection)
        self.batches = BatchesReading(connection)
        self.evidence = EvidenceReading(connection)
        self.finding = Finding(connection)
        self.refusals = RefusalsReading(connection)
        self.leases = LeasesReading(connection)
        self.set_aside = SetAsideReading(connection)
        self.holds = HoldsReading(connection)
        self.tellings = TellingsReading(connection)
        self.switch = SwitchReading(connection)
        self.turns = TurnsReading(connection)
        self.standings = StandingsReading(connection)
        self.notices = NoticesReading(connection)

    def told(self) -> Told:
        """Every hold and telling in force."""
        return Told(holds=self.holds.in_force(), tellings=self.tellings.in_force(), epoch=self.holds.epoch())


class Transaction:
    """One write transaction: all of it is durable when its block ends, or nothing is."""

    def __init__(self, connection: Connection, signer: Signer) -> None:
        self.log = Log(connection, signer)
        self.archiving = Archiving(connection)
        self.plans = Plans(connection)
        self.approvals = Approvals(connection)
        self.policies = Policies(connection)
        self.schemas = Schemas(connection)
        self.runs = Runs(connection)
        self.jobs = Jobs(connection)
        self.batches = Batches(connection)
        self.evidence = Evidence(connection)
        self.grouping = Grouping(connection)
        self.refusals = Refusals(connection)
        self.leases = Leases(connection)
        self.set_aside = SetAside(connection)
        self.holds = Holds(connection)
        self.tellings = Tellings(connection)
        self.switch = Switch(connection)
        self.turns = Turns(connection)
        self.standings = Standings(connection)
        self.notices = Notices(connection)


class StateStore:
    """The engine's own state and its ledger. Made by `create`, opened by `open`; close it.

    May be shared by the threads of a process; each opens its own transactions.
    """

    def __init__(self, backend: Backend, row: Row[Any], signer: Signer | None) -> None:
        """For `open` only."""
        self._backend = backend
        self._reading = backend.engine(write=False)
        self._writing = backend.engine(write=True)
        self._signer = signer
        self._lock = threading.Lock()
        self._writer: int | None = None
        self._kept: Connection | None = None
        self.place = backend.shown
        self.origin: str = row.origin
        self.verifier_key: str = row.verifier_key
        self.evidence_key_id: str = row.evidence_key_id
        self.mirror: Mirror | None = None

    @classmethod
    def create(
        cls, where: Backend | str, *, origin: str, verifier_key: str, evidence_key_id: str, at: datetime
    ) -> None:
        """Make a new store that belongs to these public keys; `where` may be a URL with everything in it.

        A SQLite file is made with mode 0600; on a server the database must be there. Raises
        SetupError where a store is there already, where the server has no such database, and for
        a verifier key that is not the origin's; UnreachableError where nothing can be written.
        """
        row = description(origin, verifier_key, evidence_key_id, at)
        backend = backend_of(where) if isinstance(where, str) else where
        with backend.creating() as connection:
            backend.must_keep(connection)
            upgrade(connection, backend.version_table)
            describe(connection, row)

    @classmethod
    def unfinished(cls, where: Backend | str) -> bool:
        """Whether the tables of a store are there and don't say whose: somebody ran the DDL by hand.

        Or `init` was killed, on a server that has no DDL in transactions. Raises SetupError where
        there is no such database, UnreachableError where it does not open.
        """
        backend = backend_of(where) if isinstance(where, str) else where
        backend.must_exist()
        with connected(backend, write=False) as connection:
            return backend.version(connection) is not None and not filled(connection, meta)

    @classmethod
    def finish(
        cls, where: Backend | str, *, origin: str, verifier_key: str, evidence_key_id: str, at: datetime
    ) -> None:
        """Make an unfinished store one that belongs to these public keys, for its owner's eyes only.

        Raises what `create` raises, and SetupError where a table has rows: that is another's store.
        """
        row = description(origin, verifier_key, evidence_key_id, at)
        backend = backend_of(where) if isinstance(where, str) else where
        backend.must_exist()
        backend.make_private()
        with connected(backend, write=True) as connection:
            backend.must_keep(connection)
            backend.alone(connection)
            if backend.version(connection) != VERSIONS[-1]:
                upgrade(connection, backend.version_table)
            if filled(connection, *metadata.sorted_tables):
                raise SetupError(
                    f"{backend.shown}: this state store has rows, and does not say whose it is;"
                    " restore a backup, or name another in retention.toml"
                )
            describe(connection, row)

    @classmethod
    def open(
        cls,
        where: Backend | str,
        *,
        signer: Signer | Callable[[str, str], Signer] | None,
        evidence_key_id: str | Collection[str] | None,
        mirror: Path | None = None,
    ) -> Self:
        """Open a store that was made before, by a process that has its keys.

        `signer` may be told the store's origin and verifier key first; `evidence_key_id` may be the ids of all
        keys that there are. Without a signer (None) the store can only be read; keys that are not given are not
        compared. Raises SetupError, with what to do, where there is no store, where it was made with other keys or
        under another origin, or by a newer version; UnreachableError where it cannot be opened, or, with a
        signer, not be written; LedgerError where it is damaged.
        """
        backend = backend_of(where) if isinstance(where, str) else where
        backend.must_exist()
        row = checked_meta(backend, writable=signer is not None)
        if callable(signer):
            signer = signer(row.origin, row.verifier_key)
        store = cls(backend, row, signer)
        store._compare_keys(signer, evidence_key_id)
        store.mirror = None if mirror is None else Mirror(mirror)
        return store

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """A write transaction, the only one at its time; rolled back where its block raises.

        Raises UnreachableError where another process keeps writing for ten seconds, the disk is
        full, or the connection breaks: then nothing of the block has happened, or the message says
        that this is not known. A commit whose answer was lost is looked up, not guessed. The block
        should be short, and must not begin another one.
        """
        if self._signer is None:
            raise RetentionError("this state store was opened for reading only")
        with self._alone():
            connection, transaction = self._begun(self._signer)
            try:
                yield transaction
                transaction.log.flush()
                connection.commit()
            except Lost as error:
                _give_up(connection)
                if not (transaction.log.flushed and self._was_committed(self._signer, transaction, error)):
                    raise
            except BaseException:
                _give_up(connection)
                raise
            else:
                self._kept = connection

    def repeat(self, change: Callable[[Transaction], None]) -> None:
        """`change` in a write transaction, and once more where the connection broke: it may well be done twice.

        Raises what `begin` and `change` raise, and UnreachableError where the store stays away.
        """

        def once() -> None:
            with self.begin() as tx:
                change(tx)

        again(_REPEATING, once, transient=Lost)

    @contextmanager
    def read(self) -> Iterator[Snapshot]:
        """A snapshot for reading. It neither waits for writers nor holds them up."""
        with self._looking() as connection:
            connection.execute(select(head.c.size)).all()  # from here on all is of this moment
            yield Snapshot(connection)

    def now(self) -> datetime | None:
        """What the store's own server takes the time to be, in UTC; None for a file."""
        if self._backend.clock is None:
            return None
        with self._looking() as connection:
            found: datetime = connection.execute(text(self._backend.clock)).scalar_one()
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)

    def catch_up(self) -> None:
        """Bring the mirror, where there is one, up to the store. Cheap when nothing is new.

        Raises what `Mirror.catch_up` raises; the store itself is not touched by any of it.
        """
        if self.mirror is not None:
            self.mirror.catch_up(self.reading_log)

    @contextmanager
    def reading_log(self) -> Iterator[LogReading]:
        """The ledger alone, as a snapshot."""
        with self.read() as snapshot:
            yield snapshot.log

    def close(self) -> None:
        """Close every connection. The store is not to be used any more."""
        if self._kept is not None:
            _give_up(self._kept)
            self._kept = None
        self._reading.dispose()
        self._writing.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _looking(self) -> Iterator[Connection]:
        """A transaction that stores nothing: what was read was read, however it ends."""
        with self._reading.connect() as connection:
            connection.begin()
            yield connection
            try:
                connection.rollback()
            except (RetentionError, SQLAlchemyError):
                connection.invalidate()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One writer at a time in this process: the database's own waiting is not fair."""
        if self._writer == threading.get_ident():
            raise RetentionError("a write transaction of the state store is open in this thread already")
        if not self._lock.acquire(timeout=BUSY_SECONDS):
            raise UnreachableError(f"{self.place}: the state store is busy: another thread keeps writing")
        self._writer = threading.get_ident()
        try:
            yield
        finally:
            self._writer = None
            self._lock.release()

    def _begun(self, signer: Signer) -> tuple[Connection, Transaction]:
        """A transaction that has the head row to itself, on the connection that is kept for it.

        Tried again where the database would not have it, or the kept connection had broken
        meanwhile: nothing has been done yet.
        """
        return again(_BEGINNING, partial(self._begun_once, signer), transient=Clash)

    def _begun_once(self, signer: Signer) -> tuple[Connection, Transaction]:
        kept, self._kept = self._kept, None
        connection = kept or self._writing.connect()
        try:
            connection.begin()
            transaction = Transaction(connection, signer)
            transaction.log.head()
        except BaseException as error:
            _give_up(connection)
            if kept is not None and isinstance(error, Lost):
                raise Clash(error.message) from error
            raise
        return connection, transaction

    def _was_committed(self, signer: Signer, lost: Transaction, error: Lost) -> bool:
        """Whether a transaction is in the ledger whose commit was not answered.

        The head row is locked for the look: by then it was committed, or never will be.
        """
        if lost.log.last is None:
            raise Lost(f"{error}; it is not known whether the last change was stored") from error
        seq, line = lost.log.last
        try:
            connection, now = self._begun(signer)
        except RetentionError as still:
            raise UnreachableError(
                f"{error}; it is not known whether event {seq} was stored: {still}"
            ) from error
        try:
            return now.log.line(seq) == line
        finally:
            _give_up(connection)

    def _compare_keys(self, signer: Signer | None, ids: str | Collection[str] | None) -> None:
        if signer is not None and signer.name != self.origin:
            raise SetupError(
                f"{self.place}: this state store is of the ledger {self.origin!r}, and the configured origin"
                f" is {signer.name!r}; give it its own state store, or the origin back"
            )
        if signer is not None and signer.verifier_key != self.verifier_key:
            raise SetupError(
                f"{self.place}: this state store was made with another signing key"
                f" ({self.verifier_key}) than the one that is configured ({signer.verifier_key}); put that key back"
            )
        if ids is not None and self.evidence_key_id not in ((ids,) if isinstance(ids, str) else ids):
            raise SetupError(
                f"{self.place}: this state store was made with another evidence key"
                f" ({self.evidence_key_id}) than those that are configured; put that key back"
            )


def _give_up(connection: Connection) -> None:
    """Rolls back as far as that is possible, and closes; what was wrong has been said already."""
    with suppress(RetentionError, SQLAlchemyError):
        connection.rollback()
    with suppress(RetentionError, SQLAlchemyError):
        connection.invalidate()
    connection.close()
