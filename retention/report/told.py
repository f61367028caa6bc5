"""Holds and told events, as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from rich.console import Console

from retention.model.coverage import (
    Covered,
    HoldLine,
    Placed,
    Reach,
    ReachLine,
    Released,
    ToldOutcome,
    ToldState,
    Withdrawn,
)
from retention.model.told import Cover, Telling
from retention.report.console import cell, columns, heading, line
from retention.report.words import counted, listed, moment, number, unzoned

_SUBJECTS_SHOWN = 5
_LINES_SHOWN = 20

_STYLES = {Covered.COVERED: "good", Covered.NONE_NOW: "quiet", Covered.OUT_OF_REACH: "bad"}


def show_placed(console: Console, placed: Placed) -> None:
    """What the hold covers, worst told last, where it is read."""
    hold = placed.hold
    if placed.new:
        line(console, f"Hold {hold.id} is in force: {on(hold.cover)}", style="title")
    else:
        told = f"Hold {hold.id} was placed already, on {moment(hold.at)}, and covers: {on(hold.cover)}"
        line(console, told, style="title")
    unasked = [each for each in placed.lines if not each.asked]
    if not placed.found and len(unasked) < max(1, len(placed.lines)):
        here = "where it was looked for" if unasked else "now"
        line(console, f"Nobody and nothing of it is known {here}; what comes later is covered.", style="warn")
    _cover_table(console, placed)
    out = placed.out_of_reach
    if out and not placed.accepted:
        what = counted(len(out), "dataset is", "datasets are")
        others = ["name another identifier"] if len(unasked) < len(out) else []
        again = ["type it again when the database answers"] if unasked else []
        then = ", or ".join([*again, *others, "say that it is known: --accept"])
        line(console, f"{what} out of its reach. {then[0].upper()}{then[1:]}", style="bad")
    _unsettled(console, placed.unsettled)


def _cover_table(console: Console, placed: Placed) -> None:
    if not placed.lines:
        return
    table = columns(console, ("dataset", "left"), ("covered", "left"), ("because", "left"))
    for each in placed.lines:
        word = each.state.value
        if each.records:
            word = f"{'covered' if each.state is Covered.COVERED else word} ({number(each.records)})"
        table.add_row(
            cell(f"{each.connector}.{each.dataset}"),
            cell(word, _STYLES[each.state]),
            cell(each.because or "", "quiet"),
        )
    console.print(table)


def on(cover: Cover) -> str:
    """What a hold is on, in words; of many people the first ones."""
    if cover.subjects:
        first = [f"{s.kind} {s.value}" for s in cover.subjects[:_SUBJECTS_SHOWN]]
        more = len(cover.subjects) - len(first)
        return listed([*first, f"{number(more)} more"] if more else first)
    if cover.key is not None:
        return f"record {cover.key} of {cover.dataset}"
    if cover.data is not None:
        return f"all {cover.data}"
    return f"rule {cover.rule}" if cover.rule is not None else f"dataset {cover.dataset}"


def show_holds(console: Console, holds: Sequence[HoldLine]) -> None:
    """A row a hold; what should be looked at again is marked."""
    if not holds:
        line(console, "No hold is in force.")
        return
    headers = ("hold", "on", "reason", "since", "by", "ref", "review")
    table = columns(console, *((header, "left") for header in headers))
    for each in holds:
        hold = each.hold
        why = hold.reason.value + (f": {hold.text}" if hold.text else "")
        who = hold.by + (f" for {hold.behalf}" if hold.behalf else "")
        review = hold.review.isoformat() if hold.review else ""
        table.add_row(
            cell(hold.id, "title"),
            cell(on(hold.cover)),
            cell(why + (f" ({hold.authority})" if hold.authority else "")),
            cell(unzoned(hold.at)),
            cell(who),
            cell(hold.ref or ""),
            cell(f"{review}, has passed" if each.overdue else review, "bad" if each.overdue else ""),
        )
    console.print(table)
    for each in holds:
        if each.lost is not None:
            line(
                console,
                f"Hold {each.hold.id} covers nothing: {each.lost}. Nothing runs until that is mended.",
                style="bad",
            )
    if any(each.overdue for each in holds):
        line(
            console,
            "Where the day of review has passed: look at the hold again, or end it with",
            style="warn",
        )
        line(console, "retention hold release ID --reason WORDS", style="warn", indent=2)


def show_released(console: Console, done: Released) -> None:
    """That it is over."""
    line(console, f"Hold {done.id} has ended. What it covered follows its rules again.", style="title")


def show_reach(console: Console, reach: Reach) -> None:
    """What is about to be told."""
    new = counted(len(reach.tellings), "new event")
    rest = [f"{counted(reach.known, 'was', 'were')} told before"] if reach.known else []
    rest += [f"{counted(reach.bad, 'line is', 'lines are')} bad"] if reach.bad else []
    line(console, f"{new} to tell{'; ' if rest else ''}{', '.join(rest)}.", style="title")
    for telling in reach.tellings[:_LINES_SHOWN]:
        line(console, f"{telling.event} of {_whom(telling)}, {_at(telling.at)}", indent=2)
    _reach_table(console, reach.lines)


def _reach_table(console: Console, lines: Sequence[ReachLine]) -> None:
    if not lines:
        line(console, "No rule acts on it: it reaches nothing.", style="warn")
        return
    table = columns(console, ("dataset", "left"), ("reaches", "right"), ("besides", "left"))
    for each in lines:
        besides = (
            [f"{number(each.unclear)} of which it can't be told when they began"] if each.unclear else []
        )
        besides += (
            [f"{number(each.later)} that did not begin before it, and are not concerned"]
            if each.later
            else []
        )
        besides += [f"out of reach: {each.because}"] if each.because else []
        table.add_row(
            cell(f"{each.connector}.{each.dataset}"),
            cell(number(each.records), "title" if each.records else "quiet"),
            cell("; ".join(besides), "bad" if each.because else "quiet"),
        )
    console.print(table)


def _whom(telling: Telling) -> str:
    first = [
        f"{s.kind} {s.value}" + (f" (from {s.source})" if s.source else "")
        for s in telling.subjects[:_SUBJECTS_SHOWN]
    ]
    more = len(telling.subjects) - len(first)
    return listed([*first, f"{number(more)} more"] if more else first)


def _at(at: datetime | date) -> str:
    return moment(at) if isinstance(at, datetime) else at.isoformat()


def _why_nobody(reach: Sequence[ReachLine], *, alone: bool) -> str:
    if any(each.because is not None for each in reach):
        return "tell it again when every database answers"
    if alone and any(each.later or each.unclear for each in reach):
        return "what is known of the person did not begin before it, or it can't be told when"
    return "is that the person's identifier?"


def show_told(console: Console, told: ToldOutcome, *, asked: bool) -> None:
    """How many were told, and each line that was not."""
    if told.declined:
        line(console, "Nothing was told.", style="warn")
        return
    if not asked and told.count(ToldState.TOLD):
        _reach_table(console, told.reach)
    bad = [each for each in told.lines if each.state is ToldState.BAD]
    known = [each for each in told.lines if each.state is ToldState.KNOWN]
    stored = [each for each in told.lines if each.state is ToldState.TOLD]
    ids = f": {stored[0].id}" if len(stored) == 1 else ""
    line(console, f"{counted(len(stored), 'event')} told{ids}.", style="title")
    lost = sum(each.records == 0 for each in stored)
    if lost and told.reach:
        what = (
            "It reaches"
            if len(stored) == 1
            else f"{number(lost)} of them {'reaches' if lost == 1 else 'reach'}"
        )
        then = _why_nobody(told.reach, alone=len(stored) == 1)
        line(console, f"{what} no record now: {then}", style="warn")
    if known:
        ids = f": {known[0].id}" if len(known) == 1 else ""
        what = counted(len(known), "was", "were")
        line(console, f"{what} told before, and not stored again{ids}.")
    if bad:
        heading(console, f"{counted(len(bad), 'line is', 'lines are')} bad, and nothing was stored of them")
        for each in bad[:_LINES_SHOWN]:
            line(console, f"line {each.line}: {each.because}", indent=2)
        if len(bad) > _LINES_SHOWN:
            more = number(len(bad) - _LINES_SHOWN)
            line(console, f"and {more} more; --format json lists them all", style="quiet", indent=2)


def show_tellings(console: Console, tellings: Sequence[Telling]) -> None:
    """A row a told event."""
    if not tellings:
        line(console, "No event has been told.")
        return
    table = columns(console, *((each, "left") for each in ("id", "event", "of", "at", "told", "by", "ref")))
    for telling in tellings:
        at = unzoned(telling.at) if isinstance(telling.at, datetime) else telling.at.isoformat()
        who = telling.by + (f" for {telling.behalf}" if telling.behalf else "")
        table.add_row(
            cell(telling.id, "title"),
            cell(telling.event),
            cell(_whom(telling)),
            cell(at),
            cell(unzoned(telling.told_at)),
            cell(who),
            cell(telling.ref or ""),
        )
    console.print(table)


def show_withdrawn(console: Console, withdrawn: Withdrawn) -> None:
    """That it counts no more."""
    telling = withdrawn.telling
    told = f"Told event {telling.id} ({telling.event}) is withdrawn: it counts as if it had never been told."
    line(console, told, style="title")
    line(console, "What went because of it does not come back.")
    _unsettled(console, withdrawn.unsettled)


def _unsettled(console: Console, batches: int) -> None:
    if batches:
        what = counted(batches, "batch that was begun before it is", "batches that were begun before it are")
        told = f"{what} not settled yet: what they remove may still go. Look again with: retention status"
        line(console, told, style="bad")
