"""The files in deploy/ are what they say: each is read by what reads it, and names what is there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest
import yaml

from retention.cli.root import root
from tests.support.promtool import needs_promtool, promtool

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
METRICS = set(
    re.findall(r"`(retention_[a-z_]+)`", (ROOT / "docs/reference/metrics.md").read_text(encoding="utf-8"))
)
_NAME = re.compile(r"\bretention_[a-z_]+\b")
ALERTS = ROOT / "tests" / "data" / "alerts.test.yaml"


def documents(name):
    return list(yaml.safe_load_all((DEPLOY / name).read_text(encoding="utf-8")))


def test_the_metrics_of_the_alert_rules_exist():
    [rules] = documents("alerts.yaml")
    expressions = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    assert len(expressions) > 8
    named = {name for text in expressions for name in _NAME.findall(text)}
    assert named <= METRICS
    for group in rules["groups"]:
        for rule in group["rules"]:
            assert rule["alert"].startswith("Retention")
            assert rule["labels"]["severity"] in ("page", "ticket")
            assert rule["annotations"]["summary"]


@needs_promtool
def test_prometheus_takes_the_alert_rules():
    promtool("check", "rules", "--lint-fatal", str(DEPLOY / "alerts.yaml"))


@needs_promtool
def test_each_alert_goes_off_when_it_should_and_not_before():
    """A job that had just begun to wait was told of, and a ledger that one of two daemons could not reach."""
    promtool("test", "rules", str(ALERTS))


def test_each_alert_has_a_time_when_it_goes_off_and_one_when_it_is_quiet():
    [rules] = documents("alerts.yaml")
    names = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    asked = [
        ask
        for test in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["tests"]
        for ask in test["alert_rule_test"]
    ]
    assert {ask["alertname"] for ask in asked if ask["exp_alerts"]} == names
    assert {ask["alertname"] for ask in asked if not ask["exp_alerts"]} == names


@needs_promtool
def test_prometheus_takes_the_queries_of_the_dashboard(tmp_path):
    board = json.loads((DEPLOY / "grafana-dashboard.json").read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    rules = [{"record": f"panel_{n}", "expr": query} for n, query in enumerate(queries)]
    written = tmp_path / "rules.yaml"
    written.write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": rules}]}), encoding="utf-8")
    assert f"{len(rules)} rules found" in promtool("check", "rules", str(written))


def test_the_metrics_of_the_dashboard_exist():
    board = json.loads((DEPLOY / "grafana-dashboard.json").read_text(encoding="utf-8"))
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert {name for text in expressions for name in _NAME.findall(text)} <= METRICS
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_takes_the_unit():
    ran = subprocess.run(
        ["systemd-analyze", "verify", str(DEPLOY / "retention.service")], capture_output=True, text=True
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_commands_are_the_programs_own():
    unit = (DEPLOY / "retention.service").read_text(encoding="utf-8")
    started = re.search(r"^ExecStart=/usr/bin/env retention (.+)$", unit, re.MULTILINE)
    [deployment] = documents("kubernetes.yaml")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    docker = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    command = json.loads(re.search(r"^CMD (.+)$", docker, re.MULTILINE)[1])
    daemon = root.get_command(click.Context(root), "daemon")
    known = {option for parameter in (*daemon.params, *root.params) for option in parameter.opts}
    for words in (started[1].split(), container["args"], command):
        assert "daemon" in words
        assert {word for word in words if word.startswith("--")} <= known


def test_the_pods_may_do_little_and_are_probed():
    [deployment] = documents("kubernetes.yaml")
    assert deployment["spec"]["replicas"] == 2
    pod = deployment["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    rights = container["securityContext"]
    assert rights["readOnlyRootFilesystem"] is True
    assert rights["allowPrivilegeEscalation"] is False
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert pod["terminationGracePeriodSeconds"] > 10


def test_the_keys_of_the_pods_are_mounted_as_the_engine_takes_them():
    """A secret's files are root's, and of the group that `fsGroup` names."""
    [deployment] = documents("kubernetes.yaml")
    pod = deployment["spec"]["template"]["spec"]
    [mode] = [volume["secret"]["defaultMode"] for volume in pod["volumes"] if "secret" in volume]
    assert mode & 0o037 == 0
    assert mode & 0o040
    assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsGroup"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_the_units_sandbox_is_tight():
    words = ["systemd-analyze", "security", "--offline=true", "--threshold=20"]
    ran = subprocess.run([*words, str(DEPLOY / "retention.service")], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout[-200:]


def test_the_image_runs_as_nobody_in_particular():
    docker = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^USER 10001:10001$", docker, re.MULTILINE)
    sent = set((ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines())
    for copied in re.findall(r"^COPY (?!--from)(.+) \S+$", docker, re.MULTILINE):
        assert all((ROOT / name).exists() for name in copied.split())
        assert {f"!{name.removeprefix('./')}" for name in copied.split()} <= sent
