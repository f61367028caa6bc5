"""The keys that may stand beside a database's URL: `password`, `tls`, `tls_ca`."""

from __future__ import annotations

from typing import Protocol

from retention.config import urls
from retention.config.findings import Finding, Path, said, unusable
from retention.model.dataset import Secret

KEYS = ("password", "tls", "tls_ca")


class Address(Protocol):
    """A table with a URL and these keys, as far as they could be read."""

    url: Secret | None
    password: Secret | None
    tls: str | None
    tls_ca: str | None


def tls(value: object) -> str:
    """`"off"`, the only thing that can be said. Raises Unusable."""
    if value != "off":
        how = 'write "off", or take it out: TLS is verified unless the host is local'
        raise unusable(f"is {said(value)}", how)
    return "off"


def password(value: object) -> Secret:
    """A reference; a literal one raises Unusable."""
    return urls.parse_secret(value, "a password")


def contradictions(table: Address, findings: list[Finding], at: Path = ()) -> None:
    """Adds what these keys cannot mean together, or beside a SQLite file."""
    if table.tls is not None and table.tls_ca is not None:
        findings.append(
            Finding(at=(*at, "tls_ca"), found='contradicts tls = "off"', write="take one of the two out")
        )
    if table.url is None or table.url.literal is None or urls.dialect_of(table.url.literal) != "sqlite":
        return
    findings += [
        Finding(at=(*at, key), found="means nothing for a SQLite file", write="take it out")
        for key in KEYS
        if getattr(table, key) is not None
    ]
