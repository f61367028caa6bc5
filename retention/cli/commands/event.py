"""`retention event add`, `event list`, `event withdraw`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from retention.cli import verbs
from retention.cli.answers import answer
from retention.cli.asking import screen_to_ask_on
from retention.cli.exits import DONE, PARTIAL, REFUSED
from retention.cli.groups import LazyGroup
from retention.cli.options import Given, format_option
from retention.cli.people import (
    ReachAsker,
    by_option,
    from_option,
    nobody_to_ask,
    read,
    ref_option,
    subject_option,
)
from retention.cli.session import Session, now
from retention.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

TABLE = {
    "add": "retention.cli.commands.event:add",
    "list": "retention.cli.commands.event:listed",
    "withdraw": "retention.cli.commands.event:withdraw",
}


@click.command(cls=LazyGroup, table=TABLE, short_help="Told events, such as a request for erasure.")
def event() -> None:
    """Told events: what no store records, such as a request for erasure."""


@click.command()
@click.argument("name", metavar="[NAME]", required=False, type=Given("name"))
@subject_option()
@from_option(
    "Many, as CSV with a header (event, kind, value, at, ref) or JSON Lines; - reads standard input."
)
@click.option(
    "--at", metavar="TIME", type=Given("time"), help="When it happened: a date, or RFC 3339.  [default: now]"
)
@by_option()
@ref_option()
@click.option("--yes", is_flag=True, help="Do not ask.")
@format_option()
@click.pass_obj
def add(
    session: Session,
    name: str | None,
    subjects: tuple[str, ...],
    source: str | None,
    at: str | None,
    behalf: str | None,
    ref: str | None,
    yes: bool,
    form: str,
) -> int:
    """Tell that an event happened, and show what that reaches.

    On a terminal it asks before anything is stored; elsewhere it wants --yes. Exits with 5 where lines of a
    file are bad (the others are told all the same) or a dataset could not be looked at.
    """
    if source is not None and subjects:
        raise UsageError("--subject and --from exclude each other: a file has the people in it")
    if source is None and name is None:
        raise UsageError("which event? type: retention event add NAME --subject KIND=VALUE")
    screen = None if yes else screen_to_ask_on(form)
    asker = None if yes else nobody_to_ask if screen is None else ReachAsker(screen)
    by, listed = session.by, read(source)
    if listed is not None:
        told = verbs.tell_file(
            session.place,
            listed=listed,
            event=name,
            at=at,
            by=by,
            behalf=behalf,
            ref=ref,
            clock=now,
            confirm=asker,
        )
    else:
        told = verbs.tell_event(
            session.place,
            name or "",
            subjects=subjects,
            at=at,
            by=by,
            behalf=behalf,
            ref=ref,
            clock=now,
            confirm=asker,
        )
    from retention.model.coverage import ToldState
    from retention.report.documents import told_document

    def draw(console: Console) -> None:
        from retention.report.told import show_told

        show_told(console, told, asked=asker is not None)

    answer(form, lambda: told_document(told), draw)
    if told.declined:
        return REFUSED
    return PARTIAL if told.count(ToldState.BAD) or any(line.because for line in told.reach) else DONE


@click.command("list")
@format_option()
@click.pass_obj
def listed(session: Session, form: str) -> int:
    """List the told events that are not withdrawn."""
    tellings = verbs.list_events(session.place)
    from retention.report.documents import tellings_document

    def draw(console: Console) -> None:
        from retention.report.told import show_tellings

        show_tellings(console, tellings)

    answer(form, lambda: tellings_document(tellings), draw)
    return DONE


@click.command()
@click.argument("id", metavar="ID", type=Given("id"))
@by_option()
@format_option()
@click.pass_obj
def withdraw(session: Session, id: str, behalf: str | None, form: str) -> int:
    """Take a told event back, as if it had never been told."""
    withdrawn = verbs.withdraw_event(session.place, id, by=session.by, behalf=behalf, clock=now)
    from retention.report.documents import withdrawn_document

    def draw(console: Console) -> None:
        from retention.report.told import show_withdrawn

        show_withdrawn(console, withdrawn)

    answer(form, lambda: withdrawn_document(withdrawn), draw)
    return PARTIAL if withdrawn.unsettled else DONE
