"""One record, readable: every rule, date and reference that decides its fate."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from retention.model.explanation import (
    ColumnView,
    Component,
    Explanation,
    KeptView,
    RuleView,
    SharedView,
    Stopper,
)
from retention.report.console import Facts, heading, line
from retention.report.escape import shown
from retention.report.words import KEPT_BECAUSE, by_table, counted, listed, moment, number

FATE_WORDS = {
    "due": "due",
    "elsewhere": "goes under another rule, or as part of another record",
    "done": "done before",
    "out_of_scope": "outside the rule's scope",
    "not_due": "not due yet",
    "undated": "undated: never due while the event has no date",
    "unclear": "unclear: kept, since what is unknown is never deleted",
    "deferred": "due, and deferred by the rule's own condition",
    "held": "under a legal hold",
    "retained": "kept by another rule",
    "conflict": "past its latest day, and kept by another rule",
    "referenced": "kept, because rows that stay refer to it",
}

STATE_WORDS = {
    "past": "before the cutoff",
    "recent": "too recent",
    "future": "in the future: not happened yet",
    "missing": "no value: not happened",
    "unclear": "cannot be read: unclear",
    "early": "the record did not begin before that, and is not concerned",
}


_HOW = {
    "shares": (", which shares rows with it", ", which share rows with it"),
    "needs": (", which needs it", ", which need it"),
    "will need": (", which will need it once restricted by this plan",) * 2,
}
_COLUMNS = {
    "open": ("Rewrites", "{names}"),
    "needed": ("Leaves", "{names}: {by} {needs} {it}"),
    "will be needed": (
        "Leaves",
        "{names}: {by} will need {it}, once this plan has restricted what refers to it",
    ),
    "done": ("Rewritten", "{names} (or there is nothing in {it})"),
}
"""The label, and what is said of the columns."""
_TRUTHS = {"true": "true", "false": "false", "unknown": "neither true nor false"}


def show_explanation(console: Console, explanation: Explanation, *, brief: bool = False) -> None:
    """The record, then each rule's view of it, in the policy's order. `brief`: fate, reason and event only."""
    place = f"{shown(explanation.connector)}.{shown(explanation.dataset)}"
    title = f"Record {shown(explanation.key)} of {place}, as of {moment(explanation.as_of)}"
    console.print(Text(title, style="title"))
    if not brief:
        parts = by_table(explanation.parts)
        line(console, f"Its parts: {parts}." if parts else "It has no parts.")
        for each in explanation.shared:
            line(console, _shared(each))
    if explanation.set_aside is not None:
        line(console, f"Set aside by an earlier run: {shown(explanation.set_aside)}", style="warn")
    for hold in explanation.holds:
        review = f", review on {hold.review}" if hold.review else ""
        through = " through a record that refers to it or shares rows with it" if hold.through else ""
        line(console, f"Hold {hold.id} ({hold.reason}) covers it{through}{review}.", style="warn")
    if not explanation.rules:
        console.print()
        line(
            console,
            "No rule speaks of this record: it is kept, and nothing here ever deletes it.",
            style="warn",
        )
    for view in explanation.rules:
        _rule(console, view, brief=brief)


def _shared(view: SharedView) -> str:
    """`It shares 1 row of addresses (5), which stays when it goes: 1 row refers to it by staff.address_id (2).`"""
    which = f" ({_some(view.rows, view.count)})" if view.rows else ""
    found = f"It shares {counted(view.count, 'row')} of {shown(view.table)}{which}"
    verbs = ("goes", "stays") if view.count == 1 else ("go", "stay")
    if view.goes == view.count:
        return f"{found}, which {verbs[0]} after it: nothing else that stays refers there."
    kept = [_kept_by(each) for each in view.kept_by]
    some = f"of which {number(view.goes)} would go after it; what stays" if view.goes else f"which {verbs[1]}"
    return f"{found}, {some} when it goes: {listed(kept)}."


def _kept_by(view: KeptView) -> str:
    """`1 row refers there by staff.address_id (2)`"""
    which = f" ({_some(view.rows, view.count)})" if view.rows else ""
    if view.record:
        are = "is a record" if view.count == 1 else "are records"
        goes = "goes by rules of its" if view.count == 1 else "go by rules of their"
        return f"{number(view.count)} {are} of {shown(view.by)}, and {goes} own{which}"
    verb = "refers" if view.count == 1 else "refer"
    return f"{counted(view.count, 'row')} {verb} there by {shown(view.by)}{which}"


def _some(rows: Sequence[str], count: int) -> str:
    return f"{', '.join(rows)} and more" if count > len(rows) else listed(rows)


def _rule(console: Console, view: RuleView, *, brief: bool) -> None:
    facts = Facts()
    if brief:
        facts.add("Rule", view.rule)
    else:
        heading(console, view.rule)
        line(console, view.promise, style="promise", indent=2)
    fate = FATE_WORDS.get(view.fate, KEPT_BECAUSE.get(view.fate, view.fate))
    late = ("; overdue", "bad") if view.overdue else ""
    facts.add("Fate", Text.assemble((shown(fate), _style(view.fate)), late))
    if view.because:
        facts.add("Because", view.because)
    if view.changes and not brief:
        facts.add("Changes", view.changes)
    if view.exception is not None and not brief:
        facts.add("Exception", f"the one for {view.exception}")
    _events(facts, view)
    if not brief:
        _conditions(facts, view)
        _periods(facts, view)
    facts.show(console)


def _events(facts: Facts, view: RuleView) -> None:
    """Each event with its day and its components; first the one that the clock counts from."""
    days = {limb.event: limb for limb in reversed(view.limbs)}
    named = dict.fromkeys((view.event_name, *days, *(c.event for c in view.components if c.event)))
    for name in named:
        if not name:
            continue
        limb = days.get(name)
        day = view.event if name == view.event_name else limb.day if limb is not None else None
        text = f"on {day}" if day else "no date"
        if limb is not None and limb.state == "earlier":
            text += ", earlier than the clock counts from: it does not end it"
        if limb is not None or name == view.event_name:
            facts.add("Event", f"{name}: {text} ({view.timezone})")
        else:
            facts.add("Event", name)
        for component in view.components:
            if component.event in (name, ""):
                facts.add("", _component(component, ends=limb is not None and limb.kind != "keep"))


def _conditions(facts: Facts, view: RuleView) -> None:
    for place, condition in enumerate(view.conditions):
        style = "warn" if condition.state == "unknown" else "quiet"
        what = f"{shown(condition.key)}: {shown(condition.text)}  "
        facts.add(
            "" if place else "Condition",
            Text.assemble(what, (shown(_TRUTHS.get(condition.state, condition.state)), style)),
        )
    for place, fact in enumerate(view.facts):
        value = fact.value if fact.value is not None else "none"
        facts.add("" if place else "Fact", f"{fact.name} = {value}")


def _periods(facts: Facts, view: RuleView) -> None:
    if view.keep:
        facts.add("Keep", view.keep)
    if view.instructed is not None:
        none = view.instructed.startswith("none ")
        facts.add("Keep", "no period is instructed" if none else f"{view.instructed}, as instructed")
    for label, text in _dates(view):
        facts.add(label, text)
    for label, text in _columns(view.columns):
        facts.add(label, text)
    for stopper in view.stopped_by:
        facts.add("Instead" if stopper.kind == "elsewhere" else "Stopped", _stopper(stopper))


def _style(fate: str) -> str:
    if fate == "due":
        return "title"
    return "warn" if fate in ("undated", "unclear", "conflict") else ""


def _component(component: Component, *, ends: bool) -> Text:
    """`ends`: of an event that ends the clock by its own day; nothing is counted from it."""
    value = shown(component.value) if component.value is not None else "none"
    state = STATE_WORDS.get(component.state, component.state)
    if component.state == "missing" and component.value is not None:
        state = "not happened"  # its condition is false, or the value means never
    if component.state == "unclear" and component.column == "told":
        state = "it can't be told whether the record began before that: unclear"
    if component.state == "past" and ends:
        state = "happened"
    if component.state == "unclear" and component.related:
        state = "unclear: one of the related rows has no date (NULL, or listed in `never`) or one that cannot be read"
        value = f"{value} at the latest" if component.value is not None else value
    style = "warn" if component.state == "unclear" else "quiet"
    return Text.assemble(f"{shown(component.column)} = {value}  ", (shown(state), style))


def _dates(view: RuleView) -> list[tuple[str, str]]:
    dates = []
    if view.due_on:
        dates.append(("Due on", view.due_on))
    if len(view.limbs) > 1:
        dates += [
            ("", f"{'period from ' if limb.kind == 'keep' else ''}{limb.event}: {limb.due_on}")
            for limb in view.limbs
            if limb.due_on
        ]
    if view.ended and view.ended != view.due_on:
        dates.append(("Clock", f"ended on {view.ended}"))
    if view.at_most:
        dates.append(("At most", f"until {view.at_most}"))
    if view.defers_until and any(c.key == "defer_while" and c.state != "false" for c in view.conditions):
        dates.append(("Deferral", f"ends on {view.defers_until} at the latest"))
    if view.overdue_on:
        # What is held is never counted as overdue, nor what a law keeps, but for a conflict with `at_most`.
        kept = view.fate == "held" or (view.fate == "retained" and not view.at_most)
        dates.append(("Overdue", f"from {view.overdue_on} on{', once nothing keeps it' if kept else ''}"))
    return dates


def _columns(columns: Sequence[ColumnView]) -> list[tuple[str, str]]:
    """What is rewritten, what has been, and what stays for which rule; columns of one word together."""
    said: dict[tuple[str, tuple[str, ...], str | None], list[str]] = {}
    for each in columns:
        said.setdefault((each.state, each.by, each.until), []).append(shown(each.name))
    found = []
    for state, (label, sentence) in _COLUMNS.items():
        for (word, by, until), names in said.items():
            if word == state:
                what = sentence.format(
                    names=listed(names),
                    by=listed([shown(name) for name in by]),
                    needs="need" if len(by) > 1 else "needs",
                    it="it" if len(names) == 1 else "them",
                )
                found.append((label, f"{what}{f', until {until}' if until else ''}"))
    return found


def _stopper(stopper: Stopper) -> str:
    until = f", until {stopper.until}" if stopper.until else ""
    match stopper.kind:
        case "held":
            review = f", review on {stopper.review}" if stopper.review else ""
            return f"{stopper.action}: hold {shown(stopper.by)} ({stopper.reason}) covers it{review}"
        case "retained" | "conflict":
            what = _records(stopper) if stopper.dataset is not None else "it"
            how = _HOW.get(stopper.how or "", ("", ""))[(stopper.count or 0) > 1]
            return f"{stopper.action}: the rule {shown(stopper.by)} still keeps {what}{how}{until}"
        case "elsewhere" if stopper.dataset is not None:
            return f"it is a row of {_records(stopper)}"
        case "elsewhere":
            return f"the rule {shown(stopper.by)} acts on it"
        case "shared":
            stays, shares = ("stays", "shares") if stopper.count == 1 else ("stay", "share")
            rows = f"{_records(stopper)}, which {stays}, {shares} rows of {stopper.by} with it"
            return f"{stopper.action}: {rows}{until}"
    return f"{stopper.action}: {_referring(stopper, until)}"


def _records(stopper: Stopper) -> str:
    rows = f" {listed(stopper.rows)}" if stopper.rows else ""
    more = " and more" if stopper.count is not None and stopper.count > len(stopper.rows) else ""
    return f"{'record' if stopper.count == 1 else 'records'}{rows}{more} of {stopper.dataset}"


def _referring(stopper: Stopper, until: str) -> str:
    rows = counted(stopper.count, "row") if stopper.count is not None else "rows"
    which = ""
    if stopper.rows:
        more = " and more" if stopper.count is not None and stopper.count > len(stopper.rows) else ""
        named = ", ".join(stopper.rows) if more else listed(stopper.rows)
        which = f" ({named}{more})"
    verb = "refers" if stopper.count == 1 else "refer"
    going = f"; {number(stopper.going)} more by it go in the same run, first" if stopper.going else ""
    later = f"; {number(stopper.later)} of them go later in the same run" if stopper.later else ""
    return f"{rows} {verb} to it by {stopper.by}{which}{until}{going}{later}"
