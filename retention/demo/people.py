"""Invented people: names and places by Faker, drawn again and again from a few hundred."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from retention.demo.dice import Dice

_NAMES = 300
_INVENTED = [f"faker.providers.{what}" for what in ("address", "company", "person")]
"""What is invented of them: all that Faker could invent besides takes longer to load than a demo to build."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """Nobody in particular. `email` is of a domain that nobody can own."""

    name: str
    email: str
    phone: str
    city: str
    company: str


class People:
    """The same people for the same dice, number by number."""

    def __init__(self, dice: Dice, locale: str) -> None:
        """`locale`: one of Faker's, such as `it_IT`."""
        from faker import Faker

        faker = Faker(locale, providers=_INVENTED)
        faker.seed_instance(dice.randint(1, 1_000_000))
        self._dice = dice
        self._number = 0
        self._first = [faker.first_name() for _ in range(_NAMES)]
        self._last = [faker.last_name() for _ in range(_NAMES)]
        self._cities = [faker.city() for _ in range(60)]
        self._companies = [faker.company() for _ in range(_NAMES)]

    def one(self) -> Person:
        """The next one."""
        self._number += 1
        first, last = self._dice.choice(self._first), self._dice.choice(self._last)
        return Person(
            name=f"{first} {last}",
            email=f"{plain(first)}.{plain(last)}.{self._number}@example.com",
            phone=f"000 {self._dice.randint(10, 99)} {self._dice.randint(1000, 9999)}",
            city=self._dice.choice(self._cities),
            company=self._dice.choice(self._companies),
        )


def plain(name: str) -> str:
    """Letters and digits alone, as in an address."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c for c in letters if c.isascii() and c.isalnum())


def mail(name: str) -> str:
    """The address of somebody whose name says what becomes of the record: its words before the colon."""
    words = unicodedata.normalize("NFKD", name.partition(":")[0].casefold())
    kept = "".join(c if c.isascii() and c.isalnum() else "." for c in words)
    return ".".join(part for part in kept.split(".") if part) + "@example.com"
