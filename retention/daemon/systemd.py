"""What systemd is told, where it asks for it (sd_notify(3)): READY, WATCHDOG, RELOADING, STOPPING."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True)
class Systemd:
    """The socket that NOTIFY_SOCKET names; without one nothing is told. Never raises."""

    address: str | None
    watchdog: float | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str], pid: int) -> Systemd:
        """As the environment says; `watchdog`: half the seconds after which it would be ended."""
        address = environ.get("NOTIFY_SOCKET")
        seconds: float | None = None
        mine = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
        with suppress(ValueError):
            if mine and "WATCHDOG_USEC" in environ:
                seconds = int(environ["WATCHDOG_USEC"]) / 2_000_000
        return cls(address or None, seconds)

    def tell(self, *lines: str) -> None:
        """`READY=1`, `STATUS=…` and the like."""
        if self.address is None:
            return
        name = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.setblocking(False)
            end.sendto("\n".join(lines).encode(), name)
