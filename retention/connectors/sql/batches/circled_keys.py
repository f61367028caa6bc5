"""Due records of jobs on several datasets, written down together.

Keys of different tables look alike: here each stands behind the number of its dataset.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from retention.connectors.port import Key
from retention.connectors.sql.batches.remembering import RememberedKeys, Was, text_of
from retention.connectors.sql.batches.together import RememberedTogether
from retention.connectors.sql.positions import frozen


class RememberedCircle(RememberedTogether):
    """What jobs on several datasets have written down, until `divide` leaves what none of them can take by itself."""

    def __init__(self, every: Sequence[RememberedKeys], numbers: Sequence[int]) -> None:
        """`every`: what each job has due, by its place; `numbers`: of which dataset that is."""
        self._numbers = numbers
        super().__init__(every)

    def text_here(self, place: int, text: str) -> str:
        return json.dumps([*frozen((self._numbers[place],)), *json.loads(text)])

    def texts(self, place: int) -> Iterator[str]:
        for text in super().texts(place):
            yield json.dumps(json.loads(text)[1:])

    def lead(self, rows: Iterable[Sequence[Any]], width: int, here: int, there: int) -> None:
        """`rows`: the key of a record of the dataset `here`, of `width` values, and of one of `there` it refers to."""
        self._linked((text_of((here, *row[:width])), text_of((there, *row[width:]))) for row in rows)

    def plain(self, key: Key) -> Key:
        return key[1:]

    def number(self, place: int) -> int:
        """The dataset's of a job."""
        return self._numbers[place]


class OfOne(RememberedTogether):
    """The records of one dataset among them, by their own keys."""

    def __init__(self, every: RememberedCircle, number: int) -> None:
        self._every, self._number = every, number

    def owners(self, keys: Sequence[Key]) -> Mapping[Key, int]:
        found = self._every.owners([(self._number, *key) for key in keys])
        return {key[1:]: place for key, place in found.items()}

    def among(self, keys: Sequence[Key]) -> Mapping[Key, Was]:
        found = self._every.among([(self._number, *key) for key in keys])
        return {key[1:]: was for key, was in found.items()}
