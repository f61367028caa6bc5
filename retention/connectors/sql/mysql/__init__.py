"""MariaDB and MySQL: what differs there, and nothing else."""
