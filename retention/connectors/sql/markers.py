"""`retention_marker`: the one table that the engine adds to a target, and what is read off it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import Marker

_METADATA = sa.MetaData()
_WHERE = "where markers are"
"""Stands for the schema of the table in every statement; an engine says which it is."""

MARKERS = sa.Table(
    "retention_marker",
    _METADATA,
    sa.Column("origin", sa.String(255), primary_key=True),
    sa.Column("run", sa.String(64), primary_key=True),
    sa.Column("batch", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("root", sa.String(64), nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    schema=_WHERE,
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
    mysql_collate="utf8mb4_bin",
    mysql_row_format="DYNAMIC",
)
"""Columns and key are fixed for ever: old markers must go on being read."""


def markers_in(schema: str | None) -> sa.Table:
    """The table under its name in `schema`, for statements that are shown or printed."""
    return MARKERS.to_metadata(sa.MetaData(), schema=cast("Any", schema))


def marking(marker: Marker, table: sa.Table = MARKERS) -> sa.Insert:
    """The statement that inserts a marker."""
    return table.insert().values(
        origin=marker.origin,
        run=marker.run,
        batch=marker.batch,
        status=marker.status,
        root=marker.root,
        count=marker.count,
    )


def with_markers_in(engine: sa.Engine, schema: str | None) -> sa.Engine:
    """The engine, whose statements look for the markers in `schema`; None: where the session looks first."""
    return engine.execution_options(schema_translate_map={_WHERE: schema})


def marker_statement(family: str, schema: str | None) -> str:
    """The CREATE TABLE of `retention_marker` in a family's dialect; nothing is connected to."""
    table = markers_in(schema)
    text = str(sa.schema.CreateTable(table).compile(dialect=sa.make_url(f"{family}://").get_dialect()()))
    return "\n".join(line.rstrip().replace("\t", "    ") for line in text.strip().splitlines())


def quoted_in(family: str, pieces: Iterable[str]) -> str:
    """A name of several pieces as the family's dialect quotes it, where it needs to."""
    quote = sa.make_url(f"{family}://").get_dialect()().identifier_preparer.quote
    return ".".join(quote(piece) for piece in pieces)


def insert_marker(connection: Connection, marker: Marker) -> None:
    """One marker; IntegrityError where its key is there already."""
    connection.execute(marking(marker))


def read_markers(connection: Connection, origin: str, run: str | None) -> Mapping[tuple[str, int], Marker]:
    """(run, batch) → Marker, of one origin, and of one run where it is given."""
    query = sa.select(MARKERS).where(MARKERS.c.origin == origin)
    if run is not None:
        query = query.where(MARKERS.c.run == run)
    return {
        (row.run, row.batch): Marker(
            origin=row.origin, run=row.run, batch=row.batch, status=row.status, root=row.root, count=row[5]
        )
        for row in connection.execute(query)
    }


def status_of(connection: Connection, origin: str, run: str, batch: int) -> str | None:
    """A marker's status; None where there is no such marker."""
    query = sa.select(MARKERS.c.status).where(
        MARKERS.c.origin == origin, MARKERS.c.run == run, MARKERS.c.batch == batch
    )
    return connection.execute(query).scalar_one_or_none()


def replace_markers(connection: Connection, markers: Sequence[Marker], folded: Marker) -> None:
    """The rows of `markers` by the one row `folded`; a row that is there already stays."""
    for marker in markers:
        connection.execute(
            MARKERS.delete().where(
                MARKERS.c.origin == marker.origin,
                MARKERS.c.run == marker.run,
                MARKERS.c.batch == marker.batch,
                MARKERS.c.status == "committed",
            )
        )
    if status_of(connection, folded.origin, folded.run, folded.batch) is None:
        insert_marker(connection, folded)
