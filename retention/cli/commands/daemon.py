"""`retention daemon`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from retention.cli import verbs
from retention.cli.answers import answer
from retention.cli.exits import DONE
from retention.cli.options import format_option
from retention.cli.session import Session, now
from retention.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console


@click.command()
@click.option("--print-schedule", is_flag=True, help="Show when each rule runs next, and end.")
@format_option()
@click.pass_obj
def daemon(session: Session, print_schedule: bool, form: str) -> int:
    """Run rules on schedule. (So far it only shows when.)"""
    if not print_schedule:
        raise UsageError("'retention daemon' is not supported yet, but for --print-schedule")
    return _times(session, form)


def _times(session: Session, form: str) -> int:
    lines = verbs.print_schedule(session.place, clock=now)
    from retention.report.documents import schedule_document

    def text(console: Console) -> None:
        from retention.report.status import show_schedule

        show_schedule(console, lines)

    answer(form, lambda: schedule_document(lines), text)
    return DONE
