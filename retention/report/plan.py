"""A plan for people: what would be deleted, why, and what stays, for which reason."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from retention.model.plan import JobPlan, JobStatus, Plan, PlanLine, Statement
from retention.report.console import Facts, cell, columns, heading, line, names, status_table
from retention.report.escape import shown, shown_lines
from retention.report.words import (
    KEPT_BECAUSE,
    NOT_KEPT,
    by_table,
    counted,
    listed,
    moment,
    number,
    unzoned,
    zone_of,
)

STATUS_STYLE = {
    JobStatus.READY: "good",
    JobStatus.NOTHING: "quiet",
    JobStatus.AWAITING: "warn",
    JobStatus.REFUSED: "bad",
    JobStatus.DONE: "good",
    JobStatus.PARTIAL: "warn",
    JobStatus.FAILED: "bad",
    JobStatus.STOPPED: "warn",
}

ADVICE = re.compile(r"; (to go on, )?type: retention approve .*")
"""The end of a reason that says how to approve."""


def show_plan(
    console: Console, plan: Plan, *, next_steps: bool = True, dry: bool = True, now: datetime | None = None
) -> None:
    """The whole plan: headline, table, a paragraph per job, promises kept elsewhere, what to type next.

    `dry`: it is shown for itself, and not before the question whether to carry it out. `now`: a plan of
    a later day advises nobody to approve it, since that is refused.
    """
    ahead = now is not None and plan.as_of > now
    console.print(Text(f"Plan {shown(plan.id)} as of {moment(plan.as_of)}", style="title"))
    line(console, f"policy {plan.policy[:12]}, plan digest {plan.digest[:12]}", style="quiet")
    console.print()
    line(console, headline(plan), style="title")
    for sentence in _not_yet(plan):
        line(console, sentence)
    if dry:
        line(console, "This is a dry run: nothing has been changed.")
    if plan.jobs:
        console.print()
        _summary(console, plan)
    for job in plan.jobs:
        _job(console, job, advise=plan.stored and not ahead)
    _elsewhere(console, plan)
    if plan.notes:
        heading(console, "Notes")
        for note in plan.notes:
            line(console, note, indent=2)
    if next_steps and dry:
        _next_steps(console, plan, ahead=ahead)


def headline(plan: Plan) -> str:
    """One sentence with the numbers that matter; undated and unclear wherever overdue is."""
    totals = plan.totals
    if not totals["due"]:
        start = f"Nothing is due among {counted(totals['total'], 'record')}."
    else:
        rows = f" ({counted(totals['rows'], 'row')})" if totals["rows"] else ""
        start = (
            f"{counted(totals['due'], 'record')}{rows} {'is' if totals['due'] == 1 else 'are'} due"
            f" of {number(totals['total'])}."
        )
    return (
        f"{start} Overdue: {number(totals['overdue'])}; undated: {number(totals['undated'])};"
        f" unclear: {number(totals['unclear'])}."
    )


def _not_yet(plan: Plan) -> list[str]:
    """How much of what is due would not go now, and what is not known at all."""
    failed = sorted({job.connector for job in plan.jobs if job.status is JobStatus.FAILED})
    missing = [f"Not counted, and in none of these numbers: what is in {listed(failed)}."] if failed else []
    dues = []
    for status, what in ((JobStatus.AWAITING, "awaiting approval"), (JobStatus.REFUSED, "refused")):
        due = sum(job.due for job in plan.jobs if job.status is status)
        if due:
            dues.append((due, what))
    if not dues:
        return missing
    reasons = listed([f"{number(due)} {what}" if len(dues) > 1 else what for due, what in dues])
    stay = counted(sum(due for due, _ in dues), "record")
    return [f"Of these, {stay} would stay for now: {reasons}.", *missing]


def _summary(console: Console, plan: Plan) -> None:
    longest = max(max(len(job.rule), len(job.connector) + len(job.dataset) + 3) for job in plan.jobs)
    table, wide = status_table(console, longest, "due", "overdue", "undated", "unclear", "kept")
    for job in plan.jobs:
        place = f"{job.connector}.{job.dataset}"
        numbers = [
            cell(_about(job, job.due), "title" if job.due else "quiet"),
            _alarming(job.overdue, "bad"),
            _alarming(job.fates["undated"], "warn"),
            _alarming(job.fates["unclear"], "warn"),
            cell(number(job.kept)),
        ]
        if job.status is JobStatus.FAILED:
            numbers = [cell("?", "bad")] * len(numbers)
        status = cell(job.status.value, STATUS_STYLE[job.status])
        table.add_row(*names(job.rule, place, wide=wide), *numbers, status)
    console.print(table)


def _about(job: JobPlan, count: int) -> str:
    return number(count) if job.exact else f"~{number(count)}"


def _alarming(count: int, style: str) -> Text:
    return cell(number(count), style if count else "quiet")


def _job(console: Console, job: JobPlan, *, advise: bool) -> None:
    heading(console, f"{job.rule}: {job.connector}.{job.dataset}")
    line(console, job.promise, style="promise", indent=2)
    facts = Facts()
    label = Text(job.status.value, style=STATUS_STYLE[job.status])
    if job.status not in (JobStatus.READY, JobStatus.NOTHING) or job.reason:
        reason = job.reason if advise else ADVICE.sub("", job.reason or "")
        facts.add("Status", Text.assemble(label, f": {shown(reason)}" if reason else ""))
    if job.status is JobStatus.FAILED:
        facts.show(console)
        return
    facts.add(_label(job), _what_goes(job))
    if len(job.actions) > 1 and job.due:
        facts.add("", listed([f"{action} {number(count)}" for action, count in job.actions.items() if count]))
    if job.oldest:
        facts.add("Oldest", job.oldest)
    for each in job.cutoffs:
        where = f", where {each.when}" if each.when != "always" else ""
        if not where and len(job.cutoffs) > 1:
            where = ", otherwise"
        facts.add("Cutoff", f"due if before {moment(each.cutoff)}{where}")
    facts.add("Overdue", _lateness(job))
    _why_kept(facts, job)
    facts.show(console)


def _label(job: JobPlan) -> str:
    """The action by which its records are due; of several, "Due"."""
    used = [action for action, count in job.actions.items() if count] or [job.action]
    return used[0].capitalize() if len(used) == 1 else "Due"


def _what_goes(job: JobPlan) -> str:
    of = f"of {counted(job.total, 'record')}"
    if not job.exact:
        of = f"of about {counted(job.total, 'record')}, estimated"
    if not job.due:
        return f"none {of}"
    rows = f": {by_table(job.rows)}" if any(job.rows.values()) else ""
    return f"{number(job.due)} {of}{rows}"


def _lateness(job: JobPlan) -> Text:
    kept = ", with those that are late and have to stay" if job.overdue > job.due else ""
    parts = (
        (number(job.overdue), "bad" if job.overdue else ""),
        f"{kept}; undated {number(job.fates['undated'])}; unclear {number(job.fates['unclear'])}",
    )
    return Text.assemble(*parts)


def _why_kept(facts: Facts, job: JobPlan) -> None:
    reasons = [(job.fates[fate], KEPT_BECAUSE[fate], fate) for fate in KEPT_BECAUSE if job.fates[fate]]
    if len(reasons) != 1:
        facts.add("Kept", number(job.kept))
    width = max((len(number(count)) for count, _, _ in reasons), default=0)
    for count, because, fate in reasons:
        style = "warn" if fate in ("undated", "unclear", "conflict") else ""
        by = ""
        if fate == "referenced" and job.referenced_by:
            by = _by(job.referenced_by, count)
        elif fate in ("retained", "conflict"):
            by = f" (retention explain {shown(job.connector)}.{shown(job.dataset)} KEY names it)"
        label = "Kept" if len(reasons) == 1 else ""
        facts.add(label, _reason(f"{number(count):>{width}}", f"{because}{by}", style))
        if fate == "referenced" and job.ringed:
            facts.add("", _reason(" " * width, _rings(job), style))
    for fate, (one, many) in NOT_KEPT.items():
        if job.fates[fate]:
            facts.add("Besides", counted(job.fates[fate], one, many))


def _rings(job: JobPlan) -> str:
    """How many stay for a ring of rows, and why such a ring can't go."""
    by = listed([shown(text) for text in job.ringed_by])
    return f"{number(job.ringed)} of them for rows that refer to each other in a ring, which can't go by {by}"


