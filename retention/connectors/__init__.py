"""Where data is: the port that the engine speaks to, and its adapters."""
