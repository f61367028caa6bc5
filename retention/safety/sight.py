"""What the role can't see is not absent: a cascade or a trigger may be there."""

from __future__ import annotations

from collections.abc import Sequence

from retention.model.catalogue import Blind
from retention.safety.verdict import GO_ON, Verdict, refused


def sees(blind: Sequence[Blind]) -> Verdict:
    """May records go of whose tables the role can't see `blind`?"""
    if not blind:
        return GO_ON
    what = " and ".join(item.what for item in blind)
    return refused(f"the role can't see {what}: more might go than this plan says; type: retention check")