def _reason(count: str, because: str, style: str) -> Table:
    """A number and what it counts; what is wrapped does not fall back under the number."""
    row = Table.grid(padding=(0, 1))
    row.add_column(no_wrap=True, style=style)
    row.add_column(overflow="fold", style=style)
    row.add_row(Text(count), Text(because))
    return row


def _by(referenced_by: Mapping[str, int], count: int) -> str:
    """Through which columns; how many by each, where it is not all of them by one.

    A record that several refer to is counted by each.
    """
    if list(referenced_by.values()) == [count]:
        return f", by {shown(next(iter(referenced_by)))}"
    each = listed([f"{number(n)} by {shown(t)}" for t, n in referenced_by.items()])
    several = "both" if len(referenced_by) == 2 else "several"
    return f": {each}" + (f" (some by {several})" if sum(referenced_by.values()) > count else "")


def _elsewhere(console: Console, plan: Plan) -> None:
    if not plan.kept_elsewhere:
        return
    heading(console, "Promised, and kept by something else (not enforced here)")
    for item in plan.kept_elsewhere:
        line(console, Text.assemble(f"{shown(item.rule)}: ", (shown(item.promise), "promise")), indent=2)
        line(console, f"kept by {item.kept_by}", style="quiet", indent=4)


def _next_steps(console: Console, plan: Plan, *, ahead: bool) -> None:
    waiting = list(dict.fromkeys(job.rule for job in plan.jobs if job.status is JobStatus.AWAITING))
    ready = any(job.status is JobStatus.READY and job.due for job in plan.jobs)
    above = list(dict.fromkeys(job.rule for job in plan.jobs if _above_a_limit(job)))
    answered = plan.jobs and not any(job.status is JobStatus.FAILED for job in plan.jobs)
    if not (waiting or ready or above):
        if answered and not plan.totals["due"] and not ahead:
            heading(console, "Next")
            _type(console, "What will be due a year from now:", f"retention plan --as-of {_in_a_year(plan)}")
        return
    heading(console, "Next")
    if ahead:
        when = moment(plan.as_of)
        line(console, f"This plan looks ahead: it can't be approved or run before {when}.", indent=2)
        return
    if not plan.stored:
        why = "This plan is not stored, because there is no state store here; it cannot be approved or run."
        _type(console, f"{why} To make one:", "retention init")
        return
    if waiting:
        only = "".join(f" --rule {rule}" for rule in waiting if above)
        _type(console, "To approve what waits, in your name:", f"retention approve {plan.id}{only}")
    if above:
        rules = "".join(f" --over-limit {rule}" for rule in above)
        what = "To approve all of it" if waiting else "To approve it"
        _type(
            console,
            f"{what}, this once above the limit, in your name:",
            f"retention approve {plan.id}{rules}",
        )
    _type(console, "To carry it out:", f"retention run --plan {plan.id}")


