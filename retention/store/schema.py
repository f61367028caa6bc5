"""The state store's tables as they are now. Migrations lead here; a test compares the two.

Instants are text (RFC 3339, UTC, microseconds): they sort as they come, and no driver moves them.
JSON is text and belongs to whoever wrote it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from retention.ledger.line import format_instant, parse_instant
from retention.store.dialects import BIG, BLOB, LONG_TEXT

VERSION_TABLE = "schema_version"
VERSIONS = ("0001",)
"""Every version of these tables, oldest first; the last is this one's."""


class Instant(TypeDecorator[datetime]):
    """An aware datetime as 27 characters of text; comes back in UTC."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> str | None:
        return None if value is None else format_instant(value)

    def process_result_value(self, value: Any | None, _dialect: Dialect) -> datetime | None:
        return None if value is None else parse_instant(value)


_NAME = String(255)
_ID = String(64)
metadata = MetaData()


def _text(name: str, kind: Any = _NAME, *, nullable: bool = False) -> Column[Any]:
    return Column(name, kind, nullable=nullable)


def _count(name: str) -> Column[Any]:
    return Column(name, BIG, nullable=False)


def _at(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Instant, nullable=nullable)


def _number() -> Column[Any]:
    return Column("number", BIG, primary_key=True, autoincrement=True)


meta = Table(
    "meta",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _text("origin"),
    _text("verifier_key"),
    _text("evidence_key_id", _ID),
    _at("created"),
)
head = Table(
    "head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _count("size"),
    Column("edge", BLOB, nullable=False),
    _text("last_hash", _ID),
    _at("last_at", nullable=True),
    _count("length"),
)
event = Table(
    "event",
    metadata,
    Column("seq", BIG, primary_key=True, autoincrement=False),
    Column("line", BLOB, nullable=False),
)
checkpoint = Table(
    "checkpoint",
    metadata,
    Column("size", BIG, primary_key=True, autoincrement=False),
    _at("at"),
    _text("note", LONG_TEXT),
)
plan = Table(
    "plan",
    metadata,
    _number(),
    Column("id", _ID, nullable=False, unique=True),
    _text("digest", _ID),
    _at("as_of"),
    _at("created"),
    _text("policy", _ID),
    _text("body", LONG_TEXT),
    _text("used_by", _ID, nullable=True),
)
approval = Table(
    "approval",
    metadata,
    _number(),
    _text("plan", _ID),
    _text("rule"),
    _text("form", _ID),
    _text("target", _ID),
    _text("schema", _ID),
    _text("by"),
    _at("at"),
    Column("over_limit", Boolean, nullable=False),
    _count("records"),
    Index("approval_form", "rule", "form"),
    Index("approval_plan", "plan"),
)
run = Table(
    "run",
    metadata,
    _number(),
    Column("id", _ID, nullable=False, unique=True),
    _at("as_of"),
    _at("started"),
    _at("ended", nullable=True),
    _text("status", _ID),
    _text("by"),
    _text("plan", _ID, nullable=True),
    _text("policy", _ID),
    _text("body", LONG_TEXT),
)
job = Table(
    "job",
    metadata,
    _number(),
    _text("run", _ID),
    _text("job"),
    _text("rule"),
    _text("connector"),
    _text("dataset"),
    _at("as_of"),
    _at("started"),
    _at("ended", nullable=True),
    _text("status", _ID),
    _text("reason", LONG_TEXT, nullable=True),
    _text("cursor", LONG_TEXT, nullable=True),
    _count("planned"),
    _count("done"),
    _count("changed"),
    _count("held"),
    _count("locked"),
    _count("set_aside"),
    _count("left"),
    _count("batches"),
    _count("millis"),
    _text("rows", LONG_TEXT),
    ForeignKeyConstraint(["run"], ["run.id"]),
    Index("job_of", "run", "job", unique=True),
    Index("job_last", "rule", "connector", "dataset"),
)
batch = Table(
    "batch",
    metadata,
    _text("run", _ID),
    _text("job"),
    Column("batch", BIG, nullable=False),
    _text("connector"),
    _count("count"),
    _text("root", _ID),
    _text("status", String(16)),
    _at("at"),
    Column("folded", Boolean, nullable=False),
    PrimaryKeyConstraint("run", "job", "batch"),
    ForeignKeyConstraint(["run"], ["run.id"]),
    Index("batch_status", "status", "connector"),
)
evidence = Table(
    "evidence",
    metadata,
    _text("run", _ID),
    _text("job"),
    Column("batch", BIG, nullable=False),
    _text("key_id", _ID),
    _count("count"),
    Column("leaves", BLOB, nullable=False),
    PrimaryKeyConstraint("run", "job", "batch"),
    ForeignKeyConstraint(["run", "job", "batch"], ["batch.run", "batch.job", "batch.batch"]),
)
lease = Table(
    "lease",
    metadata,
    Column("name", _NAME, primary_key=True),
    Column("token", BIG, nullable=False),
    _text("host", nullable=True),
    _text("boot", nullable=True),
    Column("pid", Integer, nullable=True),
    _text("process_start", nullable=True),
    _at("since", nullable=True),
    _at("expires", nullable=True),
)
set_aside = Table(
    "set_aside",
    metadata,
    _text("connector"),
    _text("dataset"),
    _text("key_hash", _ID),
    _text("key", LONG_TEXT),
    _text("rule"),
    _text("reason", LONG_TEXT),
    _text("run", _ID),
    _at("at"),
    PrimaryKeyConstraint("connector", "dataset", "key_hash"),
)
policy_version = Table(
    "policy_version",
    metadata,
    _number(),
    _text("digest", _ID),
    _text("body", LONG_TEXT),
    _at("at"),
)
schema_seen = Table(
    "schema_seen",
    metadata,
    _text("connector"),
    _text("dataset"),
    _text("fingerprint", _ID),
    _at("at"),
    PrimaryKeyConstraint("connector", "dataset"),
)
