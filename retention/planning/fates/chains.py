"""What a rule says is done to a record whose clock has ended, and what that is called: by the rule alone."""

from __future__ import annotations

from retention.model.dataset import Dataset
from retention.model.policy import ANONYMIZE as ANONYMIZE
from retention.model.policy import DELETE as DELETE
from retention.model.policy import RELEASE as RELEASE
from retention.model.policy import RESTRICT as RESTRICT
from retention.model.policy import REWRITING as REWRITING
from retention.model.policy import Rule, Variant
from retention.planning.binding.bound import BoundDataset, Job

DUE = "due"


def due_by(action: str) -> str:
    """The label of a record that is due by this action; of one that is due by being deleted it is plain."""
    return DUE if action == DELETE else f"{DUE} {action}"


def action_of(label: str) -> str | None:
    """The action of such a label; None of any other."""
    if label == DUE:
        return DELETE
    return label.removeprefix(f"{DUE} ") if label.startswith(f"{DUE} ") else None


def rank(action: str) -> int:
    """Of several rules that would act on a record: what restricts, then what deletes, then what rewrites."""
    return (RESTRICT, DELETE).index(action) if action in (RESTRICT, DELETE) else 2


def chain(rule: Rule, variant: Variant, bound: BoundDataset) -> tuple[str, ...]:
    """The actions that are tried, in order. A rule on any data skips those that the dataset does not spell out, and an
    anonymisation that would be none since others' records lead to the person."""
    return tuple(action for action in variant.chain if rule.data or _possible(bound, action))


def _possible(bound: BoundDataset, action: str) -> bool:
    return spelt_out(bound.dataset, action) and not (action == ANONYMIZE and bound.known_by is not None)


def spelt_out(dataset: Dataset, action: str) -> bool:
    """The dataset says how the action is carried out. What hashes is no anonymisation."""
    if action == DELETE:
        return dataset.columns is None
    if action == RESTRICT:
        return dataset.restrict is not None or dataset.vault_of is not None
    strategies = dataset.rewriting.strategies
    return bool(strategies) and not (action == ANONYMIZE and any(each.linking for each in strategies))


def actions(job: Job) -> tuple[str, ...]:
    """Every action that the job can come to, each once."""
    found = [a for variant in job.rule.variants for a in chain(job.rule, variant, job.bound)]
    return tuple(dict.fromkeys(found))


def removes(action: str, bound: BoundDataset) -> bool:
    """By this action the record leaves its tables: it is deleted, or moved to a vault."""
    return action == DELETE or (action == RESTRICT and bound.moves)


def empties(job: Job) -> bool:
    """The job can come to an action by which records leave their tables."""
    return any(removes(action, job.bound) for action in actions(job))


def only_deletes(job: Job) -> bool:
    """There is nothing that it tries but to delete."""
    return all(chain(job.rule, variant, job.bound) == (DELETE,) for variant in job.rule.variants)