def _type(console: Console, what: str, command: str) -> None:
    line(console, what, indent=2)
    line(console, command, style="command", indent=4)


def _above_a_limit(job: JobPlan) -> bool:
    """Refused for nothing but its size: an approval that says so lets it go."""
    return job.status is JobStatus.REFUSED and "--over-limit" in (job.reason or "")


def _in_a_year(plan: Plan) -> str:
    """The same day of the next year; of 29 February the day before."""
    day = plan.as_of.date()
    return day.replace(year=day.year + 1, day=28 if (day.month, day.day) == (2, 29) else day.day).isoformat()


def show_plans(console: Console, plans: Sequence[PlanLine]) -> None:
    """The stored plans, in the order given."""
    if not plans:
        line(console, "No plan is stored. To make one, type: retention plan")
        return
    line(console, f"Times are those of {zone_of(plans[0].created)}.", style="quiet")
    headers = (("plan", "left"), ("made", "left"), ("as of", "left"), ("due", "right"))
    table = columns(console, *headers, ("approved", "left"), ("run", "left"))
    for plan in plans:
        table.add_row(
            cell(plan.id, "title"),
            cell(unzoned(plan.created)),
            cell(unzoned(plan.as_of)),
            cell(number(plan.due)),
            cell(plan.approved),
            cell("yes" if plan.used else "no", "quiet"),
        )
    console.print(table)


def show_statements(console: Console, statements: Sequence[Statement]) -> None:
    """Every statement, with what it is for. Line breaks of a statement stay, indented."""
    line(console, "-- retention plan --sql", style="quiet")
    console.print()
    heads: set[tuple[str, ...]] = set()
    for statement in statements:
        place = f"{statement.connector}.{statement.dataset}"
        rules = listed(statement.together) or statement.rule
        if statement.together and (head := (place, *statement.together)) not in heads:
            heads.add(head)
            line(
                console, "-- Joint batches, after each rule's own: records that refer to each other", "title"
            )
            line(console, f"-- on {place}, due by {rules}", "title")
            console.print()
        why = f": {statement.reason}" if statement.reason else ""
        line(console, f"-- {rules}, {place}: {statement.purpose}{why}", style="heading")
        if why:
            continue
        console.print(Text(shown_lines(statement.sql)), soft_wrap=True)
        console.print()
    if not statements:
        line(console, "-- no statements: no rule reaches a dataset here")
