"""Records on every side of every line of the policy. Each says in its name what becomes of it.

`: due` goes in the first run; `: due in a month`, `: due in a year` by then; `: stays` stays longer than that;
`: nameless`, `: isolated` and `: hashed` stay as rows, and are rewritten or marked.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from retention.demo.documents import schema as t
from retention.demo.filling import Filling
from retention.demo.making import Line, ago, at, line, year_line
from retention.demo.people import mail

OPEN_END = date(9999, 12, 31)

DUE_CLIENT = "Ended yesterday: due"
CLAIM = "Ended, with a claim: isolated"
BILLED = "Ended, with a bill: nameless"
NEEDED = "Ended, still needed"
ASKED = "Asks to be erased, and has a claim: stays"
FORGOTTEN = "Asks to be erased"
OPTED_OUT = "Opted out yesterday: hashed"
RETURNED = "Opted out, and subscribed again: kept"
GMBH = "GmbH, of the last day that goes: due"

COMPANIES: Mapping[str, tuple[int, str, tuple[int, int] | None]] = {
    "AS": (5, "Europe/Oslo", (12, 31)),
    "GmbH": (8, "Europe/Berlin", (12, 31)),
    "Ltd": (6, "Europe/London", (3, 31)),
    "Inc": (7, "America/New_York", None),
    "SAS": (10, "Europe/Paris", (12, 31)),
    "Srl": (10, "Europe/Rome", None),
    "SL": (6, "Europe/Madrid", (12, 31)),
    "BV": (7, "Europe/Amsterdam", (12, 31)),
    "AB": (7, "Europe/Stockholm", (12, 31)),
    "ApS": (5, "Europe/Copenhagen", (12, 31)),
    "Spzoo": (5, "Europe/Warsaw", (12, 31)),
    "AG": (10, "Europe/Zurich", (6, 30)),
}
"""Years, zone, and the last day of the year that they are counted from; None: from the day itself."""


def named(rows: Filling, today: date) -> Mapping[str, str]:
    """Name → key as typed."""
    keys: dict[str, str] = {}
    for put in (_clients, _documents, _contacts, _invoices):
        put(rows, today, keys)
    return keys


def _clients(rows: Filling, today: date, keys: dict[str, str]) -> None:
    yesterday, old = today - timedelta(days=1), ago(today, years=7)

    def client(name: str, ended: date, *, orders: int | None = 0, claimed: date | None = None) -> None:
        keys[name] = str(
            rows.put(
                t.clients,
                label=name,
                name=name,
                email=mail(name),
                town="Bergen",
                client_since=at(old),
                ended_on=ended,
                open_orders=orders,
                claimed_on=claimed,
            )
        )

    most = line(today, years=2)
    client(DUE_CLIENT, yesterday)
    client("Ends today: due in a month", today)
    client("Ends in half a year: due in a year", today + timedelta(days=180))
    client("Has no end: stays", OPEN_END)
    client(NEEDED, ago(today, days=200), orders=2)
    client("Ended, whether needed nobody knows: stays", ago(today, days=100), orders=None)
    client("Ended, needed for two years: due", most.due, orders=1)
    client("Ended, needed for half a year less: due in a year", most.due + timedelta(days=180), orders=1)
    client(CLAIM, yesterday, claimed=ago(today, years=1))
    client("Ended, with a claim of long ago: due", yesterday, claimed=line(today, years=5).due)
    client(BILLED, yesterday)
    client("Ended, with a bill that goes too: due", yesterday)
    client(ASKED, OPEN_END, claimed=ago(today, years=1))
    client(FORGOTTEN, OPEN_END)
    for name, made in (
        (BILLED, ago(today, years=2)),
        ("Ended, with a bill that goes too: due", line(today, years=5).due),
    ):
        rows.put(t.bills, client_id=int(keys[name]), number=f"B {name}"[:30], made_on=made)


def _documents(rows: Filling, today: date, keys: dict[str, str]) -> None:
    usual = rows.put(t.agreements, customer="Usual terms", own_terms=False)
    longer = rows.put(t.agreements, customer="Three years", own_terms=True, keep_months=36)
    shorter = rows.put(t.agreements, customer="Three months", own_terms=True, keep_months=3)
    silent = rows.put(t.agreements, customer="Own terms, none written", own_terms=True)
    unknown = rows.put(t.agreements, customer="Nobody knows")

    def document(title: str, agreement: int, sent: date) -> None:
        key = rows.put(t.documents, agreement_id=agreement, title=title, sent_at=at(sent))
        keys[title] = str(key)
        rows.put(t.deliveries, document_id=key, address="somebody@example.com")

    terms = ((usual, 12, "Usual terms"), (longer, 36, "Three years"), (shorter, 3, "Three months"))
    for agreement, months, what in terms:
        edge = line(today, months=months)
        document(f"{what}, last day: due", agreement, edge.due)
        document(f"{what}, a day later: due in a month", agreement, edge.stays)
        later = edge.stays + timedelta(days=60)
        document(f"{what}, two months later: due in a year", agreement, later)
    document("Three years, two years old: stays", longer, ago(today, days=690))
    document("Own terms that say nothing: unclear", silent, ago(today, years=7))
    document("Whether there are own terms nobody knows: unclear", unknown, ago(today, years=7))


def _contacts(rows: Filling, today: date, keys: dict[str, str]) -> None:
    yesterday, old = today - timedelta(days=1), ago(today, years=3)
    for name, since, off in (
        (OPTED_OUT, old, yesterday),
        ("Opts out in two weeks: hashed in a month", old, today + timedelta(days=14)),
        ("Opts out in half a year: hashed in a year", old, today + timedelta(days=180)),
        ("Did not opt out: kept", old, None),
        (RETURNED, ago(today, days=20), ago(today, days=90)),
    ):
        keys[name] = str(
            rows.put(
                t.contacts,
                label=name,
                name=name,
                email=mail(name),
                phone="000 11 2222",
                subscribed_at=at(since),
                opted_out_at=at(off) if off else None,
            )
        )


def edge_of(company: str, today: date) -> Line:
    """Where the line of a company's invoices lies."""
    years, _, ends = COMPANIES[company]
    if ends is None:
        return line(today, years=years)
    if ends == (12, 31):
        return year_line(today, years=years)
    year = today.year - years if (today.month, today.day) > ends else today.year - years - 1
    due = date(year, *ends)
    return Line(due=due, stays=due + timedelta(days=1))


