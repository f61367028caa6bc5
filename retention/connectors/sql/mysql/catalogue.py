"""What MariaDB and MySQL say of their tables: information_schema, a few queries a database.

A database is what the catalogue calls a schema. Read are the one of the URL, those that are named, and all
that a foreign key leads to or comes from.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.engine import Connection

from retention.connectors.sql.mysql.grants import Grants, read_grants
from retention.connectors.sql.mysql.session import Flavour
from retention.connectors.sql.pinning import with_pins
from retention.model.catalogue import (
    Blind,
    Catalogue,
    Column,
    Dates,
    Index,
    Kind,
    Reference,
    Relation,
    Table,
    TableId,
    Trigger,
    with_index,
)
from retention.planning.binding.reach import quoted

_AS_EVER = ("", "NO ACTION", "RESTRICT")
_OWN = frozenset({"information_schema", "mysql", "performance_schema", "sys"})

_KINDS = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint", "year", "bit"), Kind.INTEGER),
    **dict.fromkeys(("float", "double"), Kind.REAL),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext"), Kind.TEXT),
    **dict.fromkeys(("enum", "set"), Kind.TEXT),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), Kind.BINARY),
    "decimal": Kind.NUMERIC,
    "date": Kind.DATE,
    "datetime": Kind.TIMESTAMP,
    "timestamp": Kind.TIMESTAMPTZ,  # an instant; sessions read it in UTC
    "uuid": Kind.UUID,
}
_ROW_BY_ROW = frozenset({"NO ACTION", "RESTRICT", "SET NULL", "SET DEFAULT", "CASCADE", "UNKNOWN"})
"""InnoDB looks at every reference as each row goes."""
_UNDATED = frozenset({"year", "bit", "enum", "set"})
_BOOLEANS = ("tinyint(1)", "bit(1)")
_DATES = Dates(
    odd="0000-00-00",
    shape=r"\d{4}-(00-\d\d|(0[1-9]|1[0-2])-00)( \d\d:\d\d:\d\d(\.\d{1,6})?)?",
    latest=datetime(2106, 2, 7, 6, 28, 15, 999_999, tzinfo=UTC),  # MariaDB's; MySQL's is in 2038
)


def read_catalogue(connection: Connection, flavour: Flavour, named: Iterable[str]) -> Catalogue:
    """See `Dialect.catalogue`; what the role can't see is said, not left out."""
    here, folding = connection.exec_driver_sql("SELECT DATABASE(), @@lower_case_table_names").fetchall()[0]
    grants = read_grants(connection)
    references = _references(connection)
    tables: dict[TableId, Table] = {}
    for schema in sorted(_reached({here, *named}, references)):
        tables |= _tables(connection, flavour, schema)
    tables |= _with_pins(connection, grants, tables, references)
    return Catalogue(
        tables=tables,
        references=tuple(_finish(reference, tables) for reference in references if reference.table in tables),
        default_schema=here,
        default_only=True,
        dates=_DATES,
        folds_tables=bool(folding),
        folds_columns=True,
        quote="`",
        defers=False,
        row_by_row=_ROW_BY_ROW,
        blind=_blind(flavour, grants, tables),
        hidden_from="" if "SELECT" in grants.on(TableId(schema=here, name="")) else grants.role,
    )


def table_engine(connection: Connection, name: str, schema: str | None) -> str | None:
    """What stores a table, or a name for what else it is; None where it is not there.

    `schema`: its database; None: the URL's.
    """
    found = connection.exec_driver_sql(
        "SELECT COALESCE(ENGINE, TABLE_TYPE) FROM information_schema.TABLES"
        " WHERE TABLE_SCHEMA = COALESCE(%s, DATABASE()) AND TABLE_NAME = %s",
        (schema, name),
    ).first()
    return None if found is None else str(found[0])


def _blind(flavour: Flavour, grants: Grants, tables: Iterable[TableId]) -> tuple[Blind, ...]:
    """Foreign keys of tables that one may do no more with than read are hidden, and so are triggers."""
    found: list[Blind] = []
    role = grants.role
    if not grants.everywhere("REFERENCES"):
        what = "foreign keys of other tables, which may delete or rewrite their rows"
        found.append(Blind(what=what, grant=f"GRANT REFERENCES ON *.* TO {role};"))
    for id_ in tables:
        if not grants.on(id_) & flavour.triggers_need:
            grant = f"GRANT TRIGGER ON {_quoted(id_)} TO {role};"
            found.append(Blind(what=f"the triggers of `{id_}`", grant=grant, table=id_))
    return tuple(found)


