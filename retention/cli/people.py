"""What commands about holds and told events share: where identifiers come from, and on whose behalf somebody acts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from retention.cli.asking import YES, forget_typed_ahead
from retention.cli.options import Decorator, Given
from retention.errors import UsageError

if TYPE_CHECKING:
    from retention.model.coverage import Reach

MOST_BYTES = (64 << 20) + 1
"""One more than what the reader takes, which says so."""


def subject_option() -> Decorator:
    """`--subject`, repeatable; its parameter is `subjects`."""
    return click.option(
        "--subject",
        "subjects",
        metavar="KIND=VALUE",
        multiple=True,
        type=Given("subject"),
        help="A person by an identifier, such as email=anna@example.com; again for another of the same person."
        " Arguments stand in shell history: --from - reads it.",
    )


def from_option(help_text: str) -> Decorator:
    """`--from`; its parameter is `source`."""
    return click.option("--from", "source", metavar="FILE", type=Given("file"), help=help_text)


def by_option() -> Decorator:
    """`--by`; its parameter is `behalf`."""
    return click.option(
        "--by",
        "behalf",
        metavar="NAME",
        type=Given("name"),
        help="On whose behalf; kept in the state store. The ledger names the account that types this.",
    )


def ref_option() -> Decorator:
    """`--ref`; its parameter is `ref`."""
    return click.option(
        "--ref", metavar="REF", type=Given("ref"), help="A case number, such as CASE-12; the ledger shows it."
    )


def read(source: str | None) -> tuple[str, bytes] | None:
    """(name, content) of a file, `-` for standard input; None where none is named."""
    if source is None:
        return None
    if source == "-":
        return "standard input", sys.stdin.buffer.read(MOST_BYTES)
    try:
        with Path(source).open("rb") as stream:
            return source, stream.read(MOST_BYTES)
    except OSError as error:
        raise UsageError(f"--from {source} can't be read: {error.strerror or error}") from error


class ReachAsker:
    """Shows what is about to be told and asks; anything but a yes is a no."""

    def __init__(self, screen: TextIO) -> None:
        self._screen = screen

    def __call__(self, reach: Reach) -> bool:
        from retention.report.console import console_on
        from retention.report.told import show_reach

        console = console_on(self._screen)
        show_reach(console, reach)
        forget_typed_ahead()
        self._screen.write("Tell it? [y/N] ")
        self._screen.flush()
        reply = sys.stdin.readline()
        if not reply.endswith("\n"):
            self._screen.write("\n")
        return reply.strip().lower() in YES


def nobody_to_ask(_reach: Reach) -> bool:
    """Where no terminal is: asked only once all else is right, so that what is wrong is said first."""
    raise UsageError("nobody is there to be asked whether to tell it; to go ahead without, add --yes")
