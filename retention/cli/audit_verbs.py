"""The verbs about the ledger, as `verbs` has the others: each imported when it is called."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from retention.model.audit import Archived, Consistency, Denial, Export, Proof, Verification
    from retention.model.chosen import Chosen
    from retention.model.place import Place

Paths: TypeAlias = "tuple[Path, ...]"


def _verb(module: str, function: str) -> Callable[..., Any]:
    return cast("Callable[..., Any]", getattr(importlib.import_module(f"retention.verbs.{module}"), function))


def log(
    place: Place,
    *,
    chosen: Chosen | None = None,
    more: Callable[[], bool] | None = None,
    archives: Paths = (),
    left_out: Callable[[int], None] | None = None,
) -> Iterator[str]:
    """The ledger's lines, as stored; those that are chosen."""
    found = _verb("audit", "log")(place, chosen=chosen, more=more, archives=archives, left_out=left_out)
    return cast("Iterator[str]", found)


def zone(place: Place) -> tuple[str, str]:
    """The policy's zone, and the ledger's name."""
    return cast("tuple[str, str]", _verb("audit", "zone")(place))


def verify(
    place: Place,
    *,
    mirror: Path | None = None,
    key: Path | None = None,
    against: tuple[str, ...] = (),
    witnesses: Paths = (),
    archives: Paths = (),
    evidence: bool = False,
) -> Verification:
    """Re-hashes the ledger."""
    found = _verb("audit", "verify")(
        place,
        mirror=mirror,
        key=key,
        against=against,
        witnesses=witnesses,
        archives=archives,
        evidence=evidence,
    )
    return cast("Verification", found)


def consistency(place: Place, old: str, new: str) -> Consistency:
    """Proves that one checkpoint's history begins with the other's."""
    return cast("Consistency", _verb("consistency", "consistency")(place, old, new))


def export(
    place: Place,
    folder: Path,
    *,
    since: str | None = None,
    until: str | None = None,
    archives: Paths = (),
) -> Export:
    """Writes the ledger for an auditor."""
    done = _verb("exporting", "export")(place, folder, since=since, until=until, archives=archives)
    return cast("Export", done)


def prove(
    place: Place, *, dataset: str, key: str, refused: bool = False, archives: Paths = ()
) -> Proof | Denial:
    """Proves that one record went, or what was refused for it."""
    found = _verb("proving", "prove")(place, dataset=dataset, key=key, refused=refused, archives=archives)
    return cast("Proof | Denial", found)


def archive(place: Place, folder: Path, *, by: str, clock: Callable[[], datetime]) -> Archived:
    """Moves older events into a folder."""
    return cast("Archived", _verb("archiving", "archive")(place, folder, by=by, clock=clock))
