"""PostgreSQL's tables, from its own catalogue: partitions folded into their parents, inheritance told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection

from retention.connectors.sql.inspect import Reflected, with_key
from retention.connectors.sql.postgresql.constraints import indexes_of, keys_of
from retention.model.catalogue import Reference, Relation, Table, TableId, Trigger, with_index

_RELATIONS = {
    "r": Relation.TABLE,
    "p": Relation.PARTITIONED,
    "v": Relation.VIEW,
    "m": Relation.MATERIALIZED_VIEW,
    "f": Relation.FOREIGN,
}


def tables_of(connection: Connection) -> dict[TableId, Table]:
    """Every table that the role sees; partitions and what inherits beside their parents."""
    families = _families(connection)
    facts = _relations(connection)
    triggers = _triggers(connection)
    tables: dict[TableId, Table] = {}
    indexes, keys = indexes_of(connection), keys_of(connection)
    for schema in sorted({str(id_.schema) for id_ in facts}):
        raw = Reflected(connection, schema)
        for key in raw.columns:
            id_ = TableId(schema=schema, name=key[1])
            if id_ not in facts:
                continue
            relation, estimate, partition = facts[id_]
            tables[id_] = Table(
                id=id_,
                relation=Relation.PARTITION if partition else relation,
                columns=raw.columns_of(key),
                key=keys.get(id_, ()),
                indexes=with_key(keys.get(id_, ()), indexes.get(id_, ())),
                triggers=triggers.get(id_, ()),
                parent=_topmost(families, id_) if partition else None,
                # an analyzed parent's own estimate is the sum of its leaves' already
                rows_estimate=None if relation is Relation.PARTITIONED else estimate,
            )
    foreign = {id_ for id_, (relation, _, _) in facts.items() if relation is Relation.FOREIGN}
    stores = {id_ for id_, (relation, _, _) in facts.items() if relation is not Relation.PARTITIONED}
    for id_, leaf in sorted(tables.items(), key=str):
        if leaf.parent in tables:
            tables[leaf.parent] = _with_partition(tables[leaf.parent], leaf, id_ in stores, id_ in foreign)
    for id_, table in tables.items():
        if table.leaves:
            held = [{frozenset(i.columns) for i in tables[leaf].indexes if i.unique} for leaf in table.leaves]
            tables[id_] = replace(table, unique_on_leaves=tuple(sorted(set.intersection(*held), key=sorted)))
    for child, parent in families:
        if parent in tables and child in tables and tables[child].parent is None:
            tables[parent] = replace(tables[parent], relation=Relation.INHERITED)
    return tables


def _topmost(families: set[tuple[TableId, TableId]], id_: TableId) -> TableId:
    """Of a partition of a partition, and so on: the partitioned table. A partition has one parent."""
    direct = dict(families)
    while id_ in direct:
        id_ = direct[id_]
    return id_


def _with_partition(parent: Table, leaf: Table, stores: bool, foreign: bool) -> Table:
    """The partitioned table with one more partition, and that one's triggers."""
    return replace(
        parent,
        relation=Relation.FOREIGN if foreign else parent.relation,
        leaves=(*parent.leaves, leaf.id) if stores else parent.leaves,
        triggers=tuple({(t.name, t.what): t for t in (*leaf.triggers, *parent.triggers)}.values()),
        rows_estimate=(parent.rows_estimate or 0) + (leaf.rows_estimate or 0),
    )


def _families(connection: Connection) -> set[tuple[TableId, TableId]]:
    """(child, parent), by partition or by inheritance."""
    rows = connection.exec_driver_sql(
        "SELECT cn.nspname, c.relname, pn.nspname, p.relname FROM pg_inherits i"
        " JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace cn ON cn.oid = c.relnamespace"
        " JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace"
        " WHERE c.relkind IN ('r', 'p', 'f')"
    ).fetchall()
    return {(TableId(schema=a, name=b), TableId(schema=c, name=d)) for a, b, c, d in rows}


def _relations(connection: Connection) -> dict[TableId, tuple[Relation, int | None, bool]]:
    rows = connection.exec_driver_sql(
        "SELECT n.nspname, c.relname, c.relkind::text, c.reltuples::bigint, c.relispartition FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r','p','v','m','f')"
        " AND left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema'"
    ).fetchall()
    return {
        TableId(schema=a, name=b): (_RELATIONS[kind], tuples if tuples >= 0 else None, partition)
        for a, b, kind, tuples, partition in rows
    }


def _triggers(connection: Connection) -> dict[TableId, tuple[Trigger, ...]]:
    """Enabled triggers that people made, and rewrite rules other than a view's own."""
    rows = connection.exec_driver_sql(
        "SELECT n.nspname, c.relname, t.tgname, t.tgtype::int, p.prosrc,"
        " (SELECT array_agg(CASE WHEN a.attgenerated = '' THEN a.attname::text END)"
        " FROM pg_attribute a WHERE a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr))"
        " FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal AND t.tgenabled <> 'D'"
    ).fetchall()
    bits = ((4, "INSERT"), (8, "DELETE"), (16, "UPDATE"))
    found: dict[TableId, list[Trigger]] = {}
    for schema, name, trigger, kind, body, of in rows:
        id_ = TableId(schema=schema, name=name)
        events = frozenset(word for bit, word in bits if kind & bit)
        # a generated column (None) is computed anew with those that it is made of
        columns = frozenset(of) if of and None not in of else None
        made = Trigger(name=trigger, table=id_, events=events, columns=columns, body=body or "")
        found.setdefault(id_, []).append(made)
    rules = connection.exec_driver_sql(
        "SELECT n.nspname, c.relname, r.rulename, r.ev_type::text FROM pg_rewrite r"
        " JOIN pg_class c ON c.oid = r.ev_class"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE r.rulename <> '_RETURN' AND r.ev_enabled <> 'D'"
    ).fetchall()
    words = {"2": "UPDATE", "3": "INSERT", "4": "DELETE"}
    for schema, name, rule, kind in rules:
        id_ = TableId(schema=schema, name=name)
        events = frozenset({words[kind]} if kind in words else ())
        found.setdefault(id_, []).append(Trigger(name=rule, table=id_, events=events, what="rule"))
    return {id_: tuple(items) for id_, items in found.items()}


def merged(references: Sequence[Reference], tables: Mapping[TableId, Table]) -> tuple[Reference, ...]:
    """References with partitions' own folded into one on the parent, and the indexes looked up."""

    def top(id_: TableId) -> TableId:
        table = tables.get(id_)
        return table.parent if table is not None and table.parent is not None else id_

    merged: dict[tuple[Any, ...], Reference] = {}
    for item in references:
        folded = replace(item, table=top(item.table), target=top(item.target))
        same = (folded.table, folded.columns, folded.target, folded.target_columns, folded.on_delete)
        merged.setdefault(same, folded)
    return tuple(with_index(item, tables) for item in merged.values())
