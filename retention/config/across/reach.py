"""Which datasets of the drafts a rule reaches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from retention.config.connector.connector_file import ConnectorDraft
from retention.config.connector.dataset_file import DatasetDraft
from retention.config.policy.rule_file import RuleDraft
from retention.config.reading.findings import Finding

Placed: TypeAlias = tuple[str, Finding]
"""The file, and what is wrong in it."""


@dataclass(frozen=True, kw_only=True)
class Reached:
    """A dataset with the file that it stands in."""

    connector: ConnectorDraft
    dataset: DatasetDraft

    def __str__(self) -> str:
        return f"{self.connector.name}.{self.dataset.name}"


@dataclass(frozen=True, kw_only=True)
class Reach:
    """All datasets, and those that carry each data.

    `sure`: every file and the data of every dataset could be read, so that what is not here is nowhere.
    """

    connectors: tuple[ConnectorDraft, ...]
    everything: tuple[Reached, ...]
    carried: Mapping[str, list[Reached]]
    sure: bool

    @classmethod
    def of(cls, connectors: Iterable[ConnectorDraft], *, complete: bool) -> Reach:
        """The reach of these files. `complete`: there is no other."""
        drafts = tuple(connectors)
        everything = tuple(Reached(connector=c, dataset=d) for c in drafts for d in c.datasets)
        carried: dict[str, list[Reached]] = {}
        for item in everything:
            if item.dataset.table.data is not None:
                carried.setdefault(item.dataset.table.data, []).append(item)
        sure = complete and all(item.dataset.table.data is not None for item in everything)
        return cls(connectors=drafts, everything=everything, carried=carried, sure=sure)

    def by(self, rule: RuleDraft) -> list[Reached]:
        """The datasets that the rule reaches."""
        if rule.reaches_all:
            return list(self.everything)
        return [item for data in rule.table.data or () for item in self.carried.get(data, ())]
