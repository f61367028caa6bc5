"""A notice on the standard input of a program of the operator's own, without a shell."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass

from retention.daemon.notices.sending import WHOLE, body
from retention.errors import UnreachableError
from retention.model.notice import Message, Program


@dataclass(kw_only=True)
class ProgramSender:
    """Runs it once, in the policy's folder; what it writes goes nowhere."""

    channel: Program
    _process: subprocess.Popen[bytes] | None = None

    def send(self, message: Message) -> None:
        """Taken is what it ends with 0 for, within half a minute; then it and what it began is killed."""
        program = self.channel.words[0]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the operator's own program
                self.channel.words,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=self.channel.folder,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise UnreachableError(f"{program} can't be run: {reason}") from error
        try:
            self._process.communicate(body(message) + b"\n", timeout=WHOLE)
        except subprocess.TimeoutExpired as error:
            raise UnreachableError(f"{program} did not end within {WHOLE:.0f} seconds") from error
        finally:
            self.cut()
            self._process.wait()
        if self._process.returncode:
            raise UnreachableError(f"{program} ended with {self._process.returncode}")

    def cut(self) -> None:
        """Kills it, with what it began."""
        if self._process is not None and self._process.poll() is None:
            with suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
