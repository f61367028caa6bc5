"""A folder with a policy that loads, and a way to break it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from retention.config import Configuration, load
from retention.errors import ConfigurationError, Problem

POLICY = """
[policy]
name            = "Web store"
source          = "privacy policy of 2026-01-15"
timezone        = "Europe/Oslo"
fiscal_year_end = "12-31"
schedule        = "0 2 * * *"                       # every rule's default
approval        = "changes"
limits          = { share = "25%", rows = 1_000_000 }

[rules.orders]
promise  = "Orders and accounting records: five years after the accounting year"
basis    = "legal obligation"
citation = "bokføringsloven § 13"
data     = "orders"
keep     = "5 years"
from     = "booked"
starts   = "after fiscal year"
action   = "delete"

[rules.inactive-accounts]
promise   = "Accounts: deleted after 24 months of inactivity"
data      = "accounts"
keep      = "24 months"
from      = "last_activity"
action    = "delete"
approval  = "always"
limits    = { share = 0.1 }

[rules.backups]
promise = "Backups: 35 days"
data    = "backups"
kept_by = "bucket lifecycle rule, operations"
"""

SHOP = """
type     = "sql"
url      = "env:SHOP_DATABASE_URL"
timezone = "Europe/Oslo"
[throttle]
batch_time = "500 ms"

[datasets.orders]
data    = "orders"
table   = "orders"
subject = { customer_id = "customer_id" }
where   = "status <> 'draft'"
events  = { booked = { latest = ["created_at", "invoiced_at", "credit_notes.issued_at"] } }
parts   = ["order_lines", { table = "shipments", via = "order_id" }]

[datasets.accounts]
data    = "accounts"
table   = "sales.customers"
key     = ["id"]
subject = { customer_id = "id", email = "email" }

[datasets.accounts.events]
last_activity = { latest = ["created_at", { column = "orders.created_at", via = "customer_id" }] }
"""

Loader = Callable[..., Configuration]


@pytest.fixture
def policy_text() -> str:
    return POLICY


@pytest.fixture
def shop_text() -> str:
    return SHOP


@pytest.fixture
def folder_of(tmp_path: Path) -> Callable[[Mapping[str, str | bytes]], Path]:
    """Writes files into the test's folder, and gives the folder."""

    def written(files: Mapping[str, str | bytes]) -> Path:
        (tmp_path / "connectors").mkdir(exist_ok=True)
        for name, content in files.items():
            target = tmp_path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        return tmp_path

    return written


@pytest.fixture
def loaded(folder_of: Callable[[Mapping[str, str | bytes]], Path]) -> Loader:
    """`loaded(policies=…, shop=…, other={…}, environ={…})`: the configuration of those texts."""

    def of(
        *,
        policies: str | bytes = POLICY,
        shop: str | bytes = SHOP,
        other: Mapping[str, str | bytes] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Configuration:
        folder = folder_of({"policies.toml": policies, "connectors/shop.toml": shop, **(other or {})})
        return load(folder / "policies.toml", folder / "connectors", environ=environ or {})

    return of


@pytest.fixture
def problems(loaded: Loader) -> Callable[..., tuple[Problem, ...]]:
    """As `loaded`, of texts that are wrong: the problems."""

    def of(**texts: object) -> tuple[Problem, ...]:
        with pytest.raises(ConfigurationError) as caught:
            loaded(**texts)
        assert caught.value.problems
        return caught.value.problems

    return of
