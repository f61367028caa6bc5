"""A state store's own description: written when it is made, checked whenever it is opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, insert, inspect, literal, select

from retention.errors import SetupError
from retention.ledger.note import Verifier
from retention.store.backend import Backend
from retention.store.log import first_head
from retention.store.migrations import upgrade
from retention.store.schema import VERSIONS, head, meta


@contextmanager
def connected(backend: Backend, *, write: bool) -> Iterator[Connection]:
    """A connection in a transaction, for a look or for set-up; closed afterwards."""
    engine = backend.engine(write=write)
    try:
        with engine.connect() as connection, connection.begin():
            yield connection
    finally:
        engine.dispose()


def description(origin: str, verifier_key: str, evidence_key_id: str, at: datetime) -> dict[str, Any]:
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


def describe(connection: Connection, row: dict[str, Any]) -> None:
    """The first rows; the description last, since with it a store is finished."""
    connection.execute(insert(head), first_head())
    connection.execute(insert(meta), row)


def filled(connection: Connection, *tables: Table) -> bool:
    """Whether any of these tables that is there has a row."""
    there = set(inspect(connection).get_table_names())
    return any(
        connection.execute(select(literal(1)).select_from(table).limit(1)).first() is not None
        for table in tables
        if table.name in there
    )


def checked_meta(backend: Backend, *, writable: bool) -> Row[Any]:
    """The store's own description, brought to this version where it is older."""
    place = backend.shown
    with connected(backend, write=writable) as connection:
        if _version(connection, backend) != VERSIONS[-1]:
            if not writable:
                raise SetupError(f"{place}: this state store is of an older version; type: retention init")
            backend.alone(connection)
            if _version(connection, backend) != VERSIONS[-1]:
                upgrade(connection, backend.version_table)
        row = connection.execute(select(meta)).one_or_none()
        if row is None:
            raise SetupError(f"{place}: this state store was never finished; type: retention init")
        if writable:
            backend.must_keep(connection)
        return row


def _version(connection: Connection, backend: Backend) -> str:
    """The version of the tables that are there, which this program must know."""
    found = backend.version(connection)
    if found is None:
        raise SetupError(
            f"{backend.shown}: this database is no state store of retention; type: retention init"
        )
    if found not in VERSIONS:
        raise SetupError(
            f"{backend.shown}: a newer version of retention made this state store ({found}); install it"
        )
    return found
