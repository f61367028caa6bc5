"""PyMySQL's connection, for transactions that are begun and ended by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pymysql.connections import Connection
from pymysql.constants import SERVER_STATUS

if TYPE_CHECKING:
    Base = Connection[Any]
else:
    Base = Connection


class Driver(Base):
    """A connection that spares the round trip of a COMMIT where no transaction is open any more."""

    def commit(self) -> None:
        untyped: Any = self
        if untyped.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS:
            super().commit()
