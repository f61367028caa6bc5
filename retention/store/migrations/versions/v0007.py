"""What stays of events that lie in an archive: where it ends, and the hash of each of their lines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from retention.store.columns import AS_TABLES, BIG, BLOB

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the two tables."""
    instant = sa.String(length=27)
    op.create_table(
        "retention_archive",
        sa.Column("stop", BIG, autoincrement=False, nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.Column("edge", BLOB, nullable=False),
        sa.Column("last_hash", sa.String(length=64), nullable=False),
        sa.Column("last_at", instant, nullable=False),
        sa.Column("length", BIG, nullable=False),
        sa.Column("verifier_key", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("stop"),
        **AS_TABLES,
    )
    op.create_table(
        "retention_archived_leaves",
        sa.Column("number", BIG, autoincrement=False, nullable=False),
        sa.Column("leaves", BLOB, nullable=False),
        sa.PrimaryKeyConstraint("number"),
        **AS_TABLES,
    )
