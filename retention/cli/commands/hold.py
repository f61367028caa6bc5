"""`retention hold add`, `hold list`, `hold release`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from retention.cli import verbs
from retention.cli.answers import answer
from retention.cli.exits import DONE, PARTIAL
from retention.cli.groups import LazyGroup
from retention.cli.options import Given, format_option
from retention.cli.people import by_option, from_option, read, ref_option, subject_option
from retention.cli.session import Session, now

if TYPE_CHECKING:
    from rich.console import Console

TABLE = {
    "add": "retention.cli.commands.hold:add",
    "list": "retention.cli.commands.hold:listed",
    "release": "retention.cli.commands.hold:release",
}
REASONS = ("dispute", "litigation", "investigation", "audit", "request", "safety", "other")


@click.command(cls=LazyGroup, table=TABLE)
def hold() -> None:
    """Legal holds: nothing that one covers is touched."""


@click.command()
@subject_option()
@from_option("People, one KIND=VALUE a line; - reads standard input.")
@click.option(
    "--dataset", metavar="CONNECTOR.DATASET", type=Given("dataset"), help="All records of a dataset."
)
@click.option("--data", metavar="DATA", type=Given("data"), help="All records of a category.")
@click.option("--rule", metavar="RULE", type=Given("rule"), help="All records that a rule reaches.")
@click.option(
    "--key",
    nargs=2,
    metavar="CONNECTOR.DATASET KEY",
    type=(Given("dataset"), Given("key")),
    help="One record, and what it refers to.",
)
@click.option("--reason", type=click.Choice(REASONS), required=True, help="Why; the ledger shows it.")
@click.option("--text", metavar="WORDS", default="", help="Why, in words; kept in the state store.")
@click.option(
    "--review", metavar="DATE", type=Given("date"), help="The day on which somebody looks at it again."
)
@by_option()
@click.option(
    "--authority", metavar="NAME", type=Given("name"), help="Who ordered it; kept in the state store."
)
@ref_option()
@click.option("--accept", is_flag=True, help="Some datasets are out of its reach, and that is known.")
@format_option()
@click.pass_obj
def add(
    session: Session,
    subjects: tuple[str, ...],
    source: str | None,
    dataset: str | None,
    data: str | None,
    rule: str | None,
    key: tuple[str, str] | None,
    reason: str,
    text: str,
    review: str | None,
    behalf: str | None,
    authority: str | None,
    ref: str | None,
    accept: bool,
    form: str,
) -> int:
    """Place a hold, and show what it covers.

    It is on one of: people, a dataset, data, a rule, a record. Exits with 5 while a dataset is out of its
    reach and --accept is not given; the hold is in force all the same, and typed again it is looked at anew.
    """
    placed = verbs.place_hold(
        session.place,
        subjects=subjects,
        listed=read(source),
        dataset=dataset,
        data=data,
        rule=rule,
        key=key,
        reason=reason,
        text=text,
        review=review,
        by=session.by,
        behalf=behalf,
        authority=authority,
        ref=ref,
        accept=accept,
        clock=now,
    )
    from retention.report.documents import hold_document

    def draw(console: Console) -> None:
        from retention.report.told import show_placed

        show_placed(console, placed)

    answer(form, lambda: hold_document(placed), draw)
    return PARTIAL if (placed.out_of_reach and not accept) or placed.unsettled else DONE


@click.command("list")
@format_option()
@click.pass_obj
def listed(session: Session, form: str) -> int:
    """List the holds in force."""
    holds = verbs.list_holds(session.place, clock=now)
    from retention.report.documents import holds_document

    def draw(console: Console) -> None:
        from retention.report.told import show_holds

        show_holds(console, holds)

    answer(form, lambda: holds_document(holds), draw)
    return DONE


@click.command()
@click.argument("id", metavar="ID", type=Given("id"))
@click.option(
    "--reason",
    metavar="WORDS",
    required=True,
    type=Given("words"),
    help="Why it ends; kept in the state store.",
)
@by_option()
@format_option()
@click.pass_obj
def release(session: Session, id: str, reason: str, behalf: str | None, form: str) -> int:
    """End a hold. Whom it was on is forgotten."""
    done = verbs.release_hold(session.place, id, reason=reason, by=session.by, behalf=behalf, clock=now)
    from retention.report.documents import release_document

    def draw(console: Console) -> None:
        from retention.report.told import show_released

        show_released(console, done)

    answer(form, lambda: release_document(done), draw)
    return DONE
