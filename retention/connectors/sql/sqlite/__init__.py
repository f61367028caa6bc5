"""SQLite: what differs there, and nothing else."""
