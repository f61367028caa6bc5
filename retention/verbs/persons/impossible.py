"""Identifiers that nobody's can be: no column that a dataset knows people by could hold them."""

from __future__ import annotations

import re
import uuid
from decimal import Decimal, InvalidOperation

from retention.model.catalogue import Column, Kind
from retention.model.told import Subject
from retention.verbs.persons.everywhere import Everywhere

_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")


def impossible(subject: Subject, where: Everywhere) -> str | None:
    """Why nothing can ever be found by the identifier, in words that do not repeat it; None where something may be.

    A dataset that can't be looked at may know it, and so may a column of texts or of no type. A whole number is
    looked for as databases write it: what stands in an INTEGER is never `007`, though a column of texts may hold that.
    """
    knowing = [d for d in where.datasets if subject.kind in (d.subject or {})]
    value, held = subject.value.strip(), []
    columns: list[Column] = []
    for dataset in knowing:
        bound = where.bound.get(str(dataset))
        if bound is None:
            return None
        column = bound.subject[subject.kind].column
        columns.append(column)
        typed = where.ready[dataset.connector].catalogues[dataset.connector].typed
        held.append(_holds(column.kind, value) if typed else _stands(column.kind, value))
    if not columns or any(held):
        return None
    types = " and ".join(sorted({column.type for column in columns}))
    places = ", ".join(str(dataset) for dataset in knowing)
    whole = "; write the number without leading zeros and `+`" if _WHOLE.fullmatch(value) else ""
    return (
        f"`{subject.kind}` is {types} ({places}), which can't hold what is given: "
        f"nothing could ever be found by it{whole}"
    )


def _stands(kind: Kind, value: str) -> bool:
    """So it may be in a column of a database that converts what it can, and takes the rest as it is."""
    return kind is not Kind.INTEGER or _WHOLE.fullmatch(value) is None or _holds(kind, value)


def _holds(kind: Kind, value: str) -> bool:
    match kind:
        case Kind.INTEGER:
            return _WHOLE.fullmatch(value) is not None and value == str(int(value))
        case Kind.NUMERIC | Kind.REAL:
            try:
                return Decimal(value).is_finite()
            except InvalidOperation:
                return False
        case Kind.UUID:
            try:
                uuid.UUID(value)
            except ValueError:
                return False
    return True
