"""The kill switch, as people read it."""

from __future__ import annotations

from rich.console import Console

from retention.model.switch import Resumed, Stop, Stopped
from retention.report.console import line
from retention.report.escape import shown
from retention.report.words import counted, moment


def show_stopped(console: Console, done: Stopped) -> None:
    """What is stopped, since when, and what is not settled yet."""
    if done.new:
        line(console, "Stopped: no batch begins any more.", style="title")
    else:
        line(console, "Everything was stopped already.", style="title")
    show_stop(console, done.stop)
    if done.away is not None:
        line(console, f"The state store could not be told: {done.away}", style="bad")
        told = (
            "The file stops what works with this policy on this machine; stop again when the store is back."
        )
        line(console, told, style="bad")
    if done.unsettled:
        what = counted(done.unsettled, "batch that had begun is", "batches that had begun are")
        line(console, f"{what} not settled yet. Look again with: retention status", style="bad")
    line(console, "To go on: retention resume", style="quiet")


def show_stop(console: Console, stop: Stop) -> None:
    """By whom, when, why."""
    by = shown(stop.by) + (f" for {shown(stop.behalf)}" if stop.behalf else "")
    where = f", by the file {shown(stop.file)}" if stop.file else ""
    ref = f" [{shown(stop.ref)}]" if stop.ref else ""
    line(console, f"Stopped by {by} at {moment(stop.at)}{where}: {shown(stop.reason)}{ref}", style="warn")


def show_resumed(console: Console, done: Resumed) -> None:
    """What goes on."""
    if not done.over:
        line(console, "Nothing was stopped.")
        return
    for each in done.over:
        show_stop(console, each)
    line(console, "All of it goes on.", style="good")
