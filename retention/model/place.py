"""Where the engine works: which files, which state store, which environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Place:
    """What the command line was told; option over environment over file.

    `state` is None where neither an option nor the environment names the state store: the
    file beside the policy does, or the default. `environ` is where `env:` secrets are read.
    """

    config: Path
    connectors: Path
    state: str | None
    environ: Mapping[str, str]
