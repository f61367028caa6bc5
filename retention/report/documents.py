"""Every answer of the command line as a JSON document, but plans and runs (`model.documents`)."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from retention.errors import Problem
from retention.model.documents import Document, instant, plan_document, run_document
from retention.model.screen import DemoScreen

if TYPE_CHECKING:
    from retention.model.audit import Archived, Consistency, Denial, Export, Proof, Verification
    from retention.model.coverage import HoldLine, Placed, Released, ToldOutcome, Withdrawn
    from retention.model.explanation import CheckReport, Explanation
    from retention.model.keys import KeyChange, KeyList
    from retention.model.notice import Tried
    from retention.model.outcome import ApprovalLine, RunOutcome
    from retention.model.overview import SetUp
    from retention.model.plan import Plan, PlanLine, Statement
    from retention.model.script import Script
    from retention.model.status import NextLine, Status
    from retention.model.suppression import Suppression
    from retention.model.switch import Resumed, Stopped
    from retention.model.told import Telling
    from retention.model.vault import GivenBack


def plain(value: object) -> Any:
    """A record of the model as JSON has it: fields by name, instants in RFC 3339, enums by value."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def error_document(code: str, exit_code: int, message: str, problems: Sequence[Problem] = ()) -> Document:
    """Why there is no answer."""
    error = {"code": code, "exit": exit_code, "message": message, "problems": plain(problems)}
    return {"format": "retention.error/1", "error": error}


def check_document(report: CheckReport) -> Document:
    """`ok`, problems, warnings, and what was looked at."""
    return {"format": "retention.check/1", "ok": not report.problems, **plain(report)}


def plans_document(plans: Sequence[PlanLine]) -> Document:
    """The stored plans, newest first."""
    return {"format": "retention.plans/1", "plans": plain(plans)}


def statements_document(statements: Sequence[Statement]) -> Document:
    """Each statement with rule, dataset and purpose."""
    return {"format": "retention.statements/1", "statements": plain(statements)}


def approve_document(plan: str, by: str, lines: Sequence[ApprovalLine]) -> Document:
    """Who approved what; `left_out` is what the plan did not see, and nobody approved."""
    approvals, left_out = [], []
    for each in lines:
        told = plain(each)
        reason = told.pop("left_out")
        if reason is None:
            approvals.append(told)
        else:
            place = {name: told[name] for name in ("rule", "connector", "dataset")}
            left_out.append({**place, "reason": reason})
    head = {"format": "retention.approve/1", "plan": plan, "by": by, "approvals": approvals}
    return {**head, "left_out": left_out}


def status_document(status: Status) -> Document:
    """The engine's state at a glance."""
    return {"format": "retention.status/1", **plain(status)}


def schedule_document(lines: Sequence[NextLine]) -> Document:
    """The next times of each rule that acts, in its zone and in UTC."""
    return {"format": "retention.schedule/1", "rules": plain(lines)}


def tried_document(tried: Sequence[Tried]) -> Document:
    """Each channel, and why it did not take the message, where it did not."""
    return {"format": "retention.notify/1", "channels": plain(tried)}


def stop_document(done: Stopped) -> Document:
    """Who stopped everything, and whether it was stopped before."""
    return {"format": "retention.stop/1", **plain(done)}


def resume_document(done: Resumed) -> Document:
    """The stops that are over."""
    return {"format": "retention.resume/1", **plain(done)}


def hold_document(placed: Placed) -> Document:
    """A hold, and what it covers: each dataset with `state` and `records`."""
    return {
        "format": "retention.hold/1",
        "hold": plain(placed.hold),
        "new": placed.new,
        "found": placed.found,
        "datasets": plain(placed.lines),
        "out_of_reach": len(placed.out_of_reach),
        "accepted": placed.accepted,
        "unsettled": placed.unsettled,
    }


def holds_document(holds: Sequence[HoldLine]) -> Document:
    """The holds in force, oldest first; `overdue`: the day of review has passed; `lost`: it covers nothing."""
    return {
        "format": "retention.holds/1",
        "holds": [{**plain(each.hold), "overdue": each.overdue, "lost": each.lost} for each in holds],
    }


def release_document(done: Released) -> Document:
    """A hold that has ended."""
    return {"format": "retention.release/1", **plain(done)}


def vault_document(done: SetUp) -> Document:
    """What became of each table of a vault, a line each."""
    return {"format": "retention.vault/1", "lines": list(done.lines)}


