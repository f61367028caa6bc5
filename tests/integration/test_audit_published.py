"""Checkpoints that were published: the alarm that no ledger gives by itself, told so that an operator understands."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from retention.errors import LedgerError, SafetyRefusal, UnreachableError
from tests.support import auditors
from tests.support.stores import SqliteStore
from tests.support.workplace import Workplace

EVERYWHERE = '[ledger]\npublish = ["file:published/now", "folder:published/all"]'


@contextmanager
def server(notes: dict[str, bytes]) -> Iterator[str]:
    """A web server that keeps what is sent to a path and gives it back."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            notes[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204 if self.path != "/full" else 507)
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(200 if self.path in notes else 404)
            self.end_headers()
            self.wfile.write(notes.get(self.path, b""))

        def log_message(self, *words: object) -> None:
            pass

    http = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}"
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def newest(work: Workplace) -> Path:
    return work.folder / "state" / "ledger" / "checkpoint"


def add(work: Workplace, a: int, b: int) -> tuple[str, ...]:
    """One more record that is due, and a run; what it notes."""
    rows = f"({a}, {b}, '2020-05-05 10:00:00')"
    SqliteStore(work.folder / "target.db").script(f"INSERT INTO lines VALUES {rows}")
    outcome = work.run("lines")
    assert outcome.status == "done"
    return outcome.notes


def kept(work: Workplace, name: str) -> None:
    """A copy of the whole state store, as somebody might put it back."""
    shutil.copytree(work.folder / "state", work.folder / name)


def put_back(work: Workplace, name: str) -> None:
    shutil.rmtree(work.folder / "state")
    shutil.copytree(work.folder / name, work.folder / "state")


def test_every_run_publishes_its_checkpoint(done: Workplace) -> None:
    done.settings = EVERYWHERE
    add(done, 1, 1)
    published = done.folder / "published"
    first = newest(done).read_bytes()
    assert (published / "now").read_bytes() == (published / "all" / "checkpoint").read_bytes() == first
    add(done, 1, 2)
    assert (published / "now").read_bytes() == newest(done).read_bytes() != first
    names = {path.name: path.read_bytes() for path in (published / "all" / "checkpoints").iterdir()}
    mirrored = done.folder / "state" / "ledger" / "checkpoints"
    assert names == {path.name: path.read_bytes() for path in mirrored.iterdir()}
    told = done.cli("audit", "verify", "--against", str(done.folder / "published" / "now"))
    assert told.exit_code == 0
    assert "published/now: of this history" in " ".join(told.stdout.split()).replace(" ", "").replace(
        "now:ofthishistory", "now: of this history"
    )


def test_a_web_server_is_sent_it_and_asked_for_it(done: Workplace) -> None:
    notes: dict[str, bytes] = {}
    with server(notes) as address:
        done.environ["HOOK"] = f"{address}/hook"
        done.settings = f'[ledger]\npublish = ["env:HOOK", "{address}/full"]'
        told = add(done, 1, 1)
        assert notes["/hook"] == newest(done).read_bytes()
        assert any("/full: the server answers 507" in note for note in told), told
        assert done.cli("audit", "verify", "--against", f"{address}/hook").exit_code == 0
        notes["/junk"] = b"<html>"
        with pytest.raises(LedgerError, match="/junk: this is no signed note"):
            verify(done, f"{address}/junk")
        with pytest.raises(UnreachableError, match="the server answers 404"):
            verify(done, f"{address}/nowhere")
    with pytest.raises(UnreachableError, match="it can't be reached"):
        verify(done, f"{address}/hook")
    assert any("was not published" in note for note in add(done, 1, 2))


def verify(work: Workplace, *against: str) -> None:
    from retention.verbs.audit import verify

    verify(work.place, against=against)


def test_an_old_copy_of_the_store_is_found_by_what_was_published(done: Workplace) -> None:
    """And nothing is deleted meanwhile."""
    done.settings = EVERYWHERE
    kept(done, "old")
    add(done, 1, 1)
    put_back(done, "old")
    told = done.cli("run", "--yes")
    assert told.exit_code == 6
    for words in (
        "published/now: this checkpoint was published, and it is not in this ledger's history",
        "a checkpoint signs 16 events and here are 11",
        "the end was cut off, an older copy of the state store was put back, or history was rewritten",
    ):
        assert words.replace(" ", "") in "".join(told.stderr.split())
    assert done.cli("audit", "verify").exit_code == 6
    kept_elsewhere = done.folder / "published" / "now"
    done.settings = ""
    assert done.cli("audit", "verify").exit_code == 0
    assert done.cli("audit", "verify", "--against", str(kept_elsewhere)).exit_code == 6
    mirror = str(done.folder / "state" / "ledger")
    assert done.cli("audit", "verify", "--mirror", mirror, "--against", str(kept_elsewhere)).exit_code == 6


def test_without_one_it_is_found_by_the_markers_in_the_database(done: Workplace) -> None:
    kept(done, "old")
    add(done, 1, 1)
    put_back(done, "old")
    with pytest.raises(SafetyRefusal, match="marker of this engine that the ledger knows nothing of"):
        done.run("lines")


def test_a_forked_history_is_found(done: Workplace) -> None:
    """Two machines went on from one copy: each is whole, and they are not one."""
    done.settings = EVERYWHERE
    kept(done, "one")
    shutil.copy(done.folder / "target.db", done.folder / "target.old")
    add(done, 1, 1)
    one = newest(done).read_text()
    (done.folder / "one.note").write_text(one)
    shutil.rmtree(done.folder / "published")
    put_back(done, "one")
    shutil.copy(done.folder / "target.old", done.folder / "target.db")
    add(done, 1, 2)
    verify(done)
    with pytest.raises(
        LedgerError, match=r"one.note: this checkpoint was published, and it is not in this ledger's"
    ):
        verify(done, str(done.folder / "one.note"))
    told = done.cli("audit", "consistency", str(done.folder / "one.note"), str(newest(done)))
    assert told.exit_code == 6
    assert "history was rewritten" in " ".join(told.stderr.split())


