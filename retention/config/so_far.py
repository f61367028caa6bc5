"""The configuration as far as it can be used though files have mistakes: for looking at live schemas, and nothing else.

What has a mistake is left out whole, and so is every rule that could say something wrong of what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from retention.config.connector.connector_file import ConnectorDraft, build_connector
from retention.config.connector.dataset_file import DatasetDraft
from retention.config.loading import Reading, read
from retention.config.policy.policy_file import build_policy
from retention.config.policy.rule_file import RuleDraft
from retention.config.reading.findings import Finding, dotted
from retention.errors import Problem
from retention.model.dataset import Connector, Dataset
from retention.model.policy import Policy

_PIECES = ("datasets", "throttle", "timezone")
"""What tells nothing of how the database is reached: with a mistake in it, there is something to look at still."""


@dataclass(frozen=True, kw_only=True)
class SoFar:
    """`problems`: of all files; `policy` and `connectors`: what is without one; a zone that can't be read is UTC.

    `doubtful`: the data of which a rule that was left out may speak, and `deleted`: of which one says that it is
    deleted; None for any. `left_out`: datasets with mistakes,
    or of connectors with some ("shop.orders" → the file). `places`: of each connector's file the datasets as keys, in
    order.
    """

    problems: tuple[Problem, ...]
    policy: Policy
    connectors: Mapping[str, Connector]
    doubtful: frozenset[str] | None
    deleted: frozenset[str] | None
    left_out: Mapping[str, str]
    places: Mapping[str, tuple[str, ...]]

    def doubts(self, dataset: Dataset) -> bool:
        """Whether a rule that was left out may speak of the dataset."""
        return self.doubtful is None or dataset.data in self.doubtful

    def deletes(self, dataset: Dataset) -> bool:
        """Whether a rule that was left out says all the same that such records are deleted."""
        return self.deleted is None or dataset.data in self.deleted


def load_so_far(config: Path, connectors: Path, *, environ: Mapping[str, str]) -> SoFar:
    """As `load`, of files that may have mistakes. SetupError if the policy is not there."""
    found = read(config, connectors, environ=environ)
    usable = {draft.name: _usable(draft, found.own.get(draft.file, ())) for draft in found.drafts}
    every = [(draft, dataset) for draft in found.drafts for dataset in draft.datasets]
    built = {
        draft.name: build_connector(_zoned(draft, usable[draft.name], found), found.state.folder)
        for draft in found.drafts
        if usable[draft.name]
    }
    policy, wrong = _policy(found, every)
    return SoFar(
        problems=tuple(found.state.problems()),
        policy=policy,
        connectors=built,
        doubtful=None if wrong is None else _spoken_of(wrong),
        deleted=frozenset() if wrong is None else _spoken_of([rule for rule in wrong if _says_delete(rule)]),
        left_out={
            f"{draft.name}.{dataset.name}": draft.file
            for draft, dataset in every
            if dataset not in usable[draft.name]
        },
        places={
            draft.file: tuple(dotted(("datasets", dataset.name)) for dataset in draft.datasets)
            for draft in found.drafts
        },
    )


def _usable(draft: ConnectorDraft, findings: Iterable[Finding]) -> tuple[DatasetDraft, ...]:
    """The datasets without a mistake of their own; none where the database may be another, or what is in it.

    What is told of one table, or moved from one to another, is looked at together; what one dataset says of references
    holds for all.
    """
    found = tuple(findings)
    if any(
        not finding.at or finding.at[0] not in _PIECES or finding.at == ("datasets",) for finding in found
    ):
        return ()
    names = {str(finding.at[1]) for finding in found if finding.at[0] == "datasets"}
    wrong = [dataset for dataset in draft.datasets if dataset.name in names]
    if any("relations" in dataset.written for dataset in wrong):
        return ()
    good = [dataset for dataset in draft.datasets if dataset.name not in names]
    while beside := [each for each in good if any(_together(each, other) for other in wrong)]:
        wrong += beside
        good = [dataset for dataset in good if dataset not in beside]
    return tuple(good)


def _together(one: DatasetDraft, other: DatasetDraft) -> bool:
    """Over the same table, as far as that can be told; or one is the other's vault."""
    tables = [d.table.table for d in (one, other)]
    if None in tables:
        return any(d.vault_of or d.table.restrict for d in (one, other))
    same = {table.pieces[-1].casefold() for table in tables if table is not None}
    return len(same) == 1 or one.vault_of == other.name or other.vault_of == one.name


def _zoned(draft: ConnectorDraft, datasets: tuple[DatasetDraft, ...], found: Reading) -> ConnectorDraft:
    wrong = any(finding.at[:1] == ("timezone",) for finding in found.own.get(draft.file, ()))
    table = draft.table.model_copy(update={"timezone": "UTC"}) if wrong else draft.table
    return replace(draft, table=table, datasets=datasets)


def _policy(
    found: Reading, every: Sequence[tuple[ConnectorDraft, DatasetDraft]]
) -> tuple[Policy, tuple[RuleDraft, ...] | None]:
    """The rules without mistakes on data that all files agree about; and the others, None where none can be known."""
    findings = found.state.findings.get(found.file, [])
    known = all(
        finding.at[:1] == ("policy",) or finding.at[:1] == ("rules",) != finding.at for finding in findings
    )
    if found.policy is None or not known:
        return Policy(name="", source=None, timezone="UTC", rules={}, file=found.file), None
    table = found.policy.table
    if table.timezone is None:
        table = table.model_copy(update={"timezone": "UTC"})
    names = {str(finding.at[1]) for finding in findings if finding.at[0] == "rules"}
    wrong = tuple(
        rule for rule in found.policy.rules if rule.name in names or _in_dispute(rule, found, every)
    )
    good = tuple(rule for rule in found.policy.rules if rule not in wrong)
    return build_policy(replace(found.policy, table=table, rules=good), found.file), wrong


def _in_dispute(
    rule: RuleDraft, found: Reading, every: Sequence[tuple[ConnectorDraft, DatasetDraft]]
) -> bool:
    """A dataset that the rule speaks of has a mistake, of its own or held against the rules."""
    spoken = rule.table.data or ()
    return any(
        (not spoken or dataset.table.data in spoken)
        and any(
            finding.at[:2] == ("datasets", dataset.name)
            for finding in found.state.findings.get(draft.file, ())
        )
        for draft, dataset in every
    )


def _says_delete(rule: RuleDraft) -> bool:
    return rule.table.data is not None and any(
        action == "delete" for variant in rule.variants for _, action in variant.actions
    )


def _spoken_of(rules: Iterable[RuleDraft]) -> frozenset[str] | None:
    """The data of these rules; None for any, or for what can't be read."""
    said: set[str] = set()
    for rule in rules:
        if not rule.table.data:
            return None
        said |= set(rule.table.data)
    return frozenset(said)
