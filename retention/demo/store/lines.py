"""Records on every side of every line of the policy. Each says in its name what it is there for."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import date, timedelta

from retention.demo.store.rows import Customer, Order

DUE_ORDER = "BOOKED 31 DEC, LAST DAY THAT IS DUE"
UNDATED_ORDER = "NO DATE: UNDATED"
KEPT_ACCOUNT = "Inactive, kept by an order"


def at(day: date, time: str = "10:15:00") -> str:
    """A wall-clock time as the store's system writes it."""
    return f"{day.isoformat()} {time}"


def first_kept_booking(today: date) -> date:
    """Orders booked from this day on stay: the fifth accounting year after theirs is not over yet."""
    return date(today.year - 5, 1, 1)


def first_kept_activity(today: date) -> date:
    """Accounts last used on this day or later stay: the 24 months after it are not over yet."""
    day = today
    while _over(day - timedelta(days=1)) >= today:
        day -= timedelta(days=1)
    return day


def _over(day: date) -> date:
    """The last of the 24 months that begin after `day`."""
    last = calendar.monthrange(day.year + 2, day.month)[1]
    return date(day.year + 2, day.month, min(day.day, last))


def named_customers(today: date) -> tuple[Customer, ...]:
    """All of them; the first one has the orders that speak for themselves."""
    yesterday = today - timedelta(days=1)
    regular = Customer(
        name="Logged in yesterday: stays",
        email="regular@example.com",
        created=at(_before(today, years=9)),
        last_login=at(yesterday),
        orders=(*_booked(today), *_with_credit_notes(today), *_hard_to_read(today)),
    )
    return (regular, *_quiet(today), *_with_orders(today), *_without_a_clear_date(today))


