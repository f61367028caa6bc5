"""What the demo shows, step by step, to a screen that it knows nothing about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from retention.model.explanation import Explanation, Verification
from retention.model.outcome import RunOutcome
from retention.model.plan import Plan


class DemoScreen(Protocol):
    """Steps come in the order in which a reader should see them; a heading opens each chapter.

    `text` is one paragraph in plain words, wrapped by the screen. `commands` are lines that the
    reader can type next, without a prompt sign.
    """

    def heading(self, text: str) -> None: ...

    def text(self, text: str) -> None: ...

    def plan(self, plan: Plan) -> None: ...

    def later_plan(self, plan: Plan) -> None:
        """A plan made after the run: what is left to do is enough to show."""

    def outcome(self, outcome: RunOutcome) -> None: ...

    def verification(self, verification: Verification) -> None: ...

    def explanation(self, explanation: Explanation) -> None: ...

    def commands(self, lines: Sequence[str]) -> None: ...
