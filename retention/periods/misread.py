"""The one error of reading: what was found, and what to write instead."""

from __future__ import annotations


class MisreadError(ValueError):
    """Text that cannot be read. `found` says what is wrong with it, `write` what to write instead."""

    def __init__(self, found: str, write: str) -> None:
        super().__init__(f"{found}; {write}")
        self.found = found
        self.write = write


def shown(text: str) -> str:
    """Text for a message: quoted, escaped, cut."""
    return ascii(text if len(text) <= 40 else text[:40] + "...")
