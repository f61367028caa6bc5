"""One record, readable: every rule, date and reference that decides its fate."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from retention.model.explanation import Component, Explanation, RuleView, Stopper
from retention.report.console import Facts, heading, line
from retention.report.escape import shown
from retention.report.words import KEPT_BECAUSE, by_table, counted, listed, moment

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
}


def show_explanation(console: Console, explanation: Explanation, *, brief: bool = False) -> None:
    """The record, then each rule's view of it, in the policy's order. `brief`: fate, reason and event only."""
    place = f"{shown(explanation.connector)}.{shown(explanation.dataset)}"
    title = f"Record {shown(explanation.key)} of {place}, as of {moment(explanation.as_of)}"
    console.print(Text(title, style="title"))
    if not brief:
        parts = by_table(explanation.parts)
        line(console, f"Its parts: {parts}." if parts else "It has no parts.")
    if explanation.set_aside is not None:
        line(console, f"Set aside by an earlier run: {shown(explanation.set_aside)}", style="warn")
    if not explanation.rules:
        console.print()
        line(
            console,
            "No rule speaks of this record: it is kept, and nothing here ever deletes it.",
            style="warn",
        )
    for view in explanation.rules:
        _rule(console, view, brief=brief)


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
    if view.event_name:
        day = f"on {view.event}" if view.event else "no date"
        facts.add("Event", f"{view.event_name}: {day} ({view.timezone})")
    for component in view.components:
        facts.add("", _component(component))
    if not brief:
        _periods(facts, view)
    facts.show(console)


def _periods(facts: Facts, view: RuleView) -> None:
    if view.keep:
        facts.add("Keep", view.keep)
    for label, text in _dates(view):
        facts.add(label, text)
    for stopper in view.stopped_by:
        facts.add("Stopped", _stopper(view, stopper))


def _style(fate: str) -> str:
    if fate == "due":
        return "title"
    return "warn" if fate in ("undated", "unclear", "conflict") else ""


def _component(component: Component) -> Text:
    value = shown(component.value) if component.value is not None else "none"
    state = STATE_WORDS.get(component.state, component.state)
    if component.state == "missing" and component.value is not None:
        state = "not happened"  # its condition is false, or the value means never
    style = "warn" if component.state == "unclear" else "quiet"
    return Text.assemble(f"{shown(component.column)} = {value}  ", (shown(state), style))


def _dates(view: RuleView) -> list[tuple[str, str]]:
    dates = []
    if view.due_on:
        dates.append(("Due on", view.due_on))
    if view.ended and view.ended != view.due_on:
        dates.append(("Clock", f"ended on {view.ended}"))
    if view.at_most:
        dates.append(("At most", f"until {view.at_most}"))
    if view.overdue_on:
        dates.append(("Overdue", f"from {view.overdue_on} on"))
    return dates


def _stopper(view: RuleView, stopper: Stopper) -> str:
    if stopper.kind == "retained":
        return f"{view.action}: the rule {shown(stopper.by)} still keeps it"
    rows = counted(stopper.count, "row") if stopper.count is not None else "rows"
    which = ""
    if stopper.rows:
        more = " and more" if stopper.count is not None and stopper.count > len(stopper.rows) else ""
        named = ", ".join(stopper.rows) if more else listed(stopper.rows)
        which = f" ({named}{more})"
    verb = "refers" if stopper.count == 1 else "refer"
    return f"{view.action}: {rows} {verb} to it by {stopper.by}{which}"
