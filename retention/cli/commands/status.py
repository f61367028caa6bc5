"""`retention status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from retention.cli import verbs
from retention.cli.answers import answer
from retention.cli.exits import exit_of_status
from retention.cli.options import format_option
from retention.cli.session import Session, now

if TYPE_CHECKING:
    from rich.console import Console


@click.command()
@click.option(
    "--exit-code",
    "ask",
    is_flag=True,
    help="Exit with 4 while everything is stopped or something waits for a person, with 5 while something"
    " is overdue, has failed, or is in doubt.",
)
@format_option()
@click.pass_obj
def status(session: Session, ask: bool, form: str) -> int:
    """Show what ran, what is next, overdue, or waiting."""
    found = verbs.status(session.place, clock=now)
    from retention.report.documents import status_document

    def text(console: Console) -> None:
        from retention.report.status import show_status

        show_status(console, found)

    answer(form, lambda: status_document(found), text)
    return exit_of_status(found, ask=ask)
