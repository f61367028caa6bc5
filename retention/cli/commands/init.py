"""`retention init`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from retention.cli import verbs
from retention.cli.answers import answer
from retention.cli.groups import later_option
from retention.cli.options import format_option
from retention.cli.session import Session, now

if TYPE_CHECKING:
    from rich.console import Console


@click.command()
@click.argument("folder", metavar="[DIR]", default=Path(), type=click.Path(file_okay=False, path_type=Path))
@later_option("--url", value=True)
@later_option("--table", value=True)
@later_option("--ddl")
@format_option()
@click.pass_obj
def init(session: Session, folder: Path, form: str) -> int:
    """Set retention up: files, state store, keys, marker tables.

    Commented files are written to DIR (here by default) where there are none; what is there
    already is left alone.
    """
    lines = verbs.init(folder, session.place_in(folder), by=session.by, clock=now)
    from retention.report.documents import init_document

    def text(console: Console) -> None:
        from retention.report.console import line

        for each in lines:
            line(console, each)

    answer(form, lambda: init_document(lines), text)
    return 0
