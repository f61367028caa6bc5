"""Records on every side of every line of the policy. Each says in its name what becomes of it.

`: due` goes in the first run; `: due in a month`, `: due in a year` by then; `: stays` stays longer than that;
`: apart` and `: emptied` go to the vault, or lose their profile, in the first run.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from retention.demo.filling import Filling
from retention.demo.making import ago, at, line
from retention.demo.people import mail
from retention.demo.quotes import schema as t

OPTED_OUT = "Opted out yesterday: due"
CUSTOMER = "A customer who opted out: apart"
UNKNOWN = "Opted out, whether a customer nobody knows: unclear"
INVOICED = "Invoiced, nine years old: stays"
WILL_OBJECT = "Will write in to object"
WILL_BE_ERASED = "Will ask to be erased"
WILL_BE_RESTRICTED = "Will ask for restriction"
AGAIN = "Will opt out, and subscribe again, and opt out"
BUYER = "Will ask to be erased, and bought last year: stays"
MOVED = "V is a customer and withdrew: moved"
OBJECTOR = "objector"
"""The cookie of somebody who will object to being counted."""

VAULT_KEYS = 1_900_000_000
"""What is in the vaults already has keys that nothing outside them has."""

_ZONE_HOURS = 2


def named(rows: Filling, today: date) -> Mapping[str, str]:
    """Name → key as typed."""
    keys: dict[str, str] = {}
    for put in (_contacts, _apart, _deals, _visitors, _visits, _incidents, _requests):
        put(rows, today, keys)
    return keys


def _contacts(rows: Filling, today: date, keys: dict[str, str]) -> None:
    yesterday = today - timedelta(days=1)

    def contact(name: str, since: date | None, off: date | None = None, **more: Any) -> None:
        known = {"is_customer": False, "open_claim": False, "language": "it", "company": "Prova S.r.l."}
        keys[name] = str(
            rows.put(
                t.contacts,
                name=name,
                email=mail(name),
                subscribed_at=at(since) if since else None,
                opted_out_at=at(off, "23:59:59") if off else None,
                **(known | more),
            )
        )
        rows.put(t.mails, contact_id=int(keys[name]), subject="News of the month", sent_at=at(yesterday))

    old = ago(today, years=5)
    contact(OPTED_OUT, old, yesterday)
    contact("Never opted out: stays", old)
    contact("Opted out, and subscribed again: stays", ago(today, years=1), ago(today, years=2))
    contact("Opts out in two weeks: due in a month", old, today + timedelta(days=14))
    contact("Opts out in half a year: due in a year", old, today + timedelta(days=180))
    contact("When they subscribed nobody knows: stays", None)
    contact(CUSTOMER, old, yesterday, is_customer=True)
    contact("Has a claim against us, and opted out: apart", old, yesterday, open_claim=True)
    contact("A customer who did not opt out: stays", old, is_customer=True)
    contact(UNKNOWN, old, yesterday, is_customer=None)
    for name in (WILL_OBJECT, WILL_BE_ERASED, WILL_BE_RESTRICTED, AGAIN):
        contact(name, old)


def _apart(rows: Filling, today: date, keys: dict[str, str]) -> None:
    """What earlier runs have moved to the vaults."""
    edge = line(today, years=3)
    half = edge.stays + timedelta(days=180)
    for number, (name, moved) in enumerate(
        (
            ("Three years apart: due", edge.due),
            ("Apart since a day later: due in a month", edge.stays),
            ("Apart half a year less: due in a year", half),
            ("Apart since last month: stays", ago(today, days=31)),
        ),
        start=1,
    ):
        key = VAULT_KEYS + number
        keys[name] = str(key)
        common = {"id": key, "restricted_at": at(moved), "is_customer": True}
        since, off = at(moved - timedelta(days=900)), at(moved - timedelta(days=2))
        rows.put(
            t.contacts_apart,
            name=name,
            email=mail(name),
            language="it",
            open_claim=False,
            subscribed_at=since,
            opted_out_at=off,
            **common,
        )
        rows.put(t.mails_apart, id=key, contact_id=key, subject="An offer", sent_at=since)
        rows.put(
            t.visitors_apart,
            cookie=f"apart: {name}",
            first_seen_at=since,
            consented_at=since,
            withdrew_at=off,
            segment="heavy machines",
            score=7,
            **common,
        )


def _deals(rows: Filling, today: date, keys: dict[str, str]) -> None:
    def deal(name: str, made: date | None, *, device: bool = False, invoiced: bool = False) -> None:
        number = len(keys)
        keys[name] = str(
            rows.put(
                t.deals,
                number=f"N{number}",
                buyer=name,
                email=mail(name),
                made_on=made,
                status="closed",
                is_device=device,
                invoice_no=f"F{number}" if invoiced else None,
                total_cents=120_000,
            )
        )
        rows.put(t.deal_lines, deal_id=int(keys[name]), machine="Press", price_cents=120_000)

    for years, what, more in (
        (1, "An offer that came to nothing", {}),
        (4, "A device", {"device": True}),
        (10, "An invoice of a device", {"device": True, "invoiced": True}),
    ):
        edge = line(today, years=years)
        deal(f"{what}, {years} years old: due", edge.due, **more)
        deal(f"{what}, a day younger: due in a month", edge.stays, **more)
        deal(f"{what}, half a year younger: due in a year", edge.stays + timedelta(days=180), **more)
        deal(
            f"{what}, of last month: {'due in a year' if years == 1 else 'stays'}",
            ago(today, days=31),
            **more,
        )
    deal(INVOICED, line(today, years=9).due + timedelta(days=40), invoiced=True)
    deal(BUYER, ago(today, days=400), invoiced=True)
    deal("A deal without a date: undated", None)


def _visitors(rows: Filling, today: date, keys: dict[str, str]) -> None:
    def visitor(name: str, agreed: date | None, withdrew: date | None, *, customer: bool = False) -> None:
        keys[name] = str(
            rows.put(
                t.visitors,
                cookie=name,
                first_seen_at=at(ago(today, years=4)),
                consented_at=at(agreed) if agreed else None,
                withdrew_at=at(withdrew) if withdrew else None,
                is_customer=customer,
                segment="heavy machines",
                score=7,
            )
        )

    old, yesterday = ago(today, years=3), today - timedelta(days=1)
    visitor("V withdrew yesterday: emptied", old, yesterday)
    visitor("V did not withdraw: keeps", old, None)
    visitor("V withdrew, and agreed again: keeps", ago(today, days=40), ago(today, days=80))
    visitor("V withdraws in two weeks: emptied in a month", old, today + timedelta(days=14))
    visitor(MOVED, old, yesterday, customer=True)
    visitor("V is a customer: keeps", old, None, customer=True)


def _visits(rows: Filling, today: date, keys: dict[str, str]) -> None:
    edge = line(today, months=14)
    for name, day in (
        ("P seen on the last day: due", edge.due),
        ("P seen a day later: due in a month", edge.stays),
        ("P seen half a year later: due in a year", edge.stays + timedelta(days=180)),
        ("P seen last week: stays", ago(today, days=7)),
    ):
        keys[name] = str(rows.put(t.visits, cookie=name, seen_ms=millis(day), page="/machines"))
    for days in (10, 20):
        rows.put(t.visits, cookie=OBJECTOR, seen_ms=millis(ago(today, days=days)), page="/quotes")
    keys["P of a broken clock: unclear"] = str(
        rows.put(t.visits, cookie="P of a broken clock: unclear", seen_ms=0, page="/")
    )


def millis(day: date) -> int:
    """The middle of a day, in any zone of Europe, in milliseconds since 1970."""
    return int(datetime(day.year, day.month, day.day, 12 - _ZONE_HOURS, tzinfo=UTC).timestamp() * 1000)


def _incidents(rows: Filling, today: date, keys: dict[str, str]) -> None:
    edge = line(today, years=2)
    for name, day in (
        ("I noticed on the last day: due", edge.due),
        ("I noticed a day later: due in a month", edge.stays),
        ("I noticed last year: stays", ago(today, days=300)),
    ):
        keys[name] = str(
            rows.put(t.incidents, cookie=name, ip="192.0.2.7", kind="probing", noticed_at=at(day, "23:59:59"))
        )
    keys["I of the objector"] = str(
        rows.put(
            t.incidents,
            cookie=OBJECTOR,
            ip="192.0.2.8",
            kind="flooding",
            noticed_at=at(ago(today, days=30)),
        )
    )


def _requests(rows: Filling, today: date, keys: dict[str, str]) -> None:
    edge = line(today, months=6)
    for name, status, answered in (
        ("R answered on the last day: due", "answered", edge.due),
        ("R answered a day later: due in a month", "answered", edge.stays),
        ("R answered last month: due in a year", "answered", ago(today, days=31)),
        ("R never answered, promised long ago: undated", "open", ago(today, years=2)),
        ("R nobody looked at: undated", "open", None),
    ):
        keys[name] = str(
            rows.put(
                t.requests,
                email=mail(name),
                name=name,
                kind="quote",
                status=status,
                asked_at=at(ago(today, years=3)),
                answered_at=at(answered, "23:59:59") if answered else None,
            )
        )
        rows.put(
            t.request_messages,
            request_id=int(keys[name]),
            body="What does a press cost?",
            sent_at=at(ago(today, years=3)),
        )
