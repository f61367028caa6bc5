"""Whether files of the configuration have changed: looked at often, read only when they have and are at rest."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

Seen = tuple[tuple[str, int, int, int], ...]
_MISSING = (-1, -1, -1)


@dataclass
class Files:
    """The policy, the settings beside it, and the folder of connectors."""

    policy: Path
    connectors: Path
    settings: Path
    _loaded: Seen | None = None
    _before: Seen | None = None

    def seen(self) -> Seen:
        """Path, time, size and number of each file that is there, and of those that should be."""
        try:
            names = sorted(entry for entry in os.listdir(self.connectors) if not entry.startswith("."))
        except OSError:
            names = []
        paths = [self.policy, self.settings, *(self.connectors / name for name in names)]
        return tuple((str(path), *_stamp(path)) for path in paths)

    def loaded(self, seen: Seen) -> None:
        """These files have been read, be they valid or not."""
        self._loaded = self._before = seen

    def changed(self) -> Seen | None:
        """What is there, where it is not what was read last, and has not changed since the last look; else None."""
        seen = self.seen()
        at_rest, self._before = seen == self._before, seen
        return seen if at_rest and seen != self._loaded else None


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return _MISSING
    return found.st_mtime_ns, found.st_size, found.st_ino
