"""Tells people what they would otherwise have to look for: what to tell, how often, and by which way."""
