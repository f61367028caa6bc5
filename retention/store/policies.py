"""Which policy and which live schemas the engine has seen last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from retention.store.schema import policy_version, schema_seen


@dataclass(frozen=True, kw_only=True)
class PolicyVersion:
    """A policy as it was: `body` is JSON, `digest` the hash that runs and plans name it by."""

    digest: str
    body: str
    at: datetime


class PoliciesReading:
    """Versions of the policy, for reading."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def last(self) -> PolicyVersion | None:
        """The version seen last; None in a new store."""
        query = select(policy_version).order_by(policy_version.c.number.desc()).limit(1)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else PolicyVersion(digest=row.digest, body=row.body, at=row.at)

    def get(self, digest: str) -> PolicyVersion | None:
        """The newest version of this digest."""
        query = (
            select(policy_version)
            .where(policy_version.c.digest == digest)
            .order_by(policy_version.c.number.desc())
            .limit(1)
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else PolicyVersion(digest=row.digest, body=row.body, at=row.at)


class Policies(PoliciesReading):
    """Versions of the policy, within a write transaction."""

    def put(self, digest: str, body: str, at: datetime) -> None:
        """Remember a version as the last."""
        self._connection.execute(insert(policy_version), {"digest": digest, "body": body, "at": at})


class SchemasReading:
    """Fingerprints of the targets' schemas, for reading."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def seen(self, connector: str, dataset: str) -> str | None:
        """The fingerprint of the dataset's tables that `check` passed last; None where it never did.

        Of a name `@…`, an address of the connector: what the database there said that it is.
        """
        query = select(schema_seen.c.fingerprint).where(
            schema_seen.c.connector == connector, schema_seen.c.dataset == dataset
        )
        return self._connection.scalar(query)


class Schemas(SchemasReading):
    """Fingerprints of the targets' schemas, within a write transaction."""

    def put(self, connector: str, dataset: str, fingerprint: str, at: datetime) -> None:
        """Remember a fingerprint in place of the one before."""
        key = {"connector": connector, "dataset": dataset}
        self._connection.execute(delete(schema_seen).filter_by(**key))
        self._connection.execute(insert(schema_seen), {**key, "fingerprint": fingerprint, "at": at})
