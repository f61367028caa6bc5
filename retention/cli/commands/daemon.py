"""`retention daemon`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from retention.cli import daemon_verbs, verbs
from retention.cli.answers import answer
from retention.cli.exits import DONE, PARTIAL
from retention.cli.options import Given, format_option
from retention.cli.session import Session, now
from retention.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console


@click.command()
@click.option("--print-schedule", is_flag=True, help="Show when each rule runs next, and end.")
@click.option(
    "--listen",
    metavar="ADDRESS:PORT",
    type=Given("address"),
    help="Answer /healthz, /readyz and /metrics there; a port alone is one of this machine only."
    "  [default: as retention.toml says, else nowhere]",
)
@click.option(
    "--test-notify",
    is_flag=True,
    help="Send a message to each channel of [notify] in retention.toml, and end.",
)
@format_option()
@click.pass_obj
def daemon(session: Session, print_schedule: bool, listen: str | None, test_notify: bool, form: str) -> int:
    """Run rules on schedule until it is told to end.

    SIGTERM or Ctrl-C: it ends after the batches at hand, within ten seconds. SIGHUP, or a changed file: it
    reads the configuration anew; an invalid one changes nothing. What happens is logged on standard error.
    """
    asked = (("--print-schedule", print_schedule), ("--test-notify", test_notify), ("--listen", listen))
    given = [option for option, value in asked if value]
    if len(given) > 1:
        raise UsageError(f"{given[0]} and {given[1]} are not for one command; type one of them")
    if print_schedule:
        return _times(session, form)
    if test_notify:
        return _try(session, form)
    if form != "text":
        raise UsageError(
            "--format is for --print-schedule and --test-notify; the log's format is [log] format in"
            " retention.toml"
        )
    verbs.daemon(session.place, by=session.by, clock=now, log=sys.stderr, listen=listen)
    return DONE


def _try(session: Session, form: str) -> int:
    tried = daemon_verbs.try_channels(session.place, clock=now)
    from retention.report.documents import tried_document

    def text(console: Console) -> None:
        from retention.report.notices import show_tried

        show_tried(console, tried)

    answer(form, lambda: tried_document(tried), text)
    return PARTIAL if any(each.error is not None for each in tried) else DONE


def _times(session: Session, form: str) -> int:
    lines = verbs.print_schedule(session.place, clock=now)
    from retention.report.documents import schedule_document

    def text(console: Console) -> None:
        from retention.report.status import show_schedule

        show_schedule(console, lines)

    answer(form, lambda: schedule_document(lines), text)
    return DONE
