"""Parser of how a dataset's records are restricted: `restrict = { mark = "restricted_at" }`."""

from __future__ import annotations

from retention.config import dataset_values as spelt
from retention.config.findings import Unusable, not_yet, said, unusable
from retention.model.dataset import Restriction

FORMS = 'write { mark = "restricted_at" }, a column of dates that says since when a record is restricted'


def restrict(value: object) -> Restriction:
    """A mark in place."""
    if not isinstance(value, dict) or not value:
        raise unusable(f"is {said(value)}", FORMS)
    if "to" in value:
        raise not_yet("a vault that records are moved to", FORMS)
    spelt.only(value, ("mark",), (), FORMS)
    try:
        return Restriction(mark=spelt.own_column(value["mark"]))
    except Unusable as error:
        raise Unusable(spelt.under("mark", error)) from None