def _utc(day: date, clock: time, zone: str) -> datetime:
    """The wall clock of a zone, as the accounting keeps it."""
    return datetime.combine(day, clock, ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)


def _invoices(rows: Filling, today: date, keys: dict[str, str]) -> None:
    def invoice(name: str, company: str | None, booked: datetime | None, email: str = "") -> None:
        key = rows.put(
            t.invoices,
            number=name,
            company=company,
            email=email or mail(name),
            booked_at=booked,
            total_cents=99_00,
        )
        keys[name] = str(key)
        rows.put(t.invoice_lines, invoice_id=key, item="Letters", price_cents=99_00)

    for company, (_, zone, ends) in COMPANIES.items():
        # West of Oslo the day of a run may still be the day before: that day's record would hang on the hour.
        behind = today - timedelta(days=zone.startswith("America/"))
        edge = Line(due=edge_of(company, behind).due, stays=edge_of(company, today).stays)
        wait = "month" if ends is None else "year"
        invoice(f"{company}, of the last day that goes: due", company, _utc(edge.due, time(23, 59, 59), zone))
        invoice(
            f"{company}, of the first that stays: due in a {wait}", company, _utc(edge.stays, time(0), zone)
        )
        invoice(f"{company}, of last month: stays", company, _utc(ago(today, days=31), time(9), zone))
    invoice("Of no company that is known: unclear", None, at(ago(today, years=15)))
    invoice("Of somebody who asks: stays", "AS", at(ago(today, years=1)), mail(ASKED))
