"""What the daemon needs: the kill switch, whose turn it is when, how jobs have fared, what people were told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from retention.store.columns import AS_TABLES, BIG, LONG_TEXT

revision = "0004"
down_revision = "0003"

AT = sa.String(length=27)
ID = sa.String(length=64)
NAME = sa.String(length=255)


def upgrade() -> None:
    """Make the tables; nothing is stopped, and no rule has run by its schedule yet."""
    op.add_column("retention_job", sa.Column("waits", LONG_TEXT, nullable=True))
    op.create_table(
        "retention_stop",
        sa.Column("number", BIG, autoincrement=True, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("by", NAME, nullable=False),
        sa.Column("behalf", LONG_TEXT, nullable=True),
        sa.Column("text", LONG_TEXT, nullable=False),
        sa.Column("ref", NAME, nullable=True),
        sa.Column("lifted", AT, nullable=True),
        sa.PrimaryKeyConstraint("number"),
        **AS_TABLES,
    )
    op.create_index("retention_stop_lifted", "retention_stop", ["lifted"])
    op.create_table(
        "retention_turn",
        sa.Column("rule", NAME, nullable=False),
        sa.Column("schedule", NAME, nullable=False),
        sa.Column("timezone", NAME, nullable=False),
        sa.Column("slot", AT, nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("attempts", BIG, nullable=False),
        sa.Column("again", AT, nullable=True),
        sa.Column("connectors", LONG_TEXT, nullable=True),
        sa.PrimaryKeyConstraint("rule"),
        **AS_TABLES,
    )
    op.create_table(
        "retention_standing",
        sa.Column("rule", NAME, nullable=False),
        sa.Column("connector", NAME, nullable=False),
        sa.Column("dataset", NAME, nullable=False),
        sa.Column("run", ID, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("status", ID, nullable=False),
        sa.Column("reason", LONG_TEXT, nullable=True),
        sa.Column("succeeded", AT, nullable=True),
        sa.Column("failures", BIG, nullable=False),
        sa.PrimaryKeyConstraint("rule", "connector", "dataset"),
        **AS_TABLES,
    )
    op.create_table(
        "retention_notice",
        sa.Column("channel", ID, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("kind", ID, nullable=False),
        sa.Column("text", LONG_TEXT, nullable=False),
        sa.Column("since", AT, nullable=False),
        sa.Column("number", BIG, nullable=False),
        sa.Column("told", AT, nullable=True),
        sa.Column("over", AT, nullable=True),
        sa.Column("attempts", BIG, nullable=False),
        sa.Column("again", AT, nullable=True),
        sa.PrimaryKeyConstraint("channel", "key"),
        **AS_TABLES,
    )
