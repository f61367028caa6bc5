"""The daemon's metrics, in Prometheus' text. Made of what is in memory: nobody is asked while they are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from retention import __version__
from retention.daemon.vitals import Vitals
from retention.model.status import Status

if TYPE_CHECKING:
    from prometheus_client.core import Metric

JOB = ("rule", "connector", "dataset")
WAITS = {"replica": "lag", "lag": "lag", "load": "load", "rests": "rest"}
"""Words in what a job waits for → the label that says so."""


class Metrics:
    """A collector of prometheus_client's. Labels: names out of the configuration, and closed lists of words."""

    def __init__(self, vitals: Vitals, clock: Callable[[], datetime]) -> None:
        self._vitals = vitals
        self._clock = clock

    def text(self) -> bytes:
        """All of them."""
        from prometheus_client import CollectorRegistry, generate_latest

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry)

    def describe(self) -> list[Metric]:
        """Nothing is known before it is asked for."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Every family."""
        yield from self._life()
        yield from self._counted()
        if self._vitals.status is not None:
            yield from self._status(self._vitals.status)

    def _life(self) -> Iterator[Metric]:
        life = self._vitals.life
        yield gauge("retention_build_info", "The version that runs.", {(__version__,): 1.0}, ("version",))
        for name, told, value in (
            (
                "retention_ready",
                "Configured, every store reached, the ledger verified when it was looked at last.",
                life.ready,
            ),
            ("retention_state_store_up", "The state store answers.", life.state),
            (
                "retention_ledger_verified",
                "The ledger verified when it was looked at last.",
                life.verified is True,
            ),
            ("retention_configuration_valid", "The files were valid when they were read last.", life.valid),
            ("retention_stopped", "The kill switch is on.", life.stopped),
            ("retention_clock_jumped", "The clock has jumped, and nothing is begun.", life.jumped),
            ("retention_runs_active", "Runs that this daemon has under way.", life.active),
        ):
            yield gauge(name, told, {(): float(value)})
        reached = {(name,): float(up) for name, up in life.reached.items()}
        yield gauge(
            "retention_store_up", "The store answered when it was last asked.", reached, ("connector",)
        )
        reasons = {(word,): float(life.waits == word) for word in ("stopped", "clock", "window", "state")}
        yield gauge("retention_waiting", "Why nothing is begun.", reasons, ("reason",))
        upcoming = {(rule,): at.timestamp() for rule, at in life.upcoming.items()}
        yield gauge(
            "retention_next_run_timestamp_seconds", "The next time of its schedule.", upcoming, ("rule",)
        )

    def _counted(self) -> Iterator[Metric]:
        vitals = self._vitals
        runs = {(status,): float(n) for status, n in list(vitals.runs.items())}
        yield counter("retention_runs", "Runs of this daemon, by status.", runs, ("status",))
        records = {(*job, word): float(n) for (job, word), n in list(vitals.records.items())}
        yield counter("retention_records", "Records of its runs, by outcome.", records, (*JOB, "outcome"))
        rows = {job: float(n) for job, n in list(vitals.rows.items())}
        yield counter("retention_rows_removed", "Rows that its runs removed, of all tables.", rows, JOB)
        batches = {(*job, word): float(n) for (job, word), n in list(vitals.batches.items())}
        yield counter("retention_batches", "Batches of its runs, by outcome.", batches, (*JOB, "outcome"))
        planning = {(): vitals.planning}
        yield counter(
            "retention_planning_seconds", "Seconds that its runs counted before their jobs.", planning
        )
        notices = {key: float(n) for key, n in list(vitals.notices.items())}
        yield counter(
            "retention_notices", "Notices that it sent, by outcome.", notices, ("channel", "outcome")
        )
        seconds = {(*job, phase): spent for (job, phase), spent in list(vitals.seconds.items())}
        yield counter(
            "retention_job_seconds", "Seconds that its jobs took, by phase.", seconds, (*JOB, "phase")
        )

    def _status(self, status: Status) -> Iterator[Metric]:
        now = self._clock()
        lines = {(each.rule, each.connector, each.dataset): each for each in status.overdue}
        for name, told in (("due", "due"), ("overdue", "past the day by which they had to be gone")):
            values = {job: float(getattr(line, name)) for job, line in lines.items()}
            yield gauge(
                f"retention_records_{name}", f"Records that are {told}, as last counted.", values, JOB
            )
        ages = {job: _age(line.oldest if line.overdue else None, now) for job, line in lines.items()}
        yield gauge(
            "retention_oldest_overdue_age_seconds",
            "Since the event of the oldest due record, where records are overdue; else 0.",
            ages,
            JOB,
        )
        counted = {job: line.as_of.timestamp() for job, line in lines.items()}
        yield gauge("retention_counted_timestamp_seconds", "When they were last counted.", counted, JOB)
        fared = {(each.rule, each.connector, each.dataset): each for each in status.standing}
        succeeded = {j: e.succeeded.timestamp() for j, e in fared.items() if e.succeeded is not None}
        yield gauge("retention_job_last_success_timestamp_seconds", "Its last success.", succeeded, JOB)
        failures = {job: float(each.failures) for job, each in fared.items()}
        yield gauge("retention_job_failures_in_a_row", "Its failures in a row.", failures, JOB)
        waiting = {
            (each.rule, each.connector, each.dataset, _kind(each.waits)): 1.0
            for each in status.running
            if each.waits is not None
        }
        yield gauge("retention_job_waiting", "What its next batch waits for.", waiting, (*JOB, "reason"))
        untold = {(name,): float(n) for name, n in Counter(each.channel for each in status.notices).items()}
        yield gauge(
            "retention_notices_waiting", "Notices that a channel has not taken yet.", untold, ("channel",)
        )
        for name, told, number in (
            ("retention_holds", "Legal holds in force.", status.holds),
            ("retention_holds_to_review", "Holds whose day of review has passed.", len(status.reviews)),
            ("retention_approvals_awaited", "Rules that wait for a person's approval.", len(status.awaited)),
            ("retention_batches_in_doubt", "Batches whose outcome is not known.", status.in_doubt),
            ("retention_records_set_aside", "Records that a database refused to let go.", status.set_aside),
            ("retention_ledger_events", "Events of the ledger.", status.events),
        ):
            yield gauge(name, told, {(): float(number)})


Values = Mapping[Any, float]
"""The labels' values, in the order of their names → the value."""


def gauge(name: str, told: str, values: Values, labels: tuple[str, ...] = ()) -> Metric:
    """A family of values that go up and down."""
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(name, told, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def counter(name: str, told: str, values: Values, labels: tuple[str, ...] = ()) -> Metric:
    """A family of values that only go up; `_total` is added to its name."""
    from prometheus_client.core import CounterMetricFamily

    family = CounterMetricFamily(name, told, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _age(day: str | None, now: datetime) -> float:
    if day is None:
        return 0.0
    begun = datetime.fromisoformat(day)
    return max(0.0, (now - (begun if begun.tzinfo else begun.replace(tzinfo=UTC))).total_seconds())


def _kind(waits: str | None) -> str:
    return next((kind for word, kind in WAITS.items() if word in (waits or "")), "other")
