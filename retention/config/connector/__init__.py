"""`connectors/NAME.toml`: a store, its datasets, what they spell out."""
