"""`retention audit log` and `audit verify`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retention.cli import audit_verbs
from retention.cli.answers import answer, quiet_pipe, stream_lines
from retention.cli.groups import LazyGroup
from retention.cli.options import Given, Word, archives_option, format_option, rule_option
from retention.cli.session import Session
from retention.errors import UsageError
from retention.model.chosen import Chosen

if TYPE_CHECKING:
    from rich.console import Console

    from retention.model.place import Place

TABLE = {
    "log": "retention.cli.commands.audit:log",
    "verify": "retention.cli.commands.audit:verify",
    "export": "retention.cli.commands.audit_files:export",
    "archive": "retention.cli.commands.audit_files:archive",
    "prove": "retention.cli.commands.audit_files:prove",
    "consistency": "retention.cli.commands.audit_files:consistency",
}


@click.command(cls=LazyGroup, table=TABLE)
def audit() -> None:
    """Read the ledger, and verify it."""


@click.command()
@click.option(
    "--from", "since", metavar="TIME", type=Given("time"), help="The first day, or an RFC 3339 instant."
)
@click.option(
    "--to", "until", metavar="TIME", type=Given("time"), help="The last day, or the instant before which."
)
@click.option(
    "--type", "types", metavar="TYPE", multiple=True, type=Given("type"), help="As run.started, or run."
)
@rule_option("Events about this rule. Again for another.")
@click.option("--run", metavar="RUN", type=Given("run"), help="Events of this run.")
@click.option("--by", metavar="ACCOUNT", type=Given("account"), help="What this account did.")
@click.option("--follow", is_flag=True, help="Go on as events come, until Ctrl-C.")
@click.option(
    "--as", "shipped", type=Word(["cloudevents", "ocsf"]), help="For a log platform, one event a line."
)
@archives_option()
@format_option()
@click.pass_obj
def log(
    session: Session,
    since: str | None,
    until: str | None,
    types: tuple[str, ...],
    rules: tuple[str, ...],
    run: str | None,
    by: str | None,
    follow: bool,
    shipped: str | None,
    archives: tuple[Path, ...],
    form: str,
) -> int:
    """Print the ledger's events.

    As sentences, with times in the policy's zone; with --format json one event a line, as stored.
    """
    place = session.place
    chosen = Chosen(since=since, until=until, types=types, rules=rules, run=run, by=by)
    _refuse_unknown(types)
    lines = audit_verbs.log(
        place, chosen=chosen, more=_waited if follow else None, archives=archives, left_out=_left_out
    )
    try:
        _print(place, lines, form, shipped)
    except KeyboardInterrupt:
        if not follow:
            raise
    return 0


def _print(place: Place, lines: Iterator[str], form: str, shipped: str | None) -> None:
    if shipped is not None:
        from retention.report.shipping import SHIPPED

        _, origin = audit_verbs.zone(place)
        stream_lines((SHIPPED[shipped](origin, line) for line in lines), str)
        return
    if form == "json":
        from retention.report.escape import shown_json

        stream_lines(lines, shown_json)
        return
    from retention.report.console import console_on
    from retention.report.ledger import show_log

    timezone, _ = audit_verbs.zone(place)
    with quiet_pipe():
        show_log(console_on(sys.stdout), lines, timezone)
        sys.stdout.flush()


def _left_out(count: int) -> None:
    last = f"events 0 to {count - 1}" if count > 1 else "event 0"
    click.echo(f"{last} lie in an archive; to read them, too: --archive DIR", err=True)


def _waited() -> bool:
    """A second has passed, in which events may have come. What was printed is seen meanwhile."""
    sys.stdout.flush()
    time.sleep(1)
    return True


def _refuse_unknown(types: tuple[str, ...]) -> None:
    from retention.report.ledger import SENTENCES

    known = {*SENTENCES, *(name.partition(".")[0] for name in SENTENCES)}
    for name in types:
        if name not in known:
            raise UsageError(
                f"--type {name}: there is no such type of event; there are: {', '.join(SENTENCES)}"
            )


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
@click.option("--evidence", is_flag=True, help="The evidence of each batch, too: that none was taken away.")
@archives_option()
@format_option()
@click.pass_obj
def verify(
    session: Session,
    mirror: Path | None,
    key: Path | None,
    against: tuple[str, ...],
    witnesses: tuple[Path, ...],
    archives: tuple[Path, ...],
    evidence: bool,
    form: str,
) -> int:
    """Verify the ledger: every hash, every signature.

    Exits with 6 and names the first event that is wrong, if there is one, or the published checkpoint that is not
    in this ledger's history.
    """
    found = audit_verbs.verify(
        session.place,
        mirror=mirror,
        key=key,
        against=against,
        witnesses=witnesses,
        archives=archives,
        evidence=evidence,
    )
    from retention.report.documents import verify_document

    def text(console: Console) -> None:
        from retention.report.ledger import show_verification

        show_verification(console, found)

    answer(form, lambda: verify_document(found), text)
    return 0
