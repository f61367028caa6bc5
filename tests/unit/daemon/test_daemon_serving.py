"""The daemon over HTTP: its pages, its metrics, and clients that mean no good."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from retention.daemon import serving
from retention.daemon.metrics import Metrics
from retention.daemon.serving import Pages, Server
from retention.daemon.systemd import Systemd
from retention.daemon.vitals import Life, Vitals
from retention.errors import SetupError
from retention.model.outcome import JobOutcome, RunOutcome, Skipped
from retention.model.plan import JobStatus
from retention.model.settings import Listen
from retention.model.status import NextLine, NoticeLine, OverdueLine, RunningLine, StandingLine, Status
from tests.support.promtool import needs_promtool, promtool

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def vitals(rules=3):
    names = [f"rule-{n}" for n in range(rules)]
    seen = Vitals(
        Life(
            ticked=100.0, state=True, verified=True, waits="window",
            reached={"shop": True}, upcoming=dict.fromkeys(names, NOW),
        )
    )  # fmt: skip
    seen.status = Status(
        now=NOW, runs=(), waiting=(), in_doubt=0, set_aside=0, events=7,
        next=tuple(NextLine(rule=name, schedule="@daily", at=NOW, waits=None) for name in names),
        overdue=tuple(
            OverdueLine(
                rule=name, connector="shop", dataset="orders", overdue=2, undated=0, unclear=0, as_of=NOW,
                due=5, oldest="2026-11-25",
            )
            for name in names
        ),
        standing=tuple(
            StandingLine(
                rule=name, connector="shop", dataset="orders", status="failed", at=NOW, succeeded=NOW, failures=4
            )
            for name in names
        ),
        notices=(NoticeLine(channel="ops", kind="stopped", state="new", text="t", since=NOW),),
        running=(
            RunningLine(
                run="r", rule="rule-0", connector="shop", dataset="orders", started=NOW, planned=9, done=1,
                waits="a replica is 9.0 s behind (at most 5 s)",
            ),
        ),
    )  # fmt: skip
    seen.told("ops", taken=True)
    job = JobOutcome(
        rule="rule-0", connector="shop", dataset="orders", status=JobStatus.PARTIAL, planned=9, done=5,
        skipped=Skipped(locked=1), left=3, rows={"orders": 5, "lines": 10}, batches=2, rolled_back=1,
        seconds=3.0, waited=1.0,
    )  # fmt: skip
    seen.ran(RunOutcome(id="r", as_of=NOW, status="partial", jobs=(job,), planning=0.5))
    return seen


def samples(text):
    families = text_string_to_metric_families(text)
    return {(s.name, *sorted(s.labels.items())): s.value for family in families for s in family.samples}


def test_the_metrics_are_those_of_status_and_runs():
    found = samples(Metrics(vitals(), lambda: NOW).text().decode())
    job = (("connector", "shop"), ("dataset", "orders"), ("rule", "rule-0"))
    assert found["retention_records_overdue", *job] == 2
    assert found["retention_records_due", *job] == 5
    assert found["retention_oldest_overdue_age_seconds", *job] == 36 * 3600
    assert found["retention_job_failures_in_a_row", *job] == 4
    assert found["retention_job_last_success_timestamp_seconds", *job] == NOW.timestamp()
    assert found["retention_rows_removed_total", *job] == 15
    assert found["retention_job_waiting", *sorted([*job, ("reason", "lag")])] == 1
    assert found["retention_records_total", *sorted([*job, ("outcome", "locked")])] == 1
    assert found["retention_job_seconds_total", *sorted([*job, ("phase", "waiting")])] == 1
    assert found["retention_batches_total", *sorted([*job, ("outcome", "committed")])] == 2
    assert found["retention_batches_total", *sorted([*job, ("outcome", "rolled_back")])] == 1
    assert found["retention_planning_seconds_total",] == 0.5
    assert found["retention_waiting", ("reason", "window")] == 1
    assert found["retention_waiting", ("reason", "stopped")] == 0
    assert found["retention_next_run_timestamp_seconds", ("rule", "rule-0")] == NOW.timestamp()
    assert found["retention_ready",] == 1
    assert found["retention_notices_waiting", ("channel", "ops")] == 1
    assert found["retention_notices_total", ("channel", "ops"), ("outcome", "taken")] == 1


@needs_promtool
def test_prometheus_takes_the_metrics():
    assert promtool("check", "metrics", given=Metrics(vitals(), lambda: NOW).text()) == ""


def test_two_hundred_rules_are_told_in_fifty_milliseconds_of_work():
    metrics = Metrics(vitals(200), lambda: NOW)
    took = []
    for _ in range(6):
        begun = time.process_time()
        text = metrics.text()
        took.append(time.process_time() - begun)
    assert min(took) < 0.05
    assert len(text.splitlines()) > 1400


@pytest.fixture
def server():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    seen = vitals()
    elapsed = [100.0]
    pages = Pages(lambda: seen.life, lambda: elapsed[0], Metrics(seen, lambda: NOW).text)
    found = Server(Listen("127.0.0.1", port), pages)
    found.port, found.elapsed, found.seen = port, elapsed, seen
    yield found
    found.close()


def get(server, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_its_pages(server):
    assert get(server, "/healthz") == (200, b'{"alive": true}\n')
    assert get(server, "/readyz")[0] == 200
    assert get(server, "/metrics?x=1")[0] == 200
    assert get(server, "/../etc/passwd")[0] == 404
    server.elapsed[0] = 200.0
    assert get(server, "/healthz")[0] == 503
    server.seen.now(verified=False)
    status, body = get(server, "/readyz")
    assert status == 503
    assert json.loads(body) == {
        "ready": False, "configured": True, "state": True, "ledger": False, "stores": {"shop": True}
    }  # fmt: skip


def client(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def test_garbage_and_silence_keep_nobody_from_an_answer(server):
    clients = []
    for rubbish in (b"", b"\x16\x03\x01\x02\x00", b"GET", os.urandom(3000) + b"\r\n\r\n", b"G" * 70_000):
        clients.append(client(server))
        clients[-1].sendall(rubbish)
    assert get(server, "/healthz")[0] == 200
    for each in clients:
        each.close()


def test_clients_that_never_read_or_never_end_are_cut_off(server, monkeypatch):
    monkeypatch.setattr(serving, "_PATIENCE", 0.2)
    monkeypatch.setattr(serving._Handler, "timeout", 0.2)
    silent = [client(server) for _ in range(40)]  # more than there are places
    for each in silent:
        each.settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            assert each.recv(1) == b""
        each.close()
    assert get(server, "/healthz")[0] == 200


def test_a_port_in_use_is_said(server):
    with pytest.raises(SetupError, match="not possible to listen"):
        Server(Listen("127.0.0.1", server.port), None)


def test_systemd_is_told_what_it_asks_for(tmp_path):
    place = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(place)
        systemd = Systemd.of({"NOTIFY_SOCKET": place, "WATCHDOG_USEC": "30000000"}, 7)
        assert systemd.watchdog == 15.0
        systemd.tell("READY=1")
        assert end.recv(100) == b"READY=1"
    systemd.tell("READY=1")  # nobody is there any more
    assert Systemd.of({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, 7).watchdog is None
    Systemd.of({}, 7).tell("READY=1")


def test_every_metric_is_in_the_reference_and_no_other():
    page = Path(__file__).parents[3] / "docs" / "reference" / "metrics.md"
    told = set(re.findall(r"`(retention_[a-z_]+)`", page.read_text(encoding="utf-8")))
    assert told == {name for name, *_ in samples(Metrics(vitals(), lambda: NOW).text().decode())}
