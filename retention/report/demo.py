"""The demo on a terminal: chapters, paragraphs, and the real reports between them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from retention.model.audit import Verification
from retention.model.explanation import Explanation
from retention.model.outcome import RunOutcome
from retention.model.plan import Plan
from retention.model.screen import DemoScreen
from retention.report.console import line
from retention.report.escape import shown
from retention.report.explanation import show_explanation
from retention.report.ledger import show_verification
from retention.report.outcome import show_outcome
from retention.report.plan import headline, show_plan


class TextScreen(DemoScreen):
    """A `DemoScreen` on a console."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def heading(self, text: str) -> None:
        if self._console.is_terminal:
            self._console.print(Rule(Text(shown(text), style="heading"), align="left"))
        else:
            self._console.print(Text(f"== {shown(text)} =="))
        self._console.print()

    def text(self, text: str) -> None:
        line(self._console, text)
        self._console.print()

    def plan(self, plan: Plan) -> None:
        show_plan(self._console, plan, next_steps=False)
        self._console.print()

    def later_plan(self, plan: Plan) -> None:
        line(self._console, headline(plan), style="title")
        self._console.print()

    def outcome(self, outcome: RunOutcome) -> None:
        show_outcome(self._console, outcome, brief=True)
        self._console.print()

    def verification(self, verification: Verification) -> None:
        show_verification(self._console, verification)
        self._console.print()

    def explanation(self, explanation: Explanation) -> None:
        show_explanation(self._console, explanation, brief=True)
        self._console.print()

    def commands(self, lines: Sequence[str]) -> None:
        for text in lines:
            self._console.print(Text(f"  {shown(text)}", style="command"), soft_wrap=True)
