"""How the engine runs here: what `retention.toml` says, with its defaults filled in.

The only file that differs between staging and production; nothing in it is a promise, and
nothing of it is part of the policy's digest.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Paths are absolute.

    `state`: the state store's URL, its SQLite path absolute, or a reference to a URL
    (`env:NAME`, `file:PATH`), which is read when it is opened. `origin`: the ledger's name,
    None until one is chosen. `mirror`: the folder of the ledger's JSON Lines files.
    """

    state: str
    signing_key: Path
    evidence_key: Path
    origin: str | None = None
    mirror: Path
