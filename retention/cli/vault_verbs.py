"""The verbs about vaults, as `verbs` has the others: each imported when it is called."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from datetime import datetime

    from retention.model.overview import SetUp
    from retention.model.place import Place
    from retention.model.script import Script
    from retention.model.vault import GivenBack


def _verb(module: str, function: str) -> Callable[..., Any]:
    return cast("Callable[..., Any]", getattr(importlib.import_module(f"retention.verbs.{module}"), function))


def create_vault(place: Place, *, dataset: str) -> SetUp:
    """Makes a vault's tables."""
    return cast("SetUp", _verb("vault_tables", "create_vault")(place, dataset=dataset))


def vault_script(place: Place, *, dataset: str) -> Script:
    """A vault's tables, as statements."""
    return cast("Script", _verb("vault_tables", "vault_script")(place, dataset=dataset))


def release_record(
    place: Place,
    *,
    dataset: str,
    key: str,
    reason: str,
    by: str,
    behalf: str | None = None,
    ref: str | None = None,
    clock: Callable[[], datetime],
) -> GivenBack:
    """Moves a record back from its vault."""
    done = _verb("vault", "release_record")(
        place, dataset=dataset, key=key, reason=reason, by=by, behalf=behalf, ref=ref, clock=clock
    )
    return cast("GivenBack", done)
