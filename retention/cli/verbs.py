"""The verbs as the command line calls them, each imported when it is called.

These signatures are the whole of what the command line knows of the engine below it; a test
compares them with those of `retention.verbs`.
"""

from __future__ import annotations

import importlib
import time
from typing import TYPE_CHECKING, Any, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path
    from typing import TextIO

    from retention.model.coverage import HoldLine, Placed, Reach, Released, ToldOutcome, Withdrawn
    from retention.model.explanation import CheckReport, Explanation
    from retention.model.keys import KeyChange, KeyList
    from retention.model.outcome import ApprovalLine, RunOutcome
    from retention.model.overview import SetUp
    from retention.model.place import Place
    from retention.model.plan import Plan, PlanLine, Statement
    from retention.model.progress import Progress
    from retention.model.script import Script
    from retention.model.status import NextLine, Status
    from retention.model.switch import Resumed, Stopped
    from retention.model.told import Telling

Clock: TypeAlias = "Callable[[], datetime]"


def _verb(module: str, function: str) -> Callable[..., Any]:
    return cast("Callable[..., Any]", getattr(importlib.import_module(f"retention.verbs.{module}"), function))


def check(place: Place, *, offline: bool = False, clock: Clock) -> CheckReport:
    """Reads every file and, unless `offline`, every live schema."""
    return cast("CheckReport", _verb("check", "check")(place, offline=offline, clock=clock))


def plan(
    place: Place,
    *,
    as_of: str | None = None,
    rules: tuple[str, ...] = (),
    connectors: tuple[str, ...] = (),
    clock: Clock,
    progress: Progress | None = None,
    store: bool = True,
) -> Plan:
    """The dry run."""
    made = _verb("plan", "plan")(
        place,
        as_of=as_of,
        rules=rules,
        connectors=connectors,
        clock=clock,
        progress=progress,
        store=store,
    )
    return cast("Plan", made)


def statements(
    place: Place,
    *,
    as_of: str | None = None,
    rules: tuple[str, ...] = (),
    connectors: tuple[str, ...] = (),
    clock: Clock,
    progress: Progress | None = None,
) -> tuple[Statement, ...]:
    """The SQL that a run would send."""
    made = _verb("statements", "statements")(
        place, as_of=as_of, rules=rules, connectors=connectors, clock=clock, progress=progress
    )
    return cast("tuple[Statement, ...]", made)


def refuse_output(place: Place, output: Path) -> None:
    """A report that would replace a part of the engine or of a database is refused."""
    _verb("opening.output", "refuse_output")(place, output)


def listed(place: Place) -> tuple[PlanLine, ...]:
    """The stored plans."""
    return cast("tuple[PlanLine, ...]", _verb("plan", "listed")(place))


def stored(place: Place, id: str) -> Plan:
    """One stored plan."""
    return cast("Plan", _verb("plan", "stored")(place, id))


def approve(
    place: Place,
    plan_id: str,
    *,
    rules: tuple[str, ...] = (),
    over_limit: tuple[str, ...] = (),
    by: str,
    clock: Clock,
) -> tuple[ApprovalLine, ...]:
    """Approves a stored plan, or some of its rules, in a person's name."""
    lines = _verb("approve", "approve")(
        place, plan_id, rules=rules, over_limit=over_limit, by=by, clock=clock
    )
    return cast("tuple[ApprovalLine, ...]", lines)


def run(
    place: Place,
    *,
    plan_id: str | None = None,
    rules: tuple[str, ...] = (),
    connectors: tuple[str, ...] = (),
    as_of: str | None = None,
    limit: int | None = None,
    by: str,
    clock: Clock,
    progress: Progress,
    confirm: Callable[[Plan], bool] | None = None,
    stop: Callable[[], bool] | None = None,
) -> RunOutcome:
    """Carries a plan out."""
    outcome = _verb("run", "run")(
        place,
        plan_id=plan_id,
        rules=rules,
        connectors=connectors,
        as_of=as_of,
        limit=limit,
        by=by,
        clock=clock,
        progress=progress,
        confirm=confirm,
        stop=stop,
    )
    return cast("RunOutcome", outcome)


def place_hold(
    place: Place,
    *,
    subjects: tuple[str, ...] = (),
    listed: tuple[str, bytes] | None = None,
    dataset: str | None = None,
    data: str | None = None,
    rule: str | None = None,
    key: tuple[str, str] | None = None,
    reason: str,
    text: str = "",
    review: str | None = None,
    by: str,
    behalf: str | None = None,
    authority: str | None = None,
    ref: str | None = None,
    accept: bool = False,
    clock: Clock,
    patience: float = 30.0,
    pause: Callable[[float], None] = time.sleep,
) -> Placed:
    """Places a legal hold."""
    placed = _verb("holds", "place_hold")(
        place,
        subjects=subjects,
        listed=listed,
        dataset=dataset,
        data=data,
        rule=rule,
        key=key,
        reason=reason,
        text=text,
        review=review,
        by=by,
        behalf=behalf,
        authority=authority,
        ref=ref,
        accept=accept,
        clock=clock,
        patience=patience,
        pause=pause,
    )
    return cast("Placed", placed)


def list_holds(place: Place, *, clock: Clock) -> tuple[HoldLine, ...]:
    """The holds in force."""
    return cast("tuple[HoldLine, ...]", _verb("holds", "list_holds")(place, clock=clock))


