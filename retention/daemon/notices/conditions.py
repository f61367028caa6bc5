"""What is so now that people want to know: made of the status and of how the daemon is, in words for them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from retention.config import Configuration
from retention.config.reading.findings import printable
from retention.daemon.vitals import Life
from retention.model.notice import Channel, Condition, Kind
from retention.model.plan import JobStatus
from retention.model.status import Status

_LONGEST = 400
"""Characters of a reason; it is somebody else's sentence."""


def conditions(config: Configuration, status: Status, life: Life) -> Iterator[Condition]:
    """All of them, each kind in the order of `Kind`. Names, numbers and days; no value of any record."""
    for rule in status.awaited:
        text = f"The rule {rule} waits for a person's approval. Type: retention status"
        yield Condition(kind=Kind.APPROVAL, name=rule, text=text, about={"rule": rule})
    yield from _fared(status)
    yield from _late(config, status)
    for hold in status.reviews:
        ref = f", {_said(hold.ref)}" if hold.ref else ""
        text = f"The legal hold {hold.id}{ref} was to be looked at again on {hold.review}. Type: retention hold list"
        yield Condition(kind=Kind.REVIEW, name=hold.id, text=text, about={"hold": hold.id})
    yield from _of_itself(status, life)


def wants(channel: Channel, condition: Condition) -> bool:
    """Whether a channel is to hear of it."""
    if condition.kind not in channel.about:
        return False
    return condition.kind is not Kind.FAILING or condition.failures >= channel.failures


def proved(status: Status | None, life: Life) -> datetime | None:
    """When the ledger last verified, as far as is known: by this daemon, or before a run by anybody."""
    runs = [run.started for run in status.runs[:1]] if status is not None else []
    if life.verified is True and life.proved is not None:
        runs.append(life.proved)
    return max(runs, default=None)


def _fared(status: Status) -> Iterator[Condition]:
    """What was refused, and what failed, in the order of the jobs."""
    for each in status.standing:
        where = f"{each.connector}.{each.dataset}"
        name = f"{each.rule} {where}"
        about = {"rule": each.rule, "connector": each.connector, "dataset": each.dataset}
        why = f": {_said(each.reason)}" if each.reason else ""
        if each.status == JobStatus.REFUSED.value:
            text = f"The rule {each.rule} was refused on {where}{why}"
            yield Condition(kind=Kind.REFUSED, name=name, text=text, about=about)
        elif each.failures:
            last = f"last success on {each.succeeded:%Y-%m-%d}" if each.succeeded else "never a success"
            text = f"The rule {each.rule} has failed {each.failures} times in a row on {where}, {last}{why}"
            yield Condition(kind=Kind.FAILING, name=name, text=text, about=about, failures=each.failures)
    told = {each.rule for each in status.standing if each.failures}
    for turn in status.turns:
        if turn.attempts and turn.rule not in told:  # it failed before it had jobs
            text = f"The rule {turn.rule}, due at {turn.slot:%Y-%m-%d %H:%M}, was tried {turn.attempts} times"
            about = {"rule": turn.rule}
            yield Condition(kind=Kind.FAILING, name=turn.rule, text=text, about=about, failures=turn.attempts)


def _late(config: Configuration, status: Status) -> Iterator[Condition]:
    for line in status.overdue:
        known = config.connectors.get(line.connector)
        if not line.overdue or known is None or line.dataset not in known.datasets:
            continue
        where = f"{line.connector}.{line.dataset}"
        text = f"{line.overdue} records of {where} are past the day by which the rule {line.rule} had to act on them"
        about = {"rule": line.rule, "connector": line.connector, "dataset": line.dataset}
        yield Condition(kind=Kind.OVERDUE, name=f"{line.rule} {where}", text=text, about=about)


def _of_itself(status: Status, life: Life) -> Iterator[Condition]:
    if life.verified is False:
        text = "The ledger does not verify, and nothing is removed. Type: retention audit verify"
        yield Condition(kind=Kind.LEDGER, name="", text=text)
    if status.stopped is not None:
        ref = f", {_said(status.stopped.ref)}" if status.stopped.ref else ""
        at = f"{status.stopped.at:%Y-%m-%d %H:%M}"
        text = f"Everything was stopped by {_said(status.stopped.by)} at {at}{ref}. Type: retention resume"
        yield Condition(kind=Kind.STOPPED, name="", text=text)
    if life.jumped:
        text = "The clock has jumped, and nothing is begun until it is right or the daemon is started anew"
        yield Condition(kind=Kind.CLOCK, name="", text=text)
    if not life.valid:
        text = "The files are invalid, and what was loaded before stays in force. Type: retention check"
        yield Condition(kind=Kind.CONFIGURATION, name="", text=text)


def _said(text: str | None) -> str:
    return printable(" ".join((text or "").split()), _LONGEST)
