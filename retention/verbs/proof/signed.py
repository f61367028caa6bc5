"""Events of the ledger as a proof shows them: each with what joins it to the newest checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from retention.config.reading.findings import dotted
from retention.errors import LedgerError
from retention.ledger.line import parse
from retention.ledger.note import Checkpoint, Verifier
from retention.ledger.tree import leaf_hash, verify_inclusion
from retention.store.log import LogReading
from retention.store.state import Snapshot


class Signed:
    """What the newest checkpoint of a snapshot signs; everything is verified before it is shown."""

    def __init__(self, snapshot: Snapshot, verifier: Verifier) -> None:
        """Raises LedgerError where nothing is signed yet."""
        self.log = snapshot.log
        stored = snapshot.log.newest_checkpoint()
        if stored is None:
            raise LedgerError("no checkpoint signs anything of this ledger yet")
        self.note = stored.note
        self.point = Checkpoint.open(stored.note, verifier)
        self._history = snapshot.log.history(self.point.size)

    def event(self, seq: int) -> dict[str, Any]:
        """The event's line and its path up to the checkpoint's root."""
        line = self.line(seq)
        path = self._history.inclusion(seq)
        if not verify_inclusion(leaf_hash(line), seq, self.point.size, path, self.point.root):
            raise LedgerError(
                f"event {seq}: it is not what the checkpoint of {self.point.size} events signs;"
                " type: retention audit verify"
            )
        return {"line": line.decode(), "path": [step.hex() for step in path]}

    def line(self, seq: int) -> bytes:
        """The stored line."""
        return line_of(self.log, seq)

    def started(self, run: str, below: int) -> int:
        """Where the run began whose event `below` is."""
        (seq,) = self.log.named("run.started", run, below)[-1:] or (None,)
        if seq is None:
            raise LedgerError(f"event {below}: its run {run} never started")
        return seq

    def approvals(self, rule: str, started: int) -> dict[str, int]:
        """The approvals of the rule that the run names, by `approval 1` and so on.

        Raises LedgerError where one that it names is not found: its absence must not look like no need of it.
        """
        run = data_of(self.log, started)
        granted: list[int] = []
        for plan in dict.fromkeys(a["plan"] for a in run["approvals"] if a["rule"] == rule):
            found = self._approvals(plan, rule, started)
            if not found:
                raise LedgerError(
                    f"event {started}: its run names the approval of the plan {plan} for the rule {rule}, and the state"
                    " store does not find that event: its index was changed"
                )
            granted += found
        return {f"approval {number}": seq for number, seq in enumerate(granted, 1)}

    def promise(self, rule: str, started: int) -> dict[str, int]:
        """Where the rule's promise was written down last before the run; nothing where the ledger does not say it."""
        for seq in reversed(self.log.named("policy.changed", below=started)):
            if promise_in(data_of(self.log, seq), rule) is not None:
                return {"promise": seq}
        return {}

    def _approvals(self, plan: str, rule: str, below: int) -> Sequence[int]:
        return [
            seq
            for seq in self.log.named("approval.granted", plan, below)
            if any(job["rule"] == rule for job in data_of(self.log, seq)["jobs"])
        ]


def data_of(log: LogReading, seq: int) -> Mapping[str, Any]:
    """An event's data. Raises LedgerError where the event is not there."""
    return parse(line_of(log, seq)).data


def line_of(log: LogReading, seq: int) -> bytes:
    """The stored line of an event. Raises LedgerError where the event is not there."""
    line = log.line(seq)
    if line is None:
        raise LedgerError(f"event {seq}: it is missing from the state store")
    return line


def promise_in(data: Mapping[str, Any], rule: str) -> str | None:
    """The rule's promise where a change of the policy has it."""
    path = dotted(("rules", rule, "promise"))
    for change in data.get("difference", ()):
        if change["path"] == path and isinstance(change["new"], str):
            return change["new"]
    return None
