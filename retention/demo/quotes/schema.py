"""The tables of the site and of the sales department.

The site counts visits in milliseconds, its visitors are known by a cookie; requests that nobody has answered
yet have a date of an answer all the same, the one by which it was promised. The vaults look like what goes there.
"""

from __future__ import annotations

import sqlalchemy as sa

from retention.demo.columns import day, flag, key, number, refers, text, when

SALES = sa.MetaData()
SITE = sa.MetaData()


def _contact() -> list[sa.Column[object]]:
    return [
        key(),
        text("email", index=True, nullable=False),
        text("name", nullable=False),
        text("company"),
        text("language", 5, nullable=False),
        when("subscribed_at", index=True),
        when("opted_out_at", index=True),
        flag("is_customer"),
        flag("open_claim", nullable=False),
    ]


def _mail() -> list[sa.Column[object]]:
    return [key(), text("subject", nullable=False), when("sent_at", nullable=False)]


def _visitor() -> list[sa.Column[object]]:
    return [
        key(),
        text("cookie", 40, index=True, nullable=False),
        when("first_seen_at", nullable=False),
        when("consented_at", index=True),
        when("withdrew_at", index=True),
        flag("is_customer", nullable=False),
        text("segment", 40),
        sa.Column("score", sa.Integer),
    ]


contacts = sa.Table("contacts", SALES, *_contact())
mails = sa.Table("mails", SALES, *_mail(), refers("contact_id", "contacts.id", nullable=False))
contacts_apart = sa.Table("contacts_apart", SALES, *_contact(), when("restricted_at", nullable=False))
mails_apart = sa.Table(
    "contacts_apart_mails", SALES, *_mail(), refers("contact_id", "contacts_apart.id", nullable=False)
)
deals = sa.Table(
    "deals",
    SALES,
    key(),
    text("number", 20, unique=True, nullable=False),
    text("buyer", nullable=False),
    text("email", index=True, nullable=False),
    day("made_on", index=True),
    text("status", 10, nullable=False),
    flag("is_device", nullable=False),
    text("invoice_no", 20),
    number("total_cents", nullable=False),
)
deal_lines = sa.Table(
    "deal_lines",
    SALES,
    key(),
    refers("deal_id", "deals.id", nullable=False),
    text("machine", nullable=False),
    number("price_cents", nullable=False),
)

visitors = sa.Table("visitors", SITE, *_visitor())
visitors_apart = sa.Table("visitors_apart", SITE, *_visitor(), when("restricted_at", nullable=False))
visits = sa.Table(
    "visits",
    SITE,
    key(),
    text("cookie", 40, index=True, nullable=False),
    number("seen_ms", index=True),
    text("page", nullable=False),
)
incidents = sa.Table(
    "incidents",
    SITE,
    key(),
    text("cookie", 40, index=True),
    text("ip", 45, nullable=False),
    text("kind", 20, nullable=False),
    when("noticed_at", index=True),
)
requests = sa.Table(
    "requests",
    SITE,
    key(),
    text("email", index=True, nullable=False),
    text("name", nullable=False),
    text("kind", 10, nullable=False),
    text("status", 10, nullable=False),
    when("asked_at", nullable=False),
    when("answered_at", index=True),
)
request_messages = sa.Table(
    "request_messages",
    SITE,
    key(),
    refers("request_id", "requests.id", nullable=False),
    text("body", 400, nullable=False),
    when("sent_at", nullable=False),
)
