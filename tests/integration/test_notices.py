"""People are told: by a daemon under a clock of the tests' own, to receivers that fail, hang and come back."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from retention.daemon.notices import sending
from retention.daemon.notices.channels import sender_of
from retention.verbs import switch
from tests.integration.test_daemon import BEGIN, DAY, NIGHT, House
from tests.support.authority import Authority
from tests.support.daemons import Kept
from tests.support.receivers import Receiver, web_server
from tests.support.states import STATES
from tests.support.workplace import Workplace

CHANNEL = '[notify.ops]\nwebhook = "env:HOOK"\nsecret = "env:HOOK_SECRET"\n'
MINUTE = timedelta(minutes=1)


@pytest.fixture
def receiver():
    with web_server(Receiver()) as found:
        yield found


@pytest.fixture
def house(work: Workplace, sqlite, receiver) -> House:
    work.environ |= {"HOOK": receiver.address, "HOOK_SECRET": "a secret of the tests"}
    work.settings = CHANNEL
    return House(work, sqlite)


def daemon(house: House, **options) -> Kept:
    return house.daemon(
        senders=lambda channel: sender_of(channel, house.work.environ, house.world.wall), **options
    )


def stop(house):
    switch.stop(house.work.place, reason="hunter2 was wrong", by="ida", ref="INC-7", clock=house.world.wall)


def resume(house):
    switch.resume(house.work.place, by="ida", clock=house.world.wall)


def test_a_receiver_that_fails_for_a_day_and_recovers_gets_each_notice(house, receiver):
    house.table("old", due=0)
    kept = daemon(house)
    kept.ticks(30)
    receiver.status = 500
    stop(house)
    kept.ticks(3600, step=60)
    resume(house)
    kept.ticks(3600, step=60)
    tried = len(receiver.heard)
    assert tried > 5  # and its end has not been tried before its beginning was taken
    assert set(receiver.told()) == {("new", "stopped")}
    assert len({headers["Idempotency-Key"] for headers, _ in receiver.heard}) == 1
    assert len({body for _, body in receiver.heard}) == 1
    said = house.work.cli("status").stdout
    assert "Not told yet" in said
    assert "Everything was stopped by ida" in said
    assert "127.0.0.1 answers 500" in said
    told = json.loads(house.work.cli("status", "--format", "json").stdout)["notices"]
    assert [(each["channel"], each["kind"], each["state"]) for each in told] == [("ops", "stopped", "new")]
    kept.ticks(22 * 3600, step=3600)
    receiver.status = 204
    receiver.heard.clear()
    kept.ticks(930, step=30)
    kept.ticks(5)
    assert receiver.told() == [("new", "stopped"), ("over", "stopped")]
    assert b"hunter2" not in b"".join(body for _, body in receiver.heard)
    assert "INC-7" in json.loads(receiver.heard[0][1])["text"]
    assert house.work.cli("status").stdout.count("Not told yet") == 0
    assert kept.daemon.vitals.notices["ops", "taken"] == 2


def test_over_https_one_that_hangs_and_then_fails_for_a_day_gets_each_notice_once_by_its_key(
    house, monkeypatch, tmp_path
):
    authority = Authority(tmp_path, "house")
    with web_server(Receiver(), authority.serving()) as receiver:
        house.work.environ["HOOK"] = receiver.address
        house.work.settings = f'{CHANNEL}tls_ca = "{authority.path}"\n'
        house.table("old", due=0)
        kept = daemon(house)
        monkeypatch.setattr(sending, "WHOLE", 0.3)
        receiver.go_on.clear()
        stop(house)
        kept.ticks(60, step=30)
        assert kept.daemon.vitals.notices["ops", "taken"] == 0
        receiver.status = 500
        receiver.go_on.set()
        monkeypatch.setattr(sending, "WHOLE", 30)
        kept.ticks(12 * 3600, step=1800)
        resume(house)
        kept.ticks(12 * 3600, step=1800)
        keys = {headers["Idempotency-Key"] for headers, _ in receiver.heard}
        assert len(keys) == 1 < len(receiver.heard)
        receiver.status = 204
        failed = len(receiver.heard)
        kept.ticks(2 * 3600, step=600)
    taken = [json.loads(body) for _, body in receiver.heard[failed:]]
    assert [(each["state"], each["kind"]) for each in taken] == [("new", "stopped"), ("over", "stopped")]
    assert {taken[0]["id"]} == keys
    assert taken[0]["id"] != taken[1]["id"]


def test_what_lasts_is_told_again_each_day_until_it_is_over(house, receiver):
    house.table("old", due=3, extra='approval = "changes"\n')
    kept = daemon(house)
    kept.until(NIGHT + 3 * DAY + timedelta(hours=3))
    plan = house.work.cli("status").stdout.split("retention approve ")[1].split()[0]
    house.work.now = house.world.now
    assert house.work.cli("approve", plan).exit_code == 0
    kept.ticks(60)
    by_kind = {
        kind: [state for state, each in receiver.told() if each == kind] for _, kind in receiver.told()
    }
    assert by_kind["approval"] == ["new", "lasts", "lasts", "lasts", "over"]
    assert by_kind["overdue"][:2] == ["new", "lasts"]
    kept.until(NIGHT + 4 * DAY + timedelta(hours=1))
    assert receiver.told()[-1] == ("over", "overdue")


def test_failures_in_a_row_are_told_from_the_third_on_and_refusals_at_once(house, receiver):
    house.table("old", due=3)
    house.table("much", due=5, extra="limits = { rows = 2 }\n")
    kept = daemon(house)
    kept.ticks(1)
    url = house.work.environ["DB_URL"]
    kept.until(NIGHT + MINUTE)
    assert ("new", "refused") in receiver.told()
    house.add("old", 100, 3)
    house.work.environ["DB_URL"] = url.replace("target.db", "gone.db")
    kept.until(NIGHT + DAY + timedelta(seconds=40))
    assert ("new", "failing") not in receiver.told()
    kept.until(NIGHT + DAY + timedelta(hours=1))
    assert ("new", "failing") in receiver.told()
    house.work.environ["DB_URL"] = url
    kept.until(NIGHT + DAY + timedelta(hours=2))
    assert ("over", "failing") in receiver.told()


def test_a_damaged_ledger_and_an_invalid_file_are_told_and_that_they_are_well_again(house, receiver):
    house.table("old", due=0)
    house.work.init()
    state = STATES["sqlite"](house.work.folder)
    state.path = house.work.folder / "state" / "retention.db"
    good = state.one("SELECT line FROM retention_event WHERE seq = 0")
    state.run(state.line_with(0, '"seq":0', '"seq": 0'))
    kept = daemon(house)
    kept.ticks(30)
    assert receiver.told() == [("new", "ledger")]
    with state.session() as session:
        session.execute("UPDATE retention_event SET line = ? WHERE seq = 0", (good,))
    policy = house.work.place.config
    policy.write_text(policy.read_text().replace("0 2 * * *", "nightly"))
    kept.ticks(1000, step=10)
    assert sorted(receiver.told()[1:]) == [("new", "configuration"), ("over", "ledger")]


def test_two_daemons_tell_it_once_and_when_one_dies_the_other_goes_on(house, receiver):
    house.table("old", due=0)
    one, two = daemon(house), daemon(house)
    stop(house)
    for _ in range(60):
        one.daemon.tick()
        two.daemon.tick()
        house.world.passes(1)
    assert receiver.told() == [("new", "stopped")]
    resume(house)
    two.ticks(180)  # the first one is dead: its lease runs out
    assert receiver.told() == [("new", "stopped"), ("over", "stopped")]
    one.ticks(30)  # it was only stopped, and finds out
    stop(house)
    for _ in range(60):
        one.daemon.tick()
        two.daemon.tick()
        house.world.passes(1)
    assert receiver.told()[2:] == [("new", "stopped")]
    two.end()
    resume(house)
    one.ticks(30)
    assert receiver.told()[3:] == [("over", "stopped")]


def test_a_channel_that_hangs_holds_up_neither_schedules_nor_other_channels(house, receiver):
    house.work.settings += '[notify.hangs]\ncommand = ["sleep", "1000"]\nabout = ["overdue"]\n'
    house.table("old", due=4)
    kept = daemon(house, held=False)
    hanging = []

    def sends(work):
        flight = kept.daemon.courier._flights
        hanging.append(work) if "hangs" in flight and not flight["hangs"].counted else work()

    kept.daemon.courier.spawn = sends
    house.work.now = BEGIN
    house.work.cli("plan")  # counts what is overdue
    kept.until(NIGHT + MINUTE)
    assert len(hanging) == 1  # nor is it begun again while it hangs
    assert house.left("old") == 0
    assert ("over", "overdue") in receiver.told()
    assert [each["what"] for each in kept.events("notice.failed")] == ["no whole answer within a minute"]


def test_one_is_told_of_what_it_asked_for(house, receiver):
    house.work.settings = CHANNEL + 'about = ["overdue"]\n'
    house.table("old", due=2)
    kept = daemon(house)
    stop(house)
    house.work.now = BEGIN
    house.work.cli("plan")
    kept.ticks(60)
    assert receiver.told() == [("new", "overdue")]


@pytest.mark.parametrize("kind", list(STATES))
def test_on_every_state_store(house, receiver, kind, tmp_path):
    state = STATES[kind](tmp_path)
    try:
        house.work.settings = f'state = "{state.url}"\n{CHANNEL}'
        house.work.template = None
        house.table("old", due=0)
        kept = daemon(house)
        house.work.now = house.world.now
        stop(house)
        kept.ticks(30)
        resume(house)
        kept.ticks(30)
        kept.end()
        assert receiver.told() == [("new", "stopped"), ("over", "stopped")]
        assert state.one("SELECT count(*) FROM retention_notice") == 0
    finally:
        state.drop()


def test_a_channel_can_be_tried(house, receiver):
    house.table("old", due=0)
    house.work.settings += '[notify.pager]\ncommand = ["/nowhere/page"]\n'
    tried = house.work.cli("daemon", "--test-notify")
    assert tried.exit_code == 5
    assert tried.stdout.splitlines() == [
        "ops (webhook): taken", "pager (command): /nowhere/page can't be run: No such file or directory"
    ]  # fmt: skip
    assert receiver.told() == [("test", "test")]
    house.work.settings = CHANNEL
    told = house.work.cli("daemon", "--test-notify", "--format", "json")
    assert (told.exit_code, json.loads(told.stdout)["channels"][0]["error"]) == (0, None)
    house.work.settings = ""
    nobody = house.work.cli("daemon", "--test-notify")
    assert nobody.exit_code == 3
    assert "[notify.ops]" in nobody.stderr
    assert house.work.cli("daemon", "--test-notify", "--listen", "9464").exit_code == 2
