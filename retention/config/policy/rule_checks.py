"""What the keys of a rule, or of a rule with an exception merged into it, can and cannot mean together."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from retention.config.policy.rule_file import RuleDraft, TermsTable, VariantDraft
from retention.config.policy.rule_values import NONE
from retention.config.reading.findings import Finding, said
from retention.model.clock import Clock, Period, Start
from retention.model.policy import MONTH, REWRITING, Basis
from retention.periods import ended_day, late_day

NEEDED = {
    "promise": 'promise = "…", in the words of the privacy policy',
    "data": 'data = "orders", the category that it speaks of',
}
KEEP = 'keep = "5 years", or `kept_by` if something else sees to it'
FROM = 'from = "booked", the event from which `keep` counts'
ACTION = 'action = "delete"'
BESIDE_KEPT_BY = ("promise", "data", "kept_by", "basis", "citation")
BY_LAW = (Basis.LEGAL_OBLIGATION, Basis.LEGAL_CLAIMS)

_DAYS_OF_A_YEAR = 365.2425


def check_rule(rule: RuleDraft, findings: list[Finding]) -> None:
    """Adds everything that is missing or contradicts itself in the rule and in each of its exceptions."""
    findings += [
        Finding(at=(*rule.base.at, key), found="is missing", write=f"write {line}")
        for key, line in NEEDED.items()
        if key not in rule.written
    ]
    if not rule.acts:
        for key in (*TermsTable.keys(), "where", "schedule", "approval", "limits", "exceptions"):
            if key in rule.written and key not in BESIDE_KEPT_BY:
                found = "contradicts `kept_by`, which says that something else keeps this promise"
                findings.append(
                    Finding(at=(*rule.base.at, key), found=found, write="take one of the two out")
                )
        return
    told = set()
    for key, found, write in _problems(rule.base):
        told.add((key, found))
        findings.append(Finding(at=(*rule.base.at, key), found=found, write=write))
    for variant in rule.exceptions:
        for key, found, write in _problems(variant):
            if (key, found) not in told:
                findings.append(Finding(at=(*variant.at, key), found=found, write=write))
    for variant in rule.variants:
        for key, found, write in _idle(variant, rule):
            findings.append(Finding(at=(*variant.at, key), found=found, write=write))


Said = tuple[str, str, str]
"""The key, what is found, what to write."""


def _problems(draft: VariantDraft) -> Iterator[Said]:
    written = draft.written
    if "action" not in written:
        yield "action", "is missing", f"write {ACTION}"
    if "upon" in written:
        yield from _beside_upon(draft)
    else:
        yield from _limbs(written)
    yield from _chain(draft)
    yield from _deferral(draft)
    yield from _window(draft)
    if draft.terms.until and draft.terms.from_ in draft.terms.until:
        found = f"{said(draft.terms.from_)} is also the `from` of this rule: it would end as it begins"
        yield "until", found, "name the event that ends it"


def _limbs(written: frozenset[str]) -> Iterator[Said]:
    if "keep" in written and "from" not in written:
        yield "from", "is missing", f"write {FROM}"
    if "keep" in written or "until" in written:
        return
    if "from" not in written:
        yield "from", "is missing", f"write {FROM}"
    yield (
        "keep",
        "is missing",
        f"write {KEEP}; or `until`, an event that ends it, or `upon`, one that demands it",
    )


def _beside_upon(draft: VariantDraft) -> Iterator[Said]:
    """`upon` demands, and keeps nothing: there is no period and no event to count from."""
    whys = dict.fromkeys(("keep", "from", "until", "at_most"), "demands at once and keeps nothing until then")
    for key, why in {**whys, "needs": "keeps nothing"}.items():
        if key not in draft.written or (key == "at_most" and draft.terms.at_most == NONE):
            continue
        write = "take one of the two out; what must be kept until then is a rule of its own"
        if key not in draft.own:
            write = f'write {key} = "none" here, too: the rule says it'
        elif "upon" not in draft.own:
            write = 'write upon = "none" here, too: the rule says it'
        yield key, f"contradicts `upon`, which {why}", write


def _chain(draft: VariantDraft) -> Iterator[Said]:
    """What stops an action stops it again, and what stops a rewriting stops every rewriting."""
    if "otherwise" not in draft.written:
        return
    action, more = draft.terms.action, draft.terms.otherwise
    if action is None or more is None:
        return
    alike = REWRITING if action in REWRITING else (action,)
    for place, other in enumerate(more):
        if other in alike or (other in REWRITING and REWRITING & set(more[:place])):
            yield "otherwise", f"{said(other)} is stopped by what stops an action before it", "take it out"


def _deferral(draft: VariantDraft) -> Iterator[Said]:
    """`at_most` needs `keep`; `defer_while` needs an end, or a law that knows none."""
    terms, written = draft.terms, draft.written
    endless = terms.at_most == NONE
    if "at_most" in written and not endless and not written & {"keep", "upon"}:
        yield "at_most", "means nothing without `keep`", 'write keep = "…", from which it is the longest'
    if "defer_while" in written and "at_most" not in written:
        yield "at_most", "is missing: `defer_while` would put it off for ever", 'write at_most = "36 months"'
    if not endless:
        return
    if "defer_while" not in written:
        yield "at_most", '"none" means nothing without `defer_while`', "take it out: nothing is put off"
    elif draft.readable("basis") and terms.basis not in BY_LAW:
        bases = " or ".join(f'"{basis.value}"' for basis in BY_LAW)
        found = 'is "none", which puts it off without an end; only a law or legal claims can'
        yield "at_most", found, f'write a period, such as "36 months", or basis = {bases}'


def _window(draft: VariantDraft) -> Iterator[Said]:
    terms = draft.terms
    clocks = window_clock(terms)
    if not isinstance(terms.keep, Period) or not isinstance(terms.at_most, Period):
        return
    if not draft.readable("starts", "fiscal_year_end", "within"):
        return
    short = not_longer(clocks, terms.keep, terms.at_most)
    if short is not None:
        yield "at_most", _too_short(terms.at_most, terms.keep, short), "write a longer one, or take it out"
        return
    yield from too_slow(draft, terms.keep)


def _too_short(most: Period, keep: Period, day: date) -> str:
    found = f"{said(most.text)} is not longer than keep = {said(keep.text)}"
    if _most(most) < _least(keep) or most == keep:
        return found  # whatever the day
    return f"{found} for what happens on {day.isoformat()}"


def too_slow(draft: VariantDraft, keep: Period) -> Iterator[Said]:
    """`within` must be shorter than what lies between `keep` and `at_most`."""
    terms = draft.terms
    within = terms.within
    if not isinstance(terms.at_most, Period) or (within is None and "defer_while" not in draft.written):
        return
    day = _too_slow(window_clock(terms), keep, terms.at_most, within or MONTH)
    if day is None:
        return
    window = f"the window between keep and at_most (for what happens on {day.isoformat()})"
    if within is None:
        found = f'is missing, and its default "{MONTH.text}" is as long as {window}: nothing would be put off'
        yield "within", found, 'write a shorter one, such as within = "3 days"'
    else:
        yield "within", f"{said(within.text)} is as long as {window}, or longer", "write a shorter one"


def window_clock(terms: TermsTable) -> Clock:
    """How periods count here; the zone matters to no length."""
    start = terms.starts or Start.NEXT_DAY
    return Clock(period=MONTH, start=start, fiscal_year_end=terms.fiscal_year_end or (12, 31))


@lru_cache(maxsize=1000)
def not_longer(clock: Clock, keep: Period, most: Period) -> date | None:
    """A day for whose events `most` ends no later than `keep`, or None if there is none."""
    if _least(most) > _most(keep):
        return None
    for day in _example_days():
        if ended_day(day, _counting(clock, most)) <= ended_day(day, _counting(clock, keep)):
            return day
    return None


@lru_cache(maxsize=1000)
def _too_slow(clock: Clock, keep: Period, most: Period, within: Period) -> date | None:
    """A day for whose events `within` after the end of `keep` reaches the end of `most`."""
    if _least(most) > _most(keep) + _most(within):
        return None
    for day in _example_days():
        if late_day(day, _counting(clock, keep), within) > ended_day(day, _counting(clock, most)):
            return day
    return None


def _counting(clock: Clock, period: Period) -> Clock:
    return Clock(period=period, start=clock.start, fiscal_year_end=clock.fiscal_year_end)


def _least(period: Period) -> float:
    return period.months * _DAYS_OF_A_YEAR / 12 + period.days - 5


def _most(period: Period) -> float:
    return period.months * _DAYS_OF_A_YEAR / 12 + period.days + 5


def _example_days() -> Iterator[date]:
    """Days of every kind: of each month, of common and leap years, and about a year that ends a century."""
    for year in (*range(2023, 2027), *range(2096, 2101)):
        for month in range(1, 13):
            last = calendar.monthrange(year, month)[1]
            yield from (date(year, month, day) for day in (1, 15, *range(27, last + 1)))


def _idle(draft: VariantDraft, rule: RuleDraft) -> Iterator[Said]:
    """Keys that nothing would read: what a table writes itself, and no exception takes up."""
    heirs = rule.exceptions if draft is rule.base else ()
    for key, counts, found, write in (
        (
            "starts", _counts_period, "has no effect: the rule counts no period",
            'write keep = "…", or take it out',
        ),
        (
            "fiscal_year_end", _counts_fiscal_year, "has no effect: the rule does not count from a fiscal year",
            'write starts = "after fiscal year", or take it out',
        ),
    ):  # fmt: skip
        if key not in draft.own or draft.value(key) is None:
            continue
        if not any(counts(each) for each in (draft, *(h for h in heirs if key not in h.own))):
            yield key, found, write


def _counts_period(draft: VariantDraft) -> bool:
    return bool(draft.written & {"keep", "at_most"}) or not draft.written & {"until", "upon"}


def _counts_fiscal_year(draft: VariantDraft) -> bool:
    unread = "starts" in draft.written and draft.terms.starts is None
    return unread or (draft.terms.starts is Start.FISCAL_YEAR and _counts_period(draft))
