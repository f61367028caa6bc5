"""A record that was given back from its vault, for people."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from retention.model.vault import GivenBack
from retention.report.console import Facts, line
from retention.report.words import listed, number


def show_given_back(console: Console, done: GivenBack) -> None:
    """From where to where, how many rows, why; and what may take it away again."""
    line(console, f"The record is back: from {done.vault} to {done.dataset}.", style="good")
    facts = Facts(width=11)
    facts.add("Rows", listed([f"{number(count)} of {table}" for table, count in done.rows.items() if count]))
    facts.add("Why", done.reason + (f", {done.ref}" if done.ref else ""))
    facts.add("When", f"{done.at:%Y-%m-%d %H:%M:%S %Z}, by {done.by}")
    facts.add("Ledger", f"run {done.run}")
    if done.rules:
        rules = f"{listed(list(done.rules))} will restrict it again, unless what the rule goes by has changed"
        facts.add("Next run", Text(rules, style="warn"))
    facts.show(console)
