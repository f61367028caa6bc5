"""A run, an approval and the question before a run, for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from retention.model.outcome import ApprovalLine, JobOutcome, RunOutcome
from retention.model.plan import JobPlan, JobStatus, Plan
from retention.report.console import Facts, cell, columns, heading, line, names, status_table
from retention.report.escape import shown
from retention.report.plan import STATUS_STYLE
from retention.report.words import by_table, counted, duration, listed, moment, number

RUN_STYLE = {
    "done": "good",
    "nothing": "good",
    "partial": "warn",
    "interrupted": "warn",
    "refused": "bad",
    "failed": "bad",
}


def show_outcome(console: Console, outcome: RunOutcome, *, brief: bool = False) -> None:
    """What was done, what was not and why, and the checkpoint that seals it.

    `brief`: no more than the table about jobs that did all that they were to do.
    """
    title = Text.assemble(
        (f"Run {shown(outcome.id)} as of {moment(outcome.as_of)}: ", "title"),
        (shown(outcome.status), RUN_STYLE.get(outcome.status, "title")),
    )
    console.print(title)
    console.print()
    line(console, _headline(outcome), style="title")
    if outcome.jobs:
        console.print()
        _table(console, outcome)
    for job in outcome.jobs:
        if _worth_telling(job) and not (brief and job.done == job.planned):
            _job(console, job)
    if outcome.checkpoint:
        console.print()
        point = outcome.checkpoint
        line(console, f"Ledger checkpoint: {counted(point.size, 'event')}, root {shown(point.root)}", "quiet")
    if outcome.notes:
        heading(console, "Notes")
        for note in outcome.notes:
            line(console, note, indent=2)


def _headline(outcome: RunOutcome) -> str:
    planned = sum(job.planned for job in outcome.jobs)
    done = sum(job.done for job in outcome.jobs)
    rows = sum(sum(job.rows.values()) for job in outcome.jobs)
    failed = not all(job.counted for job in outcome.jobs)
    if not planned:
        return "Nothing was done: not every job could be counted." if failed else "Nothing was due."
    if not done:
        return f"Nothing was done: {counted(planned, 'planned record')} left as before."
    rest = "" if done == planned else f" of {number(planned)} planned"
    return f"Done: {counted(done, 'record')}{rest} ({counted(rows, 'row')})."


def _table(console: Console, outcome: RunOutcome) -> None:
    longest = max(max(len(job.rule), len(job.connector) + len(job.dataset) + 3) for job in outcome.jobs)
    table, wide = status_table(console, longest, "planned", "done", "skipped", "set aside", "left")
    for job in outcome.jobs:
        place = f"{job.connector}.{job.dataset}"
        unknown = cell("?", "bad")
        table.add_row(
            *names(job.rule, place, wide=wide),
            cell(number(job.planned)) if job.counted else unknown,
            cell(number(job.done), "title" if job.done else "quiet"),
            *(
                cell(number(count), "warn" if count else "quiet")
                for count in (job.skipped.total, job.set_aside)
            ),
            cell(number(job.left), "warn" if job.left else "quiet") if job.counted else unknown,
            cell(job.status.value, STATUS_STYLE[job.status]),
        )
    console.print(table)


def _worth_telling(job: JobOutcome) -> bool:
    return bool(job.reason or job.done or job.skipped.total or job.set_aside or job.left)


def _job(console: Console, job: JobOutcome) -> None:
    heading(console, f"{job.rule}: {job.connector}.{job.dataset}")
    facts = Facts()
    if job.reason:
        label = Text(job.status.value, style=STATUS_STYLE[job.status])
        facts.add("Status", Text.assemble(label, f": {shown(job.reason)}"))
    if job.done:
        took = f"in {counted(job.batches, 'batch', 'batches')}, {duration(job.seconds)}"
        facts.add("Done", f"{counted(job.done, 'record')}, {by_table(job.rows)}, {took}")
    if job.skipped.total:
        reasons = (
            (job.skipped.changed, "not due any more"),
            (job.skipped.held, "held meanwhile"),
            (job.skipped.locked, "locked by others"),
        )
        skipped = listed([f"{number(count)} {why}" for count, why in reasons if count])
        facts.add("Skipped", skipped)
    if job.set_aside:
        facts.add("Aside", f"{counted(job.set_aside, 'record')} set aside; tried again at the next run")
    if job.left:
        facts.add("Left", f"{counted(job.left, 'record')} still to do")
    facts.show(console)


def show_approvals(console: Console, plan: str, by: str, lines: Sequence[ApprovalLine]) -> None:
    """What was approved, what was not since nobody saw it, and what to type next."""
    left_out = [each for each in lines if each.left_out is not None]
    lines = [each for each in lines if each.left_out is None]
    _approved(console, plan, by, lines)
    for each in left_out:
        place = f"{each.rule} on {each.connector}.{each.dataset}"
        line(console, f"Not approved: {place}, which the plan did not see: {each.left_out}", style="warn")


def _approved(console: Console, plan: str, by: str, lines: Sequence[ApprovalLine]) -> None:
    if not lines:
        line(console, f"Nothing in plan {plan} waits for approval.")
        return
    records = sum(each.records for each in lines)
    if not records:
        line(console, f"Approved by {by}: the rules of plan {plan}. Nothing is due under it.", style="title")
        return
    line(console, f"Approved by {by}: up to {counted(records, 'record')} of plan {plan}.", style="title")
    console.print()
    table = columns(console, ("rule", "left"), ("dataset", "left"), ("records", "right"), ("limits", "left"))
    for each in lines:
        table.add_row(
            cell(each.rule),
            cell(f"{each.connector}.{each.dataset}"),
            cell(number(each.records)),
            cell(
                "above its limits, approved" if each.over_limit else "within",
                "" if each.over_limit else "quiet",
            ),
        )
    console.print(table)
    console.print()
    line(console, "To carry it out:")
    line(console, f"retention run --plan {plan}", style="command", indent=2)


_VERBS = {"delete": "Delete", "anonymize": "Anonymize", "pseudonymize": "Pseudonymize"}


def question(plan: Plan, by: str, limit: int | None = None) -> tuple[str, ...]:
    """What is asked before a run: who approves what, then the question itself, without its answers.

    `limit`: at most so many records a job go.
    """
    jobs = [job for job in plan.jobs if job.status in (JobStatus.READY, JobStatus.AWAITING) and job.due]
    awaiting = [job for job in jobs if job.status is JobStatus.AWAITING]
    records = sum(job.due for job in jobs)
    rows = sum(sum(job.rows.values()) for job in jobs)
    told = []
    if awaiting:
        what = listed([_named(job) for job in awaiting])
        told.append(f"A yes also approves, in the name of {shown(by)}: {what}.")
    actions = {action for job in jobs for action, count in job.actions.items() if count}
    known = [verb for action, verb in _VERBS.items() if actions == {action}]
    verb = known[0] if known else "Carry this out for"
    amount = f"{counted(records, 'record')} ({counted(rows, 'row')})"
    going = records if limit is None else sum(min(job.due, limit) for job in jobs)
    if going < records:
        amount = f"{number(going)} of {counted(records, 'record')}, at most {number(limit or 0)} a job,"
    return (*told, f"{verb} {amount} for good?")


def _named(job: JobPlan) -> str:
    return f"{shown(job.rule)} on {shown(job.connector)}.{shown(job.dataset)} ({counted(job.due, 'record')})"
