"""The store's records before they are rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Order:
    """Dates are texts as the database has them. `credit_notes`: the day that each was issued."""

    reference: str
    created: str | None
    invoiced: str | None = None
    credit_notes: Sequence[str | None] = ()


@dataclass(frozen=True, kw_only=True)
class Customer:
    """An account with its orders."""

    name: str
    email: str
    created: str
    last_login: str | None = None
    orders: Sequence[Order] = field(default=())
