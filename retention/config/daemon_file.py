"""`[daemon]` and `[log]` of `retention.toml`: how what runs by schedule runs here."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, ClassVar

from pydantic import PlainValidator

from retention.config.findings import choice, said, unusable
from retention.config.tables import Table
from retention.config.values import string
from retention.model.settings import DaemonSettings, Window

_WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d) ?[-–] ?([01]\d|2[0-3]):([0-5]\d)")
_HOW = 'write two times of a day, such as "22:00-06:00"'
MOST_WORKERS = 64


def a_window(value: object) -> Window:
    """`HH:MM-HH:MM`. Raises Unusable."""
    text = string(value, '"22:00-06:00"')
    found = _WINDOW.fullmatch(text.strip())
    if found is None:
        raise unusable(f"{said(text)} is not a window", _HOW)
    a, b, c, d = map(int, found.groups())
    begin, end = time(a, b), time(c, d)
    if begin == end:
        raise unusable(f"{said(text)} begins when it ends", f"{_HOW}; for no window take the key out")
    return Window(begin, end)


def some_workers(value: object) -> int:
    """How many runs at once. Raises Unusable."""
    how = f"write a whole number from 1 to {MOST_WORKERS}"
    if isinstance(value, bool) or not isinstance(value, int):
        raise unusable(f"is {said(value)}", how)
    if not 1 <= value <= MOST_WORKERS:
        raise unusable(f"is {said(value)}", how)
    return value


def log_format(value: object) -> bool:
    """Whether it is `json`. Raises Unusable."""
    text = string(value, '"json"')
    if text not in ("text", "json"):
        raise unusable(f"{said(text)} is not a format of a log", choice(text, ("text", "json")))
    return text == "json"


class DaemonTable(Table):
    """`[daemon]`"""

    later: ClassVar[frozenset[str]] = frozenset({"listen"})

    window: Annotated[Window | None, PlainValidator(a_window)] = None
    workers: Annotated[int | None, PlainValidator(some_workers)] = None


class LogTable(Table):
    """`[log]`"""

    format: Annotated[bool | None, PlainValidator(log_format)] = None


def daemon_settings(table: DaemonTable) -> DaemonSettings:
    """The table with its defaults."""
    usual = DaemonSettings()
    return DaemonSettings(window=table.window, workers=table.workers or usual.workers)
