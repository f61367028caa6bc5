"""How a connected store says no: what the engine tells apart (the contract is `port`'s)."""

from __future__ import annotations

from retention.errors import RetentionError, UnreachableError


class Transient(UnreachableError):  # noqa: N818 - a condition, not a fault
    """The database asked for the batch to be tried again."""


class Refused(RetentionError):  # noqa: N818 - the database's answer
    """The database would not delete a row."""


class Lost(UnreachableError):  # noqa: N818 - a state of knowledge
    """The connection broke while a commit was under way: its outcome is unknown."""
