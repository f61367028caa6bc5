"""Records on every side of every line of the policy. Each says in its name what becomes of it.

`: due` goes in the first run; `: due in a month`, `: due in a year` by then; `: stays` stays longer than that.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from retention.demo.crm import schema as t
from retention.demo.filling import Filling
from retention.demo.making import ago, at, line
from retention.demo.people import mail

DUE_USER = "Not seen for two years: due"
CHATTY = "Not seen for two years, with a claim: pseudonymous"
CHILD = "A child, as will turn out"
CHILD_WITH_CLAIM = "A child with a claim"
DISPUTED = "Contract in dispute, over long ago"
FUTURE = "Contract that ends in four years: stays"
CLAIMED = "A claim of two years ago: stays"
NO_WORD = "Of a customer who never said for how long: unclear"

PERIODS = 300
"""Customers with a period of their own, each with content on both sides of its line."""


def named(rows: Filling, today: date) -> Mapping[str, str]:
    """Name → key as typed."""
    keys: dict[str, str] = {}
    for put in (_contracts, _users, _chats, _switches, _content):
        put(rows, today, keys)
    return keys


def _contracts(rows: Filling, today: date, keys: dict[str, str]) -> None:
    edge, old = line(today, years=3), ago(today, years=9)

    def contract(name: str, ends: date | None, renewed: date | None = None) -> None:
        key = rows.put(
            t.contracts, number=name, customer="Example Ltd", plan="team", begins_on=old, ends_on=ends
        )
        keys[name] = str(key)
        rows.put(t.renewals, contract_id=key, ends_on=renewed or old + timedelta(days=365))

    contract("Contract over for three years: due", edge.due)
    contract("Contract over a day later: due in a month", edge.stays)
    contract("Contract over half a year later: due in a year", edge.stays + timedelta(days=180))
    contract("Contract over since last month: stays", ago(today, days=31))
    contract("Contract over, and renewed: stays", ago(today, years=5), ago(today, years=-2))
    contract(FUTURE, ago(today, years=-4))
    contract("Contract without an end: undated", None, None)
    rows.put(t.renewals, contract_id=int(keys["Contract without an end: undated"]), ends_on=None)
    contract(DISPUTED, ago(today, years=6))


def seconds(day: date) -> int:
    """The middle of a day, in seconds since 1970."""
    return int(datetime.combine(day, time(12), UTC).timestamp())


def _users(rows: Filling, today: date, keys: dict[str, str]) -> None:
    edge, old = line(today, years=2), ago(today, years=6)

    def user(name: str, seen: date | None, created: date = old) -> None:
        keys[name] = str(
            rows.put(
                t.users,
                name=name,
                email=mail(name),
                phone="000 11 2222",
                created_at=at(created),
                last_seen=seconds(seen) if seen else 0,
            )
        )

    user(DUE_USER, edge.due)
    user("Not seen a day shorter: due in a month", edge.stays)
    user("Not seen half a year shorter: due in a year", edge.stays + timedelta(days=180))
    user("Seen yesterday: stays", today - timedelta(days=1))
    user("Never seen, and old: due", None)
    user("Never seen, and new: stays", None, ago(today, days=30))
    user(CHATTY, edge.due - timedelta(days=100))
    user(CHILD, ago(today, days=20))
    user(CHILD_WITH_CLAIM, ago(today, days=20))


def _chats(rows: Filling, today: date, keys: dict[str, str]) -> None:
    year, claim = line(today, years=1), line(today, years=6)

    def chat(topic: str, said: date, *, claimed: bool = False, by: str = "Seen yesterday: stays") -> None:
        key = rows.put(
            t.chats,
            user_id=int(keys[by]),
            topic=topic,
            said_at=at(said),
            claim_no=f"C{len(keys)}" if claimed else None,
        )
        keys[topic] = str(key)
        rows.put(t.attachments, chat_id=key, file_name="screen.png")

    chat("A chat of a year ago: due", year.due)
    chat("A chat, a day younger: due in a month", year.stays)
    chat("A chat, half a year younger: due in a year", year.stays + timedelta(days=180))
    chat("A claim of six years ago: due", claim.due, claimed=True)
    chat("A claim, a day younger: due in a month", claim.stays, claimed=True)
    chat(CLAIMED, ago(today, years=2), claimed=True)
    chat("The claim of somebody not seen: stays", ago(today, years=3), claimed=True, by=CHATTY)
    chat("The child asked how it works", ago(today, days=10), by=CHILD)
    chat("The child with a claim asked", ago(today, days=10), by=CHILD_WITH_CLAIM)
    chat("The claim of a child: stays", ago(today, days=12), claimed=True, by=CHILD_WITH_CLAIM)


def _switches(rows: Filling, today: date, keys: dict[str, str]) -> None:
    yesterday, old = today - timedelta(days=1), ago(today, years=2)
    cases = (
        ("turned off yesterday: due", old, yesterday),
        ("turned on: stays", old, None),
        ("turned off, and on again: stays", ago(today, days=50), ago(today, days=90)),
        ("to be turned off in two weeks: due in a month", old, today + timedelta(days=14)),
        ("to be turned off in half a year: due in a year", old, today + timedelta(days=180)),
    )
    for what, on, off in cases:
        for channel in ("newsletter", "events"):
            rows.put(
                t.subscriptions,
                user_id=int(keys["Seen yesterday: stays"]),
                channel=channel,
                label=f"{channel} {what}",
                on_at=at(on),
                off_at=at(off) if off else None,
            )
        name = f"Status messages {what}"
        keys[name] = str(
            rows.put(
                t.users,
                name=name,
                email=mail(name + what),
                created_at=at(old),
                last_seen=seconds(yesterday),
                status_email=mail(name),
                status_on_at=at(on),
                status_off_at=at(off) if off else None,
            )
        )


def _content(rows: Filling, today: date, keys: dict[str, str]) -> None:
    def upload(tenant: int, name: str, days: int, *, deleted: bool = False) -> None:
        key = rows.put(
            t.uploads,
            tenant_id=tenant,
            name=name,
            uploaded_at=at(today - timedelta(days=days), "12:00:00"),
            deleted_at=at(today) if deleted else None,
            shared=False,
        )
        keys[name] = str(key)
        rows.put(t.comments, upload_id=key, body="Seen.")

    for number in range(1, PERIODS + 1):
        days = 12 * number
        tenant = rows.put(t.tenants, name=f"Customer {number}", keep_days=days)
        upload(tenant, f"File {number}, kept {days} days: due", days + 1)
        upload(tenant, f"File {number}, a day younger: due in a month", days)
        upload(tenant, f"File {number}, new: {_when(days - 1)}", 1, deleted=number % 7 == 0)
    odd: tuple[tuple[int | None, str], ...] = (
        (None, NO_WORD),
        (0, "Of one who said none: unclear"),
        (9_999, "Of one beyond reason: unclear"),
    )
    for period, name in odd:
        upload(rows.put(t.tenants, name=name, keep_days=period), name, 3_000)


def _when(days: int) -> str:
    """What becomes of a record that is kept so many days longer."""
    if days < 31:
        return "due in a month"
    return "due in a year" if days < 367 else "stays"
