"""The tables of the panel and of its mailing service.

A customer who is served has 9999-12-31 as the end of the service; the mailing service writes the moment
of a click as fourteen digits.
"""

from __future__ import annotations

import sqlalchemy as sa

from retention.demo.columns import day, key, number, refers, text, when

PANEL = sa.MetaData()
NEWS = sa.MetaData()

customers = sa.Table(
    "customers",
    PANEL,
    key(),
    text("name", nullable=False),
    text("email", index=True, nullable=False),
    text("city"),
    text("status", 10, nullable=False),
    when("created_at", nullable=False),
    day("expires_on", index=True),
)
domains = sa.Table(
    "domains",
    PANEL,
    key(),
    refers("customer_id", "customers.id", nullable=False),
    text("name", nullable=False),
)
invoices = sa.Table(
    "invoices",
    PANEL,
    key(),
    refers("customer_id", "customers.id", nullable=False),
    text("number", 30, nullable=False, unique=True),
    day("issued_on", index=True),
    day("paid_on"),
)
invoice_lines = sa.Table(
    "invoice_lines",
    PANEL,
    key(),
    refers("invoice_id", "invoices.id", nullable=False),
    text("item", nullable=False),
    number("cents", nullable=False),
)
tickets = sa.Table(
    "tickets",
    PANEL,
    key(),
    text("email", index=True, nullable=False),
    text("subject", nullable=False),
    text("status", 10, nullable=False),
    when("opened_at", nullable=False),
    when("closed_at", index=True),
)
replies = sa.Table(
    "replies",
    PANEL,
    key(),
    refers("ticket_id", "tickets.id", nullable=False),
    text("body", 400, nullable=False),
)
readers = sa.Table(
    "readers",
    NEWS,
    key(),
    text("name", nullable=False),
    text("email", index=True, nullable=False),
    when("consented_at", nullable=False),
    when("switched_off_at", index=True),
    text("link_clicked", 14, index=True),
)
