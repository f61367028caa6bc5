"""The store's tables, with the awkward bits that grow in a real one.

Dates are text without a zone, as this store's shop system writes them (Oslo's wall clock). Those
that came in from an older system were not always filled in, and not always dates.
"""

from __future__ import annotations

import sqlalchemy as sa

from retention.demo.columns import flag, key, number, refers, text, when

STORE = sa.MetaData()

customers = sa.Table(
    "customers",
    STORE,
    key(),
    text("email", nullable=False),
    text("name", nullable=False),
    text("phone", 30),
    text("street", nullable=False),
    text("postcode", 10, nullable=False),
    text("city", nullable=False),
    text("created_at", 32, nullable=False),
    text("last_login_at", 32, index=True),
)
# One account an address. Somebody may come back after their old account was pseudonymised, and be once more:
# what is hashed is left out where an index can leave rows out.
_HASHED = sa.text("email NOT LIKE 'rh1-%'")
for _dialect in ("sqlite", "postgresql"):
    sa.Index(
        "customers_email", customers.c.email, unique=True, sqlite_where=_HASHED, postgresql_where=_HASHED
    ).ddl_if(dialect=_dialect)
for _dialect in ("mysql", "mariadb"):
    sa.Index("customers_by_email", customers.c.email).ddl_if(dialect=_dialect)
products = sa.Table(
    "products",
    STORE,
    key(),
    text("name", nullable=False, unique=True),
    number("price_ore", nullable=False),
    sa.CheckConstraint("price_ore > 0"),
)
orders = sa.Table(
    "orders",
    STORE,
    key(),
    refers("customer_id", "customers.id", nullable=False),
    text("reference", nullable=False, unique=True),
    text("created_at", 32, index=True),
    text("invoiced_at", 32),
    number("total_ore", nullable=False),
    sa.CheckConstraint("total_ore >= 0"),
)
order_lines = sa.Table(
    "order_lines",
    STORE,
    key(),
    refers("order_id", "orders.id", nullable=False),
    refers("product_id", "products.id", nullable=False),
    number("quantity", nullable=False),
    number("price_ore", nullable=False),
    sa.CheckConstraint("quantity > 0"),
    sa.CheckConstraint("price_ore > 0"),
)
shipments = sa.Table(
    "shipments",
    STORE,
    key(),
    refers("order_id", "orders.id", nullable=False),
    text("tracking", 30, nullable=False, unique=True),
    text("sent_at", 32),
)
credit_notes = sa.Table(
    "credit_notes",
    STORE,
    key(),
    refers("order_id", "orders.id", nullable=False),
    text("number", 40, nullable=False, unique=True),
    text("issued_at", 32),
    number("amount_ore", nullable=False),
    sa.CheckConstraint("amount_ore > 0"),
)

DESK = sa.MetaData()

tickets = sa.Table(
    "tickets",
    DESK,
    key(),
    text("email", index=True, nullable=False),
    text("subject", nullable=False),
    text("status", 10, nullable=False),
    when("opened_at", nullable=False),
    flag("disputed"),
)
messages = sa.Table(
    "messages",
    DESK,
    key(),
    refers("ticket_id", "tickets.id", nullable=False),
    text("body", 400, nullable=False),
    when("sent_at", index=True),
)
readers = sa.Table(
    "readers",
    DESK,
    key(),
    text("name", nullable=False),
    text("email", index=True, nullable=False),
    when("subscribed_at"),
    when("unsubscribed_at", index=True),
    when("withdrawn_at", index=True),
)
consents = sa.Table(
    "consents",
    DESK,
    key(),
    text("cookie", index=True, nullable=False),
    text("choice", 20, nullable=False),
    number("given", nullable=False),
    number("ended", index=True, nullable=False),
    flag("contested"),
)
