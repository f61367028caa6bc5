"""Where the engine and the oracle differ, in words."""

from __future__ import annotations

from typing import Any

from retention.model.plan import JobPlan
from tests.oracles import fate as oracle
from tests.oracles.companies import Company
from tests.oracles.stores import Said, Shop


def plan_differences(company: Company, said: list[Said]) -> list[str]:
    """Record by record, and then the sums."""
    answers, _ = oracle.plan(company.world, [(job.rule, job.dataset) for job in said])
    found: list[str] = []
    for job, answer in zip(said, answers, strict=True):
        where = f"{job.rule} on {job.dataset}"
        for key in job.fates.keys() | dict(answer.fates).keys():
            ours, theirs = answer.fates.get(key), job.fates.get(key)
            if ours != theirs:
                found.append(f"{where}: {key} is {ours}, the engine says {theirs}")
        for key, fate in job.shown.items():
            if fate != answer.fates[key]:
                found.append(f"{where}: {key} is {answer.fates[key]}, explained as {fate}")
        if job.overdue != answer.overdue:
            found.append(f"{where}: overdue are {set(answer.overdue)}, the engine says {set(job.overdue)}")
        due = {key for key, fate in answer.fates.items() if fate == "due"}
        if not job.strictly <= due:
            found.append(f"{where}: a batch would take {set(job.strictly - due)}, which the plan does not")
        if job.plan is not None:
            found += _sums(where, job.plan, job.prefix, answer)
    return found


def _sums(where: str, plan: JobPlan, prefix: str, answer: oracle.Answer) -> list[str]:
    fates = list(answer.fates.values())
    expected: dict[str, Any] = {
        "total": len(fates),
        "fates": {name: fates.count(name) for name in plan.fates},
        "overdue": len(answer.overdue),
        "rows": dict(answer.rows),
        "kept by": dict(answer.kept_by),
    }
    got: dict[str, Any] = {
        "total": plan.total,
        "fates": dict(plan.fates),
        "overdue": plan.overdue,
        "rows": {name.removeprefix(prefix): count for name, count in plan.rows.items()},
        "kept by": {name.removeprefix(prefix): count for name, count in plan.referenced_by.items()},
    }
    return [
        f"{where}: {what} {ours}, the engine says {got[what]}"
        for what, ours in expected.items()
        if ours != got[what]
    ]


def something_goes(company: Company) -> bool:
    """By the oracle: some record is due, with whatever refers to others first."""
    order = ("calls", "visits", "orders", "owners")
    rules = [rule for rule in company.world.rules if not company.only or rule.name in company.only]
    jobs = [(rule.name, f"the-{rule.data}") for rule in sorted(rules, key=lambda r: order.index(r.data))]
    return bool(oracle.plan(company.world, jobs)[1].rows)


def run_differences(company: Company, shop: Shop, jobs: list[tuple[str, str]]) -> list[str]:
    """After the run: what is left in every table."""
    _, gone = oracle.plan(company.world, jobs)
    left = oracle.after(company.world, gone)
    found = []
    for table in company.tables.values():
        expected = {tuple(row[column] for column in table.key) for row in left.tables[table.name]}
        there = shop.keys(table)
        found += [f"{table.name} {key} is gone, and should be there" for key in expected - there]
        found += [f"{table.name} {key} is there, and should be gone" for key in there - expected]
    return found
