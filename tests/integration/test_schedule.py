"""When rules run next, as `daemon --print-schedule` and `status` tell it."""

from __future__ import annotations

import json

from tests.support.workplace import Workplace

DATASET = '[datasets.visits]\ndata = "visits"\ntable = "visits"\nevents = { seen = "seen" }\n'
VISITS = 'data = "visits"\nkeep = "1 year"\nfrom = "seen"\n'


def scheduled(work: Workplace, sqlite) -> None:
    sqlite.script("CREATE TABLE visits (id INTEGER PRIMARY KEY, seen TEXT)")
    work.connect(sqlite, DATASET)
    work.rule("nightly", VISITS + 'schedule = "30 2 * * *"\ntimezone = "Europe/Oslo"')
    work.rule("daily", VISITS + 'schedule = "@daily"\ntimezone = "Asia/Kathmandu"')
    work.rule("by-hand", VISITS)


def test_the_next_five_times_are_told_in_the_rules_zone_and_in_utc(work, sqlite):
    scheduled(work, sqlite)
    rules = {each["rule"]: each for each in document(work, "daemon", "--print-schedule")["rules"]}
    assert [time["utc"] for time in rules["nightly"]["times"]] == [
        f"2026-11-{day}T01:30:00Z" for day in range(23, 28)
    ]
    assert rules["nightly"]["times"][0]["local"] == "2026-11-23T02:30:00+01:00"
    assert rules["daily"]["times"][0]["local"] == "2026-11-23T00:00:00+05:45"
    assert rules["by-hand"]["times"] == []
    work.init()
    for told in document(work, "status")["next"]:
        assert told["times"] == rules[told["rule"]]["times"]


def test_in_words(work, sqlite):
    scheduled(work, sqlite)
    work.init()
    for words in (("daemon", "--print-schedule"), ("status",)):
        said = " ".join(work.cli(*words).stdout.split())
        assert "30 2 * * * in Europe/Oslo: nightly" in said
        assert "2026-11-23 02:30:00 (Europe/Oslo) 2026-11-23 01:30 UTC" in said
    assert "By hand only: by-hand." in work.cli("daemon", "--print-schedule").stdout


def test_a_schedule_that_never_comes_is_a_mistake_that_check_finds(work, sqlite):
    scheduled(work, sqlite)
    work.rule("never", VISITS + 'schedule = "0 0 31 2 *"')
    ran = work.cli("check", "--offline")
    assert ran.exit_code == 3
    assert "never comes" in ran.stdout + ran.stderr


def document(work: Workplace, *words: str) -> dict:
    ran = work.cli(*words, "--format", "json")
    assert ran.exit_code == 0, ran.output
    return json.loads(ran.stdout)
