"""What a hold covers, dataset by dataset, and whom it is on by every identifier that can be found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from retention.model.coverage import Covered, CoverLine
from retention.model.dataset import Dataset
from retention.model.told import Cover, Subject, folded
from retention.planning.binding.bound import BoundDataset
from retention.safety.carrying import Remembering, to_the_end
from retention.safety.holds import names
from retention.verbs.opening.prepared import reaches
from retention.verbs.persons.everywhere import Everywhere

Group = tuple[Subject, ...]
"""One person, by the identifiers that were typed."""


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """`carried`: identifiers that those typed lead to. `found`: somebody or something is there now."""

    lines: tuple[CoverLine, ...]
    carried: tuple[Subject, ...] = ()
    found: bool = True


def covered(
    cover: Cover, groups: Sequence[Group], where: Everywhere, as_of: datetime, stored: Sequence[Subject] = ()
) -> Coverage:
    """Everything that `cover` covers now. UsageError for a key that can't be one of its dataset.

    `stored`: what identifiers were carried over to before.
    """
    if groups:
        return _of_persons(groups, where, stored)
    lines = tuple(
        _line(each, _counted(cover, each, where, as_of), where) for each in _spoken_of(cover, where)
    )
    return Coverage(lines=lines, found=any(line.records for line in lines))


def _spoken_of(cover: Cover, where: Everywhere) -> Iterator[Dataset]:
    rule = None if cover.rule is None else where.config.policy.rules[cover.rule]
    for dataset in where.datasets:
        if rule is not None:
            reached = reaches(rule, dataset)
        elif cover.data is not None:
            reached = dataset.data == cover.data
        else:
            reached = str(dataset) == cover.dataset or (
                cover.key is None and cover.dataset is not None and dataset.source == cover.dataset
            )
        if reached:
            yield dataset


def _counted(cover: Cover, dataset: Dataset, where: Everywhere, as_of: datetime) -> int:
    bound = where.bound.get(str(dataset))
    if bound is None:
        return 0
    if cover.key is not None:
        return int(where.has(bound, cover.key))
    rule = None if cover.rule is None else where.config.policy.rules[cover.rule]
    return where.count(bound, rule, as_of)


def _line(
    dataset: Dataset, records: int, where: Everywhere, because: str | None = None, *, reached: bool = True
) -> CoverLine:
    why_not = where.why_not(dataset)
    state = Covered.COVERED if records else Covered.NONE_NOW
    if why_not is not None or not reached:
        state = Covered.OUT_OF_REACH
    return CoverLine(
        connector=dataset.connector,
        dataset=dataset.name,
        state=state,
        records=records,
        because=why_not or because,
        asked=why_not is None,
    )


def _of_persons(groups: Sequence[Group], where: Everywhere, stored: Sequence[Subject]) -> Coverage:
    bound = tuple(where.bound.values())
    if len(groups) == 1:  # else nobody knows any more to whom it led
        groups = [(*groups[0], *stored)]
    typed = [*(subject for group in groups for subject in group), *stored]
    remembering = Remembering(where.persons)
    carried = to_the_end(typed, bound, remembering.look)
    kinds = [{s.kind for s in (*group, *to_the_end(group, bound, remembering.again))} for group in groups]
    wanted: dict[str, set[str]] = {}
    for subject in (*typed, *carried):
        wanted.setdefault(subject.kind, set()).add(folded(subject.value))
    lines = tuple(_persons_line(each, kinds, wanted, where) for each in where.datasets)
    found = bool(carried) or any(line.records for line in lines)
    return Coverage(lines=lines, carried=tuple(carried), found=found)


def _persons_line(
    dataset: Dataset, kinds: Sequence[set[str]], wanted: dict[str, set[str]], where: Everywhere
) -> CoverLine:
    if dataset.subject is None:
        return _line(dataset, 0, where, "its records are about nobody, as its file says")
    if not dataset.subject:
        why = "its file does not say whom its records are about: subject = …"
        return _line(dataset, 0, where, why, reached=False)
    records = _records(where.bound.get(str(dataset)), wanted, where)
    unknown = sum(not known & dataset.subject.keys() for known in kinds)
    if not unknown:
        return _line(dataset, records, where)
    by = " or ".join(dataset.subject)
    whom = "the person" if len(kinds) == 1 else f"{unknown:,} of {len(kinds):,} people"
    return _line(
        dataset, records, where, f"it knows people by {by}, and none of {whom} is known", reached=False
    )


def _records(bound: BoundDataset | None, wanted: dict[str, set[str]], where: Everywhere) -> int:
    if bound is None or not bound.subject.keys() & wanted.keys():
        return 0
    return sum(names(person.identifiers, wanted) for person in where.persons(bound, wanted))
