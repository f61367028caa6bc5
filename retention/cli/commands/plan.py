"""`retention plan`, `plan list`, `plan show`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from retention.cli import verbs
from retention.cli.answers import answer, check_output
from retention.cli.exits import DONE, PARTIAL, exit_of_plan
from retention.cli.groups import LazyGroup, later_option
from retention.cli.options import Given, as_of_option, connector_option, format_option, rule_option
from retention.cli.session import Session, now
from retention.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from retention.model.plan import Plan

TABLE = {
    "list": "retention.cli.commands.plan:listed",
    "show": "retention.cli.commands.plan:stored",
}


@click.command(
    cls=LazyGroup,
    table=TABLE,
    invoke_without_command=True,
    subcommand_metavar="[list | show ID]",
)
@rule_option("Only this rule acts; the others still protect. May be repeated.")
@connector_option("Only on this connector. May be repeated.")
@as_of_option("What would be due then: a date, or an RFC 3339 instant.  [default: now]")
@later_option("--forecast", value=True)
@format_option("csv", "html", "markdown")
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the report to this file, for your eyes only; an earlier report is replaced.",
)
@click.option("--sql", is_flag=True, help="Show the statements that a run would send.")
@click.option("--exit-code", is_flag=True, help="Exit with 7 when something is due.")
@click.pass_context
def plan(
    ctx: click.Context,
    rules: tuple[str, ...],
    connectors: tuple[str, ...],
    as_of: str | None,
    form: str,
    output: Path | None,
    sql: bool,
    exit_code: bool,
) -> int:
    """Show what would be deleted, and why. Changes nothing.

    Works without a state store; with one, the plan is kept there to be approved and run.
    """
    if ctx.invoked_subcommand is not None:
        _no_options_before(ctx)
        return DONE
    session: Session = ctx.obj
    if sql and exit_code:
        raise UsageError("--exit-code tells whether something is due, and --sql shows statements only")
    if output is not None:
        check_output(output)
        verbs.refuse_output(session.place, output)
    if sql:
        return _statements(session, rules, connectors, as_of, form, output)
    with session.progress() as progress:
        made = verbs.plan(
            session.place,
            as_of=as_of,
            rules=rules,
            connectors=connectors,
            clock=now,
            progress=progress,
        )
    _show(made, form, output)
    return exit_of_plan(made, ask=exit_code)


def _no_options_before(ctx: click.Context) -> None:
    """An option of the dry run would have no effect on `list` and `show`: it is refused, not ignored."""
    for parameter in ctx.command.params:
        if parameter.name and ctx.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE:
            word = ctx.invoked_subcommand
            raise UsageError(
                f"{parameter.opts[0]} before '{word}' has no effect; 'retention plan {word} --help' lists"
                f" the options of '{word}'"
            )


def _show(made: Plan, form: str, output: Path | None = None) -> None:
    from retention.model.documents import plan_document

    def text(console: Console) -> None:
        from retention.report.plan import show_plan

        show_plan(console, made, now=now())

    answer(form, lambda: plan_document(made), text, output)


def _statements(
    session: Session,
    rules: tuple[str, ...],
    connectors: tuple[str, ...],
    as_of: str | None,
    form: str,
    output: Path | None,
) -> int:
    with session.progress() as progress:
        found = verbs.statements(
            session.place, as_of=as_of, rules=rules, connectors=connectors, clock=now, progress=progress
        )
    from retention.report.documents import statements_document

    def text(console: Console) -> None:
        from retention.report.plan import show_statements

        show_statements(console, found)

    answer(form, lambda: statements_document(found), text, output)
    return PARTIAL if any(each.reason for each in found) else DONE


@click.command("list")
@format_option()
@click.pass_obj
def listed(session: Session, form: str) -> int:
    """List the stored plans."""
    plans = verbs.listed(session.place)
    from retention.report.documents import plans_document

    def text(console: Console) -> None:
        from retention.report.plan import show_plans

        show_plans(console, plans)

    answer(form, lambda: plans_document(plans), text)
    return DONE


@click.command("show")
@click.argument("plan_id", metavar="ID", type=Given("id"))
@format_option()
@click.pass_obj
def stored(session: Session, plan_id: str, form: str) -> int:
    """Show a stored plan."""
    _show(verbs.stored(session.place, plan_id), form)
    return DONE
