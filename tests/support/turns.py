"""What of a test with many cases is held against the engine in every run: one database of several, each in its turn,
and where it says so one case in so many.
"""

from __future__ import annotations

import zlib
from collections import defaultdict

import pytest

_DATABASES = ("sqlite", "postgresql", "mariadb")
_ROOMS = ("acceptance", "contract", "faults", "integration")
_EXAMPLE = "told"
"""The parameter of a test that holds the engine against a worked example."""


def take_turns(items: list[pytest.Item]) -> None:
    """Marks a test as heavy on all databases but one, which its name decides: `make test` and `make faults` together
    run it on every one, and so does whoever runs its file.
    """
    alike: dict[str, dict[str, pytest.Item]] = defaultdict(dict)
    for item in items:
        given = getattr(item, "callspec", None)
        if given is None or not (_EXAMPLE in given.params or any(room in item.path.parts for room in _ROOMS)):
            continue
        words = given.id.split("-")
        found = [word for word in words if word in _DATABASES]
        if len(found) == 1:
            rest = "-".join(word for word in words if word != found[0])
            alike[f"{item.path.name}::{getattr(item, 'originalname', item.name)}[{rest}]"][found[0]] = item
    for name, by_database in alike.items():
        databases = sorted(by_database)
        turn = databases[zlib.crc32(name.encode()) % len(databases)]
        for database, item in by_database.items():
            if database != turn:
                item.add_marker(pytest.mark.heavy)
    _one_in_so_many(items)


def _one_in_so_many(items: list[pytest.Item]) -> None:
    """Of a test marked with `one_in(n)` the first case and every nth behind it are in `make test`."""
    met: dict[str, int] = defaultdict(int)
    for item in items:
        marked = item.get_closest_marker("one_in")
        if marked is None or item.get_closest_marker("heavy") is not None:
            continue
        name = f"{item.path}::{getattr(item, 'originalname', item.name)}"
        met[name] += 1
        if (met[name] - 1) % marked.args[0]:
            item.add_marker(pytest.mark.heavy)
