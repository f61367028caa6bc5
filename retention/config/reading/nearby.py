"""Where the policy may be that is not where it was looked for: a wrong folder is the first mistake of all."""

from __future__ import annotations

import os
import shlex
from itertools import islice
from pathlib import Path

MOST = 1000
"""Entries of the folder that are looked at."""


def elsewhere(path: Path) -> Path | None:
    """A file of the same name in a folder above, the nearest first, else in one just below; or None."""
    above = [folder / path.name for folder in path.parent.parents]
    for candidate in (*above, *_below(path)):
        try:
            if candidate.is_file():
                return candidate
        except OSError:
            continue
    return None


def _below(path: Path) -> list[Path]:
    try:
        with os.scandir(path.parent) as entries:
            names = sorted(entry.name for entry in islice(entries, MOST) if entry.is_dir())
    except OSError:
        return []
    return [path.parent / name / path.name for name in names if not name.startswith(".")]


def advice(path: Path) -> str:
    """What to type where `path`, the policy, is not there."""
    found = elsewhere(path)
    if found is None:
        return (
            "to begin here type: retention init (with --url URL, from your own database);"
            " to see it at work first: retention demo; or name another file with --config"
        )
    folder = shlex.quote(str(found.parent))
    return f"there is one in {found.parent}, so type: cd {folder}; to begin a new one here: retention init"
