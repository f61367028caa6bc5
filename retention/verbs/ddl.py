"""The tables that `init` would make, as statements for somebody else to run. Nothing is made or connected to."""

from __future__ import annotations

from retention.config import Configuration, urls
from retention.connectors.sql.markers import MARKERS, marker_statement, quoted_in
from retention.errors import ConfigurationError, Problem
from retention.model.dataset import Connector
from retention.model.place import Place
from retention.model.script import Script
from retention.store import ddl as store_tables
from retention.verbs import stores
from retention.verbs.configured import configuration

ROLE = "retention"
_NO_ROLES = frozenset({"sqlite"})


def ddl(place: Place) -> tuple[Script, ...]:
    """The state store's script, then each connector's.

    Raises ConfigurationError for files that are wrong, and for a reference that can't be read: only the
    URL says which dialect it is.
    """
    config = configuration(place)
    problems: list[Problem] = []
    scripts = [_store(config, place)]
    for connector in config.connectors.values():
        try:
            scripts.append(_markers(connector, place))
        except ValueError as error:
            found, _, write = str(error).partition("; ")
            problems.append(Problem(file=connector.file, key="url", found=found, write=write))
    if problems:
        raise ConfigurationError(problems=problems)
    return tuple(scripts)


def _store(config: Configuration, place: Place) -> Script:
    address = stores.address(config, place)
    family = stores.family(address, place)
    notes: tuple[str, ...] = ()
    if family == "sqlite":
        notes = ("Run it with umask 077: what is in there is personal data.",)
    return Script(
        database="state store",
        where=address.url.shown,
        family=family,
        notes=(*notes, "Then type: retention init. It fills them, and makes the keys where there are none."),
        statements=store_tables.statements(family),
        grants=() if family in _NO_ROLES else store_tables.grants(family, ROLE),
    )


def _markers(connector: Connector, place: Place) -> Script:
    """Raises Unusable (a ValueError) for a URL that can't be read."""
    url = urls.address(connector.url, connector.password, connector.folder, place.environ)
    grants: tuple[str, ...] = ()
    notes: tuple[str, ...] = ("The one table that retention adds; retention init finds it there.",)
    if url.family not in _NO_ROLES:
        schema = () if connector.marker_schema is None else (connector.marker_schema,)
        marker = quoted_in(url.family, (*schema, MARKERS.name))
        grants = (
            f"GRANT SELECT, INSERT, DELETE ON {marker} TO {ROLE}",
            *_rights(connector, url.family),
        )
        notes = (
            *notes,
            "For every table of a record, UPDATE on its key columns besides: locking a row asks for it.",
        )
    return Script(
        database=connector.name,
        where=connector.url.shown,
        family=url.family,
        notes=notes,
        statements=(marker_statement(url.family, connector.marker_schema),),
        grants=grants,
    )


def _rights(connector: Connector, family: str) -> tuple[str, ...]:
    """SELECT and DELETE on every table of a record, by its name as written, and INSERT on those of a vault."""
    tables: dict[str, str] = {}
    for dataset in connector.datasets.values():
        rights = "SELECT, DELETE" if dataset.vault_of is None else "SELECT, INSERT, DELETE"
        schema = (dataset.schema,) if dataset.schema is not None and len(dataset.table.pieces) == 1 else ()
        names = [(*schema, *dataset.table.pieces), *(part.table.pieces for part in dataset.parts)]
        for name in (quoted_in(family, pieces) for pieces in names):
            tables[name] = max(rights, tables.get(name, ""), key=len)
    return tuple(f"GRANT {rights} ON {table} TO {ROLE}" for table, rights in tables.items())
