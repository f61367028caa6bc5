"""Why a record stays or goes, and what would change that: one sentence each, for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from retention.connectors.port import RecordView
from retention.model.explanation import LimbView, Stopper
from retention.periods.misread import shown
from retention.planning.binding.bound import Job
from retention.planning.fates.chains import RESTRICT, chain
from retention.verbs.explaining.dates import Reading

_HOW = {
    "shares": ("shares rows with it", "share rows with it"),
    "needs": ("needs it", "need it"),
    "will need": ("will need it once restricted by this plan",) * 2,
}
"""How others are kept for which a record stays: of one of them, of several."""

Change = tuple[str, str | None]
"""(a sentence, the day on which it will be so, where that is known)."""


def because(job: Job, view: RecordView, reading: Reading, stops: Sequence[Stopper]) -> str:
    """Why the record has the fate that it has."""
    match view.fate:
        case "due" if view.action is not None and (before := _before(job, view, reading)):
            stopped = (
                f"{listed_words(before)} {'is' if len(before) == 1 else 'are'} stopped ({_named(stops)})"
            )
            since = reading.until or reading.due_on
            return f"its clock has ended, {stopped}, and nothing stops {view.action}: due since {since}"
        case "due":
            return f"its clock has ended and nothing keeps it: due since {reading.until or reading.due_on}"
        case "out_of_scope" if _false(reading, "where"):
            return (
                f"the rule's `where` ({_text(reading, 'where')}) is false of it: the rule does not reach it"
            )
        case "out_of_scope" if any(limb.state == "come" for limb in reading.limbs):
            return "its clock has ended, and its dataset spells out nothing that the rule says to do"
        case "out_of_scope":
            return f"{_or(reading.case.variant.upon)} has not happened: the rule demands, and keeps nothing"
        case "not_due" if reading.due_on is not None:
            zone = ZoneInfo(reading.case.variant.timezone).key
            return f"it is kept until its clock ends; due on {reading.due_on} ({zone})"
        case "not_due" if reading.case.variant.keeping:
            return _kept_on(reading)
        case "not_due" if passed := [limb.event for limb in reading.limbs if limb.state == "earlier"]:
            return f"{_or(passed)} happened earlier than the clock counts from: kept until that happens again"
        case "not_due":
            return f"{_or(reading.case.variant.until)} has not happened: kept until then"
        case "undated":
            event = reading.case.variant.event
            return f"the event `{event}` has not happened: there is no date to count from"
        case "unclear":
            return _unclear(job, view, reading)
        case "deferred":
            text, state = _text(reading, "defer_while"), "true" if reading.defers else "not known"
            return f"its clock has ended, and `defer_while` ({text}) is {state} of it: kept meanwhile"
        case "held":
            return f"its clock has ended, and {_holds(_of('held', stops))} it"
        case "referenced" if view.ringed:
            why = " and ".join(map(str, job.bound.stubborn))
            return f"its clock has ended, but rows refer to each other, and to it, in a ring that can't go, by {why}"
        case "referenced":
            rows = " and ".join(f"{count} by {by}" for by, (count, _) in view.referring.items())
            shared = [s for s in stops if s.kind == "shared"]
            if not rows and shared:
                return f"its clock has ended, but records that stay share rows of {_named(shared)} with it"
            return f"its clock has ended, but rows that stay refer to it: {rows or 'through others'}"
        case "retained":
            return f"another rule still keeps it: {_named(_of('retained', stops))}"
        case "conflict":
            return (
                f"it should have gone by {reading.at_most}, and another rule still keeps it:"
                f" {_named(_of('conflict', stops))}"
            )
        case "done" if job.bound.dataset.vault_of is not None and RESTRICT in _said(job, reading):
            return "its clock has ended, and it is restricted in the vault, where all that the rule can do is done"
        case "done":
            return "its clock has ended, and what the rule does to it has been done"
        case "elsewhere":
            part = next((s for s in stops if s.dataset is not None), None)
            if part is not None:
                return f"it is a row of a record of {part.dataset} that goes or is rewritten: {', '.join(part.rows)}"
            first = "what it does goes first, or its clock ended last"
            return f"another rule acts on it, since {first}: {_named(stops) or 'that one comes first'}"
    return view.fate


def changes(view: RecordView, reading: Reading, stops: Sequence[Stopper]) -> Change:
    """What would change the fate, and when."""
    match view.fate:
        case "due" if view.action not in (None, "delete"):
            return (
                f"the next run that may do so is to {view.action} it, unless something keeps it before",
                None,
            )
        case "due":
            return (
                "it goes with the next run that may carry the rule out, unless something keeps it before",
                None,
            )
        case "elsewhere":
            return "the next run that may act on it does, unless something keeps it before", None
        case "done":
            return (
                "nothing, unless an earlier action of the rule becomes possible, or more of it is no longer needed",
                None,
            )
        case "out_of_scope" if _false(reading, "where"):
            return f"nothing, while `where` ({_text(reading, 'where')}) is false of it", None
        case "deferred":
            return _deferred(reading)
        case "out_of_scope" if any(limb.state == "come" for limb in reading.limbs):
            return "nothing, until its dataset spells out what the rule says to do", None
        case "not_due" | "undated" | "out_of_scope":
            return _waiting(reading)
        case "unclear":
            return _known(reading)
        case "held":
            return _held(stops)
        case "retained" if reading.at_most is not None:
            past = (reading.at_most + timedelta(days=1)).isoformat()
            return _beside(_kept_at_most(_kept(_of("retained", stops)), past), stops)
        case "retained" | "conflict":
            return _beside(_kept(_of(view.fate, stops)), stops)
        case "referenced":
            return _referred(view, stops)
    return "", None


def _before(job: Job, view: RecordView, reading: Reading) -> tuple[str, ...]:
    """The actions of the rule that come before the one that is due."""
    said = _said(job, reading)
    return said[: said.index(view.action)] if view.action in said else ()


def _said(job: Job, reading: Reading) -> tuple[str, ...]:
    """The actions that the rule tries on the record."""
    return chain(job.rule, reading.case.variant, job.bound)


def listed_words(words: Sequence[str]) -> str:
    """`delete`, or `delete and pseudonymize`."""
    return " and ".join(words)


def _kept_on(reading: Reading) -> str:
    """Of a record whose clock has not ended, and of which no day is known on which it will have."""
    event = reading.case.variant.event
    states = _states(reading)
    if "future" in states:
        return f"the event `{event}` lies ahead"
    if states & {"unclear", "recent"}:
        return f"by what can be read of the event `{event}` its clock has not ended, and not all of it can be read"
    return f"the event `{event}` has not happened: kept until then"


def _states(reading: Reading) -> set[str]:
    """Of the components of the event that the clock counts from."""
    return {c.state for c in reading.components if c.event == reading.case.variant.event}


def _unclear(job: Job, view: RecordView, reading: Reading) -> str:
    if view.undecided and job.bound.where is not None:
        condition = f"the dataset's `where` ({job.bound.where.text})"
        return f"{condition} is neither true nor false of it: unknown never deletes"
    unknown = [c for c in reading.conditions if c.state == "unknown" and c.key != "defer_while"]
    if unknown and not reading.decided:
        which = " and ".join(f"`{c.key}` ({c.text})" for c in unknown)
        verb = "is" if len(unknown) == 1 else "are"
        return f"{which} {verb} neither true nor false of it: unknown never deletes"
    variant = reading.case.variant
    if variant.instructed is not None and not _misread(reading):
        if reading.instructed is None:
            return "no period is instructed for it: unknown never deletes"
        unit = job.bound.periods[variant.instructed].unit.value
        number = reading.instructed if reading.instructed.isdecimal() else shown(reading.instructed)
        told = f"the period instructed for it ({number} {unit})"
        return f"{told} is none that is allowed: unknown never deletes"
    unclear = [limb.event for limb in reading.limbs if limb.state == "unclear"]
    return f"whether or when {_or(unclear) or 'its event'} happened can't be told: unknown never deletes"


def _known(reading: Reading) -> Change:
    """What would have to be known; or a day that ends the clock whatever else there is."""
    ahead = [limb for limb in reading.dated if limb.state == "ahead"]
    if ahead:
        first = min(ahead, key=lambda limb: limb.due_on or "")
        return f"due on {first.due_on}, {_through(first)}, though the rest is not known", first.due_on
    unknown = [f"`{c.key}`" for c in reading.conditions if c.state == "unknown" and c.key != "defer_while"]
    wrong = [
        f"{c.column} can be read" for c in reading.components if c.state == "unclear" and c.column != "told"
    ]
    if any(c.column == "told" and c.state == "unclear" for c in reading.components):
        wrong.append("it can be told when it began")
    if reading.case.variant.instructed is not None and not wrong:
        wrong.append("a period that is allowed is instructed for it")
    if unknown and not reading.decided:
        truths = f"{' and '.join(unknown)} {'is' if len(unknown) == 1 else 'are'}"
        return f"it stays until it can be told whether {truths} true of it", None
    return f"it stays until {' and '.join(dict.fromkeys(wrong)) or 'that can be told'}", None


def _misread(reading: Reading) -> bool:
    return any(component.state == "unclear" for component in reading.components)


def _deferred(reading: Reading) -> Change:
    text = _text(reading, "defer_while")
    if reading.defers_until is None:
        return f"it is due when `defer_while` ({text}) is false", None
    latest = reading.defers_until.isoformat()
    return f"it is due when `defer_while` ({text}) is false, and on {latest} at the latest", latest


def _waiting(reading: Reading) -> Change:
    """What ends a clock that has not ended."""
    due_on = reading.due_on
    dated = next((limb for limb in reading.dated if limb.due_on == due_on), None)
    others = [limb for limb in reading.limbs if limb is not dated and _can_happen(reading, limb)]
    sooner = [limb.event for limb in others if limb.kind != "keep"]
    if dated is not None:
        sentence = f"due on {due_on} if nothing else happens"
        if sooner:
            sentence = f"due on {due_on}, or sooner when {_or(sooner)} happens"
        if reading.defers is not False:
            limit = f", until {reading.defers_until} at the latest" if reading.defers_until else ""
            sentence += f"; later while `defer_while` ({_text(reading, 'defer_while')}) is not false{limit}"
        return sentence, due_on
    keep = [limb for limb in others if limb.kind == "keep"]
    told = [f"when {_or(sooner)} happens"] if sooner else []
    once = (
        "once all of it can be read" if _states(reading) & {"unclear", "recent"} else "once that has a date"
    )
    if keep and reading.case.variant.keep is not None:
        told.append(f"{reading.case.variant.keep.text} after `{keep[0].event}`, {once}")
    elif keep:
        told.append(f"the instructed period after `{keep[0].event}`, {once}")
    if not told:
        names = _or(limb.event for limb in reading.limbs)
        return f"nothing: {names} can't happen to it, by what its dataset says", None
    return f"due {', or '.join(told)}", None


def _can_happen(reading: Reading, limb: LimbView) -> bool:
    """Not where it is told, and the record is about nobody whom a telling could name; nor what is said never to be."""
    case = reading.case
    if limb.event in case.told:
        return case.bound.dataset.subject is not None
    return bool(case.bound.events.get(limb.event))


def _held(stops: Sequence[Stopper]) -> Change:
    """Until when holds cover it, and what it stays for then."""
    holds, kept = _of("held", stops), _of("retained", stops)
    review = min((s.review for s in holds if s.review is not None), default=None)
    looked_at = f"; a review is due on {review}" if review is not None else ""
    which = " and ".join(s.by for s in holds) or "the hold"
    sentence = f"it stays until {which} {'are' if len(holds) > 1 else 'is'} released{looked_at}"
    return _beside((f"{sentence}; then {_kept(kept)[0]}" if kept else sentence, None), stops)


def _beside(kept: Change, stops: Sequence[Stopper]) -> Change:
    """`kept`, and the rows that keep it today, too: whether they will then, nobody can tell from what is true today."""
    rows = [*_of("referenced", stops), *_of("shared", stops)]
    return (f"{kept[0]}; today {_hanging(rows)}, too", kept[1]) if rows else kept


def _of(kind: str, stops: Sequence[Stopper]) -> list[Stopper]:
    return [stop for stop in stops if stop.kind == kind]


def _kept(stops: Sequence[Stopper]) -> Change:
    until = [s.until for s in stops]
    on = (
        " and ".join(dict.fromkeys(f"the rule {s.by} keeps {_what(s)}" for s in stops))
        or "another rule keeps it"
    )
    if until and all(until):
        day = max(day for day in until if day is not None)
        return f"it stays while {on}: until {day} if nothing else happens", day
    return f"it stays while {on}; no day is known for that", None


def _kept_at_most(kept: Change, past: str) -> Change:
    """`past`: the day from which on that is a conflict."""
    sentence, day = kept
    if day is not None and day <= past:
        return kept
    return f"{sentence}; from {past} on that is a conflict with the rule's own `at_most`", past


def _hanging(stops: Sequence[Stopper]) -> str:
    """`2 rows refer to it by orders.person`"""
    what = []
    for stop in stops:
        count = f"{stop.count:,} {'row' if stop.count == 1 else 'rows'}"
        if stop.kind == "shared":
            shares = "record shares" if stop.count == 1 else "records share"
            what.append(f"{stop.count:,} {shares} rows of {stop.by} with it, of {stop.dataset}")
        else:
            what.append(f"{count} {'refers' if stop.count == 1 else 'refer'} to it by {stop.by}")
    return " and ".join(what)


def _referred(view: RecordView, stops: Sequence[Stopper]) -> Change:
    if view.ringed or not stops:
        return "it stays while rows refer to it", None
    if all(stop.later and stop.later == stop.count for stop in stops):
        return (
            "what refers to it goes later in the same run: it goes with the next, unless something keeps it",
            None,
        )
    sentence = f"it stays while {_hanging(stops)}"
    days = [s.until for s in stops]
    if all(days):
        day = max(day for day in days if day is not None)
        many = sum(stop.count or 0 for stop in stops) > 1
        return f"{sentence}; {'the last of their clocks' if many else 'its clock'} ends on {day}", day
    return sentence, None


def _what(stop: Stopper) -> str:
    if stop.dataset is None:
        return "it"
    records = f"record {stop.rows[0]}" if stop.count == 1 and stop.rows else f"{stop.count:,} records"
    return f"{records} of {stop.dataset} that {_HOW[stop.how or 'shares'][stop.count != 1]}"


def _holds(stops: Sequence[Stopper]) -> str:
    named = [f"hold {s.by} ({s.reason})" for s in stops]
    return f"{' and '.join(named) or 'a hold'} {'cover' if len(named) > 1 else 'covers'}"


def _named(stops: Iterable[Stopper]) -> str:
    return ", ".join(dict.fromkeys(stop.by for stop in stops))


def _through(limb: LimbView) -> str:
    return "when its period ends" if limb.kind == "keep" else f"by `{limb.event}`"


def _or(names: Iterable[str]) -> str:
    return " or ".join(f"`{name}`" for name in dict.fromkeys(names))


def _text(reading: Reading, key: str) -> str:
    return next((c.text for c in reading.conditions if c.key == key), "")


def _false(reading: Reading, key: str) -> bool:
    return any(c.key == key and c.state == "false" for c in reading.conditions)
