"""PostgreSQL: what differs there, and nothing else."""
