"""Which database each connector reaches: two connectors for one are refused, also while one of them is silent.

On MariaDB and MySQL a connector can name tables of every database of the server: there two for one table are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from retention.config.connecting import urls
from retention.errors import Problem
from retention.model.catalogue import TableId
from retention.model.dataset import Connector
from retention.model.place import Place
from retention.planning.binding.bound import BoundDataset
from retention.store.state import Snapshot, StateStore


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a connector leads. `databases`: those of which it can name tables, in small letters."""

    url: urls.Url
    databases: frozenset[str]


Known = Callable[[str, Address], str | None]
"""Connector's name, its address → hash of what the server there said that it is, when it last answered."""


def address(connector: Connector, place: Place) -> Address | None:
    """As far as the URL tells; None where that can't be read."""
    try:
        url = urls.address(connector.url, connector.password, connector.folder, place.environ)
    except ValueError:
        return None
    named = {url.database or ""}
    if _kind(url) == "mysql":
        named |= connector.schemas
    return Address(url=url, databases=frozenset(name.casefold() for name in named))


def shared_stores(stores: Mapping[str, tuple[Connector, str]]) -> list[Problem]:
    """One database, one connector: rules of one would not see what the datasets of another keep.

    `stores`: connector's name → connector, and what its database says that it is.
    """
    first: dict[str, str] = {}
    problems = []
    for name, (connector, store) in stores.items():
        other = first.setdefault(store, name)
        if other != name:
            found = f"reaches the same database as connector `{other}`"
            write = f"put its datasets into the file of `{other}`: one file for each database"
            problems.append(Problem(file=connector.file, key="url", found=found, write=write))
    return problems


def shared_tables(bound: Iterable[BoundDataset], servers: Mapping[str, str]) -> list[Problem]:
    """A table that datasets of two connectors have: the rules of one would not see what the other keeps."""
    first: dict[tuple[str, TableId], BoundDataset] = {}
    problems = []
    for item in bound:
        for table in sorted(item.emptied, key=str):
            other = first.setdefault((servers[item.connector.name], table), item)
            if other.connector.name != item.connector.name:
                found = f"`{table}` is a table of dataset `{other}`, of another connector, too"
                write = f"keep both datasets in the file of `{other.connector.name}`, or take one of them out"
                key = f"datasets.{item.dataset.name}.table"
                problems.append(Problem(file=item.connector.file, key=key, found=found, write=write))
    return problems


def may_be_one(one: Address | None, other: Address | None) -> bool:
    """Whether two addresses can lead to the same tables. Servers and poolers have many names, databases one."""
    if one is None or other is None:
        return False  # a URL that can't be read reaches nothing
    if _kind(one.url) != _kind(other.url):
        return False
    if one.url.path is not None and other.url.path is not None:
        first, second = Path(one.url.path), Path(other.url.path)
        return first.exists() and second.exists() and first.samefile(second)
    return bool(one.databases & other.databases)


def _kind(url: urls.Url) -> str:
    return "mysql" if url.family == "mariadb" else url.family


def doubts(
    silent: Iterable[str],
    servers: Mapping[str, str],
    addresses: Mapping[str, Address | None],
    known: Known,
) -> Mapping[str, str]:
    """Connectors that answer, and that may be the database of one that does not → why nothing of theirs may run.

    `servers`: what those that answer say that they are. Of a silent one it is what it said when it last
    answered at this address.
    """
    found: dict[str, str] = {}
    for name in silent:
        there = addresses.get(name)
        for other, server in servers.items():
            if there is None or not may_be_one(there, addresses.get(other)):
                continue
            before = known(name, there)
            if before is None or before == _hash(server):
                found[other] = (
                    f"connector `{name}` does not answer, and it may be the same database under another address:"
                    f" what its datasets keep could not be seen; bring it back, or take its file away"
                )
    return found


def known_to(snapshot: Snapshot | None) -> Known:
    """What a state store remembers; nothing where there is none."""

    def known(name: str, there: Address) -> str | None:
        return snapshot.schemas.seen(name, _key(there)) if snapshot is not None else None

    return known


def remember(
    state: StateStore,
    servers: Mapping[str, str],
    addresses: Mapping[str, Address | None],
    now: datetime,
) -> None:
    """Keeps what each server said that it is, for the day on which it does not answer."""
    told = {
        (name, _key(there)): _hash(server)
        for name, server in servers.items()
        if (there := addresses.get(name)) is not None
    }
    with state.read() as snapshot:
        new = {place: server for place, server in told.items() if snapshot.schemas.seen(*place) != server}
    if new:
        with state.begin() as tx:
            for (name, key), server in new.items():
                tx.schemas.put(name, key, server, now)


def _key(there: Address) -> str:
    """An address as the state store names it, beside the datasets: no dataset is called so."""
    url = there.url
    host = url.host or url.query.get("host") or url.query.get("unix_socket")
    return "@" + _hash(f"{_kind(url)}\n{host}\n{url.port}\n{url.database}\n{url.path}")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
