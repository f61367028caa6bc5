"""Whom holds and told events reach: in which datasets, carried over to which identifiers."""
