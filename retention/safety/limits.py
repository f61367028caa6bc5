"""How much one job may remove before a person has named the limit and approved it all the same."""

from __future__ import annotations

from decimal import Decimal

from retention.model.policy import Limits


def exceeded(*, due: int, table_rows: int, limits: Limits) -> str | None:
    """The limit that `due` records of a table of `table_rows` rows exceed, in words; None for none."""
    if due > limits.rows:
        return f"{due:,} records are above the limit of {limits.rows:,} rows"
    if due > limits.share * table_rows:
        percent = Decimal(100 * due) / Decimal(max(table_rows, 1))
        limit = (limits.share * 100).normalize()
        return (
            f"{due:,} of {table_rows:,} rows ({percent:.1f}%) are above the limit of {limit:f}% of the table"
        )
    return None
