"""A variant of a rule on a dataset, and what can end its clock."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from retention.model.policy import Rule, Variant
from retention.planning.binding.bound import BoundDataset


@dataclass(frozen=True, kw_only=True)
class Limb:
    """What can end a variant's clock: `keep` counts from `event`; else `event` ends it by its own day."""

    event: str
    keep: bool


@dataclass(frozen=True, kw_only=True)
class Case:
    """One variant of a rule on one dataset. `told`: the policy's events that no store records."""

    rule: Rule
    place: int
    bound: BoundDataset
    told: frozenset[str] = frozenset()

    @property
    def variant(self) -> Variant:
        """What the rule says where this one holds."""
        return self.rule.variants[self.place]

    @functools.cached_property
    def limbs(self) -> tuple[Limb, ...]:
        """Its limbs; `keep` first."""
        keep = (Limb(event=self.variant.event or "", keep=True),) if self.variant.keeping else ()
        return (*keep, *(Limb(event=name, keep=False) for name in self.variant.ending))

    @property
    def plain(self) -> bool:
        """It has the limb `keep` and no other, and a column tells its event."""
        return self.variant.keeping and not self.variant.ending and self.variant.event not in self.told

    @property
    def spoken_of(self) -> bool:
        """One of its events is told: lists of records say something of it."""
        return any(name in self.told for name in self.variant.events)

    @property
    def window_in_other_rows(self) -> bool:
        """Rows other than the record's own tell when its `at_most` has passed."""
        event = self.variant.event
        if self.variant.at_most is None or event is None or event in self.told:
            return False
        return any(part.hops for part in self.bound.events.get(event, ()))

    def rests_on_told(self, limb: Limb) -> bool:
        """Tellings decide whether the limb has come. One that columns tell may not precede a `from` that is told."""
        return limb.event in self.told

    def listed(self, what: str, limb: Limb | None = None) -> str:
        """The name of a list of records: those of which `limb` has "come", is "unclear", …"""
        about = "" if limb is None else f"/{'keep' if limb.keep else limb.event}"
        return f"{self.bound}/{self.rule.name}/{self.place}{about}/{what}"
