"""What went wrong, said to the person or the program that asked."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import click

from retention.cli.answers import as_json, quiet_pipe
from retention.errors import ConfigurationError, InterruptedRun, Problem, RetentionError, UsageError

DEBUG = "RETENTION_DEBUG"
OFF = frozenset({"", "0", "no", "off", "false"})

GLOBAL_OPTIONS = frozenset({"--config", "--connectors", "--state"})


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why there is no answer. `hint` is a line for people only."""

    code: str
    exit: int
    message: str
    problems: tuple[Problem, ...] = ()
    hint: str = ""


def failure_of(error: BaseException) -> Failure:
    """Whatever was raised, as an exit code and words. What fails because it was interrupted was interrupted."""
    if _amid_interrupt(error) and not isinstance(error, InterruptedRun):
        error = KeyboardInterrupt()
    match error:
        case RetentionError():
            problems = error.problems if isinstance(error, ConfigurationError) else ()
            return Failure(code=error.code, exit=error.exit_code, message=error.message, problems=problems)
        case click.UsageError():
            return _usage(error)
        case click.ClickException():
            return Failure(code=UsageError.code, exit=UsageError.exit_code, message=error.format_message())
        case RecursionError():
            return Failure(
                code=RetentionError.code,
                exit=RetentionError.exit_code,
                message="more datasets refer to each other in a row than a statement can follow",
                hint="`retention check` names them. What helps: parts of a record instead of datasets",
            )
        case KeyboardInterrupt() | click.Abort():
            return Failure(code=InterruptedRun.code, exit=InterruptedRun.exit_code, message="Interrupted.")
        case _:
            return _unexpected(error)


def _amid_interrupt(error: BaseException) -> bool:
    """It was raised while an interrupt was on its way up: a transaction that was cut off complains as it is left."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, KeyboardInterrupt):
        seen = seen.__cause__ or seen.__context__
    return seen is not None


def _usage(error: click.UsageError) -> Failure:
    message = error.format_message()
    path = error.ctx.command_path if error.ctx else "retention"
    option = getattr(error, "option_name", None)
    hint = f"For help: {path} --help"
    if isinstance(error, click.NoSuchOption) and path.endswith(" explain"):
        hint = f"Before a key that begins with a dash write --: {path} CONNECTOR.DATASET -- KEY"
    if option in GLOBAL_OPTIONS:
        command = path.removeprefix("retention ")
        hint = f"{option} stands before the command: retention {option} … {command}"
    return Failure(code=UsageError.code, exit=UsageError.exit_code, message=message, hint=hint)


def _unexpected(error: BaseException) -> Failure:
    """Its kind and place, not its text: a driver's message can quote the row that it failed on."""
    if isinstance(error, OSError) and error.strerror:
        file = f": {error.filename}" if isinstance(error.filename, str) else ""
        what = f"{error.strerror}{file}"
    else:
        import traceback

        frames = traceback.extract_tb(error.__traceback__)
        place = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
        what = f"{type(error).__name__}{place}"
    return Failure(
        code=RetentionError.code,
        exit=RetentionError.exit_code,
        message=f"Unexpected: {what}",
        hint=f"For the traceback, which may show data, set {DEBUG}=1",
    )


def tell(failure: Failure, *, json: bool) -> None:
    """Under `json` as the one document on standard output, else on standard error. Never raises."""
    with contextlib.suppress(OSError, ValueError):
        if json:
            _tell_program(failure)
        else:
            _tell_person(failure)


def _tell_program(failure: Failure) -> None:
    from retention.report.documents import error_document

    message = f"{failure.message}. {failure.hint}" if failure.exit == 1 else failure.message
    document = error_document(failure.code, failure.exit, message, failure.problems)
    with quiet_pipe():
        sys.stdout.write(as_json(document))
        sys.stdout.flush()


def _tell_person(failure: Failure) -> None:
    from retention.report.escape import shown

    sys.stderr.write(f"{_opening(failure)}{shown(failure.message)}\n")
    match failure.problems:
        case (Problem(key="", file=file) as only,) if (
            file in failure.message
        ):  # all but what to do has been said
            sys.stderr.write(f"{shown(only.write)}\n")
        case problems:
            _list(problems)
    if failure.hint:
        sys.stderr.write(shown(failure.hint) + "\n")
    sys.stderr.flush()


def _opening(failure: Failure) -> str:
    return "" if failure.exit in (1, InterruptedRun.exit_code) else "Error: "


def _list(problems: Sequence[Problem]) -> None:
    if not problems:
        return
    from retention.report.console import console_on
    from retention.report.problems import show_problems

    show_problems(console_on(sys.stderr), problems)


def debugging() -> bool:
    """Whether tracebacks are wanted."""
    return os.environ.get(DEBUG, "").strip().lower() not in OFF


def tell_traceback(error: BaseException) -> None:
    """For whoever mends it."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(shown_trace(error))


def shown_trace(error: BaseException) -> str:
    """The traceback, its lines escaped one by one."""
    import traceback

    from retention.report.escape import shown

    text = "".join(traceback.format_exception(error))
    return "".join(shown(line) + "\n" for line in text.splitlines())
