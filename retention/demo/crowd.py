"""Everybody else: a company's named records, and a crowd around them that is the same every time."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import sqlalchemy as sa

from retention.demo.dice import Dice
from retention.demo.filling import Filling
from retention.demo.making import Making
from retention.demo.people import People


class Crowd(abc.ABC):
    """People of eight years, nothing of them later than yesterday. `locale`: Faker's, for their names."""

    locale: ClassVar[str]

    def __init__(self, rows: Filling, making: Making, dice: Dice) -> None:
        self._rows = rows
        self._today = making.today
        self._dice = dice
        self._people = People(dice, self.locale)

    @abc.abstractmethod
    def one(self) -> None:
        """The next person, with what belongs to them."""


@dataclass(frozen=True, kw_only=True)
class Filled:
    """`people` of the crowd, `rows` in all; `keys`: what names each record → its key."""

    people: int
    rows: int
    keys: Mapping[str, str]


def filled(
    making: Making,
    stores: Mapping[str, sa.MetaData],
    named: Callable[[Filling, date], Mapping[str, str]],
    crowd: type[Crowd],
    *,
    seed: str,
    people: int,
    doing: str,
) -> Filled:
    """Writes a company's stores: `named` first, then `people` of a crowd at scale 1. `doing`: for the progress bar."""
    dice = Dice(seed)
    count = people * making.scale
    making.progress.start(doing, count)
    with Filling(making, stores) as rows:
        keys = named(rows, making.today)
        others = crowd(rows, making, dice)
        for _ in range(count):
            others.one()
            making.progress.advance(1)
    making.progress.finish()
    return Filled(people=count, rows=rows.count, keys=keys)
