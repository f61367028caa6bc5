"""`retention demo`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from retention.cli import verbs
from retention.cli.answers import answer, quiet_pipe
from retention.cli.options import Given, format_option
from retention.cli.session import now


@click.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--company", metavar="NAME", type=Given("name"), help="Which company to build.")
@format_option()
def demo(folder: Path | None, company: str | None, form: str) -> int:
    """Build a small company and show plan, run and verification.

    Its databases, policy and connectors are made in DIR, where they stay to be played with.
    """
    if form == "json":
        from retention.report.documents import RecordingScreen

        recording = RecordingScreen()
        verbs.demo(folder, company=company, clock=now, show=recording)
        answer(form, recording.document, lambda _console: None)
        return 0
    from retention.report.console import console_on
    from retention.report.demo import TextScreen

    with quiet_pipe():
        verbs.demo(folder, company=company, clock=now, show=TextScreen(console_on(sys.stdout)))
    return 0
