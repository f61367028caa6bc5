"""How far PostgreSQL's replicas are behind: as the primary sees them, and as one of them says itself."""

from __future__ import annotations

from sqlalchemy import Connection

_REPLICAS = """
SELECT CASE WHEN replay_lsn IS NULL THEN NULL
            WHEN replay_lsn >= pg_current_wal_lsn() THEN 0
            ELSE extract(epoch FROM replay_lag) END
FROM pg_stat_replication WHERE state <> 'backup'
"""
"""`replay_lsn` is NULL to a role without pg_monitor, `replay_lag` a while after nothing was written."""

_BEHIND = """
SELECT CASE WHEN NOT pg_is_in_recovery() THEN NULL
            WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()
                 AND EXISTS (SELECT 1 FROM pg_stat_wal_receiver) THEN 0
            ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END
"""
"""One that has replayed all that it received is up to date only while it receives anything."""


def replicas(connection: Connection) -> tuple[float | None, ...]:
    """Seconds, of each that is connected."""
    return tuple(_seconds(lag) for (lag,) in connection.exec_driver_sql(_REPLICAS))


def behind(connection: Connection) -> float | None:
    """Seconds; None where it follows nobody."""
    return _seconds(connection.exec_driver_sql(_BEHIND).scalar_one())


def _seconds(lag: object) -> float | None:
    return None if lag is None else max(0.0, float(str(lag)))
