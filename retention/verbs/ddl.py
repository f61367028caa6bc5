"""The tables that `init` would make, as statements for somebody else to run. Nothing is made.

A connector's database is asked for the tables that the GRANTs are on, where it answers.
"""

from __future__ import annotations

from collections.abc import Iterator

from retention.config import Configuration
from retention.config.connecting import urls
from retention.connectors.sql.markers import MARKERS, marker_statement, quoted_in
from retention.errors import ConfigurationError, Problem
from retention.model.dataset import Connector
from retention.model.place import Place
from retention.model.policy import Policy
from retention.model.script import Script
from retention.store import ddl as store_tables
from retention.verbs.checking.granting import by_name, looking_into, read_off, role_in
from retention.verbs.opening import stores
from retention.verbs.opening.configured import configuration

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
            scripts.append(_markers(config.policy, connector, place))
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
        grants=() if family in _NO_ROLES else store_tables.grants(family, role_in(family)),
    )


def _markers(policy: Policy, connector: Connector, place: Place) -> Script:
    """Raises Unusable (a ValueError) for a URL that can't be read."""
    url = urls.address(connector.url, connector.password, connector.folder, place.environ)
    grants: tuple[str, ...] = ()
    notes: tuple[str, ...] = ("The one table that retention adds; retention init finds it there.",)
    if url.family not in _NO_ROLES:
        schema = () if connector.marker_schema is None else (connector.marker_schema,)
        marker = quoted_in(url.family, (*schema, MARKERS.name))
        found = read_off(policy, connector, url.family, place)
        usage = map(looking_into, schema) if url.family == "postgresql" else ()
        rights = by_name(policy, connector, url.family) if found is None else found
        mark = f"GRANT SELECT, INSERT, DELETE ON {marker} TO {role_in(url.family)}"
        grants = tuple(dict.fromkeys([*usage, mark, *rights]))
        notes = (*notes, *_besides(url.family, known=found is not None))
    return Script(
        database=connector.name,
        where=connector.url.shown,
        family=url.family,
        notes=notes,
        statements=(marker_statement(url.family, connector.marker_schema),),
        grants=grants,
    )


def _besides(family: str, *, known: bool) -> Iterator[str]:
    """What the GRANTs do not say."""
    if not known:
        yield (
            "The database could not be asked, or does not fit its file: the GRANTs are on the tables that the file"
            " names. retention check prints what is missing: UPDATE on the key of each, SELECT on what refers to them."
        )
    elif family == "mysql":
        yield "On MySQL (not on MariaDB) TRIGGER on every table of a record besides."
