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

    A dataset that can't be looked at may know it, and so may a column of texts or of no type.
    """
    knowing = [d for d in where.datasets if subject.kind in (d.subject or {})]
    columns: list[Column] = []
    for dataset in knowing:
        bound = where.bound.get(str(dataset))
        if bound is None or not where.ready[dataset.connector].catalogues[dataset.connector].typed:
            return None
        columns.append(bound.subject[subject.kind].column)
    if not columns or any(_holds(column.kind, subject.value.strip()) for column in columns):
        return None
    types = " and ".join(sorted({column.type for column in columns}))
    places = ", ".join(str(dataset) for dataset in knowing)
    return f"`{subject.kind}` is {types} ({places}), which can't hold what is given: nothing could ever be found by it"


def _holds(kind: Kind, value: str) -> bool:
    match kind:
        case Kind.INTEGER:
            return _WHOLE.fullmatch(value) is not None
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
