"""What the contract makes of a record, told row by row, and all that holds the engine against it."""
