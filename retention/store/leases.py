"""Leases: of several processes, one does a job; a late one is told that it has lost it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from retention.errors import SafetyRefusal
from retention.ledger.line import format_instant
from retention.store.owners import Owner, is_dead
from retention.store.schema import lease
from retention.store.sending import updating

_RENEW = updating(
    lease,
    "expires",
    where=[
        lease.c.name == bindparam("its_name"),
        lease.c.token == bindparam("its_token"),
        lease.c.host.is_not(None),
    ],
)


class LeaseTakenError(SafetyRefusal):
    """Another process has the lease."""


class LeasesReading:
    """Leases, for reading."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def holder(self, name: str) -> tuple[Owner, datetime, datetime] | None:
        """(owner, since, expires) of a lease, be it run out or not; None where nobody has it."""
        row = self._row(name)
        return None if row is None or row.host is None else (_owner(row), row.since, row.expires)

    def _row(self, name: str) -> Row[Any] | None:
        return self._connection.execute(select(lease).where(lease.c.name == name)).one_or_none()


class Leases(LeasesReading):
    """Leases, within a write transaction. Times are passed in; a lease that ends now has ended."""

    def acquire(self, name: str, owner: Owner, at: datetime, ttl: timedelta) -> int:
        """Take a lease and return its token, larger than every earlier one of this name.

        One that has run out is taken over, and at once one whose owner is a dead process of
        this very machine. Raises LeaseTakenError, naming who has it since when, otherwise; also
        where the owner itself has it.
        """
        row = self._row(name)
        values = {
            "host": owner.host,
            "boot": owner.boot,
            "pid": owner.pid,
            "process_start": owner.process_start,
            "since": at,
            "expires": at + ttl,
        }
        if row is None:
            self._connection.execute(insert(lease), {"name": name, "token": 1, **values})
            return 1
        if row.host is not None and row.expires > at and not is_dead(_owner(row)):
            raise LeaseTakenError(
                f"{name}: {_owner(row)} is at it since {format_instant(row.since)};"
                f" its lease ends at {format_instant(row.expires)}"
            )
        token: int = row.token + 1
        self._connection.execute(update(lease).where(lease.c.name == name), {"token": token, **values})
        return token

    def renew(self, name: str, token: int, at: datetime, ttl: timedelta) -> None:
        """Hold a lease for `ttl` more, counted from `at`, also one that ran out and that nobody took.

        Where somebody did, SafetyRefusal is raised by the transaction's next question, or by its
        end: nothing of it is stored then.
        """

        def held(count: int) -> None:
            if count != 1:
                raise self._lost(name)

        values = {"new_expires": format_instant(at + ttl), "its_name": name, "its_token": token}
        _RENEW.later(self._connection, values, held)

    def check(self, name: str, token: int, at: datetime) -> None:
        """Raise SafetyRefusal unless this token's lease is in force at `at`."""
        row = self._row(name)
        if row is None or row.host is None or row.token != token:
            raise self._lost(name)
        if row.expires <= at:
            raise SafetyRefusal(f"{name}: the lease ran out at {format_instant(row.expires)}")

    def release(self, name: str, token: int) -> None:
        """Give a lease back. No error where it is lost already."""
        query = update(lease).where(*_is(name, token))
        self._connection.execute(query, dict.fromkeys(_HOLDER))

    def _lost(self, name: str) -> LeaseTakenError:
        holder = self.holder(name)
        by = f" to {holder[0]}" if holder else ""
        return LeaseTakenError(f"{name}: the lease is lost{by}")


_HOLDER = ("host", "boot", "pid", "process_start", "since", "expires")


def _is(name: str, token: int) -> tuple[Any, Any, Any]:
    return lease.c.name == name, lease.c.token == token, lease.c.host.is_not(None)


def _owner(row: Row[Any]) -> Owner:
    return Owner(host=row.host, boot=row.boot or "", pid=row.pid or 0, process_start=row.process_start or "")
