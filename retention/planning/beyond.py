"""What a dataset's batches would do beyond its records, or cost, by what rules can come to there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from retention.errors import Problem
from retention.model.catalogue import Catalogue, TableId
from retention.model.dataset import Connector, Dataset
from retention.model.policy import Policy, Rule
from retention.planning.binding.bound import Outside, Part, Shared
from retention.planning.binding.names import NotFoundError, find_table
from retention.planning.binding.reach import Counting, part_problems, reach_problems
from retention.planning.binding.shared_parts import shared_problems
from retention.planning.fates.chains import DELETE, RESTRICT, spelt_out


def leaves(policy: Policy, dataset: Dataset) -> bool:
    """Whether a record of the dataset can leave its tables: by a rule that reaches it, whatever its variant, or by a
    person, who gives records of a vault back. Of what no rule speaks of, anything is held possible.
    """
    rules = _acting(policy, dataset)
    return dataset.vault_of is not None or not rules or any(_may_remove(rule, dataset) for rule in rules)


def removes(policy: Policy, dataset: Dataset) -> bool:
    """Whether some rule that reaches the dataset can take its records out of their tables."""
    return any(_may_remove(rule, dataset) for rule in _acting(policy, dataset))


def _acting(policy: Policy, dataset: Dataset) -> list[Rule]:
    return [rule for rule in policy.rules.values() if rule.acts and rule.speaks_of(dataset.data)]


def _may_remove(rule: Rule, dataset: Dataset) -> bool:
    said = {action for variant in rule.variants for action in variant.chain if spelt_out(dataset, action)}
    return DELETE in said or (dataset.vault is not None and RESTRICT in said)


def beyond(
    connector: Connector,
    dataset: Dataset,
    catalogue: Catalogue,
    members: Mapping[TableId, Part | None],
    outside: Iterable[Outside],
    shared: Iterable[Shared],
    *,
    leaves: bool,
    counting: Counting | None = None,
) -> list[Problem]:
    """Every problem of it. `leaves`: records can leave their tables; where they can't, no DELETE reaches anything, and
    only the parts have to be found.
    """
    file, key, scan = connector.file, f"datasets.{dataset.name}.table", dataset.allow_scan
    if dataset.columns:  # a slice is never deleted
        return []
    if not leaves:
        return part_problems(catalogue, members, file=file, key=key, allow_scan=scan)
    return [
        *reach_problems(
            catalogue,
            members,
            outside,
            file=file,
            key=key,
            allow_scan=scan,
            counting=counting,
            roots=_roots(connector, catalogue),
        ),
        *shared_problems(
            catalogue,
            shared,
            members,
            file=file,
            key=f"datasets.{dataset.name}.parts",
            allow_scan=scan,
            counting=counting,
        ),
    ]


def _roots(connector: Connector, catalogue: Catalogue) -> dict[TableId, str]:
    """The connector's datasets by their root tables, as far as these are there."""
    found = {}
    for dataset in connector.datasets.values():
        with suppress(NotFoundError):
            found[find_table(catalogue, dataset.table, dataset.schema).id] = dataset.name
    return found
