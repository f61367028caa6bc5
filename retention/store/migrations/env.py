"""Alembic's way in: in the transaction of the connection that `upgrade` was given, or written out for `statements`."""

from __future__ import annotations

from alembic import context

from retention.store.schema import VERSION_TABLE

given = context.config.attributes
if "written" in given:
    context.configure(
        dialect_name=given["family"],
        output_buffer=given["written"],
        version_table=VERSION_TABLE,
        literal_binds=True,
    )
else:
    context.configure(connection=given["connection"], version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
