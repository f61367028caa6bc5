"""How much of the language a case may speak."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Profile:
    """`one_from`: rules on one data count from the same event. `mutual`: datasets that refer to each other; `rings`:
    records of one dataset that do, in a circle. `overlap`: one row is the root of records of two datasets. `narrowed`:
    runs of some rules alone."""

    encoded: bool = True  # dates in numbers and texts
    sharing: bool = True
    shared_parts: bool = True  # parts that the record refers to, and that go with the last that does
    overlap: bool = True
    conditions: bool = True  # facts; where, exceptions, defer_while
    limbs: bool = True  # until, upon, at_most, within
    told: bool = True
    bases: bool = True  # yields_to, needs
    any_data: bool = True
    holds: bool = True
    one_from: bool = False
    rings: bool = True
    actions: bool = True  # more than to delete: rewriting, restricting, chains, slices
    vaults: bool = True  # restricting by moving to another dataset
    of_parts: bool = True  # columns of parts that are rewritten
    mutual: bool = True
    narrowed: bool = True

    def without(self, **changes: bool) -> Profile:
        """The same, but for what is named: without(encoded=False)."""
        return replace(self, **changes)


EVERYTHING = Profile()
TODAY = {
    "sqlite": EVERYTHING,
    "postgresql": EVERYTHING,
    "mariadb": EVERYTHING.without(rings=False),
}
"""What the engine understands on each database: InnoDB lets no ring go of rows whose reference may not be NULL."""
KEEPING = Profile(
    sharing=False,
    shared_parts=False,
    overlap=False,
    conditions=False,
    limbs=False,
    told=False,
    bases=False,
    any_data=False,
    holds=False,
    one_from=True,
    rings=False,
    actions=False,
    vaults=False,
    of_parts=False,
    mutual=False,
    narrowed=False,
)
"""`keep` after `from`, whatever refers to whatever."""
