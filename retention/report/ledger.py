"""The ledger for people: its events as sentences, and what verifying it found."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from rich.console import Console
from rich.text import Text

from retention.model.explanation import Verification
from retention.report.console import Facts, line
from retention.report.escape import shown
from retention.report.words import counted, listed, number

Data: TypeAlias = Mapping[str, Any]


def show_verification(console: Console, verification: Verification) -> None:
    """That the ledger verifies, what was looked at, and what that does not cover."""
    line(console, f"The ledger verifies: {counted(verification.events, 'event')}.", style="good")
    facts = Facts(width=11)
    facts.add("Read from", verification.source)
    facts.add("Origin", verification.origin)
    if verification.checkpoints:
        signed = counted(verification.checkpoints, "signed checkpoint")
        facts.add("Checkpoints", f"{signed}, the newest over {counted(verification.size, 'event')}")
        facts.add("Root", verification.root)
    else:
        facts.add("Checkpoints", Text("none signed yet", style="warn"))
    if verification.unsigned_tail:
        tail = counted(verification.unsigned_tail, "event")
        facts.add("Not signed", Text(f"{tail} after the newest checkpoint", style="warn"))
    facts.add("Last event", verification.last_at or "none")
    facts.show(console)
    for note in verification.notes:
        line(console, note)


def show_log(console: Console, lines: Iterable[str]) -> None:
    """A sentence per event, as they come; nothing is held back."""
    for text in lines:
        console.print(sentence(text), soft_wrap=True)


def sentence(text: str) -> Text:
    """A stored line as one line for people: number, time, what happened."""
    try:
        event = json.loads(text)
        seq, at, kind, data = event["seq"], event["at"], event["type"], event["data"]
        told = SENTENCES[kind](data) if kind in SENTENCES else f"{kind}{_fields(data)}"
    except (ValueError, KeyError, TypeError, AttributeError):
        return Text(f"not an event: {shown(text)}", style="bad")
    style = STYLES.get(kind, "")
    return Text.assemble((f"{shown(str(seq)):>6}  {shown(str(at))}  ", "quiet"), (shown(told), style))


def _fields(data: Data, *known: str) -> str:
    """What is left to say about an event: `: key value, key value`."""
    rest = [f"{key} {_value(value)}" for key, value in data.items() if key not in known]
    return f": {', '.join(rest)}" if rest else ""


def _value(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _batch(what: str) -> Callable[[Data], str]:
    def told(data: Data) -> str:
        rows = data.get("rows")
        tables = (
            [f"{number(n)} of {table}" for table, n in rows.items() if n] if isinstance(rows, dict) else []
        )
        late = _late(data)
        amount = counted(data["count"], "record") if "count" in data else ""
        detail = f": {amount}" if amount else ""
        if tables:
            detail += f" ({listed(tables)})"
        return f"batch {data['batch']} of {data['job']}, run {data['run']}, {what}{detail}{late}"

    return told


def _late(data: Data) -> str:
    late = data.get("late")
    if not isinstance(late, dict):
        return ""
    classes = [f"{number(n)} {name}" for name, n in late.items() if n]
    return f"; {listed(classes)}" if classes else ""


def _reconciled(data: Data) -> str:
    outcome = (
        "had been committed" if data["outcome"] == "committed" else "had not been committed and never will be"
    )
    return f"batch {data['batch']} of {data['job']}, run {data['run']}, is settled: it {outcome}"


def _named(what: str, key: str) -> Callable[[Data], str]:
    def told(data: Data) -> str:
        return f"{what} {_value(data[key])}{_fields(data, key)}" if key in data else f"{what}{_fields(data)}"

    return told


SENTENCES: Mapping[str, Callable[[Data], str]] = {
    "policy.changed": _named("the policy changed, now", "policy"),
    "plan.created": _named("plan made:", "plan"),
    "approval.granted": _named("approval given by", "by"),
    "hold.placed": _named("hold placed:", "hold"),
    "hold.released": _named("hold released:", "hold"),
    "event.told": _named("told:", "event"),
    "run.started": _named("run started:", "run"),
    "run.ended": _named("run ended:", "run"),
    "batch.intent": _batch("about to be committed"),
    "batch.committed": _batch("committed"),
    "batch.rolled_back": _batch("rolled back"),
    "batch.unknown": _batch("answered with silence: in doubt"),
    "batch.reconciled": _reconciled,
    "action.refused": _named("refused:", "rule"),
    "key.created": _named("key made:", "key"),
    "key.rotated": _named("key replaced:", "key"),
    "key.destroyed": _named("key destroyed:", "key"),
    "error": _named("error:", "code"),
}

STYLES = {
    "batch.rolled_back": "warn",
    "batch.unknown": "warn",
    "action.refused": "warn",
    "error": "bad",
    "key.destroyed": "bad",
}
