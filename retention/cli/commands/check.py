"""`retention check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from retention.cli import verbs
from retention.cli.answers import answer
from retention.cli.exits import exit_of_check
from retention.cli.groups import later_option
from retention.cli.options import format_option
from retention.cli.session import Session, now

if TYPE_CHECKING:
    from rich.console import Console


@click.command()
@click.option("--offline", is_flag=True, help="Read the files only, and no database: for pull requests.")
@later_option("--roles")
@later_option("--coverage")
@format_option()
@click.pass_obj
def check(session: Session, offline: bool, form: str) -> int:
    """Check files and live schemas: every problem at once.

    Each problem says where it is, what was found, and what to write instead. Exits with 3 while there
    are any, with 5 where they are no more than databases that do not answer.
    """
    report = verbs.check(session.place, offline=offline, clock=now)
    from retention.report.documents import check_document

    def text(console: Console) -> None:
        from retention.report.problems import show_check

        show_check(console, report)

    answer(form, lambda: check_document(report), text)
    return exit_of_check(report)