def _before(day: date, *, years: int) -> date:
    return day - timedelta(days=365 * years + years // 4)


# -- orders --------------------------------------------------------------------------------


def _booked(today: date) -> Sequence[Order]:
    stays = first_kept_booking(today)
    due = stays - timedelta(days=1)
    soon = today + timedelta(days=45)
    return (
        Order(reference=DUE_ORDER, created=at(due, "23:41:07"), invoiced=at(due, "23:59:59")),
        Order(
            reference="BOOKED 1 JAN, FIRST DAY THAT STAYS",
            created=at(stays, "00:00:00"),
            invoiced=at(stays, "00:00:00"),
        ),
        Order(
            reference="ORDERED 31 DEC, INVOICED 2 JAN: STAYS",
            created=at(due),
            invoiced=at(stays + timedelta(days=1)),
        ),
        Order(
            reference="23:30 IN LONDON, NEXT YEAR IN OSLO: STAYS",
            created=f"{due.isoformat()}T23:30:00+00:00",
        ),
        Order(reference="NEVER INVOICED, AND OLD: DUE", created=at(due - timedelta(days=400))),
        Order(reference="IN THE FUTURE: NOT DUE", created=at(soon)),
        Order(
            reference="OLD, TO BE INVOICED IN THE FUTURE: NOT DUE",
            created=at(due - timedelta(days=300)),
            invoiced=at(soon),
        ),
    )


def _with_credit_notes(today: date) -> Sequence[Order]:
    stays = first_kept_booking(today)
    ordered = stays - timedelta(days=200)
    invoiced = at(ordered + timedelta(days=1))
    return (
        Order(
            reference="CREDIT NOTE LATER THAN THE ORDER KEEPS IT",
            created=at(ordered),
            invoiced=invoiced,
            credit_notes=(at(stays + timedelta(days=40)),),
        ),
        Order(
            reference="CREDIT NOTES OF THE SAME YEAR GO WITH IT: DUE",
            created=at(ordered),
            invoiced=invoiced,
            credit_notes=(at(ordered + timedelta(days=9)), at(stays - timedelta(days=1), "23:59:59")),
        ),
        Order(
            reference="CREDIT NOTE WITHOUT A DATE: UNCLEAR",
            created=at(ordered),
            invoiced=invoiced,
            credit_notes=(None,),
        ),
    )


def _hard_to_read(today: date) -> Sequence[Order]:
    old = first_kept_booking(today) - timedelta(days=500)
    return (
        Order(reference="INVOICE DATE OF ZEROES: UNCLEAR", created=at(old), invoiced="0000-00-00 00:00:00"),
        Order(reference="INVOICED ON 1 JAN 1970: UNCLEAR", created=at(old), invoiced="1970-01-01 00:00:00"),
    )


# -- accounts ------------------------------------------------------------------------------


def _quiet(today: date) -> Sequence[Customer]:
    """Accounts without orders."""
    stays = first_kept_activity(today)
    due = stays - timedelta(days=1)
    return (
        Customer(
            name="Inactive since the last day that is due",
            email="last.day@example.com",
            created=at(_before(today, years=4)),
            last_login=at(due, "23:59:59"),
        ),
        Customer(
            name="Inactive since the first day that stays",
            email="first.day@example.com",
            created=at(_before(today, years=4)),
            last_login=at(stays, "00:00:00"),
        ),
        Customer(
            name="Never ordered, never logged in, old: due",
            email="never.used@example.com",
            created=at(_before(today, years=3)),
        ),
        Customer(
            name="Never ordered, never logged in, new: stays",
            email="new@example.com",
            created=at(today - timedelta(days=30)),
        ),
        Customer(
            name="Never ordered, logged in last month: stays",
            email="window.shopper@example.com",
            created=at(_before(today, years=6)),
            last_login=at(today - timedelta(days=31)),
        ),
        Customer(
            name="Logged in in the future: not due",
            email="wrong.clock@example.com",
            created=at(_before(today, years=5)),
            last_login=at(today + timedelta(days=200)),
        ),
    )


def _with_orders(today: date) -> Sequence[Customer]:
    long_ago = date(first_kept_booking(today).year - 1, 5, 17)
    lately = today - timedelta(days=1_100)
    opened = at(long_ago - timedelta(days=90))

    def order(reference: str, day: date) -> Order:
        return Order(reference=reference, created=at(day), invoiced=at(day + timedelta(days=2)))

    return (
        Customer(
            name=KEPT_ACCOUNT,
            email="kept@example.com",
            created=opened,
            last_login=at(lately),
            orders=(order("KEEPS ITS INACTIVE ACCOUNT", lately),),
        ),
        Customer(
            name="Inactive, whose only order goes in the same run: due",
            email="goes.too@example.com",
            created=opened,
            last_login=at(long_ago + timedelta(days=20)),
            orders=(order("GOES, AND ITS ACCOUNT AFTER IT", long_ago),),
        ),
        Customer(
            name="Inactive, one of two orders goes: kept",
            email="half@example.com",
            created=opened,
            orders=(
                order("GOES, THE OTHER ONE STAYS", long_ago),
                order("STAYS, AND KEEPS THE ACCOUNT", lately),
            ),
        ),
        Customer(
            name="Ordered last month, never logged in: stays",
            email="guest@example.com",
            created=opened,
            orders=(order("ORDERED LAST MONTH", today - timedelta(days=31)),),
        ),
    )


def _without_a_clear_date(today: date) -> Sequence[Customer]:
    opened = _before(today, years=8)
    old = first_kept_booking(today) - timedelta(days=420)
    return (
        Customer(
            name="Has an order without a date: unclear",
            email="paper@example.com",
            created=at(opened),
            orders=(Order(reference=UNDATED_ORDER, created=None),),
        ),
        Customer(
            name="Has an order of an unreadable date: unclear",
            email="imported@example.com",
            created=at(opened),
            orders=(Order(reference="UNREADABLE DATE: UNCLEAR", created=f"{old:%d.%m.%Y} 10:22"),),
        ),
        Customer(
            name="Last login unreadable: unclear",
            email="unreadable@example.com",
            created=at(opened),
            last_login="i fjor sommer",
        ),
    )
