"""A run that the daemon has begun, in a thread of its own: what it is on, whether it is to stop, how it ended."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from retention.config import Configuration
from retention.daemon.ports import Ports, Start
from retention.errors import ConfigurationError, InterruptedRun, LedgerError, RetentionError
from retention.model.outcome import RunOutcome
from retention.store.turns import Turn


@dataclass(kw_only=True)
class Active:
    """`turns`: rule → its turn and the token of its lease. `over` is set last, when the thread is done.

    `error`: why there is no outcome, in words; `failed` where that was not an interruption,
    `unverified` where the ledger did not verify.
    """

    config: Configuration
    turns: Mapping[str, tuple[Turn, int]]
    connectors: tuple[str, ...]
    datasets: frozenset[str]
    begun: datetime
    lost: set[str] = field(default_factory=set)
    outcome: RunOutcome | None = None
    error: str | None = None
    failed: bool = False
    unverified: bool = False
    over: bool = False

    def work(
        self,
        ports: Ports,
        *,
        stop: Callable[[], bool],
        left: Callable[[], float | None],
        clock: Callable[[], datetime],
        done: Callable[[], None],
    ) -> None:
        """Carries it out; whatever happens is told by the fields, and by `done` at the end."""
        start = Start(
            rules=tuple(self.turns),
            connectors=self.connectors,
            stop=lambda: stop() or bool(self.lost),
            left=left,
            clock=clock,
        )
        try:
            self.outcome = ports.carry_out(self.config, start)
        except InterruptedRun as error:
            self.error = error.message
        except RetentionError as error:
            self.error, self.failed = _said(error), True
            self.unverified = isinstance(error, LedgerError)
        except Exception as error:  # noqa: BLE001 - one run must not end the daemon
            self.error, self.failed = _place_of(error), True
        self.over = True
        done()


def _said(error: RetentionError) -> str:
    first = error.problems[:1] if isinstance(error, ConfigurationError) else ()
    return "; the first: ".join([error.message, *map(str, first)])


def _place_of(error: Exception) -> str:
    """Its kind and place, not its text: a driver's message can quote the row that it failed on."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    return f"unexpected: {type(error).__name__}{place}"
