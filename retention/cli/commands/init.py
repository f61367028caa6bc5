"""`retention init`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from retention.cli import verbs
from retention.cli.answers import answer, stream_lines
from retention.cli.exits import DONE, PARTIAL
from retention.cli.options import Given, format_option
from retention.cli.session import Session, now
from retention.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from retention.model.place import Place


@click.command()
@click.argument("folder", metavar="[DIR]", default=Path(), type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--url",
    metavar="REF",
    type=Given("reference"),
    help="Write the files from this database's catalogue: env:NAME, file:PATH, or a URL without a password."
    " Without --table its tables are shown, and nothing is written.",
)
@click.option(
    "--table",
    "tables",
    metavar="TABLE",
    multiple=True,
    type=Given("table"),
    help="A table to write a dataset for; may be repeated.",
)
@click.option(
    "--name",
    metavar="NAME",
    type=Given("name"),
    help="What to call the connector.  [default: the database's name]",
)
@click.option("--ddl", is_flag=True, help="Print the tables that init would make, as SQL, and make nothing.")
@format_option()
@click.pass_obj
def init(
    session: Session,
    folder: Path,
    url: str | None,
    tables: tuple[str, ...],
    name: str | None,
    ddl: bool,
    form: str,
) -> int:
    """Set retention up: files, state store, keys, marker tables.

    Commented files are written to DIR (here by default) where there are none; what is there
    already is left alone.
    """
    for option, given in (("--table", tables), ("--name", name)):
        if given and url is None:
            raise UsageError(f"{option} says what to read from a database: it needs --url")
    if ddl and url is not None:
        raise UsageError("--ddl prints the tables of what is configured; leave --url out")
    place = session.place_in(folder)
    if ddl:
        return _print_ddl(place, form)
    if url is not None:
        done = verbs.introduce(
            place, folder=folder, url=url, name=name, tables=tables, by=session.by, clock=now
        )
    else:
        done = verbs.init(folder, place, by=session.by, clock=now)
    from retention.report.documents import init_document

    def text(console: Console) -> None:
        from retention.report.set_up import show_set_up

        show_set_up(console, done)

    answer(form, lambda: init_document(done), text)
    return PARTIAL if done.unreached else DONE


def _print_ddl(place: Place, form: str) -> int:
    scripts = verbs.ddl(place)
    if form == "json":
        from retention.report.documents import ddl_document

        answer(form, lambda: ddl_document(scripts), lambda _: None)
        return DONE
    from retention.report.escape import shown
    from retention.report.script import script_lines

    stream_lines(script_lines(scripts), shown)
    return DONE
