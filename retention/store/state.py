"""The state store as a whole: made once, opened with its keys, read in snapshots, written in transactions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Engine, Row, Table, insert, inspect, literal, select, text

from retention.errors import RetentionError, SetupError, UnreachableError
from retention.ledger.note import Signer, Verifier
from retention.store.aside import SetAside, SetAsideReading
from retention.store.batches import Batches, BatchesReading, Evidence, EvidenceReading
from retention.store.dialects import BUSY_SECONDS, for_writing, new_database, open_engine, store_path
from retention.store.leases import Leases, LeasesReading
from retention.store.log import Log, LogReading, first_head
from retention.store.migrations import upgrade
from retention.store.mirror import Mirror
from retention.store.plans import Approvals, ApprovalsReading, Plans, PlansReading
from retention.store.policies import Policies, PoliciesReading, Schemas, SchemasReading
from retention.store.runs import Jobs, JobsReading, Runs, RunsReading
from retention.store.schema import VERSION_TABLE, VERSIONS, head, meta, metadata


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
        self.leases = LeasesReading(connection)
        self.set_aside = SetAsideReading(connection)


class Transaction:
    """One write transaction: all of it is durable when its block ends, or nothing is."""

    def __init__(self, connection: Connection, signer: Signer) -> None:
        self.log = Log(connection, signer)
        self.plans = Plans(connection)
        self.approvals = Approvals(connection)
        self.policies = Policies(connection)
        self.schemas = Schemas(connection)
        self.runs = Runs(connection)
        self.jobs = Jobs(connection)
        self.batches = Batches(connection)
        self.evidence = Evidence(connection)
        self.leases = Leases(connection)
        self.set_aside = SetAside(connection)


class StateStore:
    """The engine's own state and its ledger. Made by `create`, opened by `open`; close it.

    May be shared by the threads of a process; each opens its own transactions.
    """

    def __init__(self, engine: Engine, path: Path, row: Row[Any], signer: Signer | None) -> None:
        """For `open` only."""
        self._engine = engine
        self._signer = signer
        self._lock = threading.Lock()
        self._writer: int | None = None
        self._kept: Connection | None = None
        self.path = path
        self.origin: str = row.origin
        self.verifier_key: str = row.verifier_key
        self.evidence_key_id: str = row.evidence_key_id
        self.mirror: Mirror | None = None

    @classmethod
    def create(cls, url: str, *, origin: str, verifier_key: str, evidence_key_id: str, at: datetime) -> None:
        """Make a new store at `sqlite:///PATH`, mode 0600, that belongs to these public keys.

        Raises SetupError where something is there already, for another kind of URL, and for a
        verifier key that is not the origin's; UnreachableError where nothing can be written.
        """
        row = _description(origin, verifier_key, evidence_key_id, at)
        with new_database(url) as engine, engine.connect() as plain:
            connection = for_writing(plain)
            with connection.begin():
                upgrade(connection)
                connection.execute(insert(meta), row)
                connection.execute(insert(head), first_head())

    @classmethod
    def unfinished(cls, url: str) -> bool:
        """Whether the tables of a store are there and don't say whose: somebody ran the DDL by hand.

        Raises SetupError where there is no such database, UnreachableError where it does not open.
        """
        engine = open_engine(url)
        try:
            with engine.connect() as connection, connection.begin():
                return _version(connection) is not None and not _filled(connection, meta)
        finally:
            engine.dispose()

    @classmethod
    def finish(cls, url: str, *, origin: str, verifier_key: str, evidence_key_id: str, at: datetime) -> None:
        """Make an unfinished store one that belongs to these public keys, for its owner's eyes only.

        Raises what `create` raises, and SetupError where a table has rows: that is another's store.
        """
        row = _description(origin, verifier_key, evidence_key_id, at)
        path = store_path(url)
        engine = open_engine(url)
        try:
            path.chmod(0o600)
            with engine.connect() as plain:
                connection = for_writing(plain)
                with connection.begin():
                    if _version(connection) != VERSIONS[-1]:
                        upgrade(connection)
                    if _filled(connection, *metadata.sorted_tables):
                        raise SetupError(
                            f"{path}: this state store has rows, and does not say whose it is;"
                            " restore a backup, or name another in retention.toml"
                        )
                    connection.execute(insert(meta), row)
                    connection.execute(insert(head), first_head())
        except OSError as error:
            raise UnreachableError(f"{path}: cannot be made one's own: {error.strerror}") from error
        finally:
            engine.dispose()

    @classmethod
    def open(
        cls,
        url: str,
        *,
        signer: Signer | None,
        evidence_key_id: str | None,
        mirror: Path | None = None,
    ) -> Self:
        """Open a store that was made before, by a process that has its keys.

        Without a signer (None) it can only be read; keys that are not given are not compared.
        Raises SetupError, with what to do, where there is no store, where it was made with other
        keys or under another origin, or by a newer version; UnreachableError where it cannot be
        opened, or, with a signer, not be written; LedgerError where it is damaged.
        """
        engine = open_engine(url)
        path = store_path(url)
        try:
            with engine.connect() as plain:
                connection = plain if signer is None else for_writing(plain)
                with connection.begin():
                    row = _checked_meta(connection, path, writable=signer is not None)
            store = cls(engine, path, row, signer)
            store._compare_keys(signer, evidence_key_id)
        except BaseException:
            engine.dispose()
            raise
        store.mirror = None if mirror is None else Mirror(mirror)
        return store

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """A write transaction, the only one at its time; rolled back where its block raises.

        Raises UnreachableError where another process keeps writing for ten seconds, or the disk
        is full: then nothing of the block has happened. The block should be short, and must not
        begin another one.
        """
        if self._signer is None:
            raise RetentionError("this state store was opened for reading only")
        with self._alone(), self._writing() as connection, connection.begin():
            transaction = Transaction(connection, self._signer)
            yield transaction
            transaction.log.flush()

    @contextmanager
    def read(self) -> Iterator[Snapshot]:
        """A snapshot for reading. It neither waits for writers nor holds them up."""
        with self._engine.connect() as connection, connection.begin():
            connection.execute(select(head.c.size)).all()  # from here on all is of this moment
            yield Snapshot(connection)

    def catch_up(self) -> None:
        """Bring the mirror, where there is one, up to the store. Cheap when nothing is new.

        Raises what `Mirror.catch_up` raises; the store itself is not touched by any of it.
        """
        if self.mirror is not None:
            self.mirror.catch_up(self.reading_log, self.verifier_key)

    @contextmanager
    def reading_log(self) -> Iterator[LogReading]:
        """The ledger alone, as a snapshot."""
        with self.read() as snapshot:
            yield snapshot.log

    def close(self) -> None:
        """Close every connection. The store is not to be used any more."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One writer at a time in this process: the database's own waiting is not fair."""
        if self._writer == threading.get_ident():
            raise RetentionError("a write transaction of the state store is open in this thread already")
        if not self._lock.acquire(timeout=BUSY_SECONDS):
            raise UnreachableError(f"{self.path}: the state store is busy: another thread keeps writing")
        self._writer = threading.get_ident()
        try:
            yield
        finally:
            self._writer = None
            self._lock.release()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """The connection that writes; kept, since there is one writer, and given up after an error."""
        connection, self._kept = self._kept or for_writing(self._engine.connect()), None
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._kept = connection

    def _compare_keys(self, signer: Signer | None, evidence_key_id: str | None) -> None:
        if signer is not None and signer.name != self.origin:
            raise SetupError(
                f"{self.path}: this state store is of the ledger {self.origin!r}, and the configured origin"
                f" is {signer.name!r}; give it its own state store, or the origin back"
            )
        if signer is not None and signer.verifier_key != self.verifier_key:
            raise SetupError(
                f"{self.path}: this state store was made with another signing key"
                f" ({self.verifier_key}); put that key back"
            )
        if evidence_key_id is not None and evidence_key_id != self.evidence_key_id:
            raise SetupError(
                f"{self.path}: this state store was made with another evidence key"
                f" ({self.evidence_key_id}); put that key back"
            )


