"""Groups of commands that are imported when they are typed, and know what is not there yet."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import click

from retention.errors import UsageError

SUBCOMMANDS = (
    "plan list", "plan show", "hold add", "hold list", "hold release", "event add", "event list", "event withdraw",
    "audit log", "audit verify", "audit export", "audit prove",
    "key list", "key rotate", "key destroy",
)  # fmt: skip
"""Offered to who types the second word without the first."""


class LazyGroup(click.Group):
    """A group over a literal table: command → "module:function". `later`: known words, not supported yet."""

    def __init__(
        self,
        name: str | None = None,
        *,
        table: Mapping[str, str] | None = None,
        later: tuple[str, ...] = (),
        **attributes: Any,
    ) -> None:
        super().__init__(name, **attributes)
        self.table = dict(table or {})
        self.later = later

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table, which is that of a newcomer's first hour."""
        del ctx
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.later:
            return _not_yet(f"{ctx.command_path} {cmd_name}", cmd_name)
        if cmd_name not in self.table:
            return None
        module, _, function = self.table[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), function)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """A group that was typed alone answers with its help, as a usage error."""
        if not args and self.no_args_is_help and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(UsageError.exit_code)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but an unknown word is answered with the nearest known one."""
        word = args[0]
        if not word.startswith("-") and self.get_command(ctx, word) is None:
            raise click.UsageError(self._unknown(ctx, word), ctx)
        return super().resolve_command(ctx, args)

    def _unknown(self, ctx: click.Context, word: str) -> str:
        import difflib

        known = [*self.table, *self.later]
        below = [] if ctx.parent else [each for each in SUBCOMMANDS if each.split()[1] == word]
        near = below or difflib.get_close_matches(word, known, n=1, cutoff=0.5)
        known_ones = f"the commands are {', '.join(self.table)}"
        told = f"did you mean '{near[0]}'?" if near else known_ones
        of = f" of '{ctx.command_path}'" if ctx.parent else ""
        return f"There is no command '{word}'{of}; {told}"


def _not_yet(path: str, name: str) -> click.Command:
    def refuse() -> None:
        raise UsageError(f"'{path}' is not supported yet")

    return click.Command(
        name,
        callback=refuse,
        hidden=True,
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )


def later_option(*names: str, value: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An option that is known and not supported yet: using it is an error, never without effect."""

    def refuse(ctx: click.Context, parameter: click.Parameter, given: object) -> None:
        del ctx
        if given not in (None, False):
            raise UsageError(f"{parameter.opts[0]} is not supported yet")

    bare: dict[str, Any] = {"flag_value": ""} if value else {}  # not supported yet without its value, too
    return click.option(
        *names,
        **bare,
        is_flag=not value,
        default=None,
        type=str if value else None,
        hidden=True,
        is_eager=True,
        expose_value=False,
        callback=refuse,
    )
