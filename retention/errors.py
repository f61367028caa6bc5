"""Every error that the engine raises on purpose, as one tree.

RetentionError                    1    unexpected
├── UsageError                    2    the command was typed wrongly
├── ConfigurationError            3    files, live schema or set-up: a list of problems
│   └── SetupError                3    a state store, keys or marker table is missing or foreign
├── SafetyRefusal                 4    it could be done, and must not be (yet)
├── PartialError                  5    some jobs failed or were left unfinished
├── UnreachableError              5    a database or the state store does not answer
├── LedgerError                   6    the ledger does not verify
├── AnswerIsNo                    7    the question was answered, with no
└── InterruptedRun              130    ended by a signal, after its batch

A branch is an exit code (DESIGN: the command line). The message of an error
raised without one is the first line of its class's docstring. Driver errors are
wrapped once, by the adapter, with `from`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, order=True)
class Problem:
    """One thing that is wrong, said so that it can be mended.

    `file` is a path as the operator knows it, or `CONNECTOR (live schema)`;
    `key` a dotted path inside it, or a table; `found` what is there; `write`
    what to write instead, or the command or statement to type.
    """

    file: str
    key: str
    found: str
    write: str

    def __str__(self) -> str:
        place = f"{self.file}: {self.key}" if self.key else self.file
        says = "" if self.key and self.found.startswith(("is ", "has ")) else ":"
        return f"{place}{says} {self.found}; {self.write}"


class RetentionError(Exception):
    """Something unexpected went wrong."""

    exit_code: int = 1
    code: str = "unexpected"

    def __init__(self, message: str | None = None) -> None:
        if message is None:
            message = (type(self).__doc__ or "").strip().splitlines()[0]
        super().__init__(message)

    @property
    def message(self) -> str:
        """What went wrong, in words for the person who asked."""
        return str(self)


class UsageError(RetentionError):
    """The command cannot be understood."""

    exit_code = 2
    code = "usage"


class ConfigurationError(RetentionError):
    """The configuration is invalid."""

    exit_code = 3
    code = "configuration"

    def __init__(self, message: str | None = None, problems: Iterable[Problem] = ()) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        if message is None and self.problems:
            count = len(self.problems)
            message = f"{count} problem{'s' if count != 1 else ''} in the configuration"
        super().__init__(message)


class SetupError(ConfigurationError):
    """The engine is not set up here; type: retention init"""

    code = "setup"


class SafetyRefusal(RetentionError):  # noqa: N818 - the field's word
    """Refused for safety."""

    exit_code = 4
    code = "refused"


class PartialError(RetentionError):
    """Some jobs failed or are unfinished."""

    exit_code = 5
    code = "partial"


class UnreachableError(RetentionError):
    """A store could not be reached."""

    exit_code = 5
    code = "unreachable"

    def __init__(self, message: str | None = None, *, write: str = "") -> None:
        """`write`: what to do about it, where that is known; it becomes the message's end."""
        super().__init__(f"{message}; {write}" if message is not None and write else message)
        self.found = self.message if message is None else message
        self.write = write


class LedgerError(RetentionError):
    """The ledger does not verify."""

    exit_code = 6
    code = "ledger"


class AnswerIsNo(RetentionError):  # noqa: N818 - it is an answer
    """The answer is no."""

    exit_code = 7
    code = "no"


class InterruptedRun(RetentionError):  # noqa: N818 - it is an outcome
    """Interrupted; the batch at hand was finished first."""

    exit_code = 130
    code = "interrupted"
