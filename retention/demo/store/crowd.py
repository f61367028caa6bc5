"""The store's other customers: some hundreds of invented people who buy things, and some who left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from retention.demo.dice import Dice
from retention.demo.store.lines import at
from retention.demo.store.rows import Customer, Order

CUSTOMERS = 310
_HISTORY = 8 * 365  # how many days ago the first of them came

_FIRST_NAMES = (
    "Alva Brage Cilje Dagny Eilert Frøya Gaute Hedda Ivar Jorunn Kjersti Leif Mirjam Njål Oda Peder Ragna"
    " Sindre Tiril Ulrik Vilde Yngve Åshild Ørjan"
)
_LAST_NAMES = (
    "Askeland Bjørkvik Dalbakk Elvestrand Fjellvang Granmo Heimlund Innvik Kvernmo Lyngstad Myrvang Nesdal"
    " Ospelund Rognstad Skogheim Tindvik Utgård Vassbotn Ytrebø Øvrelid"
)
_STREETS = "Bekkefaret Elgtråkket Furuveien Lyngstien Måkeveien Nordsvingen Rognebakken Tyttebærlia"

FIRST_NAMES = tuple(_FIRST_NAMES.split())
LAST_NAMES = tuple(_LAST_NAMES.split())
STREETS = tuple(_STREETS.split())
PLACES = (("0001", "Storvik"), ("1490", "Lilleelv"), ("4060", "Vindnes"), ("7088", "Fjordheim"))

_ASCII = str.maketrans("æøåÆØÅ", "aoaAOA")


def crowd(today: date, dice: Dice, count: int = CUSTOMERS) -> Iterator[Customer]:
    """The same people for the same dice; nothing of theirs happened later than yesterday."""
    for number in range(1, count + 1):
        first, last = dice.choice(FIRST_NAMES), dice.choice(LAST_NAMES)
        joined = dice.randint(30, _HISTORY)
        left = dice.randint(1, min(joined, 600)) if dice.random() < 0.6 else dice.randint(1, joined)
        visited = today - timedelta(days=left)
        logged_in = dice.random() < 0.9
        yield Customer(
            name=f"{first} {last}",
            email=f"{first}.{last}.{number}@example.com".translate(_ASCII).lower(),
            created=_at(today - timedelta(days=joined), dice),
            last_login=_at(visited, dice) if logged_in else None,
            orders=tuple(_orders(today, joined, left, dice)),
        )


def _orders(today: date, joined: int, left: int, dice: Dice) -> Iterator[Order]:
    busy = 1 + round((joined - left) / 170)
    count = 0 if dice.random() < 0.12 else dice.randint(1, 2 * busy)
    for ago in sorted((dice.randint(left, joined) for _ in range(count)), reverse=True):
        created = today - timedelta(days=ago)
        invoiced = created + timedelta(days=dice.randint(0, 4))
        credited = created + timedelta(days=dice.randint(5, 60))
        is_credited = dice.random() < 0.04
        yield Order(
            reference="",  # numbered by the database
            created=_at(created, dice),
            invoiced=_at(invoiced, dice) if invoiced < today else None,
            credit_notes=(_at(credited, dice),) if is_credited and credited < today else (),
        )


def _at(day: date, dice: Dice) -> str:
    return at(day, f"{dice.randint(7, 22):02}:{dice.randint(0, 59):02}:{dice.randint(0, 59):02}")
