"""A case that fails made smaller while it goes on failing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from tests.oracles.lawyer.generate import Case
from tests.oracles.lawyer.rows import ends
from tests.oracles.lawyer.world import ANY, Row


def shrunk(case: Case, fails: Callable[[Case], bool], *, most: int = 300) -> Case:
    """The smallest that was found in `most` tries, rows first: they are many."""
    tries = 0
    while True:
        for smaller in (*without_rows(case), *without_rules(case), *without_the_rest(case)):
            tries += 1
            if tries > most:
                return case
            if fails(smaller):
                case = smaller
                break
        else:
            return case


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
    """A rule less, or an exception."""
    rules = list(case.world.rules)
    held = {hold.what for hold in case.world.holds if hold.on == "rule"}
    for number, rule in enumerate(rules):
        if len(rules) > 1 and rule.name not in held:
            yield case.but(rules=rules[:number] + rules[number + 1 :])
        for gone in rule.variants[:-1]:
            left = replace(rule, variants=tuple(v for v in rule.variants if v is not gone))
            yield case.but(rules=[*rules[:number], left, *rules[number + 1 :]])
        if rule.where is not None:
            yield case.but(rules=[*rules[:number], replace(rule, where=None), *rules[number + 1 :]])


def without_the_rest(case: Case) -> Iterator[Case]:
    """A telling less, a hold, a dataset that no rule names, a part, a condition of a dataset."""
    world = case.world
    for what in ("tellings", "holds"):
        every = list(getattr(world, what))
        for number in range(len(every)):
            yield case.but(**{what: every[:number] + every[number + 1 :]})
    datasets = list(world.datasets)
    named = {data for rule in world.rules if rule.data != ANY for data in rule.data}
    held = {str(hold.what) for hold in world.holds}
    for number, dataset in enumerate(datasets):
        others = datasets[:number], datasets[number + 1 :]
        if len(datasets) > 1 and not {dataset.data, dataset.name} & (named | held):
            yield case.but(datasets=[*others[0], *others[1]])
        if dataset.where is not None:
            yield case.but(datasets=[*others[0], replace(dataset, where=None), *others[1]])
        if dataset.parts:
            yield case.but(datasets=[*others[0], replace(dataset, parts=dataset.parts[:-1]), *others[1]])
