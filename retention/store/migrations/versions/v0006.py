"""What was refused, of which records: a row for each group of records that an event speaks of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from retention.store.columns import AS_TABLES, BIG, BLOB, LONG_TEXT

revision = "0006"
down_revision = "0005"

ID = sa.String(length=64)
NAME = sa.String(length=255)


def upgrade() -> None:
    """Make the table, and the index by which a job finds its own."""
    op.create_table(
        "retention_refusal",
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("rule", NAME, nullable=False),
        sa.Column("connector", NAME, nullable=False),
        sa.Column("dataset", NAME, nullable=False),
        sa.Column("key_id", ID, nullable=False),
        sa.Column("why", LONG_TEXT, nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("count", BIG, nullable=False),
        sa.Column("leaves", BLOB, nullable=False),
        sa.PrimaryKeyConstraint("seq", "place"),
        **AS_TABLES,
    )
    op.create_index("retention_refusal_of", "retention_refusal", ["connector", "dataset"])
