"""The keys that may stand beside a database's URL: `password` and those of TLS."""

from __future__ import annotations

from typing import Protocol

from retention.config.connecting import urls
from retention.config.connector import dataset_values
from retention.config.reading.findings import Finding, Path, said, unusable
from retention.model.dataset import Secret, Tls

KEYS = ("password", "tls", "tls_ca", "tls_cert", "tls_key")
_PAIR = (("tls_cert", "tls_key", "client.key"), ("tls_key", "tls_cert", "client.pem"))


class Address(Protocol):
    """A table with a URL and these keys, as far as they could be read."""

    url: Secret | None
    password: Secret | None
    tls: str | None
    tls_ca: str | None
    tls_cert: str | None
    tls_key: str | None


def tls(value: object) -> str:
    """`"off"`, the only thing that can be said. Raises Unusable."""
    if value != "off":
        how = 'write "off", or take it out: TLS is verified unless the host is local'
        raise unusable(f"is {said(value)}", how)
    return "off"


def password(value: object) -> Secret:
    """A reference; a literal one raises Unusable."""
    return urls.parse_secret(value, "a password")


def pem(value: object) -> str:
    """The path of a certificate's or a key's file; what it holds, written out, raises Unusable and is not shown."""
    if isinstance(value, str) and value.lstrip().startswith("-----"):
        raise unusable("is what such a file holds; it is not shown here", "write the path of the file")
    return dataset_values.path(value)


def tls_of(table: Address) -> Tls:
    """What the table's keys say of TLS."""
    return Tls(off=table.tls == "off", ca=table.tls_ca, cert=table.tls_cert, key=table.tls_key)


def contradictions(table: Address, findings: list[Finding], at: Path = ()) -> None:
    """Adds what these keys cannot mean together, or beside a SQLite file."""
    if table.tls is not None:
        findings += [
            Finding(at=(*at, key), found='contradicts tls = "off"', write="take one of the two out")
            for key in ("tls_ca", "tls_cert", "tls_key")
            if getattr(table, key) is not None
        ]
    for key, other, example in _PAIR:
        if getattr(table, key) is not None and getattr(table, other) is None:
            found = f"has no {other} beside it"
            findings.append(Finding(at=(*at, key), found=found, write=f'add {other} = "{example}"'))
    if table.url is None or table.url.literal is None or urls.dialect_of(table.url.literal) != "sqlite":
        return
    findings += [
        Finding(at=(*at, key), found="means nothing for a SQLite file", write="take it out")
        for key in KEYS
        if getattr(table, key) is not None
    ]
