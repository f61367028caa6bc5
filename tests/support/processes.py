"""Processes of one function, forked from one that has imported all that they need: they start in no time.

They can be killed like others. What a process sends is a message each, whole or not there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

IMPORTED = [
    "pytest",
    "psycopg",
    "pymysql",
    "retention.store.mysql",
    "retention.store.postgresql",
    "retention.store.sqlite",
    "tests.contract.store.appending",
]


@functools.cache
def _context() -> Any:
    context = get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    return context


class Child:
    """`work(send, …)` in a process of its own; `send(message)` is read by `next`."""

    def __init__(self, work: Callable[..., None], *arguments: Any) -> None:
        self._end, theirs = _context().Pipe(duplex=False)
        self.process: BaseProcess = _context().Process(target=_run, args=(work, theirs, *arguments))
        self.process.start()
        theirs.close()

    def next(self) -> Any:
        """The next message; raises EOFError where the process has ended and no more will come."""
        return self._end.recv()

    def rest(self) -> list[Any]:
        """The messages that are still to come, and the end of the process."""
        found = []
        while True:
            try:
                found.append(self.next())
            except EOFError:
                break
        self.process.join()
        self._end.close()
        return found

    def kill(self) -> list[Any]:
        """As kill -9 does; what it had still sent."""
        self.process.kill()
        return self.rest()


def _run(work: Callable[..., None], end: Connection, *arguments: Any) -> None:
    work(end.send, *arguments)
