"""Parsers of what a dataset says of its records: subject, facts, fields, periods, the slice of a row."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, TypeVar

from retention.config.connector import dataset_values as spelt
from retention.config.policy.rule_values import listed
from retention.config.reading.findings import Finding, Unusable, choice, each, said, unusable
from retention.config.reading.values import period, string
from retention.model.clock import Period
from retention.model.condition import Condition
from retention.model.dataset import ColumnPath, Fact, InstructedPeriod, Name, PeriodUnit, SomeRow
from retention.model.strategy import Pieces

T = TypeVar("T")

NO_SUBJECT = "none"
FACT_FORMS = (
    'write a column ("country", "tenants.country"), a condition ("status = \'open\'"), or'
    ' { any = "disputes", where = "closed_at IS NULL" }'
)
_PATH_EXAMPLE = 'write { column = "tenants.country", via = "tenant_id" }'
_WORD = r'(?:[^\W\d][\w$]*|"(?:[^"]|"")+")'
_PLAIN_NAME = re.compile(rf"{_WORD}(?:\.{_WORD})*")
_FROM = date(2001, 1, 1)
"""Where periods of `between` are laid on the calendar to be counted in whole units."""
_UNITS = {
    **dict.fromkeys(("day", "d"), "days"),
    **dict.fromkeys(("week", "w"), "weeks"),
    **dict.fromkeys(("month", "m", "mon"), "months"),
    **dict.fromkeys(("year", "y"), "years"),
}
"""What else units are called."""


def columns(value: object) -> tuple[str, ...]:
    """A slice of the row: columns of the table itself, each once."""
    example = 'columns = ["newsletter", "newsletter_changed_at"]'
    if not isinstance(value, list):
        raise unusable(f"is {said(value)}", f"write a list: {example}")
    return listed(value, spelt.own_column, example, "column")


def subject(value: object) -> Mapping[str, ColumnPath] | str:
    """Kind of identifier → where it is read, or "none"."""
    if value == NO_SUBJECT:
        return NO_SUBJECT
    if not isinstance(value, dict) or not value:
        how = 'write { customer_id = "customer_id" }, or "none" where the records are about nobody'
        raise unusable(f"is {said(value)}", how)
    return _named(value, "kind of identifier", path)


def facts(value: object) -> Mapping[str, Fact]:
    """Name → a value, or something that is true or false of a record."""
    if not isinstance(value, dict) or not value:
        raise unusable(f"is {said(value)}", 'write { company = "seller_company" }')
    return _named(value, "fact's name", fact)


def fact(value: object) -> Fact:
    """A column or path, a condition over the table's own columns, or `{ any, where, via }`.

    A text of plain or quoted names with dots between is a column or a path; any other is a condition.
    """
    if isinstance(value, dict):
        return _some_row(value) if "any" in value else _path_table(value, ("any", "where"), FACT_FORMS)
    if not isinstance(value, str):
        raise unusable(f"is {said(value)}", FACT_FORMS)
    if _PLAIN_NAME.fullmatch(value) is not None:
        return ColumnPath(column=spelt.column(value))
    return spelt.condition(value)


def path(value: object) -> ColumnPath:
    """A column of the table itself, or of one that it refers to: text, or `{ column, via }`."""
    if isinstance(value, dict):
        return _path_table(value, (), f'write a column: "email", "customers.email", or {_PATH_EXAMPLE[6:]}')
    if isinstance(value, list):
        raise unusable(f"is {said(value)}", "write one column")
    return ColumnPath(column=spelt.column(value))


def fields(value: object) -> Mapping[str, tuple[Pieces, ...]]:
    """Name of a field → its columns, of the table itself or of parts."""
    if not isinstance(value, dict) or not value:
        raise unusable(f"is {said(value)}", 'write { name = ["first_name", "last_name"] }')

    def pieces(item: object) -> Pieces:
        return spelt.column(item).pieces

    def field(item: object) -> tuple[Pieces, ...]:
        if isinstance(item, list):
            return listed(item, pieces, '["first_name", "last_name"]', "column")
        return (pieces(item),)

    return _named(value, "field's name", field)


def periods(value: object) -> Mapping[str, InstructedPeriod]:
    """Name → a period that the database holds."""
    if not isinstance(value, dict) or not value:
        raise unusable(f"is {said(value)}", f"write {{ instructed = {_INSTRUCTED} }}")
    return _named(value, "period's name", instructed)


_INSTRUCTED = '{ column = "tenants.retention_days", unit = "days", between = ["1 day", "10 years"] }'


def instructed(value: object) -> InstructedPeriod:
    """`{ column, via, unit, between }`: a whole number of `unit`."""
    how = f"write {_INSTRUCTED}"
    if not isinstance(value, dict) or not value:
        raise unusable(f"is {said(value)}", how)
    spelt.only(value, ("column", "via", "unit", "between"), (), how)
    missing = [Finding(at=(key,), found="is missing", write=how) for key in ("column", "unit", "between")
               if key not in value]  # fmt: skip
    if missing:
        raise Unusable(missing)
    read = _each_key(value, {"column": spelt.column, "via": spelt.via, "unit": _unit, "between": _between})
    unit, (least, most) = read["unit"], read["between"]
    counts = _count(least, unit, up=True), _count(most, unit, up=False)
    if counts[0] > counts[1]:
        found = f"no whole number of {unit.value} lies between {said(least.text)} and {said(most.text)}"
        raise unusable(found, "write periods of that unit, the shortest first", "between")
    return InstructedPeriod(path=_way(read["column"], read.get("via")), unit=unit, between=counts)


def _unit(value: object) -> PeriodUnit:
    text = string(value, '"days"')
    known = [each_.value for each_ in PeriodUnit]
    if text in known:
        return PeriodUnit(text)
    meant = _UNITS.get(text.casefold())
    raise unusable(
        f"{said(text)} is not one of its values",
        f'write "{meant}"' if meant is not None else choice(text, known),
    )


def _between(value: object) -> tuple[Period, Period]:
    how = 'write the shortest and the longest that may be instructed: ["1 day", "10 years"]'
    if not isinstance(value, list) or len(value) != 2:
        raise unusable(f"is {said(value)}" + (f" of {len(value)}" if isinstance(value, list) else ""), how)
    least, most = each(enumerate(value), period)
    if _laid(least) == _FROM:
        found = f"{said(value[0])}: a 0 in a column mostly says that nothing was instructed"
        raise unusable(found, 'write "1 day" at least', 0)
    if _laid(most) < _laid(least):
        raise unusable(f"{said(value[1])} is shorter than {said(value[0])}", "write the shortest first", 1)
    return least, most


def _laid(length: Period) -> date:
    """The day that lies `length` after 1 January 2001."""
    years, months = divmod(length.months, 12)
    return date(_FROM.year + years, 1 + months, 1) + timedelta(days=length.days)


def _count(length: Period, unit: PeriodUnit, *, up: bool) -> int:
    """How many of `unit` from 1 January 2001 reach `length`: not before it (`up`), or not after it."""
    day = _laid(length)
    if unit in (PeriodUnit.DAYS, PeriodUnit.WEEKS):
        whole, rest = divmod((day - _FROM).days, 7 if unit is PeriodUnit.WEEKS else 1)
    else:
        months = (day.year - _FROM.year) * 12 + day.month - 1
        size = 12 if unit is PeriodUnit.YEARS else 1
        whole, rest = months // size, months % size + (day.day > 1)
    return whole + bool(rest and up)


def _some_row(value: Mapping[str, object]) -> SomeRow:
    spelt.only(value, ("any", "where", "via"), (), FACT_FORMS)
    read = _each_key(value, {"any": spelt.table, "where": spelt.condition, "via": spelt.via})
    where: Condition | None = read.get("where")
    return SomeRow(table=read["any"], where=where, via=read.get("via"))


def _path_table(value: Mapping[str, object], others: tuple[str, ...], how: str) -> ColumnPath:
    for key in others:
        if key in value:
            raise unusable("means nothing without `any`", FACT_FORMS, key)
    spelt.only(value, ("column", "via"), (), how)
    if "column" not in value:
        raise unusable("has no `column`", _PATH_EXAMPLE)
    read = _each_key(value, {"column": spelt.column, "via": spelt.via})
    return _way(read["column"], read.get("via"))


def _way(column: Name, via: str | None) -> ColumnPath:
    if via is not None and len(column.pieces) == 1:
        how = f"take `via` out, or {_PATH_EXAMPLE}"
        raise unusable("names a way for a column of the table itself", how, "via")
    return ColumnPath(column=column, via=via)


def _each_key(
    value: Mapping[str, object], parsers: Mapping[str, Callable[[object], object]]
) -> dict[str, Any]:
    read: dict[str, Any] = {}
    findings: list[Finding] = []
    for key, item in value.items():
        try:
            read[key] = parsers[key](item)
        except Unusable as error:
            findings += spelt.under(key, error)
    if findings:
        raise Unusable(findings)
    return read


def _named(value: Mapping[str, object], what: str, parse: Callable[[object], T]) -> dict[str, T]:
    spelt.names(value, what)
    return dict(zip(value, each(value.items(), parse), strict=True))
