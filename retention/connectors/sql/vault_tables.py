"""The statements that make a vault's tables: what every database has, and where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from retention.model.catalogue import Column, Reference, Table, TableId
from retention.planning.binding.reach import create_index, qualified, quoted
from retention.planning.binding.vault_tables import NewTable


class VaultTables:
    """How one database writes a table like another; for a dialect to take what differs in its place."""

    mark: str = '"'
    """What names are quoted with."""
    copies_given_keys: str = ""
    """What an INSERT … SELECT says before SELECT, so that values go into a column that gives out its own."""
    since_type: str = "TEXT"
    """A column that says since when a record is in the vault: an instant, never NULL."""
    indexes_references: bool = False
    """A reference has an index without being told so."""
    table_options: str = ""
    roles: bool = True
    """Rights are given to roles."""

    def vault_columns(self, table: Table) -> list[str]:
        """The columns of `table` as they are to be in its twin: no defaults, and nothing that is computed."""
        return [self.vault_column(column) for column in table.columns.values()]

    def vault_column(self, column: Column) -> str:
        """One of them."""
        compared = f"COLLATE {quoted(column.collation, self.mark)}" if column.collation else ""
        words = [
            quoted(column.name, self.mark),
            column.type,
            "" if column.nullable else "NOT NULL",
            compared,
        ]
        return " ".join(word for word in words if word)

    def vault_statements(self, tables: Sequence[NewTable], schemas: Sequence[str]) -> tuple[str, ...]:
        """Everything that is to be made, without semicolons, in order."""
        made = [f"CREATE SCHEMA IF NOT EXISTS {quoted(schema, self.mark)}" for schema in schemas]
        for table in tables:
            if not table.there:
                made += [self._table(table), *self._indexes(table)]
        return tuple(made)

    def _table(self, table: NewTable) -> str:
        clauses = self.vault_columns(table.source)
        if table.since is not None:
            clauses.append(f"{quoted(table.since, self.mark)} {self.since_type}")
        clauses.append(f"PRIMARY KEY ({self._listed(table.key)})")
        clauses += [f"UNIQUE ({self._listed(columns)})" for columns in table.unique]
        clauses += [self._reference(reference) for reference in table.references]
        lines = ",\n  ".join(clauses)
        return f"CREATE TABLE {qualified(table.id, self.mark)} (\n  {lines}\n){self.table_options}"

    def _reference(self, reference: Reference) -> str:
        target = qualified(reference.target, self.mark)
        return (
            f"FOREIGN KEY ({self._listed(reference.columns)})"
            f" REFERENCES {target} ({self._listed(reference.target_columns)})"
        )

    def _indexes(self, table: NewTable) -> Iterator[str]:
        """By which what it refers to is deleted without a scan, and the rules on the vault find what is due."""
        led = [] if self.indexes_references else [reference.columns for reference in table.references]
        since = [] if table.since is None else [(table.since,)]
        for columns in dict.fromkeys((*led, *table.led, *since)):
            if columns != table.key[: len(columns)]:
                yield create_index(table.id, columns, self.mark).removesuffix(";")

    def _listed(self, names: Sequence[str]) -> str:
        return ", ".join(quoted(name, self.mark) for name in names)

    def vault_grants(
        self, tables: Sequence[NewTable], schemas: Sequence[str], role: str, reviewers: str
    ) -> tuple[str, ...]:
        """The least that the engine's role needs there, and people who look at what is restricted."""
        if not self.roles:
            return ()
        found = [
            f"GRANT USAGE ON SCHEMA {quoted(schema, self.mark)} TO {role}, {reviewers}" for schema in schemas
        ]
        for table in tables:
            there = qualified(table.id, self.mark)
            found.append(f"GRANT SELECT, INSERT, DELETE ON {there} TO {role}")
            found += self.locking_grant(table.id, table.key, role)
            found.append(f"GRANT SELECT ON {there} TO {reviewers}")
        back = [qualified(table.source.id, self.mark) for table in tables]
        return (*found, *(f"GRANT INSERT ON {table} TO {role}" for table in back))

    def locking_grant(self, table: TableId, key: Sequence[str], role: str) -> list[str]:
        """What locking a row asks for besides."""
        return [f"GRANT UPDATE ({self._listed(key)}) ON {qualified(table, self.mark)} TO {role}"]
