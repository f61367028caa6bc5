"""SQL databases through SQLAlchemy Core: one adapter, one file a dialect for what differs."""