def _reached(schemas: set[str], references: Sequence[Reference]) -> set[str]:
    """The schemas, and those that foreign keys connect with them."""
    found = set(schemas)
    links = {(str(r.table.schema), str(r.target.schema)) for r in references}
    while more := {s for link in links if found & set(link) for s in link} - found:
        found |= more
    return found


def _references(connection: Connection) -> tuple[Reference, ...]:
    """Every foreign key of the server that the role sees.

    The server's own databases are left out by name: it would open every view in them, for a hundred times as long.
    """
    own = ", ".join(f"'{name}'" for name in sorted(_OWN))
    rules = {
        (schema, table, name): (rule, updating)
        for schema, table, name, rule, updating in connection.exec_driver_sql(
            "SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, DELETE_RULE, UPDATE_RULE"
            f" FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA NOT IN ({own})"
        )
    }
    steps = connection.exec_driver_sql(
        "SELECT TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_SCHEMA,"
        " REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE"
        f" WHERE REFERENCED_TABLE_NAME IS NOT NULL AND TABLE_SCHEMA NOT IN ({own})"
        " ORDER BY TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION"
    ).fetchall()
    found = []
    for key, group in itertools.groupby(steps, key=lambda row: tuple(row[:3])):
        every = list(group)
        schema, table, name = key
        rule, updating = rules.get(key, ("UNKNOWN", ""))
        found.append(
            Reference(
                name=name,
                table=TableId(schema=schema, name=table),
                columns=tuple(row[3] for row in every),
                target=TableId(schema=every[0][4], name=every[0][5]),
                target_columns=tuple(row[6] for row in every),
                on_delete=rule.upper(),
                besides=f" ON UPDATE {updating}" if updating not in _AS_EVER else "",
            )
        )
    return tuple(found)


def _finish(reference: Reference, tables: Mapping[TableId, Table]) -> Reference:
    """With column names as the tables have them, and with its index looked up."""

    def declared(id_: TableId, names: tuple[str, ...]) -> tuple[str, ...]:
        known = {name.lower(): name for name in tables[id_].columns} if id_ in tables else {}
        return tuple(known.get(name.lower(), name) for name in names)

    columns = declared(reference.table, reference.columns)
    finished = Reference(
        name=reference.name,
        table=reference.table,
        columns=columns,
        target=reference.target,
        target_columns=declared(reference.target, reference.target_columns),
        on_delete=reference.on_delete,
        besides=reference.besides,
    )
    return with_index(finished, tables)


def _tables(connection: Connection, flavour: Flavour, schema: str) -> dict[TableId, Table]:
    """Every table and view of a schema."""
    columns = _columns(connection, schema)
    indexes = _indexes(connection, flavour, schema)
    triggers = _triggers(connection, schema)
    rows = connection.exec_driver_sql(
        "SELECT TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_ROWS FROM information_schema.TABLES"
        " WHERE TABLE_SCHEMA = %s",
        (schema,),
    ).fetchall()
    found: dict[TableId, Table] = {}
    for name, kind, engine, estimate in rows:
        id_ = TableId(schema=schema, name=name)
        every = indexes.get(name, ())
        found[id_] = Table(
            id=id_,
            relation=Relation.VIEW if kind in ("VIEW", "SYSTEM VIEW") else Relation.TABLE,
            columns=columns.get(name, {}),
            key=next((index.columns for index in every if index.name == "PRIMARY"), ()),
            indexes=every,
            triggers=triggers.get(name, ()),
            rows_estimate=estimate,
            unfit=_unfit(id_, kind, engine),
        )
    return found


def _with_pins(
    connection: Connection, grants: Grants, tables: Mapping[TableId, Table], references: Iterable[Reference]
) -> dict[TableId, Table]:
    """Tables whose references lead back to them, with what holds the referring columns as they are.

    Only there rows may have to be loosened before they go: the others, of which there may be many, are not asked.
    CHECKs are read off SHOW CREATE TABLE: information_schema hides them from a role with few rights.
    """
    found: dict[TableId, Table] = {}
    referring: dict[TableId, set[str]] = {}
    for reference in _circling(references):
        if reference.table in tables and tables[reference.table].unfit is None:
            referring.setdefault(reference.table, set()).update(_finish(reference, tables).columns)
    for id_, names in referring.items():

        def right(name: str, id_: TableId = id_) -> str:
            if grants.updates(id_, name) or "DELETE" not in grants.on(
                id_
            ):  # a role for looking is no measure
                return ""
            column = quoted(name, "`")
            return f"the role may not change it: GRANT UPDATE ({column}) ON {_quoted(id_)} TO {grants.role};"

        if "SELECT" in grants.on(id_):
            show = f"SHOW CREATE TABLE {_quoted(id_)}".replace("%", "%%")  # the driver's own mark
            create = str(connection.exec_driver_sql(show).fetchall()[0][1])
            found[id_] = with_pins(tables[id_], create, "mysql", names, mine=right)
    return found