def given_back_document(done: GivenBack) -> Document:
    """A record that went back from its vault."""
    return {"format": "retention.given-back/1", **plain(done)}


def told_document(told: ToldOutcome) -> Document:
    """Every line's outcome, how many came to which, and what the new ones reach."""
    from retention.model.coverage import ToldState

    counts = {state.value: told.count(state) for state in ToldState}
    return {"format": "retention.told/1", **counts, **plain(told)}


def tellings_document(tellings: Sequence[Telling]) -> Document:
    """The told events in force, oldest first."""
    return {"format": "retention.events/1", "events": plain(tellings)}


def withdrawn_document(withdrawn: Withdrawn) -> Document:
    """A told event that is withdrawn."""
    told = withdrawn.telling
    head = {"format": "retention.withdrawn/1", "id": told.id, "event": told.event}
    return {**head, "unsettled": withdrawn.unsettled}


def explain_document(explanation: Explanation) -> Document:
    """Without the record's key: whoever asked knows it, and the document may travel."""
    record = {"connector": explanation.connector, "dataset": explanation.dataset}
    return {
        "format": "retention.explain/1",
        "record": record,
        "as_of": instant(explanation.as_of),
        "parts": plain(explanation.parts),
        "shared": plain(explanation.shared),
        "set_aside": explanation.set_aside,
        "holds": plain(explanation.holds),
        "rules": plain(explanation.rules),
    }


def verify_document(verification: Verification) -> Document:
    """A ledger that verifies; one that does not is an error, code "ledger"."""
    return {"format": "retention.verify/1", "ok": True, **plain(verification)}


def export_document(done: Export) -> Document:
    """What was exported, and where to."""
    return {"format": "retention.export/1", "events": done.events, **plain(done)}


def archive_document(done: Archived) -> Document:
    """What was put into an archive, and what of it stays."""
    return {"format": "retention.archive/1", "events": done.events, **plain(done)}


def proof_document(proof: Proof | Denial) -> Document:
    """What was proved, and beside it the proof itself (`retention.proof/1`, or `retention.refusal/1`)."""
    told = plain(proof)
    document = told.pop("document")
    return {"format": "retention.prove/1", **told, "proof": document}


def consistency_document(found: Consistency) -> Document:
    """Two checkpoints, and the proof that joins them."""
    return {"format": "retention.consistency/1", **plain(found)}


def keys_document(found: KeyList) -> Document:
    """Every key by its id, and where those of a kind are."""
    return {"format": "retention.keys/1", **plain(found), "places": dict(found.places)}


def key_document(done: KeyChange) -> Document:
    """What became of keys."""
    return {"format": "retention.key/1", **plain(done)}


def suppressed_document(found: Suppression) -> Document:
    """Each value by its line; the value itself is not in it."""
    return {"format": "retention.suppressed/1", **plain(found)}


def init_document(done: SetUp) -> Document:
    """What was made, a line each; or the tables of a database, and what to type next."""
    return {"format": "retention.init/1", **plain(done)}


def ddl_document(scripts: Sequence[Script]) -> Document:
    """The statements for each database, to be run one by one."""
    return {"format": "retention.ddl/1", "databases": plain(scripts)}


class RecordingScreen(DemoScreen):
    """The demo's steps, kept for `retention.demo/1` instead of being shown."""

    def __init__(self) -> None:
        self._steps: list[Document] = []

    def document(self) -> Document:
        """All steps so far, in order; each has one key, which says what it is."""
        return {"format": "retention.demo/1", "steps": list(self._steps)}

    def heading(self, text: str) -> None:
        self._steps.append({"heading": text})

    def text(self, text: str) -> None:
        self._steps.append({"text": text})

    def plan(self, plan: Plan) -> None:
        self._steps.append({"plan": plan_document(plan)})

    def later_plan(self, plan: Plan) -> None:
        self._steps.append({"plan": plan_document(plan)})

    def outcome(self, outcome: RunOutcome) -> None:
        self._steps.append({"run": run_document(outcome)})

    def verification(self, verification: Verification) -> None:
        self._steps.append({"verification": verify_document(verification)})

    def explanation(self, explanation: Explanation) -> None:
        self._steps.append({"explanation": explain_document(explanation)})

    def commands(self, lines: Sequence[str]) -> None:
        self._steps.append({"commands": list(lines)})
