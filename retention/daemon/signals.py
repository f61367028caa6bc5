"""What ends or wakes the daemon: signals, and threads that are done. A handler does nothing but write a byte."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from types import FrameType, TracebackType
from typing import Any

ENDING = (signal.SIGTERM, signal.SIGINT)


class Signals:
    """A context of the main thread that holds SIGTERM, SIGINT and SIGHUP."""

    def __init__(self) -> None:
        self._ending = False
        self._reload = False
        self._before: dict[signal.Signals, Any] = {}
        self._out, self._in = os.pipe()
        for end in (self._out, self._in):
            os.set_blocking(end, False)

    def __enter__(self) -> Signals:
        for number in (*ENDING, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        for end in (self._out, self._in):
            os.close(end)
        self._out = self._in = -1

    def ending(self) -> bool:
        """It has been told to end."""
        return self._ending

    def reload(self) -> bool:
        """It has been told to read its files; true once for each time that it was."""
        asked, self._reload = self._reload, False
        return asked

    def wake(self) -> None:
        """Ends a wait that is going on, or the next one. From any thread."""
        with contextlib.suppress(OSError):  # a full pipe wakes as well, a closed one has nobody to wake
            os.write(self._in, b"!")

    def wait(self, seconds: float) -> None:
        """Until so many seconds are over, or somebody wakes."""
        ready, _, _ = select.select([self._out], [], [], max(0.0, seconds))
        if ready:
            with contextlib.suppress(OSError):
                os.read(self._out, 4096)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        del frame
        if number in ENDING:
            self._ending = True
        else:
            self._reload = True
        self.wake()
