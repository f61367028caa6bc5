"""`[daemon]` and `[log]` of `retention.toml`: how what runs by schedule runs here."""

from __future__ import annotations

import ipaddress
import re
from datetime import time
from typing import Annotated

from pydantic import PlainValidator

from retention.config.reading.findings import choice, said, unusable
from retention.config.reading.tables import Table
from retention.config.reading.values import string
from retention.model.settings import DaemonSettings, Listen, Window

_WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d) ?[-–] ?([01]\d|2[0-3]):([0-5]\d)")
_ADDRESS = re.compile(r"(?:(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.]+)):)?(\d{1,5})")
LOOPBACK = "127.0.0.1"
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


def an_address(value: object) -> Listen:
    """`PORT`, `ADDRESS:PORT`, `[IPV6]:PORT`; a port alone is one of the loopback address. Raises Unusable."""
    how = 'write an address and a port, such as "127.0.0.1:9464", or a port alone: on this machine only'
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    text = string(value, '"127.0.0.1:9464"').strip()
    found = _ADDRESS.fullmatch(text)
    if found is None or not 1 <= int(found[3]) <= 65_535:
        raise unusable(f"{said(text)} is not an address to listen on", how)
    host = found[1] or found[2] or LOOPBACK
    if host != "localhost":
        try:
            host = str(ipaddress.ip_address(host))
        except ValueError:
            raise unusable(f"{said(text)} does not begin with an address of this machine", how) from None
    return Listen(host, int(found[3]))


class DaemonTable(Table):
    """`[daemon]`"""

    window: Annotated[Window | None, PlainValidator(a_window)] = None
    workers: Annotated[int | None, PlainValidator(some_workers)] = None
    listen: Annotated[Listen | None, PlainValidator(an_address)] = None


class LogTable(Table):
    """`[log]`"""

    format: Annotated[bool | None, PlainValidator(log_format)] = None


def daemon_settings(table: DaemonTable) -> DaemonSettings:
    """The table with its defaults."""
    usual = DaemonSettings()
    return DaemonSettings(window=table.window, workers=table.workers or usual.workers, listen=table.listen)
