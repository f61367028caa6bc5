"""What ran, what runs next, what is overdue, what waits."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from rich.console import Console

from retention.model.status import Firing, NextLine, OverdueLine, Status
from retention.report.console import cell, columns, heading, line
from retention.report.escape import shown
from retention.report.notices import show_untold
from retention.report.outcome import RUN_STYLE
from retention.report.switch import show_stop
from retention.report.words import counted, listed, moment, number, unzoned


def show_status(console: Console, status: Status) -> None:
    """Worst first: what waits for a person, what is late, then past and future runs."""
    line(console, f"Status at {moment(status.now)}", style="title")
    if status.stopped is not None:
        show_stop(console, status.stopped)
        line(console, "Nothing is removed until somebody types: retention resume", style="bad")
    _alarms(console, status)
    _running(console, status)
    _failed(console, status)
    _in_a_row(console, status)
    _holds(console, status)
    show_untold(console, status.notices)
    _waiting(console, status)
    _overdue(console, status)
    _runs(console, status)
    _next(console, status)
    console.print()
    archived = f", {number(status.archived)} of them in an archive" if status.archived else ""
    line(console, f"The ledger has {counted(status.events, 'event')}{archived}.", style="quiet")


def _alarms(console: Console, status: Status) -> None:
    if status.in_doubt:
        what = counted(status.in_doubt, "batch is", "batches are")
        line(console, f"{what} in doubt: the next run settles that first.", style="bad")
    if status.set_aside:
        what = counted(status.set_aside, "record is", "records are")
        line(console, f"{what} set aside, tried again at every run.", style="warn")


def _running(console: Console, status: Status) -> None:
    for each in status.running:
        what = f"{each.rule}, {each.connector}.{each.dataset}: {number(each.done)} of {number(each.planned)}"
        line(console, f"Running: {what}, since {moment(each.started)}", style="good")
        if each.waits is not None:
            line(console, f"waits: {each.waits}", style="warn", indent=2)
    for turn in status.turns:
        told = f"{turn.rule}, due at {moment(turn.slot)}"
        if turn.by is not None:
            line(console, f"At it: {told}, by {turn.by}", style="good")
        elif turn.again is not None:
            on = f" on {', '.join(turn.connectors)}" if turn.connectors else ""
            times = counted(turn.attempts, "attempt")
            line(console, f"Tried again{on} at {moment(turn.again)}: {told}, after {times}", style="warn")
        else:
            line(console, f"Nobody is at it: {told}; a daemon would go on with it", style="warn")


def _in_a_row(console: Console, status: Status) -> None:
    late = [each for each in status.standing if each.failures > 1]
    for each in late:
        last = f"last success {moment(each.succeeded)}" if each.succeeded else "never a success"
        what = f"{each.rule}, {each.connector}.{each.dataset}"
        line(console, f"{what}: {each.failures} failures in a row, {last}", style="bad")


def _failed(console: Console, status: Status) -> None:
    if not status.failed:
        return
    heading(console, "Failed in the last run")
    for each in status.failed:
        line(console, f"{each.rule}, {each.connector}.{each.dataset}: {each.reason}", style="bad", indent=2)


def _holds(console: Console, status: Status) -> None:
    if status.holds:
        what = counted(status.holds, "legal hold is", "legal holds are")
        line(console, f"{what} in force: retention hold list", style="quiet")
    for each in status.reviews:
        told = f"Hold {each.id} was to be looked at again on {each.review.isoformat()} (placed by {each.by})."
        line(console, told, style="warn")


def _waiting(console: Console, status: Status) -> None:
    if not status.waiting:
        return
    heading(console, "Waits for approval")
    table = columns(console, ("plan", "left"), ("rule", "left"), ("records", "right"), ("because", "left"))
    for each in status.waiting:
        table.add_row(
            cell(each.plan, "title"), cell(each.rule), cell(number(each.records)), cell(each.reason)
        )
    console.print(table)
    newest = status.waiting[0].plan
    line(console, f"To read it: retention plan show {shown(newest)}", style="quiet", indent=2)
    above = dict.fromkeys(each.rule for each in status.waiting if each.over_limit)
    limits = "".join(f" --over-limit {shlex.quote(rule)}" for rule in above)
    line(console, f"To approve: retention approve {newest}{limits}", style="quiet", indent=2)


def _overdue(console: Console, status: Status) -> None:
    heading(console, "Overdue")
    if not status.overdue:
        line(console, "Nothing was counted yet; type: retention plan", indent=2)
        return
    names = tuple((name, "right") for name in ("overdue", "undated", "unclear"))
    table = columns(console, ("rule", "left"), ("dataset", "left"), *names, ("counted", "left"))
    for each in status.overdue:
        table.add_row(
            cell(each.rule),
            cell(f"{each.connector}.{each.dataset}"),
            cell(number(each.overdue), "bad" if each.overdue else "good"),
            cell(number(each.undated), "warn" if each.undated else "quiet"),
            cell(number(each.unclear), "warn" if each.unclear else "quiet"),
            cell(unzoned(each.as_of), "quiet"),
        )
    console.print(table)
    if status.held_since:
        told = "A hold was placed or released since this was counted; to count again: retention plan"
        line(console, told, style="warn", indent=2)
    for each in status.overdue:
        if each.overdue:
            _stays(console, each)


def _stays(console: Console, each: OverdueLine) -> None:
    """Why those are still there whose time has come."""
    line(console, f"{each.rule}, {each.connector}.{each.dataset}: why they are still there", indent=2)
    for why in each.stays:
        beside = "" if why.late else ", and not overdue by that"
        line(console, f"{number(why.records)} {why.why}: {why.text}{beside}", style="quiet", indent=4)


def _runs(console: Console, status: Status) -> None:
    heading(console, "Runs")
    if not status.runs:
        line(console, "None yet.", indent=2)
        return
    headers = (("run", "left"), ("started", "left"), ("by", "left"), ("done", "right"), ("left", "right"))
    table = columns(console, *headers, ("status", "left"))
    for run in status.runs:
        open_ended = run.ended is None and run.status not in RUN_STYLE
        table.add_row(
            cell(run.id),
            cell(unzoned(run.started)),
            cell(run.by),
            cell(number(run.done)),
            cell(number(run.left), "warn" if run.left else "quiet"),
            cell(
                run.status if not open_ended else f"{run.status}, not ended",
                RUN_STYLE.get(run.status, "warn"),
            ),
        )
    console.print(table)


def _next(console: Console, status: Status) -> None:
    heading(console, "Next")
    if not status.next:
        line(console, "No rule runs here.", indent=2)
        return
    table = columns(console, ("rule", "left"), ("at", "left"), ("schedule", "left"), ("waits for", "left"))
    for each in status.next:
        table.add_row(
            cell(each.rule),
            cell(moment(each.at) if each.at else "by hand only"),
            cell(each.schedule or "", "quiet"),
            cell(each.waits or "", "warn"),
        )
    console.print(table)
    show_times(console, status.next)


def show_schedule(console: Console, lines: Sequence[NextLine]) -> None:
    """The next times of all rules, and those that have none."""
    line(console, "Next times, by schedule", style="title")
    show_times(console, lines)
    by_hand = [shown(each.rule) for each in lines if each.schedule is None]
    if by_hand:
        line(console, f"By hand only: {listed(by_hand)}.", style="quiet")


def show_times(console: Console, lines: Sequence[NextLine]) -> None:
    """The next times, once for all rules that have them in common."""
    groups: dict[tuple[str, str, tuple[Firing, ...]], list[str]] = {}
    for each in lines:
        if each.schedule is not None:
            groups.setdefault((each.schedule, each.timezone, each.times), []).append(shown(each.rule))
    for (schedule, timezone, times), rules in groups.items():
        heading(console, f"{schedule} in {timezone}: {listed(rules)}")
        for time in times:
            line(console, f"{moment(time.local)}   {time.utc:%Y-%m-%d %H:%M} UTC", indent=2)
