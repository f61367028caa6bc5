"""Which of the worked examples are in every run: all on SQLite, and of those on servers one in three."""

from __future__ import annotations

import pytest

from tests.acceptance.test_worked_examples import EXAMPLES

_EACH = 3


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the others as heavy."""
    places = {example.id: place for place, example in enumerate(EXAMPLES)}
    for item in items:
        given = getattr(item, "callspec", None)
        if item.path.name != "test_worked_examples.py" or given is None or "example" not in given.params:
            continue
        on_a_server = "sqlite" not in given.id
        if on_a_server and places[given.params["example"].id] % _EACH:
            item.add_marker(pytest.mark.heavy)
