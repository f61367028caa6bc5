"""What a command gets from the line before it: the place, the clock, who is asking."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from retention.model.place import Place

if TYPE_CHECKING:
    from retention.model.progress import Progress

CONFIG = Path("policies.toml")


@dataclass(frozen=True, kw_only=True)
class Session:
    """`config` and `connectors` are None where neither an option nor the environment names them."""

    config: Path | None
    connectors: Path | None
    state: str | None

    @property
    def place(self) -> Place:
        """Where the engine works: connectors lie beside the policy unless told otherwise."""
        return self.place_in(Path())

    def place_in(self, folder: Path) -> Place:
        """The same, with `folder` as home of the files that nothing names."""
        config = self.config or folder / CONFIG
        return Place(
            config=config,
            connectors=self.connectors or config.parent / "connectors",
            state=self.state,
            environ=dict(os.environ),
        )

    @property
    def by(self) -> str:
        """The account that acts."""
        from retention.store.owners import account_name

        return account_name()

    @contextlib.contextmanager
    def progress(self) -> Iterator[Progress]:
        """Progress on standard error, ended whatever happens."""
        from retention.report.progress import progress_on

        progress = progress_on(sys.stderr)
        try:
            yield progress
        finally:
            progress.finish()


def now() -> datetime:
    """The one clock that commands hand down."""
    return datetime.now(UTC)
