"""Who this process is and for whom it acts; whether another one that held a lease is still alive."""

from __future__ import annotations

import os
import pwd
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A process, named so that no other one ever has the same name.

    `host`: the machine and, where there are any, its PID namespace: processes elsewhere cannot
    be seen from here. `boot`: the kernel's random id of this boot, empty where there is none.
    `process_start`: clock ticks after the boot, empty where they are not told.
    """

    host: str
    boot: str
    pid: int
    process_start: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host.partition(' ')[0]}"


def account_name() -> str:
    """The account that acts, by the process's own user id: a variable of the environment can be set to
    anybody's name."""
    user = os.getuid()
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"uid {user}"


def this_process() -> Owner:
    """The process that asks."""
    pid = os.getpid()
    state = _process(pid)
    return Owner(
        host=_host(),
        boot=_read("/proc/sys/kernel/random/boot_id"),
        pid=pid,
        process_start=state[1] if state else "",
    )


def is_dead(owner: Owner) -> bool:
    """Whether that process has ended for certain.

    Only one of this very boot and PID namespace can be known to be dead; of all others,
    of clones of this machine too, the answer is no: their lease has to run out.
    """
    if not owner.boot or owner.boot != _read("/proc/sys/kernel/random/boot_id") or owner.host != _host():
        return False
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # it is somebody else's, and alive
    state = _process(owner.pid)
    if state is None:
        return False
    letter, start = state
    return letter in "ZX" or bool(owner.process_start and start != owner.process_start)


def _host() -> str:
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = ""
    return f"{socket.gethostname()} {_read('/etc/machine-id')[:12]} {namespace}".strip()[:255]


def _process(pid: int) -> tuple[str, str] | None:
    """(state letter, start time) out of /proc/PID/stat; the name before them may hold anything."""
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return (fields[0], fields[19]) if len(fields) > 19 else None


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
