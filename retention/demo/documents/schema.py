"""The tables of the platform and of the group's accounting.

Contracts without an end say 9999-12-31; what a customer's contract says of periods stands in its agreement.
"""

from __future__ import annotations

import sqlalchemy as sa

from retention.demo.columns import day, flag, key, number, refers, text, when

PLATFORM = sa.MetaData()
GROUP = sa.MetaData()

clients = sa.Table(
    "clients",
    PLATFORM,
    key(),
    text("label", nullable=False),
    text("name"),
    text("email", index=True),
    text("town"),
    when("client_since", nullable=False),
    day("ended_on", index=True, nullable=False),
    number("open_orders"),
    day("claimed_on"),
    when("isolated_at"),
)
bills = sa.Table(
    "bills",
    PLATFORM,
    key(),
    refers("client_id", "clients.id", nullable=False),
    text("number", 30, nullable=False, unique=True),
    day("made_on", index=True),
)
agreements = sa.Table(
    "agreements",
    PLATFORM,
    key(),
    text("customer", nullable=False),
    flag("own_terms"),
    number("keep_months"),
)
documents = sa.Table(
    "documents",
    PLATFORM,
    key(),
    refers("agreement_id", "agreements.id", nullable=False),
    text("title", nullable=False),
    when("sent_at", index=True),
)
deliveries = sa.Table(
    "deliveries",
    PLATFORM,
    key(),
    refers("document_id", "documents.id", nullable=False),
    text("address", nullable=False),
    when("opened_at"),
)
contacts = sa.Table(
    "contacts",
    PLATFORM,
    key(),
    text("label", nullable=False),
    text("email", index=True, nullable=False),
    text("name"),
    text("phone", 30),
    when("subscribed_at", nullable=False),
    when("opted_out_at", index=True),
)
invoices = sa.Table(
    "invoices",
    GROUP,
    key(),
    text("number", nullable=False, unique=True),
    text("company", 10, index=True),
    text("email", index=True, nullable=False),
    when("booked_at", index=True),
    number("total_cents", nullable=False),
)
invoice_lines = sa.Table(
    "invoice_lines",
    GROUP,
    key(),
    refers("invoice_id", "invoices.id", nullable=False),
    text("item", nullable=False),
    number("price_cents", nullable=False),
)