def _circling(references: Iterable[Reference]) -> list[Reference]:
    """Those by which a table refers to itself, directly or through others."""
    every = list(references)
    onward: dict[TableId, set[TableId]] = {}
    for reference in every:
        onward.setdefault(reference.table, set()).add(reference.target)
    reached: dict[TableId, set[TableId]] = {}

    def leads(start: TableId) -> set[TableId]:
        if start not in reached:
            found: set[TableId] = set()
            waiting = [start]
            while waiting:
                fresh = onward.get(waiting.pop(), set()) - found
                found |= fresh
                waiting += fresh
            reached[start] = found
        return reached[start]

    return [
        reference for reference in every if reference.table in leads(reference.target) | {reference.target}
    ]


def _unfit(id_: TableId, kind: str, engine: str | None) -> tuple[str, str] | None:
    if kind in ("VIEW", "SYSTEM VIEW"):
        return None  # a view is refused as one
    if kind == "SYSTEM VERSIONED":
        return (
            f"`{id_}` is system-versioned: what is deleted stays in its history",
            "name another table; tables with a history are not supported yet",
        )
    if kind != "BASE TABLE":
        return f"`{id_}` is a {kind.lower()}, not a table", "name the table whose rows are to go"
    if engine is None:
        return f"`{id_}` can't be opened by the server", f"CHECK TABLE {_quoted(id_)};"
    if engine.upper() != "INNODB":
        return (
            f"`{id_}` is stored by {engine}, which keeps deleted rows deleted after a rollback",
            f"ALTER TABLE {_quoted(id_)} ENGINE=InnoDB;",
        )
    return None


def _quoted(id_: TableId) -> str:
    return ".".join("`" + str(part).replace("`", "``") + "`" for part in (id_.schema, id_.name))


def _columns(connection: Connection, schema: str) -> dict[str, dict[str, Column]]:
    rows = connection.exec_driver_sql(
        "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, EXTRA, GENERATION_EXPRESSION,"
        " COLLATION_NAME"
        " FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s ORDER BY TABLE_NAME, ORDINAL_POSITION",
        (schema,),
    ).fetchall()
    found: dict[str, dict[str, Column]] = {}
    for table, name, kind, type_, nullable, extra, expression, collation in rows:
        found.setdefault(table, {})[name] = Column(
            name=name,
            kind=Kind.BOOLEAN if type_.lower() in _BOOLEANS else _KINDS.get(kind.lower(), Kind.OTHER),
            type=_text(type_),
            nullable=nullable == "YES",
            generated=bool(expression),
            dated=kind.lower() not in _UNDATED,
            on_update="on update" in extra.lower(),
            collation=collation or "",
        )
    return found


def _indexes(connection: Connection, flavour: Flavour, schema: str) -> dict[str, tuple[Index, ...]]:
    """Table → indexes that the optimizer may use, the primary key first, as far as the first expression or prefix."""
    rows = connection.exec_driver_sql(
        "SELECT TABLE_NAME, INDEX_NAME, NON_UNIQUE, IF(SUB_PART IS NULL, COLUMN_NAME, NULL)"
        " FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = %s AND INDEX_TYPE = 'BTREE'"
        f" AND {flavour.usable_index}"
        " ORDER BY TABLE_NAME, INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX",
        (schema,),
    ).fetchall()
    found: dict[str, tuple[Index, ...]] = {}
    for (table, name), group in itertools.groupby(rows, key=lambda row: tuple(row[:2])):
        every = list(group)
        leading = tuple(row[3] for row in itertools.takewhile(lambda row: row[3] is not None, every))
        unique = not every[0][2] and len(leading) == len(every)
        found[table] = (*found.get(table, ()), Index(name=name, columns=leading, unique=unique))
    return found


def _triggers(connection: Connection, schema: str) -> dict[str, tuple[Trigger, ...]]:
    rows = connection.exec_driver_sql(
        "SELECT EVENT_OBJECT_TABLE, TRIGGER_NAME, EVENT_MANIPULATION, ACTION_STATEMENT FROM information_schema.TRIGGERS"
        " WHERE EVENT_OBJECT_SCHEMA = %s ORDER BY TRIGGER_NAME",
        (schema,),
    ).fetchall()
    found: dict[str, tuple[Trigger, ...]] = {}
    for table, name, events, body in rows:
        words = frozenset(word.strip().upper() for word in str(events).split(","))
        id_ = TableId(schema=schema, name=table)
        trigger = Trigger(name=name, table=id_, events=words, body=_text(body or ""))
        found[table] = (*found.get(table, ()), trigger)
    return found


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
