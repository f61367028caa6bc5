"""Which daemon carries a turn out: one, by a lease that ends with it, whatever it dies of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from retention.daemon import turns
from retention.daemon.active import Active
from retention.daemon.clockwork import Clockwork
from retention.model.outcome import JobOutcome
from retention.store.leases import LeaseTakenError
from retention.store.owners import this_process
from retention.store.state import StateStore, Transaction
from retention.store.turns import Turn

LEASE = timedelta(seconds=45)
"""How long a turn's lease outlives its last renewal: others take over within a minute."""


def lease_of(rule: str) -> str:
    """The lease of a rule's turn."""
    return f"turn {rule}"


def claim(
    state: StateStore,
    items: Sequence[turns.Due],
    clockworks: Mapping[str, Clockwork],
    *,
    loaded: Mapping[str, datetime],
    now: datetime,
) -> dict[str, tuple[Turn, int]]:
    """Takes those of the turns that are still due and that no other daemon has: rule → turn, token."""
    taken: dict[str, tuple[Turn, int]] = {}
    with state.begin() as tx:
        for item in items:
            clockwork = clockworks[item.rule]
            known = tx.turns.of(item.rule)
            still = turns.due(item.rule, clockwork, known, loaded=loaded[item.rule], now=now)
            if still != item:
                continue
            with suppress(LeaseTakenError):
                token = tx.leases.acquire(lease_of(item.rule), this_process(), now, LEASE)
                begun = turns.begun(item, clockwork)
                tx.turns.put(begun)
                taken[item.rule] = begun, token
    return taken


def introduce(state: StateStore, clockworks: Mapping[str, Clockwork], loaded: Mapping[str, datetime]) -> None:
    """Rules that have no turn yet: what their schedules have missed from now on is made up for."""
    with state.begin() as tx:
        for rule, clockwork in clockworks.items():
            if tx.turns.of(rule) is None:
                schedule = clockwork.schedule
                tx.turns.put(
                    Turn(
                        rule=rule,
                        schedule=schedule.expression,
                        timezone=schedule.timezone,
                        slot=loaded[rule],
                        ended=True,
                    )
                )


def renew(state: StateStore, run: Active, now: datetime) -> None:
    """Holds the leases of a run's turns; those that another daemon has taken are `lost`."""
    for rule, (_, token) in run.turns.items():
        try:
            with state.begin() as tx:
                tx.leases.renew(lease_of(rule), token, now, LEASE)
        except LeaseTakenError:
            run.lost.add(rule)


def settle(
    state: StateStore, run: Active, now: datetime, halted: Callable[[Transaction], bool]
) -> dict[str, Turn]:
    """What becomes of the turns of a run that is over; leases that were lost are another's to settle.

    `halted`: whether everything is stopped; then what is left of them goes on afterwards.
    """
    settled = {}
    for rule, (turn, token) in run.turns.items():
        if rule in run.lost:
            continue
        with suppress(LeaseTakenError), state.begin() as tx:
            tx.leases.renew(lease_of(rule), token, now, LEASE)
            new = turn if halted(tx) else _next(run, turn, now)
            tx.turns.put(new)
            tx.leases.release(lease_of(rule), token)
            settled[rule] = new
    return settled


def _next(run: Active, turn: Turn, now: datetime) -> Turn:
    if run.outcome is None:
        return turns.later(turn, now) if run.failed else turn
    mine: list[JobOutcome] = [job for job in run.outcome.jobs if job.rule == turn.rule]
    return turns.after(turn, mine, now)
