"""What nearly every command opens first: files, connectors, the state store, keys."""
