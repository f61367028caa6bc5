"""The store's tables, with the awkward bits that grow in a real one.

Dates are text without a zone, as this store's shop system writes them (Oslo's wall clock). Those
that came in from an older system were not always filled in, and not always dates.
"""

from __future__ import annotations

SCHEMA = """
CREATE TABLE customers (
    id            INTEGER PRIMARY KEY,
    email         TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    phone         TEXT,
    street        TEXT NOT NULL,
    postcode      TEXT NOT NULL,
    city          TEXT NOT NULL,
    created_at    TEXT NOT NULL,
    last_login_at TEXT
);

CREATE TABLE products (
    id        INTEGER PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    price_ore INTEGER NOT NULL CHECK (price_ore > 0)
);

CREATE TABLE orders (
    id          INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers (id),
    reference   TEXT NOT NULL UNIQUE,
    created_at  TEXT,
    invoiced_at TEXT,
    total_ore   INTEGER NOT NULL CHECK (total_ore >= 0)
);

CREATE TABLE order_lines (
    id         INTEGER PRIMARY KEY,
    order_id   INTEGER NOT NULL REFERENCES orders (id),
    product_id INTEGER NOT NULL REFERENCES products (id),
    quantity   INTEGER NOT NULL CHECK (quantity > 0),
    price_ore  INTEGER NOT NULL CHECK (price_ore > 0)
);

CREATE TABLE shipments (
    id       INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL REFERENCES orders (id),
    tracking TEXT NOT NULL UNIQUE,
    sent_at  TEXT
);

CREATE TABLE credit_notes (
    id         INTEGER PRIMARY KEY,
    order_id   INTEGER NOT NULL REFERENCES orders (id),
    number     TEXT NOT NULL UNIQUE,
    issued_at  TEXT,
    amount_ore INTEGER NOT NULL CHECK (amount_ore > 0)
);

CREATE INDEX orders_customer ON orders (customer_id);
CREATE INDEX orders_created ON orders (created_at);
CREATE INDEX order_lines_order ON order_lines (order_id);
CREATE INDEX order_lines_product ON order_lines (product_id);
CREATE INDEX shipments_order ON shipments (order_id);
CREATE INDEX credit_notes_order ON credit_notes (order_id);
CREATE INDEX customers_last_login ON customers (last_login_at);
"""
