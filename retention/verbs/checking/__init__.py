"""What `check` and `init` ask the live databases beyond their catalogue."""