def release_hold(
    place: Place, id: str, *, reason: str, by: str, behalf: str | None = None, clock: Clock
) -> Released:
    """Ends a legal hold."""
    done = _verb("holds", "release_hold")(place, id, reason=reason, by=by, behalf=behalf, clock=clock)
    return cast("Released", done)


def tell_event(
    place: Place,
    event: str,
    *,
    subjects: tuple[str, ...],
    at: str | None = None,
    by: str,
    behalf: str | None = None,
    ref: str | None = None,
    clock: Clock,
    confirm: Callable[[Reach], bool] | None = None,
) -> ToldOutcome:
    """Tells an event of one person."""
    told = _verb("events", "tell_event")(
        place, event, subjects=subjects, at=at, by=by, behalf=behalf, ref=ref, clock=clock, confirm=confirm
    )
    return cast("ToldOutcome", told)


def tell_file(
    place: Place,
    *,
    listed: tuple[str, bytes],
    event: str | None = None,
    at: str | None = None,
    by: str,
    behalf: str | None = None,
    ref: str | None = None,
    clock: Clock,
    confirm: Callable[[Reach], bool] | None = None,
) -> ToldOutcome:
    """Tells an event a line of a file."""
    told = _verb("events", "tell_file")(
        place,
        listed=listed,
        event=event,
        at=at,
        by=by,
        behalf=behalf,
        ref=ref,
        clock=clock,
        confirm=confirm,
    )
    return cast("ToldOutcome", told)


def withdraw_event(
    place: Place,
    id: str,
    *,
    by: str,
    behalf: str | None = None,
    clock: Clock,
    patience: float = 30.0,
    pause: Callable[[float], None] = time.sleep,
) -> Withdrawn:
    """Takes a told event back."""
    given = _verb("events", "withdraw_event")(
        place, id, by=by, behalf=behalf, clock=clock, patience=patience, pause=pause
    )
    return cast("Withdrawn", given)


def list_events(place: Place) -> tuple[Telling, ...]:
    """The told events in force."""
    return cast("tuple[Telling, ...]", _verb("events", "list_events")(place))


def status(place: Place, *, clock: Clock) -> Status:
    """What ran, what runs next, what is overdue, what waits."""
    return cast("Status", _verb("status", "status")(place, clock=clock))


def stop(
    place: Place,
    *,
    reason: str,
    by: str,
    behalf: str | None = None,
    ref: str | None = None,
    clock: Clock,
    patience: float = 10.0,
    pause: Callable[[float], None] = time.sleep,
) -> Stopped:
    """Stops everything."""
    done = _verb("switch", "stop")(
        place,
        reason=reason,
        by=by,
        behalf=behalf,
        ref=ref,
        clock=clock,
        patience=patience,
        pause=pause,
    )
    return cast("Stopped", done)


def resume(place: Place, *, by: str, clock: Clock) -> Resumed:
    """Lets everything go on."""
    return cast("Resumed", _verb("switch", "resume")(place, by=by, clock=clock))


def daemon(place: Place, *, by: str, clock: Clock, log: TextIO, listen: str | None = None) -> None:
    """Runs rules on schedule until it is told to end."""
    _verb("daemon", "daemon")(place, by=by, clock=clock, log=log, listen=listen)


def print_schedule(place: Place, *, clock: Clock) -> tuple[NextLine, ...]:
    """When rules run by schedule."""
    return cast("tuple[NextLine, ...]", _verb("schedule", "print_schedule")(place, clock=clock))


def explain(place: Place, *, dataset: str, key: str, as_of: str | None = None, clock: Clock) -> Explanation:
    """One record's fate."""
    told = _verb("explain", "explain")(place, dataset=dataset, key=key, as_of=as_of, clock=clock)
    return cast("Explanation", told)


def list_keys(place: Place) -> KeyList:
    """Every key, by its id."""
    return cast("KeyList", _verb("keys", "list_keys")(place))


def rotate_key(place: Place, kind: str, *, by: str, clock: Clock) -> KeyChange:
    """Takes a new key into use."""
    return cast("KeyChange", _verb("keys", "rotate_key")(place, kind, by=by, clock=clock))


def destroy_keys(
    place: Place, kind: str, ids: tuple[str, ...], *, before: str | None = None, by: str, clock: Clock
) -> KeyChange:
    """Destroys keys that are not in use any more."""
    done = _verb("keys", "destroy_keys")(place, kind, ids, before=before, by=by, clock=clock)
    return cast("KeyChange", done)


def init(folder: Path, place: Place, *, by: str, clock: Clock) -> SetUp:
    """Makes what is missing, and says so."""
    return cast("SetUp", _verb("init", "init")(folder, place, by=by, clock=clock))


def introduce(
    place: Place,
    *,
    folder: Path | None = None,
    url: str,
    name: str | None = None,
    tables: tuple[str, ...] = (),
    by: str,
    clock: Clock,
) -> SetUp:
    """Shows the tables of a database, or writes the files to begin with."""
    done = _verb("introduce", "introduce")(
        place, folder=folder, url=url, name=name, tables=tables, by=by, clock=clock
    )
    return cast("SetUp", done)


def ddl(place: Place) -> tuple[Script, ...]:
    """The tables that `init` makes, as statements."""
    return cast("tuple[Script, ...]", _verb("ddl", "ddl")(place))
