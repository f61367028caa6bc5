"""`retention approve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from retention.cli import verbs
from retention.cli.answers import answer
from retention.cli.options import Given, format_option, rule_option
from retention.cli.session import Session, now

if TYPE_CHECKING:
    from rich.console import Console


@click.command()
@click.argument("plan_id", metavar="PLAN", type=Given("plan"))
@rule_option("Only this rule of the plan. May be repeated.  [default: all that wait]")
@click.option(
    "--over-limit",
    metavar="RULE",
    multiple=True,
    type=Given("rule"),
    help="Let this rule go above its limits in this plan. May be repeated.",
)
@format_option()
@click.pass_obj
def approve(
    session: Session, plan_id: str, rules: tuple[str, ...], over_limit: tuple[str, ...], form: str
) -> int:
    """Approve a plan, in your name.

    What run --plan carries out is then what was approved: the same rules, databases and schemas, never
    more records. A rule's form stays approved, and later nights run with plans of their own.
    """
    by = session.by
    lines = verbs.approve(session.place, plan_id, rules=rules, over_limit=over_limit, by=by, clock=now)
    from retention.report.documents import approve_document

    def text(console: Console) -> None:
        from retention.report.outcome import show_approvals

        show_approvals(console, plan_id, by, lines)

    answer(form, lambda: approve_document(plan_id, by, lines), text)
    return 0
