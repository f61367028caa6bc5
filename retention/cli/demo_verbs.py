"""The demo, as `verbs` has the others: imported when it is called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retention.cli.verbs import Clock
    from retention.model.progress import Progress
    from retention.model.screen import DemoScreen


def demo(
    folder: Path | None,
    *,
    company: str | None,
    scale: int,
    clock: Clock,
    show: DemoScreen,
    progress: Progress,
    environ: Mapping[str, str],
) -> None:
    """Builds a small company and shows it around."""
    importlib.import_module("retention.verbs.demo").demo(
        folder, company=company, scale=scale, clock=clock, show=show, progress=progress, environ=environ
    )
