"""`retention.toml`: how the engine runs here."""
