"""The engine's keys as they are told to people: never a secret."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class KeyLine:
    """One key. `id` names it and tells nothing of it; `since` and `until` are when it came into use and was rotated.

    `state`: "in use"; "former" (what was made with it is opened with it); "destroyed"; "missing" (the ledger knows
    it, and it is not where the keys are); "unknown" (it is where the keys are, and the ledger does not know it).
    """

    kind: str
    id: str
    state: str
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True, kw_only=True)
class KeyList:
    """All keys, by kind and in order of time. `places`: where those of a kind are; `notes`: what is wrong there."""

    keys: tuple[KeyLine, ...]
    places: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class KeyChange:
    """What became of keys of one kind. `lines`: a sentence for each thing that was done or is to be done."""

    kind: str
    made: str | None = None
    destroyed: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
