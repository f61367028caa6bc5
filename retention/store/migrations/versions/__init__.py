"""One file a version of the state store; alembic goes through them in order."""
