"""How drivers are told where to connect, as whom, and with which TLS: one rule for targets and state store.

TLS is verified unless the host is this machine, or `tls = "off"` is written. Files of certificates and keys are
looked at here, so that what is wrong with one is said alike for every driver.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from retention.config.connecting import certificates
from retention.config.connecting.urls import Url
from retention.config.reading.findings import choice, unusable
from retention.model.dataset import Tls

CONNECT_SECONDS = 10
"""How long a server may take to let one in."""
_PATIENCE = {
    "application_name": "retention",
    "connect_timeout": CONNECT_SECONDS,
    "tcp_user_timeout": 60_000,  # a server that is gone is noticed, though it says nothing
    "keepalives_idle": 60,
    "keepalives_interval": 10,
}
_MYSQL_PARAMETERS = ("unix_socket", "charset")
_IN_URL = {"ca": "sslrootcert", "cert": "sslcert", "key": "sslkey"}
_CERTAIN = ("require", "verify-ca", "verify-full")
_LIBPQ_READS = {"host": "PGHOST", "hostaddr": "PGHOSTADDR", "service": "PGSERVICE"}
_SAID_BESIDE = (
    "take it out: TLS is verified unless the host is local; tls_ca, tls_cert and tls_key say more of it"
)


def from_folder(tls: Tls, folder: str | Path) -> Tls:
    """The same with its relative paths made whole."""

    def whole(path: str | None) -> str | None:
        return None if path is None else str(Path(folder) / path)

    return replace(tls, ca=whole(tls.ca), cert=whole(tls.cert), key=whole(tls.key))


def is_local(url: Url) -> bool:
    """Whether the server is this machine: `localhost`, 127.0.0.0/8, ::1, a socket, or no host at all."""
    if url.family != "postgresql":
        return socket_of(url) is not None or is_here(url.host or "")
    said = _libpq_place(url)
    where = said["hostaddr"] or said["host"]
    return not said["service"] and all(map(is_here, where.split(",")))


def socket_of(url: Url) -> str | None:
    """The socket that the URL leads to, as it names it ("" for the driver's own); None where it leads to none."""
    if url.family != "postgresql":
        return url.query.get("unix_socket") or None
    said = _libpq_place(url)
    if said["hostaddr"] or said["service"] or not all(_is_socket(host) for host in said["host"].split(",")):
        return None
    return said["host"]


def _libpq_place(url: Url) -> Mapping[str, str]:
    """Where libpq connects to: a parameter wins over the URL's host, and its environment speaks where nothing does."""
    environ = {name: os.environ.get(variable, "") for name, variable in _LIBPQ_READS.items()}
    return {name: url.query.get(name) or (name == "host" and url.host) or environ[name] for name in environ}


def _is_socket(host: str) -> bool:
    return host[:1] in ("", "/", "@")


def is_here(host: str) -> bool:
    """Whether a host, or the path of a socket, is of this machine."""
    if _is_socket(host) or host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address in ipaddress.ip_network("127.0.0.0/8") or address == ipaddress.ip_address("::1")


def postgresql(url: Url, tls: Tls) -> dict[str, Any]:
    """Account, patience and TLS as libpq calls them; the URL's parameters win. `tls`: whole paths. Raises Unusable."""
    found: dict[str, Any] = {name: value for name, value in _PATIENCE.items() if name not in url.query}
    if url.username is not None:
        found["user"] = url.username
    if url.password is not None:
        found["password"] = url.password
    mode = url.query.get("sslmode")
    if tls.off and mode in _CERTAIN:
        raise unusable('the URL\'s sslmode contradicts tls = "off"', "take one of the two out", "tls")
    for name, parameter in _IN_URL.items():
        if getattr(tls, name) is not None and parameter in url.query:
            what = f"the URL has `{parameter}`, and tls_{name} stands beside it"
            raise unusable(what, "take one of them out", f"tls_{name}")
    _not_over_a_socket(url, tls)
    if tls.asked and mode in ("disable", "allow", "prefer"):
        key = "tls_ca" if tls.ca is not None else "tls_cert"
        raise unusable(f"the URL's sslmode={mode} contradicts {key}", "take one of the two out", key)
    certificates.check(tls)
    if tls.off or (is_local(url) and not tls.asked):
        return found
    if mode is None:
        found["sslmode"] = "verify-full"
    if tls.ca is not None or (mode is None and "sslrootcert" not in url.query):
        found["sslrootcert"] = tls.ca or "system"
    if tls.cert is not None:
        found |= {"sslcert": tls.cert, "sslkey": tls.key}
    return found


def mysql(url: Url, tls: Tls) -> dict[str, Any]:
    """Address, account and TLS as PyMySQL calls them. `tls`: whole paths.

    Raises Unusable, for parameters that it does not know, too.
    """
    for name in url.query:
        if name not in _MYSQL_PARAMETERS:
            how = _SAID_BESIDE if name.lower().startswith(("ssl", "tls")) else choice(name, _MYSQL_PARAMETERS)
            raise unusable(f"the URL has the parameter `{name}`, which is not known", how)
    if url.query.get("charset", "utf8mb4") != "utf8mb4":
        raise unusable("the URL asks for a charset that does not hold every text", "take `charset` out")
    _not_over_a_socket(url, tls)
    found: dict[str, Any] = {"host": url.host or "localhost", "database": url.database}
    named = {"port": url.port, "user": url.username, "unix_socket": url.query.get("unix_socket")}
    found |= {name: value for name, value in named.items() if value is not None}
    if url.password is not None:
        found["password"] = url.password
    if tls.off or (is_local(url) and not tls.asked):
        found["ssl_disabled"] = True
    else:
        found["ssl"] = certificates.context(tls)
    return found


def answers_within(connection: Any, seconds: float | None) -> None:
    """How long PyMySQL waits for answers from here on; None: for ever.

    It has one limit for a server's greeting and for its answers. Without one, a server of another kind, which waits
    to be spoken to, is waited for; with one, a long statement is given up.
    """
    connection._read_timeout = seconds


def _not_over_a_socket(url: Url, tls: Tls) -> None:
    if tls.asked and socket_of(url) is not None:
        key = "tls_ca" if tls.ca is not None else "tls_cert"
        raise unusable("means nothing over a socket, where there is no TLS", "take it out", key)
