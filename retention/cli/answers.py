"""Answers on standard output or in a file. A reader who leaves early (`| head`) is no error."""

from __future__ import annotations

import contextlib
import os
import re
import select
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeAlias

from retention.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from retention.model.documents import Document

Drawing: TypeAlias = "Callable[[Console], None]"

FILE_WIDTH = 120
"""Columns of a text report in a file."""

REPORT = re.compile(
    rb"""
      Plan [ ] \S+ [ ] as [ ] of [ ] -?\d      # a plan as text
    | -- [ ] retention [ ] plan [ ] --sql      # its statements
    | \{ \s* "format": \s* "retention\.        # either as a document
    """,
    re.VERBOSE,
)
"""How a report begins. Only what begins so is replaced by another one."""


def answer(form: str, document: Callable[[], Document], text: Drawing, output: Path | None = None) -> None:
    """One answer, as JSON or as text, to standard output or to `output`."""
    if output is not None:
        with replacing(output) as stream:
            _write(stream, form, document, text, width=FILE_WIDTH)
        told = f"Written to {output}\n"
        with contextlib.suppress(OSError):
            sys.stderr.write(told)
        return
    with quiet_pipe():
        _write(sys.stdout, form, document, text)
        sys.stdout.flush()


def _write(
    stream: TextIO, form: str, document: Callable[[], Document], text: Drawing, width: int | None = None
) -> None:
    if form == "json":
        stream.write(as_json(document()))
        return
    from retention.report.console import console_on

    text(console_on(stream, width=width))


def as_json(document: Document) -> str:
    """In ASCII, so that no character of a database's reaches a terminal as it is."""
    import json

    return json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def stream_lines(lines: Iterable[str], escape: Callable[[str], str]) -> None:
    """Stored lines to standard output, byte for byte; on a terminal escaped."""
    with quiet_pipe():
        raw = None if sys.stdout.isatty() else getattr(sys.stdout, "buffer", None)
        for line in lines:
            if raw is None:
                sys.stdout.write(escape(line) + "\n")
            else:
                raw.write(line.encode("utf-8", "surrogatepass") + b"\n")
        sys.stdout.flush()


@contextlib.contextmanager
def quiet_pipe() -> Iterator[None]:
    """Lets a broken standard output pass, and no other broken pipe (a database has them, too)."""
    try:
        yield
    except BrokenPipeError:
        if not stdout_is_broken():
            raise
        silence_stdout()


def stdout_is_broken() -> bool:
    """Whether it is the reader of standard output who left.

    What was not written may still be to write, or lost with the write that failed: the pipe knows.
    """
    try:
        sys.stdout.flush()
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    except BrokenPipeError:
        return True
    except (OSError, ValueError):
        return False


def silence_stdout() -> None:
    """What is left to write goes nowhere, also at the interpreter's end."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def check_output(output: Path) -> None:
    """A report that could not be written is refused before the work that it reports on."""
    try:
        _check(output)
    except OSError as error:
        raise UsageError(f"--output {output} can't be looked at: {error.strerror or error}") from error


def _check(output: Path) -> None:
    if output.is_dir():
        raise UsageError(f"--output {output} is a folder; name a file")
    if output.is_block_device():
        raise UsageError(f"--output {output} is a disk; name a file")
    folder = Path(os.path.realpath(output)).parent
    if not folder.is_dir():
        raise UsageError(f"--output {output}: there is no folder {folder}")
    if output.is_file():
        refuse_to_replace(output)
    if not os.access(folder, os.W_OK) and not (output.exists() and not output.is_file()):
        raise UsageError(f"--output {output}: the folder {folder} cannot be written")


def refuse_to_replace(output: Path) -> None:
    """A file that is there is replaced where it is empty or an earlier report: anything else is somebody's."""
    with output.open("rb") as stream:
        start = stream.read(200)
    if start and not REPORT.match(start):
        raise UsageError(f"--output {output} is there already and is no report of a plan; name another file")


@contextlib.contextmanager
def replacing(output: Path) -> Iterator[TextIO]:
    """A file that is there whole or not at all, for its owner's eyes; a device or a pipe is written to."""
    try:
        if output.exists() and not output.is_file():
            with output.open("w", encoding="utf-8", errors="backslashreplace") as stream:
                yield stream
            return
        import tempfile

        if output.exists():
            refuse_to_replace(output)  # it may have come meanwhile
        target = Path(os.path.realpath(output))
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        temporary = Path(name)
        try:
            with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(f"--output {output} cannot be written: {error.strerror or error}") from error
