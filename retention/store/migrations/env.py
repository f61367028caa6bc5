"""Alembic's way in: in the transaction of the connection that `upgrade` was given, or written out for `statements`."""

from __future__ import annotations

from alembic import context

given = context.config.attributes
if "written" in given:
    context.configure(
        dialect_name=given["family"],
        output_buffer=given["written"],
        version_table=given["version_table"],
        literal_binds=True,
    )
else:
    context.configure(connection=given["connection"], version_table=given["version_table"])
with context.begin_transaction():
    context.run_migrations()
