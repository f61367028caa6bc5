"""What the engine costs, beside what one would do without it, in one run on one machine."""
