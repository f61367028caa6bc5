"""What somebody has still to do, or to be told: approvals that are awaited, notices that nobody has taken."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from retention.config import Configuration
from retention.config.forms import resolved_form
from retention.daemon.notices.course import owed
from retention.model.plan import JobStatus
from retention.model.status import NoticeLine, WaitingLine
from retention.store.state import Snapshot
from retention.verbs.opening.configured import in_zone


def awaited(config: Configuration, waiting: Sequence[WaitingLine], snapshot: Snapshot) -> tuple[str, ...]:
    """Rules of a plan that waits, and those whose last run found them unapproved and that nobody has approved since."""
    found = {line.rule for line in waiting}
    for each in snapshot.standings.all():
        rule = config.policy.rules.get(each.rule)
        if rule is None or each.rule in found or each.status != JobStatus.AWAITING.value:
            continue
        given = snapshot.approvals.of_form(each.rule, resolved_form(config, each.rule))
        if given is None or given.at < each.at:
            found.add(each.rule)
    return tuple(rule for rule in config.policy.rules if rule in found)


def untold(config: Configuration, snapshot: Snapshot, now: datetime) -> tuple[NoticeLine, ...]:
    """Notices of today's channels that these have not taken yet, the oldest first."""
    known = {channel.name: channel for channel in config.settings.notify}
    lines = []
    for row in snapshot.notices.all() if known else ():
        channel, step = known.get(row.channel), owed(row, now)
        if channel is None or row.kind not in channel.about or step is None:
            continue
        document = json.loads(row.text)
        lines.append(
            NoticeLine(
                channel=row.channel,
                kind=row.kind,
                state=step.value,
                text=document["text"],
                since=in_zone(config, row.since),
                attempts=row.attempts,
                again=None if row.again is None else in_zone(config, row.again),
                error=document.get("error"),
            )
        )
    return tuple(lines)
