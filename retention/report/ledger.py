"""The ledger for people: its events as sentences, and what verifying it found."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.text import Text

from retention.model.audit import Verification
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
        signed = counted(verification.checkpoints, "checkpoint")
        facts.add("Signed", f"{signed}, the newest over {counted(verification.size, 'event')}")
        facts.add("Root", verification.root)
    else:
        facts.add("Signed", Text("no checkpoint yet", style="warn"))
    if verification.unsigned_tail:
        tail = counted(verification.unsigned_tail, "event")
        facts.add("Not signed", Text(f"{tail} after the newest checkpoint", style="warn"))
    if verification.rotations:
        facts.add("Keys", f"the signing key was rotated {counted(verification.rotations, 'time')}")
    if verification.archived:
        last = number(verification.archived - 1)
        facts.add(
            "Archived",
            Text(
                f"events 0 to {last}: by their hashes; their text lies in an archive: --archive DIR",
                style="warn",
            ),
        )
    if verification.witnessed:
        facts.add("Witnessed", f"up to {counted(verification.witnessed, 'event')}")
    for source in verification.published:
        facts.add("Published", f"{source}: of this history")
    facts.add("Last event", verification.last_at or "none")
    facts.show(console)
    for note in verification.notes:
        line(console, note)


def show_log(console: Console, lines: Iterable[str], timezone: str = "UTC") -> None:
    """A sentence per event, as they come; nothing is held back. Times are those of the zone."""
    for text in lines:
        console.print(sentence(text, timezone), soft_wrap=True)


def sentence(text: str, timezone: str = "UTC") -> Text:
    """A stored line as one line for people: number, time in a zone, what happened."""
    try:
        event = json.loads(text)
        seq, at, kind, data = event["seq"], event["at"], event["type"], event["data"]
        says = told(kind, data)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Text(f"not an event: {shown(text)}", style="bad")
    style = STYLES.get(kind, "")
    when = f"{shown(str(seq)):>6}  {shown(_when(str(at), timezone))}  "
    return Text.assemble((when, "quiet"), (shown(says), style))


def told(kind: str, data: Data) -> str:
    """What happened, without number and time. Raises KeyError and its like for data that is not of this kind."""
    return SENTENCES[kind](data) if kind in SENTENCES else f"{kind}{_fields(data)}"


def _when(at: str, timezone: str) -> str:
    """`2026-11-26 05:49:25 CET`; what is no instant as it stands."""
    try:
        return datetime.fromisoformat(at).astimezone(ZoneInfo(timezone)).strftime("%Y-%m-%d %H:%M:%S %Z")
    except (ValueError, OverflowError):
        return at


def _fields(data: Data, *known: str) -> str:
    """What is left to say about an event: `: key value, key value`."""
    rest = [f"{key} {_value(value)}" for key, value in data.items() if key not in known]
    return f": {', '.join(rest)}" if rest else ""


def _value(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _batch(what: str) -> Callable[[Data], str]:
    def said(data: Data) -> str:
        rows = data.get("rows")
        tables = (
            [f"{number(n)} of {table}" for table, n in rows.items() if n] if isinstance(rows, dict) else []
        )
        late = _late(data)
        amount = counted(data["count"], "record") if "count" in data else ""
        detail = f": {amount}" if amount else ""
        if tables:
            detail += f" ({listed(tables)})"
        return f"batch {data['batch']} of {_job(data)}, run {data['run']}, {what}{detail}{late}"

    return said


def _job(data: Data) -> str:
    """`orders (shop.orders)`, of rule/connector/dataset."""
    name = str(data["job"])
    return f"{name.split('/')[0]} ({'.'.join(name.split('/')[1:])})" if name.count("/") == 2 else name


def _late(data: Data) -> str:
    late = data.get("late")
    if not isinstance(late, dict):
        return ""
    classes = [f"{number(n)} {name.replace('_', ' ')}" for name, n in late.items() if n]
    return f"; {listed(classes)}" if classes else ""


def _reconciled(data: Data) -> str:
    outcome = (
        "had been committed" if data["outcome"] == "committed" else "had not been committed and never will be"
    )
    return f"batch {data['batch']} of {_job(data)}, run {data['run']}, is settled: it {outcome}"


def _error(data: Data) -> str:
    if data.get("what") == "store not reached":
        return f"{data['connector']} could not be reached: run {data['run']} leaves it as it is"
    if data.get("what") != "backup restored":
        return _named("error:", "what")(data)
    records = counted(data["records"], "record")
    return f"{data['connector']} was restored from a backup: {records} that had been deleted may be back"


def _named(what: str, key: str) -> Callable[[Data], str]:
    def said(data: Data) -> str:
        return f"{what} {_value(data[key])}{_fields(data, key)}" if key in data else f"{what}{_fields(data)}"

    return said


_CHANGES_SHOWN = 3


def _policy_changed(data: Data) -> str:
    policy, changes = str(data["policy"])[:12], data.get("difference", [])
    if data.get("before") is None:
        return f"the policy was seen for the first time: {policy}"
    told = [f"{c['path']} {_value(c['old'])} → {_value(c['new'])}" for c in changes[:_CHANGES_SHOWN]]
    more = len(changes) - len(told)
    if more > 0:
        told.append(f"{number(more)} more")
    return f"the policy changed, now {policy}" + (f": {listed(told)}" if told else "")


def _jobs(data: Data, told: Callable[[Data], str]) -> str:
    """Each job of an event in some words; `: ` before them where there are any."""
    jobs = [
        f"{job['rule']} ({job['connector']}.{job['dataset']}) {told(job)}" for job in data.get("jobs", ())
    ]
    return f": {listed(jobs)}" if jobs else ""


def _plan_made(data: Data) -> str:
    def told(job: Data) -> str:
        return f"{number(job['due'])} due"

    silent = data.get("unreached")
    missing = f"; could not be counted: {listed(silent)}" if silent else ""
    return f"plan {data['plan']} made{_jobs(data, told)}{missing}"


def _approved(data: Data) -> str:
    def told(job: Data) -> str:
        above = ", above its limits" if job["over_limit"] else ""
        return f"up to {counted(job['records'], 'record')}{above}"

    return f"approval given by {data['by']}: plan {data['plan']}{_jobs(data, told)}"


def _run_started(data: Data) -> str:
    return f"run {data['run']} started by {data['by']}: plan {data['plan']}, as of {data['as_of']}"


def _run_ended(data: Data) -> str:
    def told(job: Data) -> str:
        if not job.get("counted", True):
            return f"{job['status']}, what is due there is not known"
        rest = {"left": job["left"], "set aside": job["set_aside"]}
        rest["skipped"] = job["changed"] + job["held"] + job["locked"]
        more = "".join(f", {number(n)} {what}" for what, n in rest.items() if n)
        return f"{job['status']}, {number(job['done'])} of {counted(job['planned'], 'record')}{more}"

    return f"run {data['run']} ended, {data['status']}{_jobs(data, told)}"


def _cased(data: Data) -> str:
    return f", {data['ref']}" if data.get("ref") else ""


def _reaching(datasets: Iterable[Data]) -> str:
    some = [f"{number(d['records'])} of {_dataset(d)}" for d in datasets if d["records"]]
    return f"; {listed(some)}" if some else ""


def _dataset(data: Data) -> str:
    return f"{data['connector']}.{data['dataset']}" if "connector" in data else str(data["dataset"])


def _hold_placed(data: Data) -> str:
    what = "people" if data["on"] == "person" else f"{data['on']} {data['name']}"
    what = f"a record of {data['name']}" if data["on"] == "record" else what
    out = [_dataset(d) for d in data["datasets"] if not d["covered"]]
    beyond = f"; out of reach: {listed(out)}{' (accepted)' if data['accepted'] else ''}" if out else ""
    told = f"hold {data['hold']} placed by {data['by']} on {what} ({data['reason']}{_cased(data)})"
    return told + _reaching(data["datasets"]) + beyond


def _hold_extended(data: Data) -> str:
    found = [f"{number(f['identifiers'])} {f['kind']} in {f['dataset']}" for f in data["found"]]
    return f"hold {data['hold']} carried over: {listed(found)}"


def _hold_released(data: Data) -> str:
    return f"hold {data['hold']} released by {data['by']}{_cased(data)}"


def _event_told(data: Data) -> str:
    told = f"{data['event']} told by {data['by']}: {data['telling']}{_cased(data)}"
    return told + _reaching(data["reaches"])


def _event_extended(data: Data) -> str:
    return f"{data['event']} {data['telling']} carried over: {listed(data['kinds'])}"


def _event_withdrawn(data: Data) -> str:
    return f"{data['event']} {data['telling']} withdrawn by {data['by']}{_cased(data)}"


def _released(data: Data) -> str:
    rows = [f"{number(n)} of {table}" for table, n in data["rows"].items() if n]
    told = f"a record went back from the vault {_dataset(data)} to {data['connector']}.{data['to']}"
    return f"{told}, released by {data['by']} ({data['reason']}{_cased(data)}): {listed(rows)}"


def _key(what: str) -> Callable[[Data], str]:
    def said(data: Data) -> str:
        before = f" ({data['before']})" if "before" in data else ""
        by = f" by {data['by']}" if "by" in data else ""
        return f"{data.get('kind', '')} key {data['key']} {what}{before}{by}".strip()

    return said


def _refused(data: Data) -> str:
    groups = [f"{counted(each['count'], 'record')} {refusal(each)}" for each in data["refused"]]
    return f"{_job(data)}, run {data['run']}, refused: {'; '.join(groups)}"


_DONE = {
    "delete": "deleted",
    "anonymize": "anonymized",
    "pseudonymize": "pseudonymized",
    "restrict": "restricted",
}
_STOPS = {
    "held": "under a legal hold",
    "retained": "kept by",
    "referenced": "referred to by",
    "shared": "sharing rows of",
}


def refusal(group: Data) -> str:
    """What is refused of a record, and why: `not deleted, but anonymized: kept by orders (legal obligation, § 13)`."""
    stopped = " or ".join(_DONE.get(action, action) for action in group["actions"])
    instead = f", but {_DONE.get(group['instead'], group['instead'])}" if group["instead"] else ""
    return f"not {stopped}{instead}: {', '.join(map(_because, group['because']))}"


def _because(each: Data) -> str:
    basis = ", ".join(each[name] for name in ("basis", "citation") if name in each)
    by = each.get("by", "rows" if each["kind"] != "held" else "")
    whose = f" of {each['dataset']}" if "dataset" in each and each["kind"] == "shared" else ""
    return f"{_STOPS.get(each['kind'], each['kind'])} {by}{whose}".strip() + (f" ({basis})" if basis else "")


def _dropped(data: Data) -> str:
    amount = f"{counted(data['batches'], 'batch', 'batches')} ({counted(data['records'], 'record')})"
    if data.get("refused"):
        amount += f" and of refusals ({counted(data['refused'], 'record')})"
    return f"the evidence of {amount} of before {data['before']} was dropped, being older than it is kept"


def _archived(data: Data) -> str:
    span = f"events {number(data['first'])} to {number(data['size'] - 1)}"
    return f"{span} were put into an archive by {data['by']}; their hashes stay"


SENTENCES: Mapping[str, Callable[[Data], str]] = {
    "policy.changed": _policy_changed,
    "plan.created": _plan_made,
    "approval.granted": _approved,
    "hold.placed": _hold_placed,
    "hold.extended": _hold_extended,
    "hold.released": _hold_released,
    "event.told": _event_told,
    "event.extended": _event_extended,
    "event.withdrawn": _event_withdrawn,
    "record.released": _released,
    "run.started": _run_started,
    "run.ended": _run_ended,
    "batch.intent": _batch("about to be committed"),
    "batch.committed": _batch("committed"),
    "batch.rolled_back": _batch("rolled back"),
    "batch.unknown": _batch("answered with silence: in doubt"),
    "batch.reconciled": _reconciled,
    "action.refused": _refused,
    "key.created": _key("made"),
    "key.rotated": _key("taken into use in place of another"),
    "key.destroyed": _key("destroyed"),
    "evidence.dropped": _dropped,
    "ledger.archived": _archived,
    "error": _error,
}

STYLES = {
    "batch.rolled_back": "warn",
    "batch.unknown": "warn",
    "action.refused": "warn",
    "error": "bad",
    "key.destroyed": "bad",
}
