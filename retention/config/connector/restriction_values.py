"""Parser of how a dataset's records are restricted: by a mark in place, or by moving them to a vault."""

from __future__ import annotations

from typing import Any

from retention.config.connector import dataset_values as spelt
from retention.config.reading.findings import Finding, Unusable, said, unusable
from retention.config.reading.values import string
from retention.model.dataset import Restriction

FORMS = (
    'write { mark = "restricted_at" }, a column of dates that says since when a record is restricted,'
    ' or { to = "NAME" }, a dataset of the same file that it is moved to'
)
TO = 'write the name of a dataset of the same file, such as "contacts_vault"'


def restrict(value: object) -> Restriction:
    """`{ mark = "restricted_at" }`, or `{ to = "contacts_vault", at = "restricted_at" }`; `at` may be left out."""
    if not isinstance(value, dict) or not value:
        raise unusable(f"is {said(value)}", FORMS)
    spelt.only(value, ("mark", "to", "at"), (), FORMS)
    if "mark" in value and len(value) > 1:
        other = next(name for name in value if name != "mark")
        raise unusable(f"contradicts `{other}`: a record is marked where it is, or moved", FORMS, "mark")
    if "at" in value and "to" not in value:
        raise unusable("means nothing without `to`", FORMS, "at")
    read: dict[str, Any] = {}
    findings: list[Finding] = []
    for name, item in value.items():
        try:
            read[name] = _to(item) if name == "to" else spelt.own_column(item)
        except Unusable as error:
            findings += spelt.under(name, error)
    if findings:
        raise Unusable(findings)
    return Restriction(**read)


def _to(value: object) -> str:
    """`DATASET`, or `CONNECTOR.DATASET`, as it is written."""
    text = string(value, '"contacts_vault"')
    if text.count(".") > 1 or not all(text.split(".")):
        raise unusable(f"is {said(text)}, no dataset's name", TO)
    return text
