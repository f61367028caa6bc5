"""`retention explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from retention.cli import verbs
from retention.cli.answers import answer
from retention.cli.options import Given, as_of_option, format_option
from retention.cli.session import Session, now
from retention.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console


@click.command()
@click.argument("dataset", metavar="CONNECTOR.DATASET", type=Given("dataset"))
@click.argument("key", metavar="KEY", type=Given("key"))
@as_of_option("Its fate then: a date, or an RFC 3339 instant.  [default: now]")
@format_option()
@click.pass_obj
def explain(session: Session, dataset: str, key: str, as_of: str | None, form: str) -> int:
    """Explain one record: why it goes, or why it stays.

    KEY is its primary key; one of several columns is typed 7,3, or '"a,b",3' where a value
    holds a comma. Before a key that begins with a dash stands a --.
    """
    connector, dot, name = dataset.partition(".")
    if not (connector and dot and name):
        raise UsageError(f"'{dataset}' is no CONNECTOR.DATASET, such as shop.orders")
    explanation = verbs.explain(session.place, dataset=dataset, key=key, as_of=as_of, clock=now)
    from retention.report.documents import explain_document

    def text(console: Console) -> None:
        from retention.report.explanation import show_explanation

        show_explanation(console, explanation)

    answer(form, lambda: explain_document(explanation), text)
    return 0
