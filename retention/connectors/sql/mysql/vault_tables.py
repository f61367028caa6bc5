"""How MariaDB and MySQL write a table like another."""

from __future__ import annotations

from collections.abc import Sequence

from retention.connectors.sql.vault_tables import VaultTables
from retention.model.catalogue import Column, Kind, TableId
from retention.planning.binding.reach import quoted
from retention.planning.binding.vault_tables import NewTable


class MysqlVaultTables(VaultTables):
    """Types as information_schema has them, each text with what it is compared by."""

    mark = "`"
    since_type = "timestamp NOT NULL DEFAULT current_timestamp()"
    indexes_references = True
    table_options = " ENGINE=InnoDB"

    def vault_column(self, column: Column) -> str:
        """A TIMESTAMP says its default: without one the server would set it at every UPDATE."""
        words = [quoted(column.name, self.mark), column.type]
        if column.collation:
            words.append(f"COLLATE {column.collation}")
        words.append("NULL" if column.nullable else "NOT NULL")
        if column.kind is Kind.TIMESTAMPTZ:
            fraction = column.type[len("timestamp") :]
            words.append(
                "DEFAULT NULL" if column.nullable else f"DEFAULT current_timestamp{fraction or '()'}"
            )
        return " ".join(words)

    def vault_grants(
        self, tables: Sequence[NewTable], schemas: Sequence[str], role: str, reviewers: str
    ) -> tuple[str, ...]:
        """A database has no right of its own that a table's would need."""
        return super().vault_grants(tables, (), role, reviewers)

    def locking_grant(self, table: TableId, key: Sequence[str], role: str) -> list[str]:
        """Who may delete a row may lock it."""
        return []
