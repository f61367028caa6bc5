"""`retention audit export` and `audit prove`: what is handed to an auditor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from retention.cli import verbs
from retention.cli.answers import answer, as_json, check_output, replacing
from retention.cli.options import Given, format_option
from retention.cli.session import Session
from retention.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--from", "since", metavar="TIME", type=Given("time"), help="The first day, or an RFC 3339 instant."
)
@click.option(
    "--to", "until", metavar="TIME", type=Given("time"), help="The last day, or the instant before which."
)
@format_option()
@click.pass_obj
def export(session: Session, folder: Path, since: str | None, until: str | None, form: str) -> int:
    """Write the ledger into a folder that an auditor can verify alone.

    With a program of its own to verify it (verify.py), instructions, and the public key. DIR must be new or empty.
    """
    done = verbs.export(session.place, folder, since=since, until=until)
    from retention.report.documents import export_document

    def text(console: Console) -> None:
        from retention.report.audit import show_export

        show_export(console, done)

    answer(form, lambda: export_document(done), text)
    return 0


@click.command()
@click.argument("dataset", metavar="CONNECTOR.DATASET", type=Given("dataset"))
@click.argument("key", metavar="KEY", type=Given("key"))
@click.option(
    "--export",
    "output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the proof, which verifies alone.",
)
@click.option("--refused", is_flag=True, help="What was refused for it, though it was carried out since.")
@format_option()
@click.pass_obj
def prove(session: Session, dataset: str, key: str, output: Path | None, refused: bool, form: str) -> int:
    """Prove that one record was deleted: when, under which promise, and who approved it.

    Of a record that was not, what was demanded for it and refused, and why. KEY is typed as for explain. Needs the
    evidence key, and no database. Exits with 7 where there is no evidence.
    """
    connector, dot, name = dataset.partition(".")
    if not (connector and dot and name):
        raise UsageError(f"'{dataset}' is no CONNECTOR.DATASET, such as shop.orders")
    if output is not None:
        check_output(output)
        verbs.refuse_output(session.place, output)
    proof = verbs.prove(session.place, dataset=dataset, key=key, refused=refused)
    if output is not None:
        with replacing(output) as stream:
            stream.write(as_json(dict(proof.document)))
    from retention.report.documents import proof_document

    def text(console: Console) -> None:
        from retention.report.audit import show_proof

        show_proof(console, proof, None if output is None else str(output))

    answer(form, lambda: proof_document(proof), text)
    return 0


@click.command()
@click.argument("old", metavar="OLD", type=Given("checkpoint"))
@click.argument("new", metavar="NEW", type=Given("checkpoint"))
@format_option()
@click.pass_obj
def consistency(session: Session, old: str, new: str, form: str) -> int:
    """Prove that the ledger of one checkpoint begins with that of another.

    OLD and NEW are files, of whatever age, or http(s) addresses. Exits with 6 where they are not of one history.
    """
    found = verbs.consistency(session.place, old, new)
    from retention.report.documents import consistency_document

    def text(console: Console) -> None:
        from retention.report.audit import show_consistency

        show_consistency(console, found)

    answer(form, lambda: consistency_document(found), text)
    return 0
