"""A schema that changed under a rule."""

from __future__ import annotations

from retention.safety.verdict import GO_ON, Verdict, refused


def drifted(*, seen: str | None, live: str) -> Verdict:
    """`seen`: the fingerprint of the dataset's tables when `check` last passed; None: never looked at."""
    if seen is None or seen == live:
        return GO_ON
    return refused("the schema of its tables has changed; look at the change, then type: retention check")
