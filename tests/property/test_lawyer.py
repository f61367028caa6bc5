"""The evaluator of fate agrees with the worked examples."""

from __future__ import annotations

import pytest

from tests.oracles.lawyer import examples_fate, examples_time, situations

EXAMPLES = [*examples_time.examples(), *examples_fate.examples()]


@pytest.mark.parametrize("told", EXAMPLES, ids=lambda told: told.name)
def test_the_evaluator_agrees_with_the_worked_example(told):
    assert situations.differences(told) == []
