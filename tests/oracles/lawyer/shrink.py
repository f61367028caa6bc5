"""A case that fails made smaller while it goes on failing."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace

from tests.oracles.lawyer.generate import Case
from tests.oracles.lawyer.policies import allowed
from tests.oracles.lawyer.rows import ends, records
from tests.oracles.lawyer.world import ANY, Dataset, Row, Variant


def shrunk(case: Case, fails: Callable[[Case], bool], *, most: int = 300) -> Case:
    """The smallest that was found in `most` tries: fewer rules first, since they make each further try quicker."""
    tries, found = 0, True
    while found:
        found = False
        for ways in (without_rules, without_rows, without_the_rest, without_words):
            number = 0
            while (smaller := next(itertools.islice(ways(case), number, None), None)) is not None:
                tries += 1
                if tries > most:
                    return case
                if fails(tidy(smaller)):
                    case, found = tidy(smaller), True
                else:
                    number += 1
    return case


def tidy(case: Case) -> Case:
    """Without what nothing speaks of any more, so that its files are such as the engine takes."""
    world = case.world
    named = {e for rule in world.rules for v in rule.variants for e in (v.start, *v.until, *v.upon)}
    carried = {dataset.data for dataset in world.datasets}
    kinds = {kind for dataset in world.datasets for kind in dataset.subject or {}}
    keys = {(record.dataset.name, record.key) for record in records(world)}
    there = {
        "subject": lambda what: what[0] in kinds,
        "key": lambda what: what in keys,
        "dataset": lambda what: what in {dataset.name for dataset in world.datasets},
        "data": lambda what: what in carried,
        "rule": lambda what: what in {rule.name for rule in world.rules},
    }
    told = {event: by for event, by in world.told.items() if event in named}
    return case.but(
        told=told,
        identifiers={
            kind: steps
            for kind, steps in world.identifiers.items()
            if any(kind in by for by in told.values())
        },
        tellings=[
            telling
            for telling in world.tellings
            if telling.event in told and all(kind in kinds for kind, _ in telling.identifiers)
        ],
        holds=[hold for hold in world.holds if there[hold.on](hold.what)],
    )


def without_rows(case: Case) -> Iterator[Case]:
    """Large pieces first. What referred to a row that is left out refers to nothing then."""
    every = [(table, row) for table, rows in case.world.rows.items() for row in rows]
    size = len(every) // 2
    while size:
        for first in range(0, len(every), size):
            out = {row for _, row in every[first : first + size]}
            left = {t: [row for row in rows if row not in out] for t, rows in case.world.rows.items()}
            yield case.but(rows=whole(case, left))
        size //= 2


def whole(case: Case, rows: Mapping[str, Sequence[Row]]) -> dict[str, list[Row]]:
    """The rows without references to rows that are not there."""
    found = {table: [Row(row) for row in those] for table, those in rows.items()}
    for table, those in found.items():
        for reference in case.world.schema[table].references:
            there = {ends(reference.target_columns, row) for row in found[reference.target]}
            for row in those:
                meant = ends(reference.columns, row)
                if meant is not None and meant not in there:
                    row.update(dict.fromkeys(reference.columns))
    return found


def without_rules(case: Case) -> Iterator[Case]:
    """A rule less, or an exception, or a scope."""
    rules = list(case.world.rules)
    for number, rule in enumerate(rules):
        if len(rules) > 1 and any(variants for variants in (r.variants for r in rules if r is not rule)):
            yield case.but(rules=rules[:number] + rules[number + 1 :])
    for number, rule in enumerate(rules):
        for gone in rule.variants[:-1]:
            left = replace(rule, variants=tuple(v for v in rule.variants if v is not gone))
            yield case.but(rules=[*rules[:number], left, *rules[number + 1 :]])
        if rule.where is not None:
            yield case.but(rules=[*rules[:number], replace(rule, where=None), *rules[number + 1 :]])


def without_the_rest(case: Case) -> Iterator[Case]:
    """A telling less, a hold, a dataset that no rule names, a part, a condition of a dataset, a date of an event."""
    world = case.world
    for what in ("tellings", "holds"):
        every = list(getattr(world, what))
        for number in range(len(every)):
            yield case.but(**{what: every[:number] + every[number + 1 :]})
    datasets = list(world.datasets)
    named = {data for rule in world.rules if rule.data != ANY for data in rule.data}
    named |= {data for rule in world.rules for variant in rule.variants for data in variant.needs}
    for number, dataset in enumerate(datasets):
        vaults = (
            dataset.vault is not None or dataset.vault_of is not None
        )  # the one is nothing without the other
        if len(datasets) > 1 and dataset.data not in named and not vaults:
            yield case.but(datasets=[*datasets[:number], *datasets[number + 1 :]])
        for smaller in smaller_datasets(dataset, [other for other in datasets if other is not dataset]):
            yield case.but(datasets=[*datasets[:number], smaller, *datasets[number + 1 :]])


def smaller_datasets(dataset: Dataset, others: Sequence[Dataset]) -> Iterator[Dataset]:
    """Two datasets of one table stay told apart by their conditions."""
    if dataset.where is not None and dataset.table not in [other.table for other in others]:
        yield replace(dataset, where=None)
    if dataset.parts and dataset.vault is None and dataset.vault_of is None:  # a vault has the same
        yield replace(dataset, parts=dataset.parts[:-1])
    for name, components in dataset.events.items():
        for gone in components if len(components) > 1 else ():
            left = tuple(component for component in components if component is not gone)
            yield replace(dataset, events={**dataset.events, name: left})


def without_words(case: Case) -> Iterator[Case]:
    """A key of a rule less: one that may be left out in all its variants without changing what the others need."""
    rules = list(case.world.rules)
    plain = Variant()
    for number, rule in enumerate(rules):
        for names in (("needs",), ("yields_to",), ("within",), ("zone",), ("defer_while", "at_most")):
            variants = tuple(
                replace(v, **{name: getattr(plain, name) for name in names}) for v in rule.variants
            )
            if all(vars(new) == vars(old) for new, old in zip(variants, rule.variants, strict=True)):
                continue
            apart = all(any(differ(v, variants[-1])) for v in variants[:-1])
            if apart and all(map(allowed, variants)):
                left = replace(rule, variants=variants)
                yield case.but(rules=[*rules[:number], left, *rules[number + 1 :]])


def differ(one: Variant, other: Variant) -> Iterator[bool]:
    """Whether each key but `when` is another."""
    yield from (getattr(one, f.name) != getattr(other, f.name) for f in fields(one) if f.name != "when")
