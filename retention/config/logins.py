"""How drivers are told where to connect, as whom, and with which TLS: one rule for targets and state store.

TLS is verified unless the host is this machine, or `tls = "off"` is written.
"""

from __future__ import annotations

import ssl
from typing import Any

from retention.config.findings import choice, unusable
from retention.config.urls import Url

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_MYSQL_PARAMETERS = ("unix_socket", "charset")


def is_local(url: Url) -> bool:
    """Whether the server is this machine: a loopback address, a socket, or no host at all."""
    return url.host is None or url.host in _LOCAL or url.host.startswith("/")


def postgresql(url: Url, tls: str | None, tls_ca: str | None) -> dict[str, Any]:
    """Account and TLS as libpq calls them; `sslmode` in the URL wins."""
    found: dict[str, Any] = {}
    if url.username is not None:
        found["user"] = url.username
    if url.password is not None:
        found["password"] = url.password
    if tls != "off" and not is_local(url) and "sslmode" not in url.query:
        found["sslmode"] = "verify-full"
        found["sslrootcert"] = tls_ca or "system"
    return found


def mysql(url: Url, tls: str | None, tls_ca: str | None) -> dict[str, Any]:
    """Address, account and TLS as PyMySQL calls them. Raises Unusable for parameters that it does not know."""
    for name in url.query:
        if name not in _MYSQL_PARAMETERS:
            raise unusable("the URL has a parameter that is not known", choice(name, _MYSQL_PARAMETERS))
    if url.query.get("charset", "utf8mb4") != "utf8mb4":
        raise unusable("the URL asks for a charset that does not hold every text", "take `charset` out")
    found: dict[str, Any] = {"host": url.host or "localhost", "database": url.database}
    named = {"port": url.port, "user": url.username, "unix_socket": url.query.get("unix_socket")}
    found |= {name: value for name, value in named.items() if value is not None}
    if url.password is not None:
        found["password"] = url.password
    if tls == "off" or (is_local(url) and tls_ca is None):
        found["ssl_disabled"] = True
    else:
        found["ssl"] = _verified(tls_ca)
    return found


def _verified(tls_ca: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=tls_ca)
    except OSError as error:
        raise unusable(
            f"the authorities' file {tls_ca} cannot be read ({error.strerror or 'no certificates in it'})",
            "write the path of a file of certificates: tls_ca = …",
        ) from None
