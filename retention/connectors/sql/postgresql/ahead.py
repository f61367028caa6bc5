"""One statement after another, the next under way while the last one's rows are worked on.

In the pipeline mode of libpq (PostgreSQL 14 and later, documentation, "Pipeline Mode") a statement is
sent without waiting for its rows. SQLAlchemy knows no such mode, so that the statement goes through the
driver's cursor here; its errors come out as SQLAlchemy's all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.sql.dialect import Rows


def ahead(connection: Connection, statement: Any) -> Callable[[Iterable[Mapping[str, Any]]], Generator[Rows]]:
    """See `Dialect.ahead`. The statement must return rows."""
    compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})

    def rows(givens: Iterable[Mapping[str, Any]]) -> Generator[Rows]:
        with _errors_of(connection, compiled.string):
            raw: Any = connection.connection.driver_connection
            with raw.pipeline(), raw.cursor() as one, raw.cursor() as other:
                cursors = (one, other)
                sent = 0
                for given in givens:
                    found = cursors[1 - sent % 2].fetchall() if sent else []
                    cursors[sent % 2].execute(compiled.string, compiled.construct_params(given))
                    sent += 1
                    if sent > 1:
                        yield found
                if sent:
                    yield cursors[1 - sent % 2].fetchall()

    return rows


@contextmanager
def _errors_of(connection: Connection, statement: str) -> Iterator[None]:
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        gone = connection.connection.driver_connection.closed  # type: ignore[union-attr]
        if gone:
            connection.invalidate(error)
        raise sa.exc.DBAPIError.instance(
            statement,
            None,
            error,
            psycopg.Error,
            hide_parameters=True,
            connection_invalidated=bool(gone),
            dialect=connection.dialect,
        ) from error
