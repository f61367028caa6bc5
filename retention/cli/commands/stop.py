"""`retention stop`, `retention resume`: the kill switch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from retention.cli import verbs
from retention.cli.answers import answer
from retention.cli.exits import DONE, PARTIAL
from retention.cli.options import Given, format_option
from retention.cli.people import by_option, ref_option
from retention.cli.session import Session, now

if TYPE_CHECKING:
    from rich.console import Console


@click.command()
@click.option(
    "--reason", metavar="WORDS", required=True, type=Given("words"), help="Why; kept in the state store."
)
@by_option()
@ref_option()
@format_option()
@click.pass_obj
def stop(session: Session, reason: str, behalf: str | None, ref: str | None, form: str) -> int:
    """Stop every daemon and run, each after its batch.

    It lasts until: retention resume. Where the state store does not answer, the file retention.stop is
    written beside the policy, and the exit code is 5.
    """
    done = verbs.stop(session.place, reason=reason, by=session.by, behalf=behalf, ref=ref, clock=now)
    from retention.report.documents import stop_document

    def draw(console: Console) -> None:
        from retention.report.switch import show_stopped

        show_stopped(console, done)

    answer(form, lambda: stop_document(done), draw)
    return PARTIAL if done.away is not None or done.unsettled else DONE


@click.command()
@format_option()
@click.pass_obj
def resume(session: Session, form: str) -> int:
    """Let everything go on that was stopped."""
    done = verbs.resume(session.place, by=session.by, clock=now)
    from retention.report.documents import resume_document

    def draw(console: Console) -> None:
        from retention.report.switch import show_resumed

        show_resumed(console, done)

    answer(form, lambda: resume_document(done), draw)
    return DONE