def test_an_auditor_lays_a_checkpoint_of_their_own_beside_the_export_s(done: Workplace) -> None:
    """As docs/how-to/audit.md says: an older one is of this history, a newer one shows a tail that was cut."""
    old, later = newest(done).read_bytes(), done.folder / "later"
    kept(done, "before")
    shutil.copy(done.folder / "target.db", done.folder / "target.old")
    done.cli("audit", "export", str(done.folder / "early"))
    add(done, 1, 1)
    done.cli("audit", "export", str(later))
    (later / "checkpoints" / "mine.note").write_bytes(old)
    assert auditors.typed(later, "key.pub")[0] == 0
    own = done.folder / "early" / "checkpoints" / "mine.note"
    own.write_bytes(newest(done).read_bytes())
    said = "NOT VERIFIED: event 11: it is missing; a checkpoint signs 16 events"
    assert auditors.typed(done.folder / "early", "key.pub") == (1, said)
    put_back(done, "before")
    shutil.copy(done.folder / "target.old", done.folder / "target.db")
    add(done, 1, 2)
    own.unlink()
    forked = done.folder / "forked"
    done.cli("audit", "export", str(forked))
    (forked / "checkpoints" / "mine.note").write_bytes((later / "checkpoint").read_bytes())
    said = "NOT VERIFIED: checkpoint of 16 events: they are not those that it signs"
    assert auditors.typed(forked, "key.pub") == (1, said)


def test_two_checkpoints_of_one_history_are_proved_to_be_so(done: Workplace) -> None:
    from retention.verbs.consistency import consistency
    from retention.verbs.keys import rotate_key

    old = done.folder / "old.note"
    old.write_bytes(newest(done).read_bytes())
    rotate_key(done.place, "signing", by="ida", clock=done.clock)
    add(done, 1, 1)
    for first, second in ((old, newest(done)), (newest(done), old), (old, old)):
        told = done.cli("audit", "consistency", str(first), str(second))
        assert told.exit_code == 0, told.stderr
        assert "Consistent" in told.stdout
    found = consistency(done.place, str(old), str(newest(done)))
    assert (found.old_size, found.new_size) == (11, 17)
    from base64 import b64decode

    from retention.ledger.tree import verify_consistency

    proof = [bytes.fromhex(step) for step in found.proof]
    assert verify_consistency(11, b64decode(found.old_root), 17, b64decode(found.new_root), proof)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda note: note.replace("\n", "\r\n"),
            "its line ends are those of Windows now; copy it as it was given",
        ),
        (lambda note: note.replace("\n11\n", "\n12\n"), "its signature by .* is wrong"),
        (lambda note: note.replace("—", "-"), "a signature line looks like"),
        (lambda note: note.split("\n\n")[0], "this is no signed note"),
        (lambda note: "", "this is no signed note"),
        (lambda note: note.replace(" ", " other.example/x "), "looks like"),
    ],
    ids=["CRLF", "size", "dash", "no signature", "empty", "name"],
)
def test_a_damaged_checkpoint_is_named_by_its_file(done: Workplace, change, words: str) -> None:
    from retention.verbs.consistency import consistency

    old = done.folder / "old.note"
    old.write_bytes(change(newest(done).read_text()).encode())
    with pytest.raises(LedgerError, match=f"{old}: .*{words}"):
        consistency(done.place, str(old), str(newest(done)))


def test_a_checkpoint_of_more_events_than_there_are_is_the_alarm(done: Workplace) -> None:
    from retention.verbs.consistency import consistency

    kept(done, "old")
    add(done, 1, 1)
    new = done.folder / "new.note"
    new.write_bytes(newest(done).read_bytes())
    put_back(done, "old")
    with pytest.raises(LedgerError, match="it signs 16 events and here are 11: events were lost"):
        consistency(done.place, str(newest(done)), str(new))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ('"ftp://x/y"', "is no place to publish to"),
        ('"now"', "is no place to publish to"),
        ("[]", "is empty"),
        ('["file:a", "file:a"]', "names one twice"),
        ('"https://me:secret@x/y"', "with a password in it"),
        ('"env:NOTHING"', "`env:NOTHING` holds no address"),
        ('"file:~/x"', "~"),
    ],
)
def test_where_nothing_can_be_published_is_said(done: Workplace, value: str, words: str) -> None:
    done.settings = f"[ledger]\npublish = {value}"
    told = done.cli("status")
    assert told.exit_code == 3
    assert words in " ".join(told.stderr.split())
    assert "secret" not in told.stderr


def test_a_witness_s_key_is_one(done: Workplace) -> None:
    key = done.folder / "w.pub"
    key.write_text("remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2\n")
    assert done.cli("audit", "verify", "--witness", str(key)).exit_code == 0
    key.write_text("remora.n621.de+da77ade8+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2\n")
    told = done.cli("audit", "verify", "--witness", str(key))
    assert (told.exit_code, "is mistyped" in told.stderr) == (3, True)
    done.settings = f'[ledger]\nwitnesses = ["{key.read_text().strip()[:-4]}"]'
    told = done.cli("audit", "verify")
    assert (told.exit_code, "is no witness's key" in " ".join(told.stderr.split())) == (3, True)
