"""`retention audit log` and `audit verify`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retention.cli import verbs
from retention.cli.answers import answer, quiet_pipe, stream_lines
from retention.cli.groups import LazyGroup
from retention.cli.options import Given, format_option
from retention.cli.session import Session

if TYPE_CHECKING:
    from rich.console import Console

TABLE = {
    "log": "retention.cli.commands.audit:log",
    "verify": "retention.cli.commands.audit:verify",
    "export": "retention.cli.commands.audit_files:export",
    "prove": "retention.cli.commands.audit_files:prove",
    "consistency": "retention.cli.commands.audit_files:consistency",
}


@click.command(cls=LazyGroup, table=TABLE)
def audit() -> None:
    """Read the ledger, and verify it."""


@click.command()
@format_option()
@click.pass_obj
def log(session: Session, form: str) -> int:
    """Print the ledger's events.

    As sentences, or with --format json one event a line, as stored.
    """
    lines = verbs.log(session.place)
    if form == "json":
        from retention.report.escape import shown_json

        stream_lines(lines, shown_json)
        return 0
    from retention.report.console import console_on
    from retention.report.ledger import show_log

    with quiet_pipe():
        show_log(console_on(sys.stdout), lines)
        sys.stdout.flush()
    return 0


@click.command()
@click.option(
    "--mirror",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Verify this copy instead of the state store's, offline.",
)
@click.option(
    "--key",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The public key to verify with.  [default: as the state store has it]",
)
@click.option(
    "--against",
    metavar="CHECKPOINT",
    multiple=True,
    type=Given("checkpoint"),
    help="A checkpoint that was published: a file, or an http(s) address. Again for another.",
)
@click.option(
    "--witness",
    "witnesses",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A witness's key; its cosignatures are checked where there are any. Again for another.",
)
@format_option()
@click.pass_obj
def verify(
    session: Session,
    mirror: Path | None,
    key: Path | None,
    against: tuple[str, ...],
    witnesses: tuple[Path, ...],
    form: str,
) -> int:
    """Verify the ledger: every hash, every signature.

    Exits with 6 and names the first event that is wrong, if there is one, or the published checkpoint that is not
    in this ledger's history.
    """
    found = verbs.verify(session.place, mirror=mirror, key=key, against=against, witnesses=witnesses)
    from retention.report.documents import verify_document

    def text(console: Console) -> None:
        from retention.report.ledger import show_verification

        show_verification(console, found)

    answer(form, lambda: verify_document(found), text)
    return 0
