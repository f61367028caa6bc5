"""What a demo company is made of, and which there are."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeAlias

from retention.demo.built import Built
from retention.demo.store.build import TIMEZONE, build
from retention.errors import UsageError

FOLDER = Path(__file__).parent

Builder: TypeAlias = Callable[[Path, date], Built]


@dataclass(frozen=True, kw_only=True)
class Company:
    """`build` makes its databases in a folder, as they are on a day in `timezone`.

    `files` are its templates, paths below `home` that are the same below the new folder.
    """

    name: str
    timezone: str
    build: Builder
    home: Path
    files: Sequence[str]


COMPANIES: Mapping[str, Company] = {
    "store": Company(
        name="store",
        timezone=TIMEZONE,
        build=build,
        home=FOLDER / "store",
        files=("policies.toml", "connectors/store.toml", "retention.toml"),
    ),
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
