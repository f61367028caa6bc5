"""The rights that a connector's datasets need, as GRANTs for the engine's role: what `check` would ask for."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from functools import partial

from retention.connectors.sql.markers import quoted_in
from retention.connectors.sql.opening import open_target
from retention.errors import RetentionError
from retention.model.catalogue import TableId
from retention.model.dataset import Connector
from retention.model.place import Place
from retention.model.policy import Policy
from retention.planning.beyond import leaves
from retention.planning.binding.bind import bind
from retention.planning.binding.rights import Need, Right, needs

ROLE = "retention"

_WORDS = {Right.READ: "SELECT", Right.INSERT: "INSERT", Right.DELETE: "DELETE"}


def role_in(family: str) -> str:
    """The engine's role as GRANT … TO wants it."""
    return ROLE if family == "postgresql" else f"{ROLE}@'%'"


def looking_into(schema: str) -> str:
    """PostgreSQL's GRANT for the names in a schema. Also for `public`, into which every role may look until somebody
    revokes that, or makes it anew."""
    return f"GRANT USAGE ON SCHEMA {quoted_in('postgresql', (schema,))} TO {ROLE}"


def read_off(policy: Policy, connector: Connector, family: str, place: Place) -> tuple[str, ...] | None:
    """The GRANTs by the live catalogue; None where it can't be read, or a dataset does not fit it."""
    try:
        with closing(open_target(connector, place.environ)) as target:
            bound, _ = bind(connector, target.catalogue(), leaves=partial(leaves, policy))
    except RetentionError:
        return None
    if len(bound) != len(connector.datasets):
        return None
    wanted = dict.fromkeys(
        need for item in bound for need in needs(item, deletes=leaves(policy, item.dataset))
    )
    return tuple(_statements(wanted, family))


def by_name(policy: Policy, connector: Connector, family: str) -> tuple[str, ...]:
    """What the files by themselves tell of it: tables of records, by their names as written, and what is rewritten."""
    rights: dict[str, dict[str, None]] = {}
    for dataset in connector.datasets.values():
        schema = (dataset.schema,) if dataset.schema is not None and len(dataset.table.pieces) == 1 else ()
        words = (
            ["SELECT"] + ["INSERT"] * (dataset.vault_of is not None) + ["DELETE"] * leaves(policy, dataset)
        )
        root = quoted_in(family, (*schema, *dataset.table.pieces))
        for name in (root, *(quoted_in(family, part.table.pieces) for part in dataset.parts)):
            rights.setdefault(name, {}).update(dict.fromkeys(words))
        if dataset.rewriting.columns:
            columns = ", ".join(quoted_in(family, (name,)) for name in dataset.rewriting.columns)
            rights[root][f"UPDATE ({columns})"] = None
    return tuple(
        f"GRANT {', '.join(words)} ON {table} TO {role_in(family)}" for table, words in rights.items()
    )


def _statements(wanted: Iterable[Need], family: str) -> Iterable[str]:
    """One a table. Who may delete a row of MariaDB or MySQL may lock it, and sees its triggers (MySQL's not)."""
    role, own = role_in(family), family == "postgresql"
    rights: dict[TableId, dict[str, None]] = {}
    columns: dict[TableId, dict[str, None]] = {}
    for need in wanted:
        here = rights.setdefault(need.table, {})
        if need.right in _WORDS:
            here[_WORDS[need.right]] = None
        elif need.right is Right.REWRITE or own:
            columns.setdefault(need.table, {}).update(dict.fromkeys(need.columns))
    records = {need.table for need in wanted if need.right is Right.LOCK}
    if own:
        yield from (looking_into(name) for name in dict.fromkeys(str(table.schema) for table in rights))
    else:
        yield f"GRANT REFERENCES ON *.* TO {role}"
    for table, words in rights.items():
        said = [*words]
        if table in columns:
            said.append(f"UPDATE ({', '.join(quoted_in(family, (name,)) for name in columns[table])})")
        if not own and table in records and not {"INSERT", "DELETE"} & words.keys():
            said.append("TRIGGER")
        name = quoted_in(family, (str(table.schema), table.name))
        yield f"GRANT {', '.join(said)} ON {name} TO {role}"
