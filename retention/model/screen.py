"""What the demo shows, step by step, to a screen that it knows nothing about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from retention.model.audit import Verification
    from retention.model.explanation import Explanation
    from retention.model.outcome import RunOutcome
    from retention.model.plan import Plan


class DemoScreen(Protocol):
    """Steps come in the order in which a reader should see them; a heading opens each chapter.

    `text` is one paragraph in plain words, wrapped by the screen. `commands` are lines that the
    reader can type next, without a prompt sign.
    """

    def heading(self, text: str) -> None:
        """Opens a chapter."""

    def text(self, text: str) -> None:
        """One paragraph."""

    def plan(self, plan: Plan) -> None:
        """A dry run."""

    def later_plan(self, plan: Plan) -> None:
        """A plan made after the run: what is left to do is enough to show."""

    def outcome(self, outcome: RunOutcome) -> None:
        """What a run did."""

    def verification(self, verification: Verification) -> None:
        """A ledger that verifies."""

    def explanation(self, explanation: Explanation) -> None:
        """One record's fate."""

    def commands(self, lines: Sequence[str]) -> None:
        """Lines to type next."""
