"""Runs rules on schedule until it is told to end."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TextIO

from retention.config import Configuration
from retention.config.settings.daemon_file import an_address
from retention.connectors.sql.opening import open_target
from retention.daemon.files import Files
from retention.daemon.logs import Log
from retention.daemon.loop import Daemon
from retention.daemon.metrics import Metrics
from retention.daemon.moments import Moments
from retention.daemon.notices.channels import sender_of
from retention.daemon.notices.courier import Courier
from retention.daemon.ports import Ports, Start
from retention.daemon.seeing import Seeing
from retention.daemon.serving import Pages, Server
from retention.daemon.signals import Signals
from retention.daemon.systemd import Systemd
from retention.daemon.vitals import Life, Vitals
from retention.errors import RetentionError, UnreachableError, UsageError
from retention.model.outcome import RunOutcome
from retention.model.place import Place
from retention.model.progress import NoProgress
from retention.model.settings import Settings
from retention.model.switch import Stop
from retention.store.state import Snapshot, StateStore, Transaction
from retention.store.verifying import verify_store
from retention.verbs.opening import stores
from retention.verbs.opening.configured import Clock, configuration
from retention.verbs.opening.prepared import reaches
from retention.verbs.proof.published import sign_the_rest
from retention.verbs.run import carry_out
from retention.verbs.status import status_of
from retention.verbs.switch import stopped


def daemon(place: Place, *, by: str, clock: Clock, log: TextIO, listen: str | None = None) -> None:
    """Runs what is due by schedule, in the name `by`, until SIGTERM or SIGINT; logs to `log`.

    `listen`: where it answers over HTTP, in place of what the settings say. Raises UsageError for what is no
    address, ConfigurationError where the files or the set-up are invalid at the start. A state store that does not
    answer is waited for.
    """
    config = configuration(place)
    if listen is not None:
        config = replace(config, settings=_listening(config, listen))
    with suppress(UnreachableError), stores.opened(config, place):
        pass  # what is missing or foreign is said at once, and not again and again
    with Signals() as signals, ExitStack() as stack:
        made_one = made(place, config, by=by, clock=clock, log_to=log, signals=signals)
        where = config.settings.daemon.listen
        if where is not None:
            stack.callback(Server(where, pages(made_one)).close)
            made_one.log.info("listening", on=where)
        made_one.serve()


def pages(daemon: Daemon) -> Pages:
    """What it answers over HTTP."""
    metrics = Metrics(daemon.vitals, daemon.moments.now)
    metrics.text()  # what it needs is loaded before anybody asks
    return Pages(lambda: daemon.vitals.life, daemon.moments.elapsed, metrics.text)


def _listening(config: Configuration, text: str) -> Settings:
    try:
        where = an_address(text)
    except ValueError as error:
        raise UsageError(f"--listen {error}") from error
    return replace(config.settings, daemon=replace(config.settings.daemon, listen=where))


def made(
    place: Place, config: Configuration, *, by: str, clock: Clock, log_to: TextIO, signals: Signals
) -> Daemon:
    """The daemon over this machine's clocks and threads."""
    moments = Moments(wall=clock, elapsed=_elapsed)
    doors, vitals = ports(place, by), Vitals(Life(ticked=_elapsed()))
    log = Log(log_to, moments.now, json=config.settings.json_logs)
    seeing = Seeing(ports=doors, vitals=vitals, moments=moments, log=log, spawn=_spawn)
    return Daemon(
        ports=doors,
        vitals=vitals,
        seeing=seeing,
        courier=Courier(
            vitals=vitals,
            moments=moments,
            seeing=seeing,
            log=log,
            spawn=_spawn,
            wake=signals.wake,
            senders=lambda channel: sender_of(channel, place.environ, moments.now),
        ),
        config=config,
        files=Files(place.config, place.connectors, config.folder / stores.FILE),
        moments=moments,
        log=log,
        wait=signals.wait,
        wake=signals.wake,
        spawn=_spawn,
        ending=signals.ending,
        reload=signals.reload,
        systemd=Systemd.of(place.environ, os.getpid()),
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
        status=status_of,
        silent=partial(_silent, place),
        sign=partial(_signed, place),
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
        left=start.left,
    )


def _stopped(config: Configuration, moment: Snapshot | Transaction) -> Stop | None:
    return stopped(config.folder, moment)


def _verify(state: StateStore) -> None:
    verify_store(state, state.verifier_key)


def _reached(config: Configuration, rule: str) -> frozenset[str]:
    found = config.policy.rules[rule]
    return frozenset(str(d) for d in stores.datasets(config) if reaches(found, d))


def _silent(place: Place, config: Configuration) -> Mapping[str, str]:
    """Connectors that do not answer, each asked by itself: a wrong schema is for `check` to say."""
    silent = {}
    for name, connector in config.connectors.items():
        try:
            target = open_target(connector, place.environ)
            try:
                target.store()
            finally:
                target.close()
        except RetentionError as error:
            silent[name] = error.message
    return silent


def _signed(place: Place, config: Configuration, now: datetime) -> tuple[str, ...]:
    with stores.opened(config, place) as state:
        return sign_the_rest(state, config, now)


def _spawn(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()


def _elapsed() -> float:
    """Seconds that nobody sets; those of a suspended machine count where the system tells them."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
