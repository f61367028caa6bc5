"""The verbs about lists of persons, as `verbs` has the others: each imported when it is called."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from retention.model.place import Place
    from retention.model.suppression import Suppression


def suppressed(
    place: Place, *, dataset: str, listed: tuple[str, bytes], column: str | None = None
) -> Suppression:
    """Whether values are among those that were pseudonymised."""
    verb = importlib.import_module("retention.verbs.suppressed").suppressed
    return cast("Suppression", verb(place, dataset=dataset, listed=listed, column=column))
