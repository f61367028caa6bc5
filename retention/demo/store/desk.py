"""What the help desk keeps: support requests, readers of the newsletter, the log of cookie consents.

Each named record says what becomes of it: `: due`, `: due in a month`, `: due in a year`, or that it stays longer.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from retention.demo.dice import Dice
from retention.demo.filling import Filling
from retention.demo.making import ago, at, line, moment
from retention.demo.people import mail
from retention.demo.store import schema as t

AGAIN = "Will unsubscribe, and subscribe again"
SETTLED = "Disputed, until it is settled"

_HISTORY = 8 * 365


def named(rows: Filling, today: date) -> None:
    """A record on each side of each line."""
    _tickets(rows, today)
    _readers(rows, today)
    _consents(rows, today)


def _tickets(rows: Filling, today: date) -> None:
    least, most = line(today, months=12), line(today, months=36)
    opened = ago(today, years=5)
    cases: tuple[tuple[str, date | None, bool | None], ...] = (
        ("Last message a year ago: due", least.due, False),
        ("Last message a day later: due in a month", least.stays, False),
        ("Last message half a year ago: due in a year", ago(today, days=180), False),
        ("Disputed, two years ago: stays", ago(today, days=680), True),
        ("Whether disputed nobody knows: stays", ago(today, days=400), None),
        ("Disputed for three years: due", most.due, True),
        ("Disputed for two and a half years: due in a year", ago(today, days=910), True),
        (SETTLED, ago(today, days=500), True),
        ("A message without a date: unclear", None, False),
    )
    for subject, last, disputed in cases:
        ticket = rows.put(
            t.tickets,
            email=mail(subject),
            subject=subject,
            status="closed",
            opened_at=at(opened),
            disputed=disputed,
        )
        rows.put(t.messages, ticket_id=ticket, body="Where is my order?", sent_at=at(opened))
        sent = at(last, "23:59:59") if last else None
        rows.put(t.messages, ticket_id=ticket, body="Thank you.", sent_at=sent)


def _readers(rows: Filling, today: date) -> None:
    yesterday, soon, old = today - timedelta(days=1), today + timedelta(days=14), ago(today, years=4)
    later = today + timedelta(days=180)
    cases: tuple[tuple[str, date | None, date | None, date | None], ...] = (
        ("Unsubscribed yesterday: due", old, yesterday, None),
        ("Withdrew yesterday: due", old, None, yesterday),
        ("Withdrew yesterday, unsubscribes later: due", old, later, yesterday),
        ("Unsubscribes in two weeks: due in a month", old, soon, None),
        ("Withdraws in half a year: due in a year", old, None, later),
        ("Subscribed: stays", old, None, None),
        ("Unsubscribed, and subscribed again: stays", ago(today, days=30), ago(today, days=60), None),
        ("When they subscribed nobody knows: stays", None, None, None),
        (AGAIN, old, None, None),
    )
    for name, since, off, withdrawn in cases:
        rows.put(
            t.readers,
            name=name,
            email=mail(name),
            subscribed_at=at(since) if since else None,
            unsubscribed_at=at(off) if off else None,
            withdrawn_at=at(withdrawn) if withdrawn else None,
        )


def _seconds(day: date) -> int:
    """Noon of a day, in seconds since 1970."""
    return int(datetime.combine(day, time(11), UTC).timestamp())


def _consents(rows: Filling, today: date) -> None:
    least, most = line(today, months=12), line(today, months=24)
    cases: tuple[tuple[str, date | None, bool | None], ...] = (
        ("Consent ended a year ago: due", least.due, False),
        ("Consent ended a day later: due in a month", least.stays, False),
        ("Consent ended half a year ago: due in a year", ago(today, days=180), False),
        ("Consent goes on: stays", None, False),
        ("Contested for two years: due", most.due, True),
        ("Contested, sixteen months ago: due in a year", ago(today, days=490), True),
    )
    for cookie, ended, contested in cases:
        rows.put(
            t.consents,
            cookie=cookie,
            choice="all",
            given=_seconds(ago(today, years=3)),
            ended=_seconds(ended) if ended else 0,
            contested=contested,
        )


def everybody_else(rows: Filling, today: date, dice: Dice, name: str, email: str) -> None:
    """What one more customer has at the desk."""
    if dice.random() < 0.5:
        opened = dice.randint(2, 430)
        ticket = rows.put(
            t.tickets,
            email=email,
            subject=dice.choice(("Where is my order?", "Wrong size", "Broken", "Invoice")),
            status=dice.choice(("open", "closed", "closed")),
            opened_at=moment(today, dice, opened),
            disputed=dice.random() < 0.05,
        )
        for _ in range(dice.randint(1, 3)):
            sent = moment(today, dice, dice.randint(1, opened))
            rows.put(t.messages, ticket_id=ticket, body="Hello, and thank you.", sent_at=sent)
    if dice.random() < 0.5:
        since = dice.randint(2, _HISTORY)
        off = moment(today, dice, dice.randint(1, since - 1))
        how = dice.random()
        rows.put(
            t.readers,
            name=name,
            email=email,
            subscribed_at=moment(today, dice, since),
            unsubscribed_at=off if how < 0.06 else None,
            withdrawn_at=off if 0.06 <= how < 0.09 else None,
        )
    given = dice.randint(2, 800)
    ended = dice.random() < 0.5
    rows.put(
        t.consents,
        cookie=f"{dice.getrandbits(80):020x}",
        choice=dice.choice(("all", "needed", "statistics")),
        given=_seconds(today - timedelta(days=given)),
        ended=_seconds(today - timedelta(days=dice.randint(1, min(given, 420)))) if ended else 0,
        contested=False,
    )
