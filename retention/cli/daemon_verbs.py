"""The daemon's other verbs, as `verbs` has most: each imported when it is called."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from retention.cli.verbs import Clock
    from retention.model.notice import Tried
    from retention.model.place import Place


def try_channels(place: Place, *, clock: Clock) -> tuple[Tried, ...]:
    """Sends each channel of `[notify]` a message."""
    verb = importlib.import_module("retention.verbs.notify").try_channels
    return cast("tuple[Tried, ...]", verb(place, clock=clock))
