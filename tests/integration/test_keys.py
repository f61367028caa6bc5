"""Keys are rotated and destroyed, and are said plainly where they are lost, foreign, or kept elsewhere."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from retention.errors import AnswerIsNo, LedgerError, SafetyRefusal, SetupError
from retention.ledger.keys import EVIDENCE, SIGNING, encode, new_key, parse_ring
from tests.support import auditors
from tests.support.stores import SqliteStore
from tests.support.workplace import Workplace


def keys(work: Workplace, kind: str) -> list[tuple[str, str]]:
    from retention.verbs.keys import list_keys

    return [(key.id, key.state) for key in list_keys(work.place).keys if key.kind == kind]


def rotate(work: Workplace, kind: str) -> str:
    from retention.verbs.keys import rotate_key

    made = rotate_key(work.place, kind, by="ida", clock=work.clock).made
    assert made is not None
    return made


def destroy(work: Workplace, kind: str, *ids: str, before: str | None = None) -> tuple[str, ...]:
    from retention.verbs.keys import destroy_keys

    return destroy_keys(work.place, kind, ids, before=before, by="ida", clock=work.clock).destroyed


def prove(work: Workplace, key: str) -> str:
    from retention.verbs.proving import prove

    return prove(work.place, dataset="shop.lines", key=key).rule


def add(work: Workplace, a: int, b: int) -> None:
    """One more record that is due, and a run."""
    rows = f"({a}, {b}, '2020-05-05 10:00:00')"
    SqliteStore(work.folder / "target.db").script(f"INSERT INTO lines VALUES {rows}")
    assert work.run("lines").status == "done"


def key_file(work: Workplace, kind: str) -> Path:
    return work.folder / "state" / "keys" / f"{kind}.key"


def test_the_signing_key_is_rotated_and_both_keys_verify_everything(done: Workplace) -> None:
    old = done.folder / "old.pub"
    old.write_bytes((done.folder / "state" / "ledger" / "key.pub").read_bytes())
    told = done.cli("key", "rotate", "signing")
    assert told.exit_code == 0, told.stderr
    assert "A new signing key is in use" in told.stdout
    rotate(done, SIGNING)
    add(done, 1, 1)
    (rotated, *_) = [event for event in done.events() if event["type"] == "key.rotated"]
    assert rotated["data"]["before"] == old.read_text().strip()
    assert [state for _, state in keys(done, SIGNING)] == ["former", "former", "in use"]
    done.cli("audit", "export", str(done.folder / "export"))
    new = done.folder / "state" / "ledger" / "key.pub"
    assert new.read_text() != old.read_text()
    for key in (old, new):
        assert auditors.typed(done.folder / "export", str(key))[0] == 0
        for more in ((), ("--mirror", str(done.folder / "state" / "ledger"))):
            told = done.cli("audit", "verify", "--key", str(key), *more)
            assert "the signing key was rotated 2 times" in told.stdout, told.stderr
    foreign = done.folder / "foreign.pub"
    from retention.ledger.note import Signer

    foreign.write_text(Signer(old.read_text().split("+")[0], new_key()).verifier_key)
    code, said = auditors.typed(done.folder / "export", str(foreign))
    assert (code, said) == (1, "NOT VERIFIED: the ledger was signed by other keys, and never by this one")
    told = done.cli("audit", "verify", "--key", str(foreign))
    assert told.exit_code == 6
    assert "which never signed this ledger" in told.stderr


def test_a_process_that_has_the_old_key_still_signs_nothing_more(done: Workplace) -> None:
    from retention.verbs.opening import stores
    from retention.verbs.opening.configured import configuration

    with stores.opened(configuration(done.place), done.place) as state:
        rotate(done, SIGNING)
        with state.begin() as tx, pytest.raises(SafetyRefusal, match="was rotated while this was running"):
            tx.log.checkpoint(done.clock())
    assert done.events()


def test_evidence_under_every_key_is_found_until_its_key_is_destroyed(done: Workplace) -> None:
    first = keys(done, EVIDENCE)[0][0]
    rotate(done, EVIDENCE)
    add(done, 1, 1)
    second = rotate(done, EVIDENCE)
    add(done, 1, 2)
    assert [prove(done, key) for key in ("7,3", "1,1", "1,2")] == ["lines"] * 3
    assert stat.S_IMODE(key_file(done, EVIDENCE).stat().st_mode) == 0o600
    with pytest.raises(
        SafetyRefusal, match=f"{second} is the evidence key in use; type: retention key rotate"
    ):
        destroy(done, EVIDENCE, second)
    told = done.cli("key", "destroy", "evidence", first)
    assert told.exit_code == 2
    assert "to destroy a key without a question, add --yes" in told.stderr
    told = done.cli("key", "destroy", "evidence", first, "--yes")
    assert f"The evidence key {first} is destroyed." in told.stdout
    assert [state for _, state in keys(done, EVIDENCE)] == ["destroyed", "former", "in use"]
    with pytest.raises(AnswerIsNo, match=f"key {first} could not be looked at: that key was destroyed"):
        prove(done, "7,3")
    assert prove(done, "1,1") == "lines"
    assert done.cli("audit", "verify").exit_code == 0


def test_keys_of_a_period_are_destroyed_together(done: Workplace) -> None:
    rotate(done, EVIDENCE)
    done.now = done.now.replace(year=2027)
    add(done, 1, 1)  # the first run of a year takes a new key
    rotate(done, EVIDENCE)
    states = [state for _, state in keys(done, EVIDENCE)]
    assert states == ["former", "former", "former", "in use"]
    assert len(destroy(done, EVIDENCE, before="2027-01-01")) == 1
    assert len(destroy(done, EVIDENCE, before="2027-12-01")) == 2
    assert [state for _, state in keys(done, EVIDENCE)] == ["destroyed"] * 3 + ["in use"]
    assert destroy(done, EVIDENCE, before="2027-12-01") == ()
    assert len(parse_ring(key_file(done, EVIDENCE).read_text(), EVIDENCE).keys) == 1


def test_a_year_is_one_of_the_policy_s_zone_and_may_be_left_out(done: Workplace) -> None:
    done.settings = '[keys]\nrotate_evidence = "never"'
    done.now = done.now.replace(year=2027)
    add(done, 1, 1)
    assert len(keys(done, EVIDENCE)) == 1
    done.settings = ""
    key_file(done, EVIDENCE).parent.chmod(0o500)
    done.settings = '[keys]\nevidence = "env:EVIDENCE"'
    done.environ["EVIDENCE"] = key_file(done, EVIDENCE).read_text()
    key_file(done, EVIDENCE).parent.chmod(0o700)
    notes = done.run("lines").notes
    assert any("the evidence key is of an earlier year, and was not rotated" in note for note in notes), notes


def test_a_rotation_that_was_cut_short_is_taken_up(done: Workplace) -> None:
    """The ring has a key that the ledger does not know: nothing uses it, and the next rotation takes it."""
    for kind in (SIGNING, EVIDENCE):
        with key_file(done, kind).open("a") as stream:
            stream.write(encode(kind, new_key()))
        (_, waiting) = keys(done, kind)
        assert waiting[1] == "unknown"
        add(done, 1, len(kind))
        assert rotate(done, kind) == waiting[0]
    assert done.cli("audit", "verify").exit_code == 0


def test_keys_are_read_from_the_environment_and_from_commands(done: Workplace) -> None:
    signing, evidence = key_file(done, SIGNING), key_file(done, EVIDENCE)
    done.settings = f'[keys]\nsigning = "command:cat {signing}"\nevidence = "env:EVIDENCE"'
    done.environ["EVIDENCE"] = evidence.read_text()
    add(done, 1, 1)
    assert prove(done, "1,1") == "lines"
    for kind, place in ((SIGNING, "command:cat"), (EVIDENCE, "env:EVIDENCE")):
        with pytest.raises(
            SetupError, match=f"{place}.*: a key can't be written there; add a line behind the others"
        ):
            rotate(done, kind)
    done.environ["EVIDENCE"] += encode(EVIDENCE, new_key())
    former = keys(done, EVIDENCE)[0][0]
    rotate(done, EVIDENCE)
    with pytest.raises(
        SetupError, match=f"a key can't be removed there; take the line of {former} out of it"
    ):
        destroy(done, EVIDENCE, former)
    done.environ["EVIDENCE"] = done.environ["EVIDENCE"].splitlines()[1]
    assert keys(done, EVIDENCE)[0] == (former, "missing")
    assert destroy(done, EVIDENCE, former) == (former,)
    assert keys(done, EVIDENCE)[0] == (former, "destroyed")
    secrets = done.environ["EVIDENCE"].split()[2], signing.read_text().split()[2]
    store = (done.folder / "state" / "retention.db").read_bytes()
    assert not any(secret.encode() in store for secret in secrets)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('[keys]\nsigning = "env:NOWHERE"', "env:NOWHERE: the variable is not set"),
        ('[keys]\nsigning = "command:false"', "command:false: the command gave no key and ended with 1"),
        ('[keys]\nsigning = "command:/nowhere/at-all"', "the command can't be run: No such file"),
        ('[keys]\nsigning = "command:echo hello"', "command:echo hello: this is not a signing key"),
        ('[keys]\nsigning = "file:state/keys/evidence.key"\nevidence = "file:e"', "this is an evidence key, where a"),
        ('[keys]\nevidence = "file:nowhere.key"', "nowhere.key: the key of this state store is not there; put"),
    ],
)  # fmt: skip
def test_a_key_that_is_lost_or_another_is_said_plainly(done: Workplace, settings: str, words: str) -> None:
    done.settings = settings
    (done.folder / "e").write_text(encode(EVIDENCE, b"\x07" * 32))
    (done.folder / "e").chmod(0o600)
    told = done.cli("run", "--yes")
    assert told.exit_code == 3
    assert words in " ".join(told.stderr.split())
    told = done.cli("key", "list")
    assert (told.exit_code, "since 2026-11-22" in told.stdout) == (0, True)


def test_foreign_keys_are_refused_by_their_public_names(done: Workplace) -> None:
    good = {kind: key_file(done, kind).read_text() for kind in (SIGNING, EVIDENCE)}
    for kind in (SIGNING, EVIDENCE):
        key_file(done, kind).write_text(encode(kind, b"\x07" * 32))
        told = done.cli("run", "--yes")
        assert told.exit_code == 3
        assert f"made with another {kind} key" in told.stderr
        assert sorted(state for _, state in keys(done, kind)) == ["missing", "unknown"]
        key_file(done, kind).write_text(good[kind])


def test_a_lost_evidence_key_is_replaced_and_what_it_opened_stays_shut(done: Workplace) -> None:
    key_file(done, EVIDENCE).unlink()
    rotate(done, EVIDENCE)
    add(done, 1, 1)
    assert prove(done, "1,1") == "lines"
    with pytest.raises(AnswerIsNo, match="that key is not here"):
        prove(done, "7,3")
    assert [state for _, state in keys(done, EVIDENCE)] == ["missing", "in use"]


def test_a_key_that_signs_without_a_rotation_is_found(done: Workplace) -> None:
    """Somebody who has the store, and not the key, signs with one of their own."""
    from retention.ledger.note import Checkpoint, Note, Signer

    store = SqliteStore(done.folder / "state" / "retention.db")
    ((size, note),) = store.rows("SELECT size, note FROM retention_checkpoint ORDER BY size DESC LIMIT 1")
    point = Checkpoint.parse(Note.parse(note).text)
    forged = point.sign(Signer(point.origin, b"\x09" * 32))
    store.script(f"UPDATE retention_checkpoint SET note = '{forged}' WHERE size = {size}")
    with pytest.raises(LedgerError, match=f"checkpoint of {size} events: it is not signed by the key"):
        done.events()


def test_the_signing_key_is_not_rotated_under_a_run(done: Workplace) -> None:
    """It could not sign its own end."""
    from datetime import timedelta

    from retention.engine.journal import RUN_LEASE, run_lease
    from retention.store.owners import this_process
    from retention.store.runs import RunRow
    from retention.verbs.opening import stores
    from retention.verbs.opening.configured import configuration

    now = done.clock()
    with stores.opened(configuration(done.place), done.place) as state, state.begin() as tx:
        tx.runs.start(RunRow(id="r9", as_of=now, started=now, by="ida", policy="p"))
        tx.leases.acquire(run_lease("r9"), this_process(), now, RUN_LEASE)
    with pytest.raises(SafetyRefusal, match="run r9 is going on; rotate the signing key when it has ended"):
        rotate(done, SIGNING)
    done.now += RUN_LEASE + timedelta(minutes=1)
    assert rotate(done, SIGNING)
