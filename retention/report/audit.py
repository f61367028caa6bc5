"""What is handed to auditors, for people: an export, a proof of one record."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from retention.model.audit import Archived, Consistency, Denial, Export, Proof
from retention.model.typed import as_typed
from retention.report.console import Facts, line
from retention.report.ledger import refusal
from retention.report.words import counted, listed, number

DONE = {
    "delete": "deleted",
    "restrict": "restricted: marked, or moved to its vault",
    "release": "moved back from its vault, by a person",
    "anonymize": "anonymised",
    "pseudonymize": "pseudonymised",
}
"""What was done to a record, for people."""


def show_export(console: Console, done: Export) -> None:
    """What was written, and what to type in the folder."""
    what = counted(done.events, "event")
    if done.events and (done.first or done.last + 1 < done.size):
        what += f", {number(done.first)} to {number(done.last)} of {number(done.size)}"
    line(console, f"Written to {done.folder}, and verified: {what}.", style="good")
    facts = Facts(width=11)
    facts.add("Origin", done.origin)
    facts.add(
        "Signed", f"{counted(done.checkpoints, 'checkpoint')}, the newest over {counted(done.size, 'event')}"
    )
    facts.add("Root", done.root)
    if done.unsigned:
        tail = f"{counted(done.unsigned, 'event')} after the newest checkpoint: with the next run they are signed"
        facts.add("Not in it", Text(tail, style="warn"))
    if done.archived:
        facts.add(
            "Archived",
            f"{_span(0, done.archived)}: in an archive; hand it over, too, or name it: --archive DIR",
        )
    facts.add("To verify", "in the folder, type: python3 verify.py key.pub")
    facts.show(console)


def show_archive(console: Console, done: Archived) -> None:
    """What was put away, and what that means."""
    if done.folder is None:
        line(console, f"Nothing to archive: fewer than 256 events more are older than {done.before}.")
        return
    line(console, f"Archived in {done.folder}, and read back: {_span(done.first, done.stop)}.", style="good")
    facts = Facts(width=11)
    facts.add("Older than", done.before)
    facts.add("Root", f"{done.root}, of {counted(done.stop, 'event')}")
    facts.add("Said", f"in the ledger, by event {done.event}")
    facts.add(
        "Keep it", "the state store has the hashes of these events, and their text is in this folder alone"
    )
    facts.add("To verify", f"retention audit verify --archive {done.folder}")
    facts.show(console)
    for note in done.notes:
        line(console, note, style="warn")


def _span(first: int, stop: int) -> str:
    return f"events {number(first)} to {number(stop - 1)}"


def show_proof(console: Console, proof: Proof | Denial, file: str | None) -> None:
    """Which record, when it went, why, and on whose approval; or what was refused for it."""
    if isinstance(proof, Denial):
        _show_denial(console, proof, file)
        return
    name = f"{proof.connector}.{proof.dataset} {as_typed(proof.key)}"
    line(console, f"Proved: the record {name} was in a batch that was carried out.", style="good")
    facts = Facts(width=11)
    facts.add("When", f"{proof.at} (event {proof.event})")
    facts.add("Run", f"{proof.run}, batch {proof.batch}, as of {proof.as_of}, started by {proof.by}")
    facts.add("What", DONE.get(proof.action, proof.action))
    if proof.action != "release":
        facts.add("Rule", proof.rule)
        facts.add("Promise", proof.promise or "the ledger does not say it")
    for by, at in proof.approvals:
        facts.add("Approved", f"by {by}, {at}")
    if not proof.approvals and proof.action != "release":
        facts.add("Approved", "the rule needed no approval")
    facts.add("Signed", f"by the checkpoint of {counted(proof.size, 'event')}")
    if proof.others:
        facts.add("Also", f"a record of this key went {counted(len(proof.others), 'time')} before")
    if proof.refused:
        facts.add("Refused", f"before, by {_events(proof.refused)}; to see it, add --refused")
    if file is not None:
        facts.add("Written to", f"{file}; to verify it: python3 verify.py key.pub --proof {file}")
    facts.show(console)
    for note in proof.notes:
        line(console, note, style="warn")


def _show_denial(console: Console, proof: Denial, file: str | None) -> None:
    name = f"{proof.connector}.{proof.dataset} {as_typed(proof.key)}"
    line(
        console,
        f"Proved: what the rule {proof.rule} demands was refused for the record {name}.",
        style="good",
    )
    facts = Facts(width=11)
    facts.add("Refused", refusal(proof.group))
    facts.add("Since", f"{proof.at} (event {proof.event})")
    facts.add("Run", f"{proof.run}, as of {proof.as_of}, started by {proof.by}")
    facts.add("Promise", proof.promise or "the ledger does not say it")
    facts.add("Signed", f"by the checkpoint of {counted(proof.size, 'event')}")
    if proof.others:
        facts.add("Also", f"refused before, by {_events(proof.others)}")
    if file is not None:
        facts.add("Written to", f"{file}; to verify it: python3 verify.py key.pub --proof {file}")
    facts.show(console)
    for note in proof.notes:
        line(console, note, style="warn")


def _events(numbers: Sequence[int]) -> str:
    return f"event{'s' if len(numbers) > 1 else ''} {listed([str(each) for each in numbers])}"


def show_consistency(console: Console, found: Consistency) -> None:
    """That nothing that the older one signs was changed."""
    same = found.old_root == found.new_root
    told = "are the same" if same else "are of one history: the newer begins with all events of the older"
    line(console, f"Consistent: the two checkpoints {told}.", style="good")
    facts = Facts(width=11)
    facts.add("Origin", found.origin)
    facts.add("Older", f"{counted(found.old_size, 'event')}, root {found.old_root} ({found.old})")
    facts.add("Newer", f"{counted(found.new_size, 'event')}, root {found.new_root} ({found.new})")
    facts.show(console)
