"""`audit log`: what is asked for, as sentences in the policy's zone, as stored, and as log platforms want it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from retention.model.chosen import Chosen
from retention.report.shipping import cloudevent, ocsf
from tests.support.stores import SqliteStore
from tests.support.workplace import Workplace


def kinds(work: Workplace, **asked: Any) -> list[str]:
    from retention.verbs.audit import log

    return [json.loads(line)["type"] for line in log(work.place, chosen=Chosen(**asked))]


BATCHES = ["batch.intent", "batch.committed"]


def test_events_are_chosen_by_type_rule_run_and_account(done: Workplace) -> None:
    (started,) = [event for event in done.events() if event["type"] == "run.started"]
    run = started["data"]["run"]
    assert kinds(done, types=("batch",)) == BATCHES * 2
    assert kinds(done, types=("run.started", "key")) == ["key.created", "key.created", "run.started"]
    assert kinds(done, rules=("orders",), types=("batch", "approval")) == ["approval.granted", *BATCHES]
    assert kinds(done, run=run, types=("run",)) == ["run.started", "run.ended"]
    assert kinds(done, by="ida") == ["approval.granted"]
    assert kinds(done, by="nobody") == kinds(done, run="x") == kinds(done, rules=("x",)) == []


def test_events_are_chosen_by_time(done: Workplace) -> None:
    every = kinds(done)
    at = [event["at"] for event in done.events()]
    assert kinds(done, since=at[4]) == every[at.index(at[4]) :]
    assert kinds(done, until=at[4]) == every[: at.index(at[4])]
    assert kinds(done, since="2026-11-22", until="2026-11-22") == every
    assert kinds(done, since="2026-11-23") == kinds(done, until="2026-11-21") == []
    done.timezone = "Pacific/Kiritimati"  # noon is the next day already
    assert kinds(done, since="2026-11-23") == every


def test_a_misspelt_type_is_refused_and_never_an_empty_answer(done: Workplace) -> None:
    told = done.cli("audit", "log", "--type", "run.startd")
    assert told.exit_code == 2
    assert "there is no such type of event; there are: policy.changed" in " ".join(told.stderr.split())
    assert done.cli("audit", "log", "--from", "yesterday").exit_code == 2
    assert done.cli("audit", "log", "--as", "syslog").exit_code == 2


def test_times_are_those_of_the_policy_s_zone(done: Workplace) -> None:
    done.timezone = "Europe/Oslo"
    told = done.cli("audit", "log", "--type", "approval")
    assert "2026-11-22 13:00:00 CET  approval given by ida" in told.stdout
    stored = done.cli("audit", "log", "--type", "approval", "--format", "json")
    assert json.loads(stored.stdout)["at"].startswith("2026-11-22T12:00:00.")


def test_it_goes_on_as_events_come(done: Workplace) -> None:
    from retention.verbs.audit import log

    times = []

    def more() -> bool:
        times.append(1)
        if len(times) == 1:
            row = "INSERT INTO lines VALUES (1, 1, '2020-05-05 10:00:00')"
            SqliteStore(done.folder / "target.db").script(row)
            done.run("lines")
        return len(times) < 3

    lines = [json.loads(line) for line in log(done.place, chosen=Chosen(types=("batch",)), more=more)]
    assert [line["type"] for line in lines] == BATCHES * 3
    assert [line["seq"] for line in lines] == sorted({line["seq"] for line in lines})


CLASSES = {6005: range(0, 11), 3004: range(0, 5)}
"""OCSF 1.3: Datastore Activity and Entity Management, and the activities that they know."""


@pytest.fixture(scope="module")
def lines(finished: Workplace) -> list[str]:
    from retention.verbs.audit import log

    return list(log(finished.place))


def test_every_event_is_a_cloudevent(lines: list[str]) -> None:
    """CloudEvents 1.0: the attributes that must be there, names in lowercase letters and digits."""
    ids = set()
    for line in lines:
        event, made = json.loads(line), json.loads(cloudevent("acme.example/retention", line))
        assert {"specversion", "id", "source", "type"} <= made.keys()
        assert all(name.isalnum() and name == name.lower() and len(name) <= 20 for name in made)
        assert (made["specversion"], made["type"]) == ("1.0", f"retention.{event['type']}")
        assert (made["data"], made["time"], made["ledgerprev"]) == (event["data"], event["at"], event["prev"])
        ids.add((made["source"], made["id"]))
    assert len(ids) == len(lines)


# What version 1.3.0 of the schema requires (github.com/ocsf/ocsf-schema: events/base_event.json with its includes,
# events/application/datastore_activity.json, events/iam/entity_management.json, objects/*.json): attributes
# that must be there, and groups of which at least one must.
BASE = ("activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid")
REQUIRED = {
    6005: ((*BASE, "actor", "src_endpoint"), (("database", "databucket", "table"),)),
    3004: ((*BASE, "entity"), ()),
}
OBJECTS = {
    "metadata": (("product", "version"), ()),
    "metadata.product": (("vendor_name",), (("name", "uid"),)),
    "actor": ((), (("process", "user", "invoked_by", "session", "app_name", "app_uid"),)),
    "actor.user": ((), (("account", "name", "uid"),)),
    "src_endpoint": ((), (("ip", "uid", "name", "hostname", "svc_name", "instance_uid", "domain"),)),
    "database": (("type_id",), (("name", "uid"),)),
    "table": ((), (("name", "uid"),)),
    "entity": ((), (("name", "uid"),)),
}
ENUMS = {"severity_id": {0, 1, 2, 3, 4, 5, 6, 99}, "status_id": {0, 1, 2, 99}, "type_id": {0, 1, 2, 3, 99}}
SAMPLES = {
    "ledger.archived": {"first": 0, "size": 512, "root": "00", "last_hash": "00", "by": "ida"},
    "evidence.dropped": {
        "before": "2020-01-01T00:00:00.000000Z",
        "batches": 1,
        "records": 2,
        "by": "evidence_keep",
    },
    "error": {"what": "backup restored", "connector": "shop", "records": 2},
    "something.new": {},
}


def _lacking(
    found: dict[str, Any], rule: tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]
) -> list[object]:
    named, groups = rule
    there = {name for name, value in found.items() if value not in (None, "", {})}
    return [*(name for name in named if name not in there), *(g for g in groups if not there & set(g))]


def test_every_event_has_what_ocsf_requires(lines: list[str]) -> None:
    at = "2026-11-22T12:00:00.000000Z"
    samples = [
        json.dumps({"at": at, "data": data, "prev": "0" * 64, "seq": 9, "type": kind})
        for kind, data in SAMPLES.items()
    ]
    for line in [*lines, *samples]:
        made = json.loads(ocsf("acme.example/retention", line))
        assert _lacking(made, REQUIRED[made["class_uid"]]) == [], line
        for path, rule in OBJECTS.items():
            value: Any = made
            for name in path.split("."):
                value = value.get(name) if value is not None else None
            assert value is None or _lacking(value, rule) == [], (path, line)
        assert all(made[name] in known for name, known in ENUMS.items() if name in made)
        assert ("status" in made) == (made["status_id"] == 99)


def test_every_event_is_one_of_ocsf(lines: list[str]) -> None:
    from datetime import datetime

    for line in lines:
        event, made = json.loads(line), json.loads(ocsf("acme.example/retention", line))
        assert made["activity_id"] in CLASSES[made["class_uid"]]
        assert made["type_uid"] == made["class_uid"] * 100 + made["activity_id"]
        assert made["category_uid"] == made["class_uid"] // 1000
        needed = {"actor", "src_endpoint", "database"} if made["category_uid"] == 6 else {"entity"}
        assert needed | {"time", "severity_id", "metadata", "status_id", "message"} <= made.keys()
        assert made["time"] == int(datetime.fromisoformat(event["at"]).timestamp() * 1000)
        assert made["unmapped"] == event["data"]
        assert made["metadata"]["version"] == "1.3.0"
    (batch,) = [json.loads(ocsf("o", line)) for line in lines if '"batch.committed"' in line][:1]
    assert (batch["database"], batch["table"], batch["activity_id"]) == (
        {"name": "shop", "type_id": 1},
        {"name": "orders"},
        7,
    )


def test_they_are_printed_one_a_line(done: Workplace) -> None:
    for shape in ("ocsf", "cloudevents"):
        told = done.cli("audit", "log", "--as", shape, "--type", "batch")
        assert len([json.loads(line) for line in told.stdout.splitlines()]) == 4
