"""Runs rules on schedule until it is told to end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TextIO

from retention.config import Configuration
from retention.daemon.files import Files
from retention.daemon.logs import Log
from retention.daemon.loop import Daemon
from retention.daemon.moments import Moments
from retention.daemon.ports import Ports, Start
from retention.daemon.signals import Signals
from retention.errors import UnreachableError
from retention.model.outcome import RunOutcome
from retention.model.place import Place
from retention.model.progress import NoProgress
from retention.model.switch import Stop
from retention.store.state import Snapshot, StateStore, Transaction
from retention.store.verifying import verify_store
from retention.verbs import stores
from retention.verbs.prepared import Clock, configuration, reaches
from retention.verbs.run import carry_out
from retention.verbs.switch import stopped


def daemon(place: Place, *, by: str, clock: Clock, log: TextIO) -> None:
    """Runs what is due by schedule, in the name `by`, until SIGTERM or SIGINT; logs to `log`.

    Raises ConfigurationError where the files or the set-up are invalid at the start. A state store that does not
    answer is waited for.
    """
    config = configuration(place)
    with suppress(UnreachableError), stores.opened(config, place):
        pass  # what is missing or foreign is said at once, and not again and again
    with Signals() as signals:
        made(place, config, by=by, clock=clock, log=log, signals=signals).serve()


def made(
    place: Place, config: Configuration, *, by: str, clock: Clock, log: TextIO, signals: Signals
) -> Daemon:
    """The daemon over this machine's clocks and threads."""
    moments = Moments(wall=clock, elapsed=_elapsed)
    return Daemon(
        ports=ports(place, by),
        config=config,
        files=Files(place.config, place.connectors, config.folder / stores.FILE),
        moments=moments,
        log=Log(log, moments.now, json=config.settings.json_logs),
        wait=signals.wait,
        wake=signals.wake,
        spawn=_spawn,
        ending=signals.ending,
        reload=signals.reload,
    )


def ports(place: Place, by: str) -> Ports:
    """The verbs' own functions, as the daemon calls them."""
    return Ports(
        load=lambda: configuration(place),
        opened=lambda config: stores.opened(config, place),
        carry_out=partial(_carried_out, place, by),
        stopped=_stopped,
        verify=_verify,
        reached=_reached,
    )


def _carried_out(place: Place, by: str, config: Configuration, start: Start) -> RunOutcome:
    return carry_out(
        config,
        place,
        rules=start.rules,
        connectors=start.connectors,
        by=by,
        clock=start.clock,
        progress=NoProgress(),
        stop=start.stop,
    )


def _stopped(config: Configuration, moment: Snapshot | Transaction) -> Stop | None:
    return stopped(config.folder, moment)


def _verify(state: StateStore) -> None:
    verify_store(state, state.verifier_key)


def _reached(config: Configuration, rule: str) -> frozenset[str]:
    found = config.policy.rules[rule]
    return frozenset(str(d) for d in stores.datasets(config) if reaches(found, d))


def _spawn(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()


def _elapsed() -> float:
    """Seconds that nobody sets; those of a suspended machine count where the system tells them."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
