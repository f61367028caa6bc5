"""A company in which somebody writes while a run is under way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from retention.verbs.running import execution
from tests.oracles.lawyer.generate import Case
from tests.oracles.lawyer.harness import Harness
from tests.oracles.lawyer.world import Row


def changed_meanwhile(
    court: Harness, monkeypatch: pytest.MonkeyPatch, case: Case, table: str, changes: Mapping[int, Any]
) -> dict[str, Any]:
    """A run during which rows of `table` change, when what is due is written down; what each rule's job came to."""
    rows = [Row({**row, **changes.get(row["id"], {})}) for row in case.world.rows[table]]
    changed = case.but(rows={**case.world.rows, table: rows})
    before = execution.remember

    def meanwhile(*given: Any) -> Any:
        found = before(*given)
        court.place.fill(changed)
        return found

    court.set_up(case)
    court.remember(case)
    monkeypatch.setattr(execution, "remember", meanwhile)
    return {job.rule: job for job in court.run(case).jobs if job.planned}
