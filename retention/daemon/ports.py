"""What the daemon does, as functions that it is given: it knows no verb."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from retention.config import Configuration
from retention.model.outcome import RunOutcome
from retention.model.status import Status
from retention.model.switch import Stop
from retention.store.state import Snapshot, StateStore, Transaction


@dataclass(frozen=True, kw_only=True)
class Start:
    """A run that is to be: of these rules, on these connectors (none named: all).

    `left`: seconds until it has to be over; None: whenever it is.
    """

    rules: tuple[str, ...]
    connectors: tuple[str, ...]
    stop: Callable[[], bool]
    left: Callable[[], float | None]
    clock: Callable[[], datetime]


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The engine below, as the daemon calls it. All raise RetentionError.

    `load`: reads all files, or says everything that is wrong with them. `opened`: the state store for writing.
    `carry_out`: one run, to its end. `stopped`: who stopped everything. `verify`: the whole ledger. `reached`: the
    datasets that a rule acts on, by name. `status`: from the state store alone. `silent`: connectors that do not
    answer, and why. `sign`: the ledger as it stands, verified first; what could not be published, in sentences.
    """

    load: Callable[[], Configuration]
    opened: Callable[[Configuration], AbstractContextManager[StateStore]]
    carry_out: Callable[[Configuration, Start], RunOutcome]
    stopped: Callable[[Configuration, Snapshot | Transaction], Stop | None]
    verify: Callable[[StateStore], None]
    reached: Callable[[Configuration, str], frozenset[str]]
    status: Callable[[Configuration, Snapshot, datetime], Status]
    silent: Callable[[Configuration], Mapping[str, str]]
    sign: Callable[[Configuration, datetime], tuple[str, ...]]
