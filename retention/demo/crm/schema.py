"""The tables of the service and of its customers' content.

The last visit is counted in seconds, with 0 for nobody who ever came; what customers delete is only marked, and
goes with the rest when its period is over; some customers have never said for how long.
"""

from __future__ import annotations

import sqlalchemy as sa

from retention.demo.columns import day, flag, key, number, refers, text, when

APP = sa.MetaData()
CONTENT = sa.MetaData()

contracts = sa.Table(
    "contracts",
    APP,
    key(),
    text("number", unique=True, nullable=False),
    text("customer", nullable=False),
    text("plan", 20, nullable=False),
    day("begins_on", nullable=False),
    day("ends_on", index=True),
)
renewals = sa.Table(
    "renewals",
    APP,
    key(),
    refers("contract_id", "contracts.id", nullable=False),
    day("ends_on", index=True),
)
users = sa.Table(
    "users",
    APP,
    key(),
    text("email", unique=True),
    text("name", nullable=False),
    text("phone", 30),
    when("created_at", nullable=False),
    number("last_seen", index=True, nullable=False),
    text("status_email"),
    when("status_on_at"),
    when("status_off_at", index=True),
)
chats = sa.Table(
    "chats",
    APP,
    key(),
    refers("user_id", "users.id", nullable=False),
    text("topic", nullable=False),
    text("claim_no", 20),
    when("said_at", index=True),
)
attachments = sa.Table(
    "attachments",
    APP,
    key(),
    refers("chat_id", "chats.id", nullable=False),
    text("file_name", nullable=False),
)
subscriptions = sa.Table(
    "subscriptions",
    APP,
    key(),
    refers("user_id", "users.id", nullable=False),
    text("channel", 20, nullable=False),
    text("label", nullable=False),
    when("on_at", nullable=False),
    when("off_at", index=True),
)

tenants = sa.Table(
    "tenants",
    CONTENT,
    key(),
    text("name", nullable=False),
    number("keep_days"),
)
uploads = sa.Table(
    "uploads",
    CONTENT,
    key(),
    refers("tenant_id", "tenants.id", nullable=False),
    text("name", nullable=False),
    when("uploaded_at", index=True),
    when("deleted_at"),
    flag("shared", nullable=False),
)
comments = sa.Table(
    "comments",
    CONTENT,
    key(),
    refers("upload_id", "uploads.id", nullable=False),
    text("body", 400, nullable=False),
)
