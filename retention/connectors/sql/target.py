"""A SQL database as the engine sees it: the port over one SQLAlchemy engine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import (
    Answers,
    Counted,
    Dates,
    Key,
    Lacking,
    Look,
    Marker,
    Misfit,
    RecordView,
    Sight,
    Transient,
)
from retention.connectors.sql import shown
from retention.connectors.sql.batches.ways import DENSE, no_index, way_of
from retention.connectors.sql.counting import Census
from retention.connectors.sql.dialect import Dialect, Timeouts
from retention.connectors.sql.looking import look, sighted
from retention.connectors.sql.markers import (
    MARKERS,
    insert_marker,
    read_markers,
    replace_markers,
    status_of,
    with_markers_in,
)
from retention.connectors.sql.persons import Persons
from retention.connectors.sql.predicates import Compiler, bound
from retention.connectors.sql.predicates import table as named_table
from retention.connectors.sql.records import RecordReader
from retention.connectors.sql.removers import RemoversOf
from retention.connectors.sql.sorting import Sorter
from retention.connectors.sql.trying import misfits
from retention.connectors.sql.wrapping import connected, plain, wrapped
from retention.errors import SetupError
from retention.model import predicate as p
from retention.model.catalogue import Catalogue, Column, Kind, Reference, Table, TableId
from retention.model.progress import Progress
from retention.planning.binding.bound import BoundDataset
from retention.planning.binding.reach import quoted
from retention.planning.binding.rights import Need
from retention.planning.binding.vault_tables import NewTable
from retention.planning.fates.reasons import Questions
from retention.planning.work import Work

_FENCE = Timeouts(lock=1_500)
_AT_ONCE = 5_000


class SqlTarget(RemoversOf):
    """`reading` gives sessions that can write nothing, `writing` those of batches and markers."""

    def __init__(
        self,
        name: str,
        dialect: Dialect,
        reading: sa.Engine,
        writing: sa.Engine,
        *,
        marker_schema: str | None = None,
    ) -> None:
        """`marker_schema`: where `retention_marker` is; None: where a session looks first."""
        self.name = name
        self.own_clock = dialect.own_clock
        self._dialect = dialect
        self._reading = with_markers_in(reading, marker_schema)
        self._writing = with_markers_in(writing, marker_schema)
        self._marker_schema = marker_schema
        self._catalogue: Catalogue | None = None

    @contextlib.contextmanager
    def _reader(self, what: str) -> Iterator[Connection]:
        with (
            wrapped(self._dialect, f"connector `{self.name}`: {what}"),
            connected(self._dialect, self._reading, self.name) as connection,
        ):
            yield connection

    @contextlib.contextmanager
    def _writer(self, what: str, timeouts: Timeouts | None = None) -> Iterator[Connection]:
        """A transaction of its own, committed at the end."""
        with (
            wrapped(self._dialect, f"connector `{self.name}`: {what}"),
            connected(self._dialect, self._writing, self.name) as connection,
        ):
            self._dialect.begin(connection, timeouts or Timeouts())
            yield connection
            connection.commit()

    # -- looking ---------------------------------------------------------------------------

    def identity(self) -> str:
        with self._reader("connecting") as connection:
            return self._dialect.identity(connection)

    def store(self) -> str:
        with self._reader("connecting") as connection:
            return self._dialect.store(connection)

    def server(self) -> str:
        with self._reader("connecting") as connection:
            return self._dialect.server(connection)

    def catalogue(self) -> Catalogue:
        if self._catalogue is None:
            with self._reader("reading the catalogue") as connection:
                self._catalogue = self._dialect.catalogue(connection)
        return self._catalogue

    def now(self) -> datetime:
        with self._reader("asking for the time") as connection:
            return self._dialect.now(connection)

    def read_only(self) -> str | None:
        with self._reader("asking whether it may be written") as connection:
            return self._dialect.read_only(connection)

    def count(
        self,
        works: Sequence[Work],
        progress: Progress,
        stop: Callable[[], bool] = lambda: False,
        *,
        special: Sequence[Key] = (),
    ) -> Counted:
        with self._reader(f"counting {works[0].bound}") as connection:
            return Census(self._dialect, connection, works, special).count(progress, stop)

    def rows(self, table: TableId) -> int:
        with self._reader(f"counting {table}") as connection:
            query = sa.select(sa.func.count()).select_from(self._named(table))
            return int(connection.execute(query).scalar_one())

    def matching(self, root: p.Source, test: p.Test) -> int:
        compiler = Compiler(self._dialect)
        query = sa.select(sa.func.count()).select_from(compiler.source(root)).where(compiler.test(test))
        with self._reader(f"counting rows of {root.table}") as connection:
            return int(connection.execute(query).scalar_one())

    def look(self, table: Table, columns: Sequence[str], most: int) -> Look | None:
        with self._reader(f"looking at {table.id}") as connection:
            return look(self._dialect, connection, table, columns, most)

    def lacking(self, needs: Sequence[Need]) -> tuple[Lacking, ...]:
        with self._reader("asking what the role may do") as connection:
            return self._dialect.lacking(connection, needs, self._marker_schema)

    def _named(self, id_: TableId, columns: Sequence[str] = ()) -> sa.TableClause:
        return named_table(id_, columns, only=self.catalogue().tables[id_].only)

    def referring(self, reference: Reference, most: int) -> int:
        with self._reader(f"counting rows of {reference.table}") as connection:
            source = self._named(reference.table, reference.columns)
            some: sa.Select[Any] = sa.select(sa.literal_column("1").label("one")).select_from(source)
            some = some.where(*(source.c[name].is_not(sa.null()) for name in reference.columns)).limit(
                bound(most)
            )
            query = sa.select(sa.func.count()).select_from(some.subquery("some"))
            return int(connection.execute(query).scalar_one())

    def record(self, work: Work, key: str) -> RecordView | None:
        keys = {id_: table.key for id_, table in self.catalogue().tables.items()}
        with self._reader(f"reading a record of {work.bound}") as connection:
            return RecordReader(self._dialect, connection, work, keys).read(key)

    def ask(self, work: Work, key: str, questions: Questions) -> Answers:
        with self._reader(f"reading a record of {work.bound}") as connection:
            return RecordReader(self._dialect, connection, work, {}).ask(key, questions)

    def sight(
        self, clock: p.Field, floor: p.Line, now: p.Line, likely: tuple[p.Line, p.Line] | None = None
    ) -> Sight:
        with self._reader(f"looking at {clock.source.table}.{clock.column}") as connection:
            return sighted(self._dialect, connection, clock, floor, now, likely)

    def refuses(self, source: p.Source, test: p.Test) -> str | None:
        compiler = Compiler(self._dialect)
        query: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(compiler.source(source))
        with self._reader(f"looking at {source.table}") as connection:
            try:
                connection.execute(query.where(compiler.test(test)).limit(sa.literal_column("0")))
            except sa.exc.DBAPIError as error:
                if any(
                    known(error)
                    for known in (self._dialect.denied, self._dialect.lost, self._dialect.transient)
                ):
                    raise
                return plain(error)
        return None

    def tried(self, bound: BoundDataset, samples: Mapping[str, Any]) -> tuple[Misfit, ...]:
        with self._reader(f"trying what is made of {bound}") as connection:
            return tuple(misfits(self._dialect, connection, bound, samples))

    def leaves_out(self, work: Work, key: str) -> bool:
        with self._reader(f"reading a row of {work.bound}") as connection:
            return RecordReader(self._dialect, connection, work, {}).leaves_out(key)

    def statements(self, work: Work, progress: Progress) -> tuple[tuple[str, str], ...]:
        with self._reader(f"looking at {work.bound}") as connection:
            depends = self._depends(connection, work)
        dense = depends and self._share(work, progress) >= DENSE
        with self._reader(f"looking at {work.bound}") as connection:
            way = way_of(self._dialect, connection, work, dense)
            every = shown.job(
                self._dialect, connection, work, way, dense=dense, marker_schema=self._marker_schema
            )
            return shown.printed(self._dialect, tuple(every))

    def joint_statements(self, works: Sequence[Work]) -> tuple[tuple[str, str], ...]:
        with self._reader(f"looking at {works[0].bound}") as connection:
            every = shown.joint(self._dialect, connection, works, marker_schema=self._marker_schema)
            return shown.printed(self._dialect, tuple(every))

    def _depends(self, connection: Connection, work: Work) -> bool:
        """How the batches are taken depends on how many records are due."""
        if work.remembered or work.bound.tangled or work.stays or work.moves:
            return False
        ways = {way_of(self._dialect, connection, work, dense) for dense in (True, False)}
        return len(ways) > 1 or not no_index(self._dialect, work)

    def _share(self, work: Work, progress: Progress) -> float:
        (counts,) = self.count((work,), progress).jobs
        return counts.fates["due"] / max(sum(counts.fates.values()), 1)

    # -- persons ---------------------------------------------------------------------------

    @contextlib.contextmanager
    def _looking(self, dataset: BoundDataset, what: str) -> Iterator[Persons]:
        with self._reader(f"looking {what}") as connection:
            yield Persons(self._dialect, connection, self.catalogue(), dataset)

    def could_be(self, column: Column, value: object) -> bool:
        if column.kind is not Kind.INTEGER or not isinstance(value, int):
            return True
        least, most = self._dialect.whole_numbers(column)
        return least <= value <= most

    def dates(self, work: Work, event: str, timezone: str, keys: Sequence[Key]) -> Iterator[Dates]:
        with self._reader(f"reading dates of {work.bound}") as connection:
            yield from RecordReader(self._dialect, connection, work, {}).dates(event, timezone, keys)

    def sort(
        self, work: Work, wanted: p.Test, tests: Sequence[p.Test], among: Sequence[Key] | None = None
    ) -> Iterator[tuple[Key, frozenset[int]]]:
        with self._reader(f"looking at records of {work.bound}") as connection:
            yield from Sorter(self._dialect, connection, work, wanted, tests).found(among)

    # -- vaults ----------------------------------------------------------------------------

    def vault_statements(
        self, tables: Sequence[NewTable], schemas: Sequence[str], role: str, reviewers: str
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        grants = self._dialect.vault_grants(tables, schemas, role, reviewers)
        return self._dialect.vault_statements(tables, schemas), grants

    def make(self, statements: Sequence[str], what: str) -> None:
        with self._writer(f"making {what}") as connection:
            for statement in statements:
                connection.execute(sa.text(statement.replace(":", "\\:")))

    # -- markers ---------------------------------------------------------------------------

    def create_marker_table(self) -> bool:
        if self.has_marker_table():
            return False
        schema = self._marker_schema
        if schema is not None and not self._has_schema(schema):
            raise SetupError(
                f"connector `{self.name}`: there is no schema {schema} for retention_marker; type, as its"
                f" owner: CREATE SCHEMA {quoted(schema)};"
            )
        with self._writer("creating retention_marker") as connection:
            MARKERS.create(connection)
        return True

    def has_marker_table(self) -> bool:
        with self._reader("looking for retention_marker") as connection:
            return self._dialect.has_table(connection, MARKERS.name, self._marker_schema)

    def _has_schema(self, schema: str) -> bool:
        with self._reader("looking for the schema of retention_marker") as connection:
            return sa.inspect(connection).has_schema(schema)

    def markers(self, origin: str, run: str | None = None) -> Mapping[tuple[str, int], Marker]:
        with self._reader("reading retention_marker") as connection:
            return read_markers(connection, origin, run)

    def fence(self, origin: str, run: str, batch: int) -> str:
        marker = Marker(origin=origin, run=run, batch=batch, status="aborted", root="0" * 64, count=0)
        try:
            with self._writer("fencing a batch", _FENCE) as connection:
                try:
                    insert_marker(connection, marker)
                except sa.exc.IntegrityError as error:
                    if not self._dialect.is_duplicate(error):
                        raise
                    connection.rollback()
                else:
                    connection.commit()
                    return "aborted"
                status = status_of(connection, origin, run, batch)
        except sa.exc.DBAPIError as error:  # pragma: no cover - wrapped by _writer
            raise Transient(str(error)) from error
        if status is None:
            raise Transient(f"connector `{self.name}`: the batch is still in another session's hands")
        return status

    def fold(self, markers: Sequence[Marker], folded: Marker) -> None:
        with self._writer("folding markers") as connection:
            replace_markers(connection, markers, folded)

    def close(self) -> None:
        self._reading.dispose()
        self._writing.dispose()
