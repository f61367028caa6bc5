"""The kill switch: nothing is removed by any daemon or run while it is on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

FILE = "retention.stop"
"""Beside `policies.toml`, a file of this name stops what works with that policy, though the state store be away."""


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Everything is stopped. `by`: the account that did it, `behalf` for whom; `reason` in words, of the state store
    only; `ref` is shown by the ledger, too.

    `file`: the path of the file that stops it; None where the state store does.
    """

    at: datetime
    by: str
    reason: str
    behalf: str | None = None
    ref: str | None = None
    file: str | None = None


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """What `stop` did. `new`: it was not stopped before. `unsettled`: batches that had begun and are not settled yet.

    `away`: why the state store could not be told; then there is only the file.
    """

    stop: Stop
    new: bool
    unsettled: int = 0
    away: str | None = None


@dataclass(frozen=True, kw_only=True)
class Resumed:
    """What `resume` did: the stops that are over, none where nothing was stopped."""

    at: datetime
    by: str
    over: tuple[Stop, ...]
