"""How the engine runs here: what `retention.toml` says, with its defaults filled in.

The only file that differs between staging and production; nothing in it is a promise, and
nothing of it is part of the policy's digest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time
from pathlib import Path

from retention.model.clock import Period
from retention.model.dataset import Secret, Tls


@dataclass(frozen=True, kw_only=True)
class StateAddress:
    """Where the state store is. `url`: its SQLite path absolute, or a reference that is read when it is opened.

    `folder`: where relative paths of what a reference holds start. `password` beside a URL
    without one.
    """

    url: Secret
    folder: str
    password: Secret | None = None
    tls: Tls = field(default_factory=Tls)


@dataclass(frozen=True)
class Window:
    """From `begin` on, up to `end`, by the clock of the policy's zone; over midnight where `end` is earlier."""

    begin: time
    end: time


@dataclass(frozen=True, kw_only=True)
class DaemonSettings:
    """`[daemon]`. `window`: when anything may be removed by schedule; None: always. `workers`: runs at once."""

    window: Window | None = None
    workers: int = 4


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Paths are absolute.

    `origin`: the ledger's name, None until one is chosen. `mirror`: the folder of the ledger's
    JSON Lines files. `evidence_keep`: how long a batch's evidence is kept, None: as long as the store.
    `json_logs`: a daemon's log is JSON, not text.
    """

    state: StateAddress
    signing_key: Path
    evidence_key: Path
    pseudonym_key: Path
    origin: str | None = None
    mirror: Path
    evidence_keep: Period | None = None
    daemon: DaemonSettings = field(default_factory=DaemonSettings)
    json_logs: bool = False
