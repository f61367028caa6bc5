"""SQLite's tables get the names that they have on servers, so that there is one set of names."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

TABLES = (
    "meta",
    "head",
    "event",
    "checkpoint",
    "plan",
    "approval",
    "run",
    "job",
    "batch",
    "evidence",
    "lease",
    "set_aside",
    "policy_version",
    "schema_seen",
)
INDEXES = (
    ("approval_form", "approval", ["rule", "form"], False),
    ("approval_plan", "approval", ["plan"], False),
    ("job_last", "job", ["rule", "connector", "dataset"], False),
    ("job_of", "job", ["run", "job"], True),
    ("batch_status", "batch", ["status", "connector"], False),
)


def upgrade() -> None:
    """Rename what is there; on servers the first version had these names already."""
    if op.get_context().dialect.name != "sqlite":
        return
    for name in TABLES:
        op.rename_table(name, f"retention_{name}")
    for name, table, columns, unique in INDEXES:
        op.drop_index(name)
        op.create_index(f"retention_{name}", f"retention_{table}", columns, unique=unique)
