"""`retention suppressed`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from retention.cli import list_verbs
from retention.cli.answers import answer
from retention.cli.exits import DONE, NO
from retention.cli.options import Given, format_option
from retention.cli.people import from_option, read
from retention.cli.session import Session
from retention.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console


@click.command(short_help="Ask whether a value is on a suppression list.")
@click.argument("dataset", metavar="CONNECTOR.DATASET", type=Given("dataset"))
@from_option("The values, one a line; - reads standard input.")
@click.option(
    "--column",
    metavar="COLUMN",
    type=Given("column"),
    help="The hashed column, where the dataset hashes several.",
)
@format_option()
@click.pass_obj
def suppressed(session: Session, dataset: str, source: str | None, column: str | None, form: str) -> int:
    """Ask whether values are among those that were pseudonymised by hash.

    A value is made alike as [identifiers] says, hashed, looked for, and kept nowhere. Answers are by line. Exits with
    7 where a value is not listed.
    """
    connector, dot, name = dataset.partition(".")
    if not (connector and dot and name):
        raise UsageError(f"'{dataset}' is no CONNECTOR.DATASET, such as shop.contacts")
    listed = read(source)
    if listed is None:
        raise UsageError(
            "which values? add --from FILE, or --from - for standard input (arguments stand in shell history)"
        )
    found = list_verbs.suppressed(session.place, dataset=dataset, listed=listed, column=column)
    from retention.report.documents import suppressed_document

    def draw(console: Console) -> None:
        from retention.report.suppression import show_suppression

        show_suppression(console, found)

    answer(form, lambda: suppressed_document(found), draw)
    return NO if found.unlisted else DONE
