"""What a proof is found by: where rare events stand, roots of whole blocks of lines, in which batch a record was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from retention.store.columns import AS_TABLES, BIG, BLOB, LONG_TEXT, raw

revision = "0005"
down_revision = "0004"

ID = sa.String(length=64)
NAME = sa.String(length=255)
BLOCK = 256
PAGE = 1000
NAMED_BY = {
    "approval.granted": "plan",
    "key.created": "kind",
    "key.destroyed": "kind",
    "key.rotated": "kind",
    "plan.created": "plan",
    "policy.changed": "policy",
    "run.ended": "run",
    "run.started": "run",
}


def upgrade() -> None:
    """Make the tables, and fill them from the lines that are there; what can't be read is left to verification."""
    op.create_table(
        "retention_block",
        sa.Column("number", BIG, autoincrement=False, nullable=False),
        sa.Column("root", BLOB, nullable=False),
        sa.PrimaryKeyConstraint("number"),
        **AS_TABLES,
    )
    op.create_table(
        "retention_event_index",
        sa.Column("type", ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.PrimaryKeyConstraint("type", "name", "seq"),
        **AS_TABLES,
    )
    op.add_column("retention_batch", sa.Column("seq", BIG, nullable=True))
    op.add_column("retention_batch", sa.Column("grouped", BIG, nullable=True))
    op.create_index("retention_batch_grouped", "retention_batch", ["grouped", "status"])
    op.create_table(
        "retention_evidence_group",
        sa.Column("number", BIG, autoincrement=False, nullable=False),
        sa.Column("key_id", ID, nullable=False),
        sa.Column("batches", LONG_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("number"),
        **AS_TABLES,
    )
    op.create_table(
        "retention_evidence_bucket",
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.Column("number", BIG, nullable=False),
        sa.Column("entries", BLOB, nullable=False),
        sa.PrimaryKeyConstraint("bucket", "number"),
        **AS_TABLES,
    )
    if not op.get_context().as_sql:
        _fill(op.get_bind())


def _fill(connection: sa.Connection) -> None:
    text = sa.text
    add_block = text("INSERT INTO retention_block (number, root) VALUES (:number, :root)")
    add_index = text("INSERT INTO retention_event_index (type, name, seq) VALUES (:type, :name, :seq)")
    set_seq = text(
        "UPDATE retention_batch SET seq = :seq WHERE run = :run AND job = :job AND batch = :batch AND seq IS NULL"
    )
    level: list[bytes] = []
    for seq, line in _lines(connection):
        level.append(hashlib.sha256(b"\x00" + line).digest())
        if len(level) == BLOCK:
            connection.execute(add_block, {"number": seq // BLOCK, "root": _root(level)})
            level = []
        try:
            event = json.loads(line)
            kind, data = event["type"], event["data"]
            if kind == "batch.intent":
                values = {name: data[name] for name in ("run", "job", "batch")}
                connection.execute(set_seq, {**values, "seq": seq})
            elif kind in NAMED_BY:
                connection.execute(add_index, {"type": kind, "name": data[NAMED_BY[kind]], "seq": seq})
        except (ValueError, KeyError, TypeError):
            continue


def _lines(connection: sa.Connection) -> Iterator[tuple[int, bytes]]:
    """Numbers and lines as far as there is none missing."""
    page = sa.text("SELECT seq, line FROM retention_event WHERE seq >= :start ORDER BY seq LIMIT :page")
    expected = 0
    while True:
        rows: list[Any] = list(connection.execute(page, {"start": expected, "page": PAGE}))
        for seq, line in rows:
            if seq != expected:
                return
            yield seq, raw(line)
            expected += 1
        if len(rows) < PAGE:
            return


def _root(level: list[bytes]) -> bytes:
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in pairs]
    return level[0]
