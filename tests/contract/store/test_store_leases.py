"""Of several processes one works, and a late one is told."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from datetime import timedelta

import pytest

from retention.errors import SafetyRefusal
from retention.store.owners import Owner, is_dead, this_process
from tests.contract.store.conftest import AT

TTL = timedelta(minutes=1)
ELSEWHERE = Owner(host="db1 abc pid:[1]", boot="b", pid=7, process_start="9")


def acquire(store, owner, at=AT, name="job orders"):
    with store.begin() as tx:
        return tx.leases.acquire(name, owner, at, TTL)


def refuses_to_renew(store, token, at):
    """At the transaction's end, or where it asks for something else; nothing of it is stored."""
    with pytest.raises(SafetyRefusal, match="the lease is lost"), store.begin() as tx:  # noqa: PT012
        tx.leases.renew("job orders", token, at, TTL)
        tx.log.append("batch.intent", {}, at)
    with pytest.raises(SafetyRefusal, match="the lease is lost"), store.begin() as tx:  # noqa: PT012
        tx.log.append("batch.intent", {}, at)
        tx.leases.renew("job orders", token, at, TTL)
        tx.jobs.get("r1", "orders")
        pytest.fail("it went on without its lease")
    with store.read() as snapshot:
        assert snapshot.log.head().size == 0


def test_a_lease_is_had_by_one_and_who_has_it_is_said(store):
    assert acquire(store, ELSEWHERE) == 1
    with pytest.raises(SafetyRefusal, match=r"process 7 on db1 is at it since 2026-11-25T12:00:00"):
        acquire(store, this_process(), AT + TTL - timedelta(microseconds=1))
    with pytest.raises(SafetyRefusal):
        acquire(store, ELSEWHERE)
    assert acquire(store, this_process(), name="job other") == 1
    with store.read() as snapshot:
        assert snapshot.leases.holder("job orders") == (ELSEWHERE, AT, AT + TTL)
        assert snapshot.leases.holder("nothing") is None


def test_a_lease_that_ran_out_is_taken_over_and_its_old_owner_told(store):
    old = acquire(store, ELSEWHERE)
    new = acquire(store, this_process(), AT + TTL)
    assert new > old
    late = AT + TTL + timedelta(seconds=1)
    with store.begin() as tx:
        tx.leases.check("job orders", new, late)
        with pytest.raises(SafetyRefusal, match="the lease is lost to process"):
            tx.leases.check("job orders", old, late)
        tx.leases.release("job orders", old)
        tx.leases.check("job orders", new, late)
    refuses_to_renew(store, old, late)
    with store.read() as snapshot:
        assert snapshot.leases.holder("job orders") == (this_process(), AT + TTL, AT + 2 * TTL)


def test_a_lease_in_force_is_renewed_and_one_that_ran_out_does_not_hold(store):
    token = acquire(store, ELSEWHERE)
    with store.begin() as tx:
        tx.leases.renew("job orders", token, AT + timedelta(seconds=30), TTL)
        tx.leases.check("job orders", token, AT + timedelta(seconds=89))
        with pytest.raises(SafetyRefusal, match="ran out at 2026-11-25T12:01:30"):
            tx.leases.check("job orders", token, AT + timedelta(seconds=90))
        tx.leases.renew("job orders", token, AT + timedelta(seconds=100), TTL)
        tx.leases.check("job orders", token, AT + timedelta(seconds=120))


def test_a_released_lease_is_free_and_its_token_worth_nothing_any_more(store):
    token = acquire(store, ELSEWHERE)
    with store.begin() as tx:
        tx.leases.release("job orders", token)
        tx.leases.release("job orders", token)
        with pytest.raises(SafetyRefusal):
            tx.leases.check("job orders", token, AT)
    refuses_to_renew(store, token, AT)
    assert acquire(store, this_process()) == token + 1


def test_tokens_only_ever_grow(store):
    tokens = []
    for number in range(5):
        tokens.append(acquire(store, ELSEWHERE, AT + number * TTL))
        if number % 2:
            with store.begin() as tx:
                tx.leases.release("job orders", tokens[-1])
    assert tokens == sorted(set(tokens))


HOLDER = """
import sys
from retention.store.owners import this_process
owner = this_process()
print(owner.host, owner.boot, owner.pid, owner.process_start, sep="\\t", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def neighbour():
    """Another process of this machine and its name as an owner."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        host, boot, pid, start = process.stdout.readline().rstrip("\n").split("\t")
        yield process, Owner(host=host, boot=boot, pid=int(pid), process_start=start)
        process.kill()


def test_the_lease_of_a_killed_neighbour_is_taken_over_at_once(store, neighbour):
    process, owner = neighbour
    token = acquire(store, owner)
    with pytest.raises(SafetyRefusal):
        acquire(store, this_process())
    process.kill()
    process.stdout.read()  # it is dead once its end of the pipe is closed, be it reaped or not
    process.wait()
    assert acquire(store, this_process()) == token + 1


def test_a_process_is_dead_only_where_that_is_certain(neighbour):
    process, owner = neighbour
    assert not is_dead(owner)
    assert not is_dead(this_process())
    assert is_dead(dataclasses.replace(owner, process_start="1"))  # its number was given to another
    process.kill()
    process.wait()
    assert is_dead(owner)
    for elsewhere in ({"host": "db1"}, {"boot": "another boot"}, {"boot": ""}):
        assert not is_dead(dataclasses.replace(owner, **elsewhere))


def test_a_zombie_is_dead(neighbour):
    process, owner = neighbour
    process.kill()
    while True:
        with open(f"/proc/{owner.pid}/stat") as stat:
            if stat.read().rpartition(")")[2].split()[0] == "Z":
                break
    assert is_dead(owner)
