"""The first version of the tables. Written out, so that later changes of `schema` do not change it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from retention.store.columns import AS_TABLES, BIG, BLOB, LONG_TEXT

revision = "0001"
down_revision = None

AT = sa.String(length=27)
ID = sa.String(length=64)
NAME = sa.String(length=255)


def upgrade() -> None:
    """Make every table, in an empty database.

    On SQLite under the names that this version gave them there; `0002` changes those.
    """
    _ledger()
    _plans()
    _runs()
    _batches()
    _working()


def _named(name: str) -> str:
    return name if op.get_context().dialect.name == "sqlite" else f"retention_{name}"


def _table(name: str, *items: Any) -> None:
    op.create_table(_named(name), *items, **AS_TABLES)


def _index(name: str, table: str, columns: list[str], *, unique: bool = False) -> None:
    op.create_index(_named(name), _named(table), columns, unique=unique)


def _ledger() -> None:
    _table(
        "meta",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("origin", NAME, nullable=False),
        sa.Column("verifier_key", NAME, nullable=False),
        sa.Column("evidence_key_id", ID, nullable=False),
        sa.Column("created", AT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    _table(
        "head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.Column("edge", BLOB, nullable=False),
        sa.Column("last_hash", ID, nullable=False),
        sa.Column("last_at", AT, nullable=True),
        sa.Column("length", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    _table(
        "event",
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("line", BLOB, nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    _table(
        "checkpoint",
        sa.Column("size", BIG, autoincrement=False, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("note", LONG_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("size"),
    )


def _plans() -> None:
    _table(
        "plan",
        sa.Column("number", BIG, autoincrement=True, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("digest", ID, nullable=False),
        sa.Column("as_of", AT, nullable=False),
        sa.Column("created", AT, nullable=False),
        sa.Column("policy", ID, nullable=False),
        sa.Column("body", LONG_TEXT, nullable=False),
        sa.Column("used_by", ID, nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
    )
    _table(
        "approval",
        sa.Column("number", BIG, autoincrement=True, nullable=False),
        sa.Column("plan", ID, nullable=False),
        sa.Column("rule", NAME, nullable=False),
        sa.Column("form", ID, nullable=False),
        sa.Column("target", ID, nullable=False),
        sa.Column("schema", ID, nullable=False),
        sa.Column("by", NAME, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("over_limit", sa.Boolean(), nullable=False),
        sa.Column("records", BIG, nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    _index("approval_form", "approval", ["rule", "form"])
    _index("approval_plan", "approval", ["plan"])
    _table(
        "policy_version",
        sa.Column("number", BIG, autoincrement=True, nullable=False),
        sa.Column("digest", ID, nullable=False),
        sa.Column("body", LONG_TEXT, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    _table(
        "schema_seen",
        sa.Column("connector", NAME, nullable=False),
        sa.Column("dataset", NAME, nullable=False),
        sa.Column("fingerprint", ID, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.PrimaryKeyConstraint("connector", "dataset"),
    )


def _runs() -> None:
    _table(
        "run",
        sa.Column("number", BIG, autoincrement=True, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("as_of", AT, nullable=False),
        sa.Column("started", AT, nullable=False),
        sa.Column("ended", AT, nullable=True),
        sa.Column("status", ID, nullable=False),
        sa.Column("by", NAME, nullable=False),
        sa.Column("plan", ID, nullable=True),
        sa.Column("policy", ID, nullable=False),
        sa.Column("body", LONG_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
    )
    _table(
        "job",
        sa.Column("number", BIG, autoincrement=True, nullable=False),
        sa.Column("run", ID, nullable=False),
        sa.Column("job", NAME, nullable=False),
        sa.Column("rule", NAME, nullable=False),
        sa.Column("connector", NAME, nullable=False),
        sa.Column("dataset", NAME, nullable=False),
        sa.Column("as_of", AT, nullable=False),
        sa.Column("started", AT, nullable=False),
        sa.Column("ended", AT, nullable=True),
        sa.Column("status", ID, nullable=False),
        sa.Column("reason", LONG_TEXT, nullable=True),
        sa.Column("cursor", LONG_TEXT, nullable=True),
        sa.Column("planned", BIG, nullable=False),
        sa.Column("done", BIG, nullable=False),
        sa.Column("changed", BIG, nullable=False),
        sa.Column("held", BIG, nullable=False),
        sa.Column("locked", BIG, nullable=False),
        sa.Column("set_aside", BIG, nullable=False),
        sa.Column("left", BIG, nullable=False),
        sa.Column("batches", BIG, nullable=False),
        sa.Column("millis", BIG, nullable=False),
        sa.Column("rows", LONG_TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["run"],
            [f"{_named('run')}.id"],
        ),
        sa.PrimaryKeyConstraint("number"),
    )
    _index("job_last", "job", ["rule", "connector", "dataset"])
    _index("job_of", "job", ["run", "job"], unique=True)


def _batches() -> None:
    _table(
        "batch",
        sa.Column("run", ID, nullable=False),
        sa.Column("job", NAME, nullable=False),
        sa.Column("batch", BIG, nullable=False),
        sa.Column("connector", NAME, nullable=False),
        sa.Column("count", BIG, nullable=False),
        sa.Column("root", ID, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("folded", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run"],
            [f"{_named('run')}.id"],
        ),
        sa.PrimaryKeyConstraint("run", "job", "batch"),
    )
    _index("batch_status", "batch", ["status", "connector"])
    _table(
        "evidence",
        sa.Column("run", ID, nullable=False),
        sa.Column("job", NAME, nullable=False),
        sa.Column("batch", BIG, nullable=False),
        sa.Column("key_id", ID, nullable=False),
        sa.Column("count", BIG, nullable=False),
        sa.Column("leaves", BLOB, nullable=False),
        sa.ForeignKeyConstraint(
            ["run", "job", "batch"],
            [f"{_named('batch')}.{column}" for column in ("run", "job", "batch")],
        ),
        sa.PrimaryKeyConstraint("run", "job", "batch"),
    )


def _working() -> None:
    _table(
        "lease",
        sa.Column("name", NAME, nullable=False),
        sa.Column("token", BIG, nullable=False),
        sa.Column("host", NAME, nullable=True),
        sa.Column("boot", NAME, nullable=True),
        sa.Column("pid", sa.Integer(), nullable=True),
        sa.Column("process_start", NAME, nullable=True),
        sa.Column("since", AT, nullable=True),
        sa.Column("expires", AT, nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    _table(
        "set_aside",
        sa.Column("connector", NAME, nullable=False),
        sa.Column("dataset", NAME, nullable=False),
        sa.Column("key_hash", ID, nullable=False),
        sa.Column("key", LONG_TEXT, nullable=False),
        sa.Column("rule", NAME, nullable=False),
        sa.Column("reason", LONG_TEXT, nullable=False),
        sa.Column("run", ID, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.PrimaryKeyConstraint("connector", "dataset", "key_hash"),
    )
