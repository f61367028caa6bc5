"""Options that several commands share, and what their values must be."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from retention.errors import UsageError

if TYPE_CHECKING:
    _TextType: TypeAlias = click.ParamType[str]
    _AmountType: TypeAlias = click.ParamType[int]
    _ChoiceType: TypeAlias = click.Choice[str]
else:  # older versions of click cannot be subscripted
    _TextType = _AmountType = click.ParamType
    _ChoiceType = click.Choice

Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]


class Given(_TextType):
    """Text that says something: an empty value never means "all" or "off"."""

    name = "text"

    def __init__(self, metavar: str = "text") -> None:
        self.name = metavar

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if not text.strip():
            self.fail("it is empty; leave it out, or write what is meant", param, ctx)
        return text


class Amount(_AmountType):
    """A number of records, at least one."""

    name = "n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        if not re.fullmatch(r"0*[1-9][0-9]{0,17}", text):
            self.fail(f'it is "{text}"; write how many records at most, a whole number from 1 on', param, ctx)
        return int(text)


class Word(_ChoiceType):
    """One of some words, which are named in one line where none is given."""

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        del param, ctx
        return f"Write one of {', '.join(map(str, self.choices))}."


class Format(_ChoiceType):
    """`text` or `json`; formats of the design that are still to come are told apart from misspelt ones."""

    def __init__(self, later: tuple[str, ...] = ()) -> None:
        super().__init__(["text", "json"])
        self.later = later

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value in self.later:
            raise UsageError(f"--format {value} is not supported yet; there are text and json")
        return super().convert(value, param, ctx)


def archives_option() -> Callable[[Any], Any]:
    """`--archive DIR`, again for another."""
    return click.option(
        "--archive",
        "archives",
        metavar="DIR",
        multiple=True,
        type=click.Path(path_type=Path),
        help="A folder that audit archive wrote: read its events, too. Again for another.",
    )


def format_option(*later: str) -> Decorator:
    """How the answer is written; its parameter is `form`."""
    return click.option(
        "--format",
        "form",
        type=Format(later),
        default="text",
        show_default=True,
        help="Text for people, or one JSON document on standard output.",
    )


def rule_option(help_text: str) -> Decorator:
    """`--rule`, repeatable; its parameter is `rules`."""
    return click.option("--rule", "rules", metavar="RULE", multiple=True, type=Given("rule"), help=help_text)


def connector_option(help_text: str) -> Decorator:
    """`--connector`, repeatable; its parameter is `connectors`."""
    return click.option(
        "--connector",
        "connectors",
        metavar="CONNECTOR",
        multiple=True,
        type=Given("connector"),
        help=help_text,
    )


def as_of_option(help_text: str) -> Decorator:
    """`--as-of`, as text: only the policy knows in which zone a date begins."""
    return click.option("--as-of", "as_of", metavar="TIME", type=Given("time"), help=help_text)