def _description(origin: str, verifier_key: str, evidence_key_id: str, at: datetime) -> dict[str, Any]:
    """The store's one row about itself."""
    if Verifier.parse(verifier_key).name != origin:
        raise SetupError(f"this verifier key is not one of the ledger {origin!r}")
    return {
        "id": 1,
        "origin": origin,
        "verifier_key": verifier_key,
        "evidence_key_id": evidence_key_id,
        "created": at,
    }


def _version(connection: Connection) -> str | None:
    """The version of the store's tables; None where they are not there."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))
    return version


def _filled(connection: Connection, *tables: Table) -> bool:
    """Whether any of these tables that is there has a row."""
    there = set(inspect(connection).get_table_names())
    return any(
        connection.execute(select(literal(1)).select_from(table).limit(1)).first() is not None
        for table in tables
        if table.name in there
    )


def _checked_meta(connection: Connection, path: Path, *, writable: bool) -> Row[Any]:
    """The store's own description, brought to this version where it is older."""
    version = _version(connection)
    if version is None:
        raise SetupError(f"{path}: this database is no state store of retention")
    if version not in VERSIONS:
        raise SetupError(
            f"{path}: a newer version of retention made this state store ({version}); install it"
        )
    if version != VERSIONS[-1]:
        if not writable:
            raise SetupError(f"{path}: this state store is of an older version; type: retention status")
        upgrade(connection)
    row = connection.execute(select(meta)).one_or_none()
    if row is None:
        raise SetupError(f"{path}: this state store was never finished; type: retention init")
    return row
