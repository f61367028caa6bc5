"""From an address to the backend that knows its database."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from retention.config.connecting import logins, urls
from retention.config.reading.findings import unusable
from retention.errors import SetupError
from retention.model.dataset import Secret, Tls
from retention.model.settings import StateAddress
from retention.store.backend import Backend
from retention.store.sqlite import SqliteFile


def backend_at(address: StateAddress, environ: Mapping[str, str]) -> Backend:
    """The backend of an address, not connected to yet.

    Raises ValueError, in words without any piece of the URL, for what cannot be read or meant;
    SetupError for a driver that is not installed.
    """

    def login() -> tuple[urls.Url, Tls]:
        url = urls.address(address.url, address.password, address.folder, environ)
        if url.family != family:
            raise unusable("the URL names another kind of database now", f"write a {family}:// URL")
        return url, logins.from_folder(address.tls, address.folder)

    url = urls.address(address.url, address.password, address.folder, environ)
    family = url.family
    if url.path is not None:
        return SqliteFile(Path(url.path))
    if family == "postgresql":
        from retention.store.postgresql import PostgresqlDatabase

        return PostgresqlDatabase(login)
    from retention.store.mysql import MysqlDatabase

    return MysqlDatabase(login)


def backend_of(url: str) -> Backend:
    """The backend of a URL with everything in it. Raises SetupError where it is none."""
    try:
        return backend_at(StateAddress(url=Secret(literal=url), folder=""), {})
    except ValueError as error:
        raise SetupError(f"the state store's URL cannot be read: {error}") from error
