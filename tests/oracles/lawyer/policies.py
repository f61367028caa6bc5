"""Policies over the datasets of a shape, and what people told and hold, drawn from a case's own random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from tests.oracles.lawyer import lines, rows
from tests.oracles.lawyer.doing import Spelling
from tests.oracles.lawyer.profiles import Profile
from tests.oracles.lawyer.told import identifiers
from tests.oracles.lawyer.world import (
    ANY,
    INSTRUCTED,
    NONE,
    RESTRICTED,
    Dataset,
    Hold,
    Period,
    Rule,
    Telling,
    Variant,
    World,
)

KEEPS = {
    p.text: p
    for p in (
        Period(text="0 days"),
        Period(text="1 day", days=1),
        Period(text="1 month", months=1),
        Period(text="1 month 1 day", months=1, days=1),
        Period(text="90 days", days=90),
        Period(text="6 months", months=6),
        Period(text="1 year", months=12),
        Period(text="12 months", months=12),
        Period(text="2 years", months=24),
        Period(text="5 years", months=60),
    )
}
AT_MOST = (
    Period(text="7 months", months=7),
    Period(text="3 years", months=36),
    Period(text="6 years", months=72),
)
WITHINS = (
    Period(text="1 month", months=1),
    Period(text="3 days", days=3),
    Period(text="2 weeks", days=14),
    Period(text="1 month", months=1),
)
STARTS = (
    "next day", "next day", "next day", "after month", "after quarter", "after calendar year", "after fiscal year",
)  # fmt: skip
YEAR_ENDS = ((12, 31), (6, 30), (2, 28), (8, 30), (3, 31))
BASES = ("legal obligation", "legal claims", "contract", None)
LAW = ("legal obligation", "legal claims")
TIMES = 8
"""So many times at which people tell something, and so many holds typed one by one: each is a command."""
KINDS = {
    "shop": ("customer", "email"),
    "rings": ("customer",),
    "tenants": ("author",),
    "homes": ("customer", "email"),
    "vaults": ("customer", "email"),
    "threads": ("customer", "email"),
    "chairs": ("customer", "email"),
    "pins": ("customer", "email"),
    "offices": ("customer", "email"),
    "nests": ("customer",),
    "roles": ("customer",),
}


class PolicyDrawing:
    """`datasets` may be changed by it: what told events need, or what no rule names."""

    def __init__(
        self,
        rnd: Random,
        profile: Profile,
        datasets: Sequence[Dataset],
        zone: str,
        shape: str,
        companies: int,
        spelling: Spelling,
    ) -> None:
        self.spelling = spelling
        self.rnd, self.profile, self.zone, self.companies = rnd, profile, zone, companies
        self.datasets = list(datasets)
        known = {kind for dataset in datasets for kind in dataset.subject or {}}
        self.kinds = tuple(kind for kind in KINDS[shape] if kind in known)
        self.told: dict[str, tuple[str, ...]] = {}
        if profile.told and self.chance(50):
            self.told = {"asked": self.kinds, "ended": self.kinds[:1]}
            if len(KINDS[shape]) > 1:  # datasets know their people by different kinds
                self.told["ended"] = self.kinds
        self.froms = {dataset.data: self.rnd.choice(("booked", "seen")) for dataset in datasets}
        self.starts = {dataset.data: self.counting() for dataset in datasets}

    def chance(self, per_cent: int) -> bool:
        return self.rnd.random() * 100 < per_cent

    def counting(self) -> dict[str, Any]:
        starts = self.rnd.choice(STARTS)
        end = self.rnd.choice(YEAR_ENDS) if starts == "after fiscal year" else (12, 31)
        zone = self.zone if self.chance(70) else self.rnd.choice(("Europe/Oslo", "UTC", "America/St_Johns"))
        return {"starts": starts, "fiscal_year_end": end, "zone": zone}

    # -- rules -----------------------------------------------------------------------------------

    def rules(self) -> list[Rule]:
        found = []
        for number in range(self.rnd.choice((1, 2, 2, 3, 3, 4))):
            data = self.data()
            found.append(self.rule(f"r{number}", data))
        named = {e for r in found for v in r.variants for e in (v.start, *v.until, *v.upon)}
        self.told = {event: kinds for event, kinds in self.told.items() if event in named}
        if self.chance(10):
            found.append(Rule(name="elsewhere", data=(self.datasets[0].data,), kept_by=True))
        return found

    def data(self) -> tuple[str, ...]:
        names = list(dict.fromkeys(dataset.data for dataset in self.datasets))
        if self.profile.any_data and self.chance(20):
            return ANY
        if self.profile.any_data and len(names) > 1 and self.chance(15):
            two = tuple(sorted(self.rnd.sample(names, 2)))
            if not self.profile.actions or self.spelling.can(
                two, [d for d in self.datasets if d.data in two]
            ):
                return two
        return (self.rnd.choice([dataset.data for dataset in self.datasets]),)

    def rule(self, name: str, data: tuple[str, ...]) -> Rule:
        base = self.variant(data)
        restricted = self.restricts(data) and self.chance(40)
        if restricted:  # what is in the vault, or marked
            base = self.from_restricted(base)
        variants = [base]
        if self.profile.conditions:
            for _ in range(self.rnd.choice((0, 0, 0, 1, 1, 2))):
                exception = self.exception(base, data)
                fresh = exception.when not in [variant.when for variant in variants]
                if fresh and allowed(exception) and differs(exception, base):
                    variants.insert(-1, exception)
        where = self.condition() if self.profile.conditions and self.chance(25) else None
        if restricted and self.chance(70):
            where = ("true", RESTRICTED) if where is None else ("and", ("true", RESTRICTED), where)
        return Rule(name=name, data=data, variants=tuple(variants), where=where)

    def variant(self, data: tuple[str, ...]) -> Variant:
        reached = [dataset for dataset in self.datasets if data == ANY or dataset.data in data]
        counting = self.starts[reached[0].data] if self.profile.one_from else self.counting()
        made = Variant(**counting)
        start = self.froms[reached[0].data] if self.profile.one_from else self.event(("booked", "seen"))
        kind = (
            self.rnd.choice(("keep", "keep", "keep", "both", "until", "upon"))
            if self.profile.limbs
            else "keep"
        )
        if kind != "upon":
            made = replace(made, start=start)
        if self.profile.actions:
            made = replace(made, **self.spelling.chain(data, reached))
        if kind in ("keep", "both"):
            keep: Period | str = self.rnd.choice(list(KEEPS.values()))
            if self.profile.limbs and all(d.instructed for d in reached) and self.chance(40):
                keep = keep if start in self.told else INSTRUCTED  # the two together are refused
            made = replace(made, keep=keep)
        if kind in ("both", "until"):
            made = replace(made, until=self.some_events(start))
            if kind == "until" and self.chance(40):
                made = replace(made, start=None, starts="next day", fiscal_year_end=(12, 31))
        if kind == "upon":
            made = replace(made, upon=self.some_events(None), starts="next day", fiscal_year_end=(12, 31))
        made = self.deferring(made)
        if kind == "until" and made.keep is None:
            made = replace(made, starts="next day", fiscal_year_end=(12, 31))
        return self.based(made)

    def restricts(self, data: tuple[str, ...]) -> bool:
        """Every dataset of the data knows since when its records are restricted."""
        reached = [dataset for dataset in self.datasets if data == ANY or dataset.data in data]
        return all(RESTRICTED in dataset.events for dataset in reached)

    def from_restricted(self, base: Variant) -> Variant:
        """The same, counted from the restriction, or ended by it."""
        if base.start is not None and base.keep is not None:
            return replace(base, start=RESTRICTED)
        if base.until:
            return replace(base, until=(*base.until[:1], RESTRICTED))
        return base

    def event(self, names: Sequence[str]) -> str:
        if self.told and self.chance(15):
            return "ended"
        return self.rnd.choice(names)

    def some_events(self, start: str | None) -> tuple[str, ...]:
        names = [name for name in ("closed", "seen", *self.told) if name != start]
        return tuple(self.rnd.sample(names, min(len(names), self.rnd.choice((1, 1, 2)))))

    def deferring(self, made: Variant) -> Variant:
        if not self.profile.limbs:
            return made
        changed = made
        if self.chance(40):
            changed = replace(changed, within=self.rnd.choice(WITHINS))
        if isinstance(made.keep, Period) and self.chance(45):
            changed = replace(changed, at_most=self.rnd.choice(AT_MOST))
        if self.profile.conditions and self.chance(60 if changed.at_most else 15):
            changed = replace(changed, defer_while=self.condition())
            if changed.at_most is None:
                changed = replace(changed, at_most=NONE, basis=self.rnd.choice(LAW))
        return changed if allowed(changed) else made

    def based(self, made: Variant) -> Variant:
        if not self.profile.bases:
            return made
        if made.basis is None:
            made = replace(made, basis=self.rnd.choice(BASES))
        if self.chance(45 if made.upon else 15):
            made = replace(made, yields_to=tuple(sorted(self.rnd.sample(LAW, self.rnd.choice((1, 2))))))
        of_parts = [d for d in self.datasets if any("." in name for n in d.fields.values() for name in n)]
        if not made.upon and self.chance(40 if of_parts else 15):
            needed = self.rnd.choice(of_parts or self.datasets)
            made = replace(made, needs={needed.data: (self.rnd.choice(list(needed.fields)),)})
        return made

    def exception(self, base: Variant, data: tuple[str, ...]) -> Variant:
        """Replaces what it names; what it does not name stays."""
        other = self.variant(data)
        names = ["zone", "within", "basis", "yields_to"]
        if isinstance(base.keep, Period):
            names += ["keep", "keep", "at_most"]
        if base.keep is not None:
            names.append("starts")
        names += [name for name in ("until", "upon", "start", "defer_while") if getattr(base, name)]
        changes: dict[str, Any] = {}
        if self.profile.actions and self.chance(30):
            changes = {"action": other.action, "otherwise": other.otherwise}
        for name in self.rnd.sample(names, min(len(names), self.rnd.choice((1, 2, 3)))):
            if getattr(other, name):
                changes[name] = getattr(other, name)
        if "starts" in changes:
            fiscal = other.starts == "after fiscal year"
            changes["fiscal_year_end"] = other.fiscal_year_end if fiscal else (12, 31)
        if base.keep == INSTRUCTED and changes.get("start") in self.told:
            del changes["start"]
        return replace(base, when=self.condition(), **changes)

    def condition(self, depth: int = 1) -> tuple[Any, ...]:
        """Over the facts that every dataset spells out."""
        if depth and self.chance(25):
            word = self.rnd.choice(("and", "or", "not"))
            if word == "not":
                return ("not", self.condition(0))
            return (word, self.condition(0), self.condition(0))
        return self.rnd.choice(
            (
                ("=", "status", "paid"),
                ("in", "status", ("open", "it's")),
                ("true", "big"),
                ("true", "open"),
                ("is null", "status"),
            )
        )

    # -- what people told, and hold --------------------------------------------------------------

    def tellings(self, world: World, pool: Sequence[lines.Edge]) -> list[Telling]:
        if not self.told:
            return []
        known = [pair for record in rows.records(world) for pair in identifiers(world, record).items()]
        known = [pair for pair in known if pair[0] in self.kinds] or [(self.kinds[0], "1")]
        found: dict[Any, Telling] = {}  # the same told twice is told once
        count = self.rnd.choice((1, 1, 2, 3)) * self.companies
        times: list[tuple[date | datetime, datetime]] = []
        for number in range(count):
            if number < TIMES:
                times.append(self.told_when(world, pool))
            when, told_at = times[number] if number < TIMES else self.rnd.choice(times)
            telling = Telling(
                event=self.rnd.choice(list(self.told)),
                identifiers=(self.rnd.choice(known),),
                at=when,
                told_at=told_at,
                withdrawn=self.chance(10),
            )
            ((kind, value),) = telling.identifiers
            found.setdefault((telling.event, kind, value.strip().casefold(), when), telling)
        return list(found.values())

    def told_when(self, world: World, pool: Sequence[lines.Edge]) -> tuple[date | datetime, datetime]:
        """When something happened, and when it was told: then, or later."""
        on, at = self.rnd.choice([edge for edge in pool if edge[0].year > 1971] or pool)
        if self.chance(30):
            on, at = world.as_of.date(), world.as_of + self.rnd.choice((-1, 0, 1)) * lines.TICK
        when: date | datetime = on if self.chance(40) else at
        days = self.rnd.choice((0, 0, 1, 20, 31, 32))
        return when, at + timedelta(days=max(1, days) if when is on else days)

    def holds(self, world: World) -> list[Hold]:
        if not self.profile.holds or self.chance(50):
            return []
        found: list[Hold] = []
        for number in range(self.rnd.choice((1, 1, 2)) * self.companies):
            wide = ("dataset", "data", "rule") if number < 2 else ()
            kinds = ("subject", "subject", "key", *wide) if number < TIMES else ("subject",)
            what = self.held(world, self.rnd.choice(kinds))
            found += [] if what is None else [what]
        return found

    def held(self, world: World, on: str) -> Hold | None:
        """A hold of this kind; None where there is nothing to hold."""
        if on == "dataset":
            return Hold(on=on, what=self.rnd.choice(self.datasets).name)
        if on == "data":
            return Hold(on=on, what=self.rnd.choice(self.datasets).data)
        if on == "rule":
            return Hold(on=on, what=self.rnd.choice([rule.name for rule in world.rules if not rule.kept_by]))
        records = rows.records(world)
        if not records:
            return None
        record = self.rnd.choice(records)
        if on == "key":
            return Hold(on=on, what=(record.dataset.name, record.key))
        pairs = list(identifiers(world, record).items())
        return Hold(on=on, what=self.rnd.choice(pairs)) if pairs else None


def differs(one: Variant, other: Variant) -> bool:
    return any(getattr(one, f.name) != getattr(other, f.name) for f in fields(one) if f.name != "when")


def allowed(variant: Variant) -> bool:
    """Whether what a rule says can be meant: what `check` refuses is no case."""
    if variant.start in variant.until:
        return False
    if variant.defer_while is not None and variant.at_most is None:
        return False
    if variant.at_most == NONE:
        return variant.defer_while is not None and variant.basis in LAW
    if isinstance(variant.at_most, Period):
        if not isinstance(variant.keep, Period):
            return False
        within = variant.within.months * 31 + variant.within.days
        return variant.at_most.months * 30 > variant.keep.months * 31 + variant.keep.days + within + 5
    return True
