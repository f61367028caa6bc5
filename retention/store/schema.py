"""The state store's tables as they are now. Migrations lead here; a test compares the two.

Instants are text (RFC 3339, UTC, microseconds): they sort as they come, and no driver moves them.
JSON is text and belongs to whoever wrote it.
"""

from __future__ import annotations

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
from sqlalchemy.schema import SchemaItem

from retention.store.columns import BIG, BLOB, LONG_TEXT, Instant

PREFIX = "retention_"
"""Of every table and index: on a server a target's own may be beside them."""


def version_table(family: str) -> str:
    """The table that says which version the others have; SQLite's has kept its first name."""
    return "schema_version" if family == "sqlite" else f"{PREFIX}schema_version"


VERSIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""Every version of these tables, oldest first; the last is this one's."""


_NAME = String(255)
_ID = String(64)
metadata = MetaData()


def _table(name: str, *items: SchemaItem) -> Table:
    """As the migrations have made it. What a server is told of it besides (`AS_TABLES`) is said where it is made."""
    return Table(f"{PREFIX}{name}", metadata, *items)


def _index(name: str, *columns: str, unique: bool = False) -> Index:
    return Index(f"{PREFIX}{name}", *columns, unique=unique)


def _text(name: str, kind: Any = _NAME, *, nullable: bool = False) -> Column[Any]:
    return Column(name, kind, nullable=nullable)


def _count(name: str) -> Column[Any]:
    return Column(name, BIG, nullable=False)


def _at(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Instant, nullable=nullable)


def _number() -> Column[Any]:
    return Column("number", BIG, primary_key=True, autoincrement=True)


