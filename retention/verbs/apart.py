"""Which database each connector reaches: two connectors for one are refused, also while one of them is silent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path

from retention.config import urls
from retention.errors import Problem
from retention.model.dataset import Connector
from retention.model.place import Place
from retention.store.state import Snapshot, StateStore

Known = Callable[[str, urls.Url], str | None]
"""Connector's name, its address → hash of what the database there said that it is, when it last answered."""


def address(connector: Connector, place: Place) -> urls.Url | None:
    """Where the connector leads, as far as its URL tells; None where that can't be read."""
    try:
        return urls.address(connector.url, connector.password, connector.folder, place.environ)
    except ValueError:
        return None


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


def may_be_one(one: urls.Url | None, other: urls.Url | None) -> bool:
    """Whether two addresses can lead to one database. Servers and poolers have many names, databases one."""
    if one is None or other is None:
        return False  # a URL that can't be read reaches nothing
    if _kind(one) != _kind(other):
        return False
    if one.path is not None and other.path is not None:
        first, second = Path(one.path), Path(other.path)
        return first.exists() and second.exists() and first.samefile(second)
    names = {None if url.database is None else url.database.casefold() for url in (one, other)}
    return len(names) == 1 or None in names


def _kind(url: urls.Url) -> str:
    return "mysql" if url.family == "mariadb" else url.family


def doubts(
    silent: Iterable[str],
    stores: Mapping[str, str],
    addresses: Mapping[str, urls.Url | None],
    known: Known,
) -> Mapping[str, str]:
    """Connectors that answer, and that may be the database of one that does not → why nothing of theirs may run.

    `stores`: what the databases that answer say that they are. Of a silent one it is what it said when it last
    answered at this address.
    """
    found: dict[str, str] = {}
    for name in silent:
        there = addresses.get(name)
        for other, store in stores.items():
            if there is None or not may_be_one(there, addresses.get(other)):
                continue
            before = known(name, there)
            if before is None or before == _hash(store):
                found[other] = (
                    f"connector `{name}` does not answer, and it may be the same database under another address:"
                    f" what its datasets keep could not be seen; bring it back, or take its file away"
                )
    return found


def known_to(snapshot: Snapshot | None) -> Known:
    """What a state store remembers; nothing where there is none."""

    def known(name: str, there: urls.Url) -> str | None:
        return snapshot.schemas.seen(name, _key(there)) if snapshot is not None else None

    return known


def remember(
    state: StateStore,
    stores: Mapping[str, str],
    addresses: Mapping[str, urls.Url | None],
    now: datetime,
) -> None:
    """Keeps what each database said that it is, for the day on which it does not answer."""
    told = {
        (name, _key(there)): _hash(store)
        for name, store in stores.items()
        if (there := addresses.get(name)) is not None
    }
    with state.read() as snapshot:
        new = {place: store for place, store in told.items() if snapshot.schemas.seen(*place) != store}
    if new:
        with state.begin() as tx:
            for (name, key), store in new.items():
                tx.schemas.put(name, key, store, now)


def _key(url: urls.Url) -> str:
    """An address as the state store names it, beside the datasets: no dataset is called so."""
    host = url.host or url.query.get("host") or url.query.get("unix_socket")
    return "@" + _hash(f"{_kind(url)}\n{host}\n{url.port}\n{url.database}\n{url.path}")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
