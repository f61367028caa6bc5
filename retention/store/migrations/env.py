"""Alembic's way in: runs in the transaction of the connection that `upgrade` was given."""

from __future__ import annotations

from alembic import context

from retention.store.schema import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
