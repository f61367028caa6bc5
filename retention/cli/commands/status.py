"""`retention status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from retention.cli import verbs
from retention.cli.answers import answer
from retention.cli.options import format_option
from retention.cli.session import Session, now

if TYPE_CHECKING:
    from rich.console import Console


@click.command()
@format_option()
@click.pass_obj
def status(session: Session, form: str) -> int:
    """Show what ran, what is next, overdue, or waiting."""
    found = verbs.status(session.place, clock=now)
    from retention.report.documents import status_document

    def text(console: Console) -> None:
        from retention.report.status import show_status

        show_status(console, found)

    answer(form, lambda: status_document(found), text)
    return 0
