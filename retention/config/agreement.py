"""What one file says against what the others say: data, events, anchors, names of files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from retention.config.connector_file import ConnectorDraft, DatasetDraft
from retention.config.findings import Finding, choice, names, nearest
from retention.config.policy_file import PolicyDraft, RuleDraft, clock_of
from retention.model.clock import Start

Placed = tuple[str, Finding]
"""The file, and what is wrong in it."""


def disagreements(
    policy_file: str, policy: PolicyDraft, connectors: Iterable[ConnectorDraft], *, complete: bool
) -> Iterator[Placed]:
    """Everything in which files disagree.

    `complete`: every connector's file could be read; where one could not, it may be the one
    that carries what a rule names, and nothing is said about that.
    """
    drafts = list(connectors)
    yield from _same_names(drafts)
    carried: dict[str, list[tuple[ConnectorDraft, DatasetDraft]]] = {}
    sure = complete
    for connector in drafts:
        for dataset in connector.datasets:
            if dataset.table.data is None:
                sure = False
            else:
                carried.setdefault(dataset.table.data, []).append((connector, dataset))
    for rule in policy.rules:
        if not rule.acts or rule.table.data is None:
            continue
        reached = carried.get(rule.table.data)
        if reached is not None:
            yield from _events(policy_file, rule, reached)
        elif sure:
            yield policy_file, _nobody_carries(rule, carried)
    for finding in _anchors(policy):
        yield policy_file, finding


def _same_names(connectors: list[ConnectorDraft]) -> Iterator[Placed]:
    """Files whose names differ in case only would be one connector on some machines and two on others."""
    by_fold: dict[str, ConnectorDraft] = {}
    for connector in connectors:
        other = by_fold.setdefault(connector.name.casefold(), connector)
        if other is not connector:
            found = f"differs from {other.file} in capitals only"
            yield connector.file, Finding(at=(), found=found, write="rename one of the two files")


def _nobody_carries(rule: RuleDraft, carried: Mapping[str, object]) -> Finding:
    data = rule.table.data or ""
    if carried:
        write = choice(data, carried) + f', or give a dataset data = "{data}", or write `kept_by`'
    else:
        write = f'give a dataset in connectors/ data = "{data}", or write `kept_by`'
    found = f'"{data}" is carried by no dataset of any connector'
    return Finding(at=("rules", rule.name, "data"), found=found, write=write)


def _events(
    policy_file: str, rule: RuleDraft, reached: list[tuple[ConnectorDraft, DatasetDraft]]
) -> Iterator[Placed]:
    """The rule's event must be spelt out by every dataset of its data."""
    event = rule.table.from_
    if event is None:
        return
    lacking = [(c, d) for c, d in reached if event not in d.events]
    known = sorted({e for _, d in reached for e in d.events})
    if known and len(lacking) == len(reached):
        where = names(f"{c.name}.{d.name}" for c, d in reached)
        found = f'"{event}" is spelt out by no dataset of this data ({where})'
        write = f'{choice(event, known)}, or add {event} = "COLUMN" to the events of {where}'
        yield policy_file, Finding(at=("rules", rule.name, "from"), found=found, write=write)
        return
    for connector, dataset in lacking:
        found = f"`{event}`, from which the rule `{rule.name}` counts, is missing here"
        close = nearest(event, dataset.events)
        meant = f", or call `{close}` so, if that is what it means" if close else ""
        at = ("datasets", dataset.name, "events", event)
        yield connector.file, Finding(at=at, found=found, write=f'write {event} = "COLUMN"{meant}')


def _anchors(policy: PolicyDraft) -> Iterator[Finding]:
    """Rules on one data must, for now, count from the same event in the same way."""
    first: dict[str, tuple[RuleDraft, tuple[object, ...]]] = {}
    for rule in policy.rules:
        clock = clock_of(rule, policy)
        if clock is None or rule.table.data is None or rule.table.from_ is None:
            continue
        if {"starts", "timezone", "fiscal_year_end"} & _wrong(rule):
            continue
        year_end = clock.fiscal_year_end if clock.start is Start.FISCAL_YEAR else None
        anchor = (rule.table.from_, clock.start, year_end, clock.timezone)
        other, theirs = first.setdefault(rule.table.data, (rule, anchor))
        if anchor != theirs:
            data = rule.table.data
            yield Finding(
                at=("rules", rule.name, "data"),
                found=f"two rules on `{data}` that count from different events or starts "
                "are not supported yet",
                write=f"give `{rule.name}` and `{other.name}` the same `from`, `starts`, "
                "`fiscal_year_end` and `timezone`",
            )


def _wrong(rule: RuleDraft) -> set[str]:
    """Keys of the rule that are there and could not be read."""
    keys = rule.written & {"starts", "timezone", "fiscal_year_end"}
    return {key for key in keys if getattr(rule.table, key) is None}
