"""Legal holds and told events, and an epoch in the head row that every hold placed or released changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from retention.store.columns import AS_TABLES, BIG, LONG_TEXT

revision = "0003"
down_revision = "0002"

AT = sa.String(length=27)
DAY = sa.String(length=10)
ID = sa.String(length=64)
NAME = sa.String(length=255)


def upgrade() -> None:
    """Make the tables; no hold has been placed yet."""
    op.add_column("retention_head", sa.Column("hold_epoch", BIG, nullable=False, server_default="0"))
    _holds()
    _tellings()


def _number() -> sa.Column[int]:
    return sa.Column("number", BIG, autoincrement=True, nullable=False)


def _holds() -> None:
    op.create_table(
        "retention_hold",
        _number(),
        sa.Column("id", ID, nullable=False),
        sa.Column("digest", ID, nullable=False),
        sa.Column("dataset", NAME, nullable=True),
        sa.Column("key", LONG_TEXT, nullable=True),
        sa.Column("data", NAME, nullable=True),
        sa.Column("rule", NAME, nullable=True),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("text", LONG_TEXT, nullable=False),
        sa.Column("by", NAME, nullable=False),
        sa.Column("behalf", LONG_TEXT, nullable=True),
        sa.Column("authority", LONG_TEXT, nullable=True),
        sa.Column("ref", NAME, nullable=True),
        sa.Column("at", AT, nullable=False),
        sa.Column("review", DAY, nullable=True),
        sa.Column("released", AT, nullable=True),
        sa.Column("why", LONG_TEXT, nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
        **AS_TABLES,
    )
    op.create_index("retention_hold_released", "retention_hold", ["released"])
    _subjects("hold")


def _tellings() -> None:
    op.create_table(
        "retention_telling",
        _number(),
        sa.Column("id", ID, nullable=False),
        sa.Column("digest", ID, nullable=False),
        sa.Column("event", NAME, nullable=False),
        sa.Column("instant", AT, nullable=True),
        sa.Column("day", DAY, nullable=True),
        sa.Column("told_at", AT, nullable=False),
        sa.Column("by", NAME, nullable=False),
        sa.Column("behalf", LONG_TEXT, nullable=True),
        sa.Column("ref", NAME, nullable=True),
        sa.Column("withdrawn", AT, nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
        **AS_TABLES,
    )
    op.create_index("retention_telling_digest", "retention_telling", ["digest"])
    op.create_index("retention_telling_withdrawn", "retention_telling", ["withdrawn"])
    _subjects("telling")


def _subjects(of: str) -> None:
    op.create_table(
        f"retention_{of}_subject",
        _number(),
        sa.Column(of, ID, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("value", LONG_TEXT, nullable=False),
        sa.Column("source", LONG_TEXT, nullable=True),
        sa.ForeignKeyConstraint([of], [f"retention_{of}.id"]),
        sa.PrimaryKeyConstraint("number"),
        **AS_TABLES,
    )
    op.create_index(f"retention_{of}_subject_of", f"retention_{of}_subject", [of])
