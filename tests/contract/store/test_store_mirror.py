"""The mirror is the store byte for byte, or says that it is not."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from retention.errors import LedgerError, UnreachableError
from retention.store import verifying
from retention.store.verifying import verify_folder, verify_store_and_folder
from tests.contract.store.conftest import AT
from tests.contract.store.test_store_log import append, sign


@pytest.fixture
def folder(place, store):
    append(store, 20)
    sign(store)
    store.catch_up()
    return place.folder / "mirror"


def reopened(place):
    """What another process has: no memory of what the mirror was."""
    return place.open()


def test_the_mirror_holds_lines_checkpoints_and_key(store, folder, place):
    append(store, 5, start=20)
    sign(store)
    store.catch_up()
    with store.read() as snapshot:
        lines = b"".join(line + b"\n" for line in snapshot.log.lines())
        notes = [stored.note for stored in snapshot.log.checkpoints()]
    assert (folder / "ledger.jsonl").read_bytes() == lines
    assert (folder / "key.pub").read_text() == place.signer.verifier_key + "\n"
    assert (folder / "checkpoint").read_text() == notes[-1]
    assert [path.name for path in sorted((folder / "checkpoints").iterdir())] == [
        "000000000020.note",
        "000000000025.note",
    ]
    assert [path.read_text() for path in sorted((folder / "checkpoints").iterdir())] == notes


def test_a_folder_verifies_with_the_public_key_and_no_store(store, folder, place, tmp_path):
    store.close()
    place.database.run("DELETE FROM retention_event", "DELETE FROM retention_checkpoint")
    found = verify_folder(folder, place.signer.verifier_key)
    assert (found.events, found.size, found.source) == (20, 20, str(folder))
    with pytest.raises(UnreachableError, match="cannot be read"):
        verify_folder(tmp_path / "nowhere", place.signer.verifier_key)


def test_nothing_is_written_when_nothing_is_new(store, folder):
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.rglob("*")}
    store.catch_up()
    assert before == {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.rglob("*")}


@pytest.mark.parametrize("torn", [b"{", b"\x00" * 5000, b'{"at":"2026-11', "whole"])
def test_a_torn_line_is_cut_and_written_anew(store, folder, place, torn):
    append(store, 2, start=20)
    with store.read() as snapshot:
        tail = snapshot.log.line(20) if torn == "whole" else torn
        assert tail is not None
    with (folder / "ledger.jsonl").open("ab") as stream:
        stream.write(tail)
    with pytest.raises(LedgerError, match="event 20: the line is torn"):
        verify_folder(folder, place.signer.verifier_key)
    with reopened(place) as other:
        other.catch_up()
    assert verify_folder(folder, place.signer.verifier_key).events == 22


@pytest.mark.parametrize("cut", [0, 1, 50, 700])
def test_a_mirror_that_is_behind_is_written_to_the_end(folder, place, cut):
    os.truncate(folder / "ledger.jsonl", cut)
    with reopened(place) as other:
        other.catch_up()
    assert verify_folder(folder, place.signer.verifier_key).events == 20


def test_files_that_are_missing_are_written_anew(folder, place):
    for name in ("ledger.jsonl", "checkpoint", "key.pub"):
        (folder / name).unlink()
    shutil.rmtree(folder / "checkpoints")
    with reopened(place) as other:
        other.catch_up()
    assert verify_folder(folder, place.signer.verifier_key).checkpoints == 1


def swap(data):
    lines = data.split(b"\n")
    lines[3], lines[4] = lines[4], lines[3]
    return b"\n".join(lines)


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (lambda data: data.replace(b'"batch":19', b'"batch":18'), "event 19: it differs"),
        (lambda data: data.replace(b'"batch":7}', b'"batch":77}'), "event 7: it differs"),
        (lambda data: data.replace(b'"batch":7}', b'"batch": 7}'), "event 7: it differs"),
        (lambda data: b"".join(data.splitlines(keepends=True)[1:]), "event 0: it differs"),
        (lambda data: b"\n" + data, "event 0: it differs"),
        (lambda data: data + b"{}\n", "event 20: it differs"),
        (lambda data: data + b"x" * 3_000_000, "event 20: the line is longer"),
        (lambda data: b"x" * 3_000_000, "event 0: the line is longer"),
        (lambda data: data + data.splitlines(keepends=True)[-1], "event 20: it differs"),
    ],
)
def test_a_mirror_that_was_tampered_with_is_left_alone_and_named(folder, place, tamper, words):
    path = folder / "ledger.jsonl"
    tampered = tamper(path.read_bytes())
    path.write_bytes(tampered)
    for _ in range(2):
        with reopened(place) as other:
            append(other, 1, start=20)
            with pytest.raises(LedgerError, match=words):
                other.catch_up()
        assert path.read_bytes() == tampered


def test_an_edit_of_equal_length_far_from_the_end_is_found_by_verifying(folder, place):
    path = folder / "ledger.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"batch":7}', b'"batch":8}'))
    with pytest.raises(LedgerError, match="event 7: its content was changed"):
        verify_folder(folder, place.signer.verifier_key)


def test_swapped_lines_of_a_mirror_do_not_verify(folder, place):
    path = folder / "ledger.jsonl"
    path.write_bytes(swap(path.read_bytes()))
    with pytest.raises(LedgerError, match="event 3: in its place stands event 4"):
        verify_folder(folder, place.signer.verifier_key)


def test_store_and_mirror_with_the_same_bytes_are_verified_in_one_pass(store, folder, monkeypatch):
    append(store, 3, start=20)
    store.catch_up()
    with monkeypatch.context() as only_once:
        for name in ("verify_store", "verify_folder"):
            only_once.setattr(verifying, name, None)
        found = verify_store_and_folder(store, folder, store.verifier_key)
    assert found == verifying.verify_store(store, store.verifier_key)
    assert (found.events, found.size, found.unsigned_tail) == (23, 20, 3)


@pytest.mark.parametrize(
    ("name", "tamper", "words"),
    [
        ("ledger.jsonl", lambda data: data.replace(b'"batch":7}', b'"batch":8}'), "event 7: its content"),
        ("ledger.jsonl", lambda data: data.replace(b'"batch":19}', b'"batch":18}'), "event 19: its content"),
        ("ledger.jsonl", lambda data: data + b"x\n", "event 20: "),
        ("ledger.jsonl", lambda data: data[:-1], "event 19: the line is torn"),
        ("ledger.jsonl", lambda data: data[: data.rindex(b"\n", 0, -1) + 1], "event 19: it is missing"),
        ("ledger.jsonl", lambda _: b"", "event 0: it is missing"),
        ("checkpoint", lambda data: data.replace(b"\n20\n", b"\n19\n"), "checkpoint of 19 events: "),
        ("checkpoint", lambda _: b"nonsense", ".*checkpoint: this is no signed note"),
        ("checkpoint", None, ".*mirror: 20 events and no signed checkpoint"),
    ],
)
def test_a_mirror_beside_a_whole_store_is_verified_for_itself(store, folder, name, tamper, words):
    """Whatever differs is named as by `audit verify --mirror`."""
    if tamper is None:
        shutil.rmtree(folder / "checkpoints")
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(tamper((folder / name).read_bytes()))
    with pytest.raises(LedgerError, match=f"^{words}"):
        verify_store_and_folder(store, folder, store.verifier_key)


def test_a_store_beside_its_whole_mirror_is_verified_for_itself(store, folder, place):
    edit = "UPDATE retention_event SET line = {} WHERE seq = 7"
    change = {
        "sqlite": "replace(line, 'intent', 'Intent')",
        "postgresql": "overlay(line placing '\\x00' from 9)",
        "mariadb": "replace(line, 'intent', 'Intent')",
    }[place.database.kind]
    place.database.run(edit.format(change))
    with pytest.raises(LedgerError, match=r"^event 7: "):
        verify_store_and_folder(store, folder, store.verifier_key)
    shutil.rmtree(folder)
    with pytest.raises(LedgerError, match=r"^event 7: "):
        verify_store_and_folder(store, folder, store.verifier_key)


def test_a_mirror_that_is_behind_verifies_beside_its_store(store, folder):
    append(store, 5, start=20)
    sign(store)
    assert verify_store_and_folder(store, folder, store.verifier_key).events == 25
    shutil.rmtree(folder)
    with pytest.raises(UnreachableError, match="cannot be read"):
        verify_store_and_folder(store, folder, store.verifier_key)


def test_an_older_backup_of_the_store_is_noticed_by_its_mirror(sqlite_store, sqlite_place):
    append(sqlite_store, 20)
    sqlite_store.catch_up()
    with (
        closing(sqlite3.connect(sqlite_place.path)) as raw,
        closing(sqlite3.connect(sqlite_place.folder / "backup")) as copy,
    ):
        raw.backup(copy)
    append(sqlite_store, 2, start=20)
    sqlite_store.catch_up()
    sqlite_store.close()
    shutil.copyfile(sqlite_place.folder / "backup", sqlite_place.path)
    with reopened(sqlite_place) as other, pytest.raises(LedgerError, match=r"event 20: .*an older backup"):
        other.catch_up()


def test_a_foreign_checkpoint_or_key_is_left_alone_and_named(store, folder, place):
    note = (folder / "checkpoint").read_text()
    (folder / "checkpoint").write_text(note.replace("— acme", "— acne"))
    with reopened(place) as other, pytest.raises(LedgerError, match="checkpoint of 20 events"):
        other.catch_up()
    (folder / "checkpoint").write_text("garbage")
    with reopened(place) as other, pytest.raises(LedgerError, match="no signed note"):
        other.catch_up()
    assert (folder / "checkpoint").read_text() == "garbage"
    (folder / "checkpoint").write_text(note)
    (folder / "key.pub").write_text("other\n")
    with reopened(place) as other, pytest.raises(LedgerError, match=r"key.pub: this is not"):
        other.catch_up()


def test_a_mirror_that_cannot_be_written_leaves_the_store_alone_and_says_so(store, place):
    (place.folder / "mirror").write_text("a file where the folder should be")
    append(store, 1)
    with pytest.raises(UnreachableError, match="the ledger itself is whole"):
        store.catch_up()
    (place.folder / "mirror").unlink()
    sign(store)
    store.catch_up()
    assert verify_folder(place.folder / "mirror", store.verifier_key).events == 1


def test_a_full_disk_under_the_mirror_leaves_whole_lines(store, folder, monkeypatch, place):
    real, room = os.pwrite, [700]

    def full(file, data, offset):
        if not room[0]:
            raise OSError(28, "No space left on device")
        part = bytes(data)[: room[0]]
        room[0] -= len(part)
        return real(file, part, offset)

    append(store, 50, start=20)
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(UnreachableError, match="No space left on device"):
        store.catch_up()
    assert 20 < verify_folder(folder, place.signer.verifier_key).events < 70
    monkeypatch.undo()
    with store.begin() as tx:
        tx.log.checkpoint(AT + timedelta(days=1))
    store.catch_up()
    assert verify_folder(folder, place.signer.verifier_key).events == 70
