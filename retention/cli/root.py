"""The command `retention`: the options before a command, and the one place where errors end."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, TextIO

import click
from click.exceptions import Exit

from retention import __version__
from retention.cli.answers import silence_stdout, stdout_is_broken
from retention.cli.failures import debugging, failure_of, tell, tell_traceback
from retention.cli.groups import LazyGroup
from retention.cli.options import Given
from retention.cli.session import Session

COMPLETION = "_RETENTION_COMPLETE"
FRAMES = 6_000
"""How deep calls may go: of datasets that refer to each other in a row each is a level of a statement, and takes a few
dozen calls where it is made."""

COMMANDS = {
    "demo": "retention.cli.commands.demo:demo",
    "init": "retention.cli.commands.init:init",
    "check": "retention.cli.commands.check:check",
    "plan": "retention.cli.commands.plan:plan",
    "approve": "retention.cli.commands.approve:approve",
    "run": "retention.cli.commands.run:run",
    "daemon": "retention.cli.commands.daemon:daemon",
    "stop": "retention.cli.commands.stop:stop",
    "resume": "retention.cli.commands.stop:resume",
    "status": "retention.cli.commands.status:status",
    "hold": "retention.cli.commands.hold:hold",
    "event": "retention.cli.commands.event:event",
    "explain": "retention.cli.commands.explain:explain",
    "suppressed": "retention.cli.commands.suppressed:suppressed",
    "vault": "retention.cli.commands.vault:vault",
    "audit": "retention.cli.commands.audit:audit",
    "key": "retention.cli.commands.key:key",
}

LATER = (
    "report",
    "policy",
    "discover",
)


class Root(LazyGroup):
    """Runs a command line to its exit code: answers, errors and signals all end in `main`."""

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        **extra: Any,
    ) -> NoReturn:
        """Instead of click's, which takes any broken pipe for a reader's and prints errors its own way."""
        if COMPLETION in os.environ:
            super().main(args, prog_name=prog_name or "retention", complete_var=COMPLETION, **extra)
        arguments = list(sys.argv[1:] if args is None else args)
        sys.setrecursionlimit(max(FRAMES, sys.getrecursionlimit()))
        for stream in (sys.stdout, sys.stderr):
            _never_fail_to_encode(stream)
        sys.exit(self._answer(arguments))

    def _answer(self, arguments: list[str]) -> int:
        json = asks_for_json(arguments)
        try:
            with self.make_context("retention", arguments) as ctx:
                code = self.invoke(ctx)
            return code if isinstance(code, int) else 0
        except Exit as end:
            return end.exit_code
        except BaseException as error:
            if isinstance(error, BrokenPipeError) and stdout_is_broken():
                silence_stdout()
                return 0
            if isinstance(error, SystemExit):
                raise
            if debugging():
                tell_traceback(error)
            failure = failure_of(error)
            tell(failure, json=json)
            return failure.exit


def asks_for_json(arguments: Sequence[str]) -> bool:
    """Whether `--format json` is on the line, though the line may be wrong in other ways."""
    words = list(arguments)
    if "--" in words:
        words = words[: words.index("--")]
    last = None
    for at, word in enumerate(words):
        if word == "--format":
            last = words[at + 1] if at + 1 < len(words) else None
        elif word.startswith("--format="):
            last = word.partition("=")[2]
    return last == "json"


def _never_fail_to_encode(stream: TextIO | None) -> None:
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


@click.command(
    "retention",
    cls=Root,
    table=COMMANDS,
    later=LATER,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--config",
    metavar="FILE",
    type=Given("file"),
    envvar="RETENTION_CONFIG",
    show_envvar=True,
    help="The policy.  [default: policies.toml]",
)
@click.option(
    "--connectors",
    metavar="FOLDER",
    type=Given("folder"),
    envvar="RETENTION_CONNECTORS",
    show_envvar=True,
    help="The connectors.  [default: connectors, beside the policy]",
)
@click.option(
    "--state",
    metavar="URL",
    type=Given("url"),
    envvar="RETENTION_STATE",
    show_envvar=True,
    help="The state store.  [default: as retention.toml says]",
)
@click.version_option(__version__, prog_name="retention", message="%(prog)s %(version)s")
@click.pass_context
def root(ctx: click.Context, config: str | None, connectors: str | None, state: str | None) -> None:
    """Keeps the promises that companies make in their privacy policies.

    Rules say how long each kind of data may be kept, connectors where it lives; retention shows what
    is due, deletes it once a person has approved, and leaves a log that anyone can verify.

    \b
    To see it at work:     retention demo
    To begin:              retention init
    What would be deleted: retention plan
    """
    ctx.obj = Session(
        config=Path(config) if config else None,
        connectors=Path(connectors) if connectors else None,
        state=state,
    )
