"""Stopping a run: the first signal ends it after its batch, the second at once."""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)

_AGAIN = 0.01
"""Seconds: by then the clearing away is over."""

TOLD = b"\nStopping after this batch; a second signal stops at once.\n"


class StopSignals:
    """A context that holds SIGINT and SIGTERM; called, it says whether to stop.

    A signal that the process was told to ignore (nohup) stays ignored. While somebody is being
    asked, nothing is under way, and the first signal ends at once.
    """

    def __init__(self) -> None:
        self._stopping = False
        self._asking = False
        self._before: dict[signal.Signals, Any] = {}

    def __call__(self) -> bool:
        return self._stopping

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """Somebody is being asked."""
        self._asking = True
        try:
            yield
        finally:
            self._asking = False

    def _receive(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self._asking or self._stopping:
            for each in self._before:
                signal.signal(each, signal.SIG_DFL)
            raise KeyboardInterrupt
        self._stopping = True
        with contextlib.suppress(OSError):
            os.write(2, TOLD)  # a buffered stream must not be entered twice, and this may interrupt one


def lose_no_interrupt() -> None:
    """A Ctrl-C that falls into Python's clearing away is dropped there, with a traceback: it comes again."""
    usual = sys.unraisablehook

    def dropped(what: sys.UnraisableHookArgs) -> None:
        if not issubclass(what.exc_type, KeyboardInterrupt):
            usual(what)
            return
        again = threading.Timer(_AGAIN, _thread.interrupt_main)
        again.daemon = True
        with contextlib.suppress(RuntimeError):  # at the process's end no thread begins
            again.start()

    sys.unraisablehook = dropped
