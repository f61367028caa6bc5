"""What is done to records besides deleting them: what a strategy makes of a value."""
