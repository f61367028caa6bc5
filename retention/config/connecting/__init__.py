"""URLs, passwords, certificates: how a database is reached, and why it is not."""
