"""`retention key list`, `rotate` and `destroy`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from retention.cli import verbs
from retention.cli.answers import answer
from retention.cli.asking import YES, forget_typed_ahead, screen_to_ask_on
from retention.cli.groups import LazyGroup
from retention.cli.options import Given, format_option
from retention.cli.session import Session, now
from retention.errors import SafetyRefusal, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from retention.model.keys import KeyChange

TABLE = {
    "list": "retention.cli.commands.key:list_",
    "rotate": "retention.cli.commands.key:rotate",
    "destroy": "retention.cli.commands.key:destroy",
}


@click.command(cls=LazyGroup, table=TABLE, short_help="The keys of the ledger, its proofs and pseudonyms.")
def key() -> None:
    """The keys that sign the ledger, and that open the proof of single records."""


@click.command("list")
@format_option()
@click.pass_obj
def list_(session: Session, form: str) -> int:
    """List the keys: which are in use, which were, which are gone. No secret is shown."""
    found = verbs.list_keys(session.place)
    from retention.report.documents import keys_document

    def text(console: Console) -> None:
        from retention.report.keys import show_keys

        show_keys(console, found)

    answer(form, lambda: keys_document(found), text)
    return 0


@click.command()
@click.argument("kind", metavar="KIND", type=Given("kind"))
@format_option()
@click.pass_obj
def rotate(session: Session, kind: str, form: str) -> int:
    """Take a new key into use: KIND is signing, evidence or pseudonym.

    The old signing key signs that the new one takes its place. Old evidence keys open the proofs of their time.
    """
    _show(verbs.rotate_key(session.place, kind, by=session.by, clock=now), form)
    return 0


@click.command()
@click.argument("kind", metavar="KIND", type=Given("kind"))
@click.argument("ids", metavar="[ID]...", nargs=-1, type=Given("id"))
@click.option(
    "--before", metavar="DAY", type=Given("day"), help="Those that were rotated before this day, too."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@format_option()
@click.pass_obj
def destroy(
    session: Session, kind: str, ids: tuple[str, ...], before: str | None, yes: bool, form: str
) -> int:
    """Destroy keys that are not in use any more, for good.

    Without an evidence key nobody can prove, or find out, which records its batches held; the ledger still verifies.
    """
    if not yes:
        _ask(kind, form)
    done = verbs.destroy_keys(session.place, kind, ids, before=before, by=session.by, clock=now)
    _show(done, form)
    return 0


def _ask(kind: str, form: str) -> None:
    screen = screen_to_ask_on(form)
    if screen is None:
        raise UsageError("nobody is there to be asked; to destroy a key without a question, add --yes")
    forget_typed_ahead()
    screen.write(f"Destroy these {kind} keys? What they open can't be opened any more. [y/N] ")
    screen.flush()
    if sys.stdin.readline().strip().lower() not in YES:
        raise SafetyRefusal("not confirmed: no key was destroyed")


def _show(done: KeyChange, form: str) -> None:
    from retention.report.documents import key_document

    def text(console: Console) -> None:
        from retention.report.keys import show_change

        show_change(console, done)

    answer(form, lambda: key_document(done), text)
