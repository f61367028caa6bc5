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
from retention.model.notice import Channel


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


@dataclass(frozen=True)
class Listen:
    """Where the daemon answers over HTTP: an address of this machine, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class DaemonSettings:
    """`[daemon]`. `listen`: None: nowhere. `window`: when anything may be removed by schedule; None: always.
    `workers`: runs at once.
    """

    window: Window | None = None
    workers: int = 4
    listen: Listen | None = None


@dataclass(frozen=True, kw_only=True)
class KeyReference:
    """Where the keys of one kind are read. Exactly one of `file` (absolute), `env`, `command` is set.

    `value`: what the variable held when the configuration was read, None where there is none.
    """

    file: Path | None = None
    env: str | None = None
    command: str | None = None
    value: str | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """The reference, for people."""
        if self.file is not None:
            return str(self.file)
        return f"env:{self.env}" if self.env is not None else f"command:{self.command}"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Paths are absolute.

    `origin`: the ledger's name, None until one is chosen. `mirror`: the folder of the ledger's
    JSON Lines files. `evidence_keep`: how long a batch's evidence is kept, None: as long as the store.
    `json_logs`: a daemon's log is JSON, not text.
    `publish`: where checkpoints are put: `file:PATH`, `folder:PATH` (absolute), or an http(s) address.
    `witnesses`: the keys of those whose cosignatures are checked.
    `evidence_yearly`: whether the first run of a year takes a new evidence key. `notify`: whom to tell what.
    """

    state: StateAddress
    signing_key: KeyReference
    evidence_key: KeyReference
    pseudonym_key: KeyReference
    origin: str | None = None
    mirror: Path
    evidence_keep: Period | None = None
    daemon: DaemonSettings = field(default_factory=DaemonSettings)
    json_logs: bool = False
    evidence_yearly: bool = True
    publish: tuple[str, ...] = ()
    witnesses: tuple[str, ...] = ()
    notify: tuple[Channel, ...] = ()
