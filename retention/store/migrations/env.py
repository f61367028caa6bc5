"""Alembic's way in: runs in the transaction of the connection that `upgrade` was given."""

from __future__ import annotations

from alembic import context

found = context.config.attributes
context.configure(connection=found["connection"], version_table=found["version_table"])
with context.begin_transaction():
    context.run_migrations()
