"""Records on every side of every line of the policy. Each says in its name what becomes of it.

`: due` goes in the first run; `: due in a month`, `: due in a year` by then; `: stays` stays longer than that.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from retention.demo.filling import Filling
from retention.demo.making import ago, at, line, year_line
from retention.demo.panel import schema as t
from retention.demo.people import mail

SERVED = date(9999, 12, 31)

ENDED = "Ended, never invoiced: due"
TAXED = "Ended, invoiced six years ago: stays"
WRITES = "Will withdraw by e-mail"
WRITES_AND_RETURNS = "Will withdraw by e-mail, and consent again"


def named(rows: Filling, today: date) -> Mapping[str, str]:
    """Name → key as typed."""
    keys: dict[str, str] = {}
    for put in (_customers, _tickets, _readers):
        put(rows, today, keys)
    return keys


def _customers(rows: Filling, today: date, keys: dict[str, str]) -> None:
    old = ago(today, years=14)

    def customer(name: str, ends: date | None, *invoices: tuple[date | None, date | None]) -> None:
        key = rows.put(
            t.customers,
            name=name,
            email=mail(name),
            city="Köln",
            status="active" if ends == SERVED else "ended",
            created_at=at(old),
            expires_on=ends,
        )
        keys[name] = str(key)
        rows.put(t.domains, customer_id=key, name=f"customer-{key}.example")
        for issued, paid in invoices:
            number = f"P{len(keys)}-{issued}"
            invoice = rows.put(t.invoices, customer_id=key, number=number, issued_on=issued, paid_on=paid)
            rows.put(t.invoice_lines, invoice_id=invoice, item="Server", cents=999)

    edge, tax, books = line(today, days=30), year_line(today, years=10), year_line(today, years=8)
    long_over = ago(today, years=3)
    before = ago(tax.due, years=1)
    customer(ENDED, edge.due)
    customer("Ended a day later: due in a month", edge.stays)
    customer("Ends in half a year: due in a year", today + timedelta(days=180))
    customer("Still served: stays", SERVED, (before, before))
    customer("Still served, never invoiced: stays", SERVED)
    customer("Nobody knows when the service ends: undated", None)
    customer(
        "Ended, last invoice of the last year that goes: due", long_over, (tax.due, None), (before, None)
    )
    customer("Ended, last invoice a day later: due in a year", long_over, (tax.stays, None), (before, None))
    customer("Ended, paid in the last year that goes: due", long_over, (before, books.due))
    customer("Ended, paid a day later: due in a year", long_over, (before, books.stays))
    customer(TAXED, long_over, (ago(today, years=6), ago(today, years=6)))
    customer("Ended, an invoice without a date: unclear", long_over, (None, None), (before, None))


def _tickets(rows: Filling, today: date, keys: dict[str, str]) -> None:
    edge, opened = line(today, years=2), ago(today, years=4)
    for name, status, closed in (
        ("Ticket closed on the last day: due", "closed", edge.due),
        ("Ticket closed a day later: due in a month", "closed", edge.stays),
        ("Ticket closed half a year later: due in a year", "closed", edge.stays + timedelta(days=180)),
        ("Ticket that was opened again: undated", "open", edge.due),
        ("Ticket that is open: undated", "open", None),
    ):
        key = rows.put(
            t.tickets,
            email=mail(name),
            subject=name,
            status=status,
            opened_at=at(opened),
            closed_at=at(closed, "23:59:59") if closed else None,
        )
        keys[name] = str(key)
        rows.put(t.replies, ticket_id=key, body="Have you tried another browser?")


def _readers(rows: Filling, today: date, keys: dict[str, str]) -> None:
    yesterday, soon, old = today - timedelta(days=1), today + timedelta(days=14), ago(today, years=5)
    later = today + timedelta(days=180)
    cases: tuple[tuple[str, date, date | None, date | None], ...] = (
        ("Switched off in the panel: due", old, yesterday, None),
        ("Clicked the link: due", old, None, yesterday),
        ("Both, the first of them counts: due", old, yesterday, later),
        ("Switches off in two weeks: due in a month", old, soon, None),
        ("Clicks in half a year: due in a year", old, None, later),
        ("Never withdrew: stays", old, None, None),
        (
            "Withdrew, and consented again: stays",
            ago(today, days=20),
            ago(today, days=90),
            ago(today, days=60),
        ),
        (WRITES, old, None, None),
        (WRITES_AND_RETURNS, old, None, None),
    )
    for name, since, off, clicked in cases:
        keys[name] = str(
            rows.put(
                t.readers,
                name=name,
                email=mail(name),
                consented_at=at(since),
                switched_off_at=at(off) if off else None,
                link_clicked=f"{clicked:%Y%m%d}101500" if clicked else None,
            )
        )
    keys["Clicked, but when nobody can read: unclear"] = str(
        rows.put(
            t.readers,
            name="Clicked, but when nobody can read: unclear",
            email="unread@example.com",
            consented_at=at(old),
            link_clicked="20209999000000",
        )
    )
