"""What somebody has still to be told, and channels that were tried."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from retention.model.notice import Tried
from retention.model.status import NoticeLine
from retention.report.console import heading, line
from retention.report.words import counted, moment

_MOST = 10


def show_untold(console: Console, notices: Sequence[NoticeLine]) -> None:
    """Notices that their channels have not taken, the oldest first; ten of them, and how many more."""
    if not notices:
        return
    heading(console, "Not told yet")
    for each in notices[:_MOST]:
        line(console, f"{each.channel}: {each.text} ({each.state}, since {moment(each.since)})", indent=2)
        if each.attempts:
            again = f", again at {moment(each.again)}" if each.again is not None else ""
            why = f"{counted(each.attempts, 'attempt')}{again}: {each.error}"
            line(console, why, style="warn", indent=4)
    if len(notices) > _MOST:
        line(console, f"and {len(notices) - _MOST} more", style="quiet", indent=2)


def show_tried(console: Console, tried: Sequence[Tried]) -> None:
    """Each channel: whether it took the message."""
    for each in tried:
        if each.error is None:
            line(console, f"{each.channel} ({each.way}): taken", style="good")
        else:
            line(console, f"{each.channel} ({each.way}): {each.error}", style="bad")
