"""Engines whose plan is right, and whose run is wrong in one place, are told from the right one by what is left."""

from __future__ import annotations

from typing import Any

import pytest

from retention.model import predicate as p
from retention.planning.fates.results import Results
from tests.oracles.lawyer import examples_found
from tests.oracles.lawyer.harness import Harness, asked
from tests.support.meanwhile import changed_meanwhile

Patch = pytest.MonkeyPatch


def put_off_where_nothing_tells_the_end_any_more(patch: Patch) -> None:
    """A batch puts a record off whose rows are gone that told when it may be put off no longer."""
    right = Results.deferred
    patch.setattr(Results, "deferred", lambda *given, gone=False: right(*given))


def not_asked_again_what_puts_off(patch: Patch) -> None:
    """A batch takes it that what put nothing off before the run does not now."""
    patch.setattr(Results, "_not_put_off", lambda *given: p.All(items=()))


@pytest.mark.one_in(5)
@pytest.mark.parametrize(
    ("action", "by"),
    [
        *((action, "itself") for action in ("restrict", "delete", "pseudonymize")),
        *((action, "another rule") for action in ("delete", "pseudonymize")),
    ],
)
def test_a_run_that_puts_off_where_nothing_tells_the_end_any_more_leaves_the_record(
    on_sqlite: Harness, monkeypatch: Patch, action: str, by: str
) -> None:
    made = examples_found.put_off_no_longer(action, by).case
    assert asked(on_sqlite, made) == []
    put_off_where_nothing_tells_the_end_any_more(monkeypatch)
    assert asked(on_sqlite, made, carried_out=False) == []
    assert asked(on_sqlite, made) != []


def test_a_run_that_does_not_ask_again_what_puts_off_takes_what_is_disputed_meanwhile(
    on_sqlite: Harness, monkeypatch: Patch
) -> None:
    made = examples_found.put_off_no_longer("delete", "itself", at_most="20 years", active=False).case

    def done() -> Any:
        with monkeypatch.context() as patch:
            return changed_meanwhile(on_sqlite, patch, made, "members", {1: {"active": True}})["r"].done

    assert done() == 0
    not_asked_again_what_puts_off(monkeypatch)
    assert done() == 1
