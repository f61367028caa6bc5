"""`retention run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from retention.cli import verbs
from retention.cli.answers import answer
from retention.cli.asking import Asker, screen_to_ask_on
from retention.cli.options import Amount, Given, as_of_option, connector_option, format_option, rule_option
from retention.cli.session import Session, now
from retention.cli.stopping import StopSignals
from retention.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console


@click.command()
@click.option("--plan", "plan_id", metavar="ID", type=Given("id"), help="Carry out this stored plan.")
@rule_option("Only this rule acts; the others still protect. May be repeated.")
@connector_option("Only on this connector. May be repeated.")
@as_of_option("Due then, not later than now: a date, or an RFC 3339 instant.  [default: now]")
@click.option(
    "--limit",
    metavar="N",
    type=Amount(),
    help="At most N records a job, the oldest first: a canary.",
)
@click.option("--yes", is_flag=True, help="Do not ask. Approves nothing: what waits for approval stays.")
@format_option()
@click.pass_obj
def run(
    session: Session,
    plan_id: str | None,
    rules: tuple[str, ...],
    connectors: tuple[str, ...],
    as_of: str | None,
    limit: int | None,
    yes: bool,
    form: str,
) -> int:
    """Delete what is due now, asking first on a terminal.

    A yes to the question also approves what waits for approval, in your name. The first Ctrl-C
    stops after the batch at hand, the second at once.
    """
    if plan_id is not None and as_of is not None:
        raise UsageError("--plan and --as-of exclude each other: a plan has its own instant")
    screen = None if yes else screen_to_ask_on(form)
    by = session.by
    with session.progress() as progress, StopSignals() as signals:
        asker = (
            Asker(by=by, progress=progress, signals=signals, screen=screen, limit=limit) if screen else None
        )
        outcome = verbs.run(
            session.place,
            plan_id=plan_id,
            rules=rules,
            connectors=connectors,
            as_of=as_of,
            limit=limit,
            by=by,
            clock=now,
            progress=progress,
            confirm=asker,
            stop=signals,
        )

    from retention.cli.exits import exit_of_run
    from retention.model.documents import run_document

    def text(console: Console) -> None:
        from retention.report.outcome import show_outcome

        show_outcome(console, outcome)

    answer(form, lambda: run_document(outcome), text)
    return exit_of_run(outcome, declined=asker is not None and asker.declined)
