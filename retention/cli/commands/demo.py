"""`retention demo`."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import click

from retention.cli import demo_verbs
from retention.cli.answers import answer, quiet_pipe
from retention.cli.options import Given, format_option
from retention.cli.session import Session, now


@click.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--company", metavar="NAME", type=Given("name"), help="Which company to build.")
@click.option(
    "--scale",
    metavar="N",
    type=click.IntRange(1, 10_000),
    default=1,
    help="N times as many people: 1000 makes some million rows.  [default: 1]",
)
@format_option()
@click.pass_obj
def demo(session: Session, folder: Path | None, company: str | None, scale: int, form: str) -> int:
    """Build a small company and show plan, run and verification.

    Its databases, policy and connectors are made in DIR, where they stay to be played with. Companies: store, quotes,
    crm, documents, panel. RETENTION_DEMO_NAME_URL puts one of its stores into an empty database of a server.
    """
    build = partial(
        demo_verbs.demo, folder, company=company, scale=scale, clock=now, environ=session.place.environ
    )
    if form == "json":
        from retention.report.documents import RecordingScreen

        recording = RecordingScreen()
        with session.progress() as progress:
            build(show=recording, progress=progress)
        answer(form, recording.document, lambda _console: None)
        return 0
    from retention.report.console import console_on
    from retention.report.demo import TextScreen

    with quiet_pipe(), session.progress() as progress:
        build(show=TextScreen(console_on(sys.stdout)), progress=progress)
    return 0
