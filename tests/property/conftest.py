"""What wrong engines are held against: one worked example each, which the engine as it is passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.oracles.lawyer import places
from tests.oracles.lawyer.generate import Case
from tests.oracles.lawyer.harness import Harness, asked

ToldApart = Callable[[Case, Callable[[pytest.MonkeyPatch], None]], None]


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    folder = tmp_path_factory.mktemp("court")
    place = places.opened("sqlite", folder)
    yield Harness(folder / "files", place)
    place.close()


@pytest.fixture
def told_apart(on_sqlite: Harness, monkeypatch: pytest.MonkeyPatch) -> ToldApart:
    """`told_apart(case, mutant)`: the engine agrees with the evaluator on the case, and the mutant does not."""

    def held(case: Case, mutant: Callable[[pytest.MonkeyPatch], None]) -> None:
        assert asked(on_sqlite, case) == []
        mutant(monkeypatch)
        assert asked(on_sqlite, case) != []

    return held