meta = _table(
    "meta",
    Column("id", Integer, primary_key=True, autoincrement=False),
    _text("origin"),
    _text("verifier_key"),
    _text("evidence_key_id", _ID),
    _at("created"),
)
head = _table(
    "head",
    Column("id", Integer, primary_key=True, autoincrement=False),
    _count("size"),
    Column("edge", BLOB, nullable=False),
    _text("last_hash", _ID),
    _at("last_at", nullable=True),
    _count("length"),
    Column("hold_epoch", BIG, nullable=False, server_default="0"),
)
event = _table(
    "event",
    Column("seq", BIG, primary_key=True, autoincrement=False),
    Column("line", BLOB, nullable=False),
)
checkpoint = _table(
    "checkpoint",
    Column("size", BIG, primary_key=True, autoincrement=False),
    _at("at"),
    _text("note", LONG_TEXT),
)
block = _table(
    "block",
    Column("number", BIG, primary_key=True, autoincrement=False),
    Column("root", BLOB, nullable=False),
)
event_index = _table(
    "event_index",
    _text("type", _ID),
    _text("name"),
    Column("seq", BIG, nullable=False),
    PrimaryKeyConstraint("type", "name", "seq"),
)
archive = _table(
    "archive",
    Column("stop", BIG, primary_key=True, autoincrement=False),
    _at("at"),
    Column("edge", BLOB, nullable=False),
    _text("last_hash", _ID),
    _at("last_at"),
    _count("length"),
    _text("verifier_key"),
)
archived_leaves = _table(
    "archived_leaves",
    Column("number", BIG, primary_key=True, autoincrement=False),
    Column("leaves", BLOB, nullable=False),
)
plan = _table(
    "plan",
    _number(),
    Column("id", _ID, nullable=False, unique=True),
    _text("digest", _ID),
    _at("as_of"),
    _at("created"),
    _text("policy", _ID),
    _text("body", LONG_TEXT),
    _text("used_by", _ID, nullable=True),
)
approval = _table(
    "approval",
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
    _index("approval_form", "rule", "form"),
    _index("approval_plan", "plan"),
)
run = _table(
    "run",
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
job = _table(
    "job",
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
    _text("waits", LONG_TEXT, nullable=True),
    ForeignKeyConstraint(["run"], [f"{PREFIX}run.id"]),
    _index("job_of", "run", "job", unique=True),
    _index("job_last", "rule", "connector", "dataset"),
)
batch = _table(
    "batch",
    _text("run", _ID),
    _text("job"),
    Column("batch", BIG, nullable=False),
    _text("connector"),
    _count("count"),
    _text("root", _ID),
    _text("status", String(16)),
    _at("at"),
    Column("folded", Boolean, nullable=False),
    Column("seq", BIG, nullable=True),
    Column("grouped", BIG, nullable=True),
    PrimaryKeyConstraint("run", "job", "batch"),
    ForeignKeyConstraint(["run"], [f"{PREFIX}run.id"]),
    _index("batch_status", "status", "connector"),
    _index("batch_grouped", "grouped", "status"),
)
evidence = _table(
    "evidence",
    _text("run", _ID),
    _text("job"),
    Column("batch", BIG, nullable=False),
    _text("key_id", _ID),
    _count("count"),
    Column("leaves", BLOB, nullable=False),
    PrimaryKeyConstraint("run", "job", "batch"),
    ForeignKeyConstraint(
        ["run", "job", "batch"], [f"{PREFIX}batch.{column}" for column in ("run", "job", "batch")]
    ),
)
evidence_group = _table(
    "evidence_group",
    Column("number", BIG, primary_key=True, autoincrement=False),
    _text("key_id", _ID),
    _text("batches", LONG_TEXT),
)
evidence_bucket = _table(
    "evidence_bucket",
    Column("bucket", Integer, nullable=False),
    Column("number", BIG, nullable=False),
    Column("entries", BLOB, nullable=False),
    PrimaryKeyConstraint("bucket", "number"),
)
refusal = _table(
    "refusal",
    Column("seq", BIG, nullable=False),
    Column("place", Integer, nullable=False),
    _text("rule"),
    _text("connector"),
    _text("dataset"),
    _text("key_id", _ID),
    _text("why", LONG_TEXT),
    _at("at"),
    _count("count"),
    Column("leaves", BLOB, nullable=False),
    PrimaryKeyConstraint("seq", "place"),
    _index("refusal_of", "connector", "dataset"),
)
lease = _table(
    "lease",
    Column("name", _NAME, primary_key=True),
    Column("token", BIG, nullable=False),
    _text("host", nullable=True),
    _text("boot", nullable=True),
    Column("pid", Integer, nullable=True),
    _text("process_start", nullable=True),
    _at("since", nullable=True),
    _at("expires", nullable=True),
)
set_aside = _table(
    "set_aside",
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
policy_version = _table(
    "policy_version",
    _number(),
    _text("digest", _ID),
    _text("body", LONG_TEXT),
    _at("at"),
)
schema_seen = _table(
    "schema_seen",
    _text("connector"),
    _text("dataset"),
    _text("fingerprint", _ID),
    _at("at"),
    PrimaryKeyConstraint("connector", "dataset"),
)
hold = _table(
    "hold",
    _number(),
    Column("id", _ID, nullable=False, unique=True),
    _text("digest", _ID),
    _text("dataset", nullable=True),
    _text("key", LONG_TEXT, nullable=True),
    _text("data", nullable=True),
    _text("rule", nullable=True),
    _text("reason", String(16)),
    _text("text", LONG_TEXT),
    _text("by"),
    _text("behalf", LONG_TEXT, nullable=True),
    _text("authority", LONG_TEXT, nullable=True),
    _text("ref", nullable=True),
    _at("at"),
    _text("review", String(10), nullable=True),
    _at("released", nullable=True),
    _text("why", LONG_TEXT, nullable=True),
    _index("hold_released", "released"),
)
hold_subject = _table(
    "hold_subject",
    _number(),
    _text("hold", _ID),
    _text("kind"),
    _text("value", LONG_TEXT),
    _text("source", LONG_TEXT, nullable=True),
    ForeignKeyConstraint(["hold"], [f"{PREFIX}hold.id"]),
    _index("hold_subject_of", "hold"),
)
telling = _table(
    "telling",
    _number(),
    Column("id", _ID, nullable=False, unique=True),
    _text("digest", _ID),
    _text("event"),
    _at("instant", nullable=True),
    _text("day", String(10), nullable=True),
    _at("told_at"),
    _text("by"),
    _text("behalf", LONG_TEXT, nullable=True),
    _text("ref", nullable=True),
    _at("withdrawn", nullable=True),
    _index("telling_digest", "digest"),
    _index("telling_withdrawn", "withdrawn"),
)
telling_subject = _table(
    "telling_subject",
    _number(),
    _text("telling", _ID),
    _text("kind"),
    _text("value", LONG_TEXT),
    _text("source", LONG_TEXT, nullable=True),
    ForeignKeyConstraint(["telling"], [f"{PREFIX}telling.id"]),
    _index("telling_subject_of", "telling"),
)
stop = _table(
    "stop",
    _number(),
    _at("at"),
    _text("by"),
    _text("behalf", LONG_TEXT, nullable=True),
    _text("text", LONG_TEXT),
    _text("ref", nullable=True),
    _at("lifted", nullable=True),
    _index("stop_lifted", "lifted"),
)
turn = _table(
    "turn",
    Column("rule", _NAME, primary_key=True),
    _text("schedule"),
    _text("timezone"),
    _at("slot"),
    Column("ended", Boolean, nullable=False),
    _count("attempts"),
    _at("again", nullable=True),
    _text("connectors", LONG_TEXT, nullable=True),
)
standing = _table(
    "standing",
    _text("rule"),
    _text("connector"),
    _text("dataset"),
    _text("run", _ID),
    _at("at"),
    _text("status", _ID),
    _text("reason", LONG_TEXT, nullable=True),
    _at("succeeded", nullable=True),
    _count("failures"),
    PrimaryKeyConstraint("rule", "connector", "dataset"),
)
notice = _table(
    "notice",
    _text("channel", _ID),
    _text("key"),
    _text("kind", _ID),
    _text("text", LONG_TEXT),
    _at("since"),
    _count("number"),
    _at("told", nullable=True),
    _at("over", nullable=True),
    _count("attempts"),
    _at("again", nullable=True),
    PrimaryKeyConstraint("channel", "key"),
)

OUR_TABLES = tuple(table.name for table in reversed(metadata.sorted_tables))
"""The names of all of them, those that refer to others first."""
