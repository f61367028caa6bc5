"""`retention vault create`, `vault release`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from retention.cli import vault_verbs
from retention.cli.answers import answer, stream_lines
from retention.cli.exits import DONE
from retention.cli.groups import LazyGroup
from retention.cli.options import Given, Word, format_option
from retention.cli.people import by_option, ref_option
from retention.cli.session import Session, now

if TYPE_CHECKING:
    from rich.console import Console

    from retention.model.place import Place

TABLE = {
    "create": "retention.cli.commands.vault:create",
    "release": "retention.cli.commands.vault:release",
}
REASONS = ("dispute", "litigation", "investigation", "audit", "request", "safety", "other")


@click.command(cls=LazyGroup, table=TABLE)
def vault() -> None:
    """Vaults: where restricted records are moved to."""


@click.command()
@click.argument("dataset", metavar="CONNECTOR.DATASET", type=Given("dataset"))
@click.option("--ddl", is_flag=True, help="Print the tables as SQL, with their grants, and make nothing.")
@format_option()
@click.pass_obj
def create(session: Session, dataset: str, ddl: bool, form: str) -> int:
    """Make a vault's tables, like those whose records are moved there.

    What is there already is left as it is; retention check compares it.
    """
    if ddl:
        return _print(session.place, dataset, form)
    done = vault_verbs.create_vault(session.place, dataset=dataset)
    from retention.report.documents import vault_document

    def text(console: Console) -> None:
        from retention.report.set_up import show_set_up

        show_set_up(console, done)

    answer(form, lambda: vault_document(done), text)
    return DONE


def _print(place: Place, dataset: str, form: str) -> int:
    script = vault_verbs.vault_script(place, dataset=dataset)
    if form == "json":
        from retention.report.documents import ddl_document

        answer(form, lambda: ddl_document((script,)), lambda _: None)
        return DONE
    from retention.report.escape import shown
    from retention.report.script import script_lines

    stream_lines(script_lines((script,)), shown)
    return DONE


@click.command()
@click.argument("dataset", metavar="CONNECTOR.DATASET", type=Given("dataset"))
@click.argument("key", metavar="KEY", type=Given("key"))
@click.option("--reason", type=Word(REASONS), required=True, help="Why; the ledger shows it.")
@by_option()
@ref_option()
@format_option()
@click.pass_obj
def release(
    session: Session, dataset: str, key: str, reason: str, behalf: str | None, ref: str | None, form: str
) -> int:
    """Move one record back from its vault.

    CONNECTOR.DATASET is the vault, KEY the record's primary key there, which is the one that it had before. A rule
    that restricts the record does so again at its next run, unless what it says of it has changed.
    """
    done = vault_verbs.release_record(
        session.place,
        dataset=dataset,
        key=key,
        reason=reason,
        by=session.by,
        behalf=behalf,
        ref=ref,
        clock=now,
    )
    from retention.report.documents import given_back_document

    def draw(console: Console) -> None:
        from retention.report.vault import show_given_back

        show_given_back(console, done)

    answer(form, lambda: given_back_document(done), draw)
    return DONE
