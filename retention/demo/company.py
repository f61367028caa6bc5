"""What a demo company is made of, and which there are."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import sqlalchemy as sa

from retention.demo.built import Built
from retention.demo.crm import build as crm
from retention.demo.documents import build as documents
from retention.demo.making import Making
from retention.demo.panel import build as panel
from retention.demo.quotes import build as quotes
from retention.demo.store import build as store
from retention.errors import UsageError

FOLDER = Path(__file__).parent

Builder: TypeAlias = Callable[[Making], Built]


@dataclass(frozen=True, kw_only=True)
class Company:
    """`build` makes its databases, as they are on a day in `timezone`; `stores` are its connectors and their tables.

    `files` are its templates, paths below `home` that are the same below the new folder.
    """

    name: str
    timezone: str
    build: Builder
    stores: Mapping[str, sa.MetaData]

    @property
    def home(self) -> Path:
        """Where its files are: `examples/` of the project leads here."""
        return FOLDER / self.name

    @property
    def files(self) -> Sequence[str]:
        """Policy, settings, a file for each connector."""
        return ("policies.toml", "retention.toml", *(f"connectors/{name}.toml" for name in self.stores))


COMPANIES: Mapping[str, Company] = {
    name: Company(name=name, timezone=made.TIMEZONE, build=made.build, stores=made.STORES)
    for name, made in (
        ("store", store),
        ("quotes", quotes),
        ("crm", crm),
        ("documents", documents),
        ("panel", panel),
    )
}


def company(name: str | None) -> Company:
    """The company of that name, the web store by default; UsageError that names the nearest."""
    if name is None:
        return COMPANIES["store"]
    if name in COMPANIES:
        return COMPANIES[name]
    near = difflib.get_close_matches(name.casefold(), COMPANIES, n=1, cutoff=0.5)
    hint = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(COMPANIES)}"
    raise UsageError(f"there is no company `{name}`; {hint}")
