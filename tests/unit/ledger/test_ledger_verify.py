"""A ledger that was touched does not verify, and the first wrong event is named."""

from __future__ import annotations

import io
import json
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.errors import LedgerError
from retention.ledger.line import FIRST_PREV, encode, hash_of
from retention.ledger.note import Checkpoint, Signer
from retention.ledger.tree import leaf_hash, root_of
from retention.ledger.verify import Head, read_lines, verify_lines

SIGNER = Signer("acme.example/retention", b"\x01" * 32)
START = datetime(2026, 1, 1, tzinfo=UTC)


def event(seq, prev, **changes):
    fields = {
        "at": START + timedelta(seconds=seq),
        "type": "batch.intent",
        "data": {"batch": seq, "count": 10},
    }
    return encode(seq=seq, prev=prev, **{**fields, **changes})


def history(count):
    lines, prev = [], FIRST_PREV
    for seq in range(count):
        lines.append(event(seq, prev))
        prev = hash_of(lines[-1])
    return lines


def rechained(lines, start):
    """What a forger does who knows the format: every later `prev` is computed anew."""
    lines = list(lines)
    for seq in range(start, len(lines)):
        fields = json.loads(lines[seq])
        fields["prev"] = hash_of(lines[seq - 1]) if seq else FIRST_PREV
        lines[seq] = json.dumps(fields, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
    return lines


def sign(lines, size, signer=SIGNER):
    root = root_of([leaf_hash(line) for line in lines[:size]])
    return Checkpoint(origin=signer.name, size=size, root=root).sign(signer)


def verify(lines, notes, **more):
    return verify_lines(lines, verifier_key=SIGNER.verifier_key, checkpoints=notes, source="test", **more)


LINES = history(30)
NOTES = [sign(LINES, 10), sign(LINES, 28)]


def fails(lines, words, notes=NOTES, **more):
    with pytest.raises(LedgerError) as error:
        verify(lines, notes, **more)
    assert str(error.value).startswith(words), str(error.value)


def edited(seq, **changes):
    fields = json.loads(LINES[seq])
    fields.update(changes)
    line = json.dumps(fields, separators=(",", ":"), sort_keys=True).encode()
    return [*LINES[:seq], line, *LINES[seq + 1 :]]


def test_an_untouched_ledger_verifies():
    found = verify(LINES, NOTES)
    assert (found.origin, found.events, found.size, found.checkpoints) == (SIGNER.name, 30, 28, 2)
    assert found.unsigned_tail == 2
    assert found.last_at == "2026-01-01T00:00:29.000000Z"
    assert found.root == NOTES[1].split("\n")[2]


def test_an_empty_ledger_verifies():
    assert verify([], []).events == 0
    assert verify([], [sign([], 0)]).checkpoints == 1


def test_types_of_a_later_version_verify():
    lines = [event(0, FIRST_PREV, type="moon.landed")]
    assert verify(lines, [sign(lines, 1)]).events == 1


@pytest.mark.parametrize("seq", [0, 1, 9, 10, 17, 26, 28])
def test_an_edited_event_is_named(seq):
    fails(edited(seq, data={"batch": seq, "count": 11}), f"event {seq}: its content was changed")


def test_an_edited_last_event_below_a_checkpoint_is_named():
    lines = edited(27, data={})[:28]
    fails(lines, "event 27: its content is not what the checkpoint of 28 events signs")


@pytest.mark.parametrize("seq", [1, 9, 17, 26])
def test_an_edited_link_is_named(seq):
    fails(edited(seq, prev="ab" * 32), f"event {seq}: its content was changed: neither")


def test_a_removed_beginning_is_named():
    fails(edited(0, prev="ab" * 32), "event 0: it says that an event came before it")
    fails(LINES[1:], "event 0: in its place stands event 1")


def test_a_changed_space_is_named():
    lines = [*LINES[:17], LINES[17].replace(b'"count":', b'"count": '), *LINES[18:]]
    fails(lines, "event 17: it is not in canonical form")


def test_swapped_removed_inserted_and_doubled_events_are_named():
    fails([*LINES[:17], LINES[18], LINES[17], *LINES[19:]], "event 17: in its place stands event 18")
    fails([*LINES[:17], *LINES[18:]], "event 17: in its place stands event 18")
    fails([*LINES[:18], LINES[17], *LINES[18:]], "event 17: it is there twice")
    extra = event(17, hash_of(LINES[16]), data={"batch": 99})
    fails([*LINES[:17], extra, *LINES[17:]], "event 17: it is there twice")
    fails([*LINES[:17], b"", *LINES[17:]], "event 17: the line is empty")
    fails([*LINES[:17], LINES[3], *LINES[17:]], "event 17: in its place stands event 3")


def test_a_history_rewritten_with_all_its_hashes_is_found_by_the_checkpoint():
    lines = rechained(edited(17, data={}), 18)
    fails(lines, "event 10: it, or one up to event 27, was rewritten")
    fails(rechained(edited(3, data={}), 4), "event 0: it, or one up to event 9, was rewritten")


def test_a_history_rewritten_up_to_a_checkpoint_and_no_further_is_found():
    lines = rechained(edited(17, data={}), 18)[:28] + LINES[28:]
    fails(lines, "event 27: its content was changed: event 28 has the hash of another one")


def test_a_tail_cut_below_the_newest_checkpoint_is_named():
    fails(LINES[:20], "event 20: it is missing: a checkpoint signs 28 events and here are 20")
    fails([], "event 0: it is missing")


def test_a_published_checkpoint_shows_a_tail_that_was_cut_with_its_own():
    assert verify(LINES[:20], NOTES[:1]).events == 20
    fails(LINES[:20], "event 20: it is missing", [*NOTES[:1], sign(LINES, 21)])


def test_an_event_earlier_than_the_one_before_is_named():
    lines = rechained(edited(17, at="2025-01-01T00:00:00.000000Z"), 18)
    fails(lines, "event 17: it is earlier", [sign(lines, 30)])


def test_a_ledger_without_any_checkpoint_does_not_verify():
    fails(LINES, "test: 30 events and no signed checkpoint", [])


def test_a_checkpoint_of_another_key_does_not_verify():
    stranger = Signer(SIGNER.name, b"\x02" * 32)
    fails(LINES, "checkpoint of 28 events: it is not signed by", [NOTES[0], sign(LINES, 28, stranger)])


def test_two_checkpoints_of_one_size_must_agree():
    other = Checkpoint(origin=SIGNER.name, size=10, root=b"\x00" * 32).sign(SIGNER)
    for notes in ([NOTES[0], other], [other, NOTES[0]]):
        with pytest.raises(LedgerError):
            verify(LINES, notes)
    assert verify(LINES, [NOTES[0], NOTES[0]]).checkpoints == 1


def test_garbage_for_a_checkpoint_does_not_verify():
    for note in ("", "x", "a\n" * 9, "\x00", "o\n10\nAAAA\n\n— o AAAA\n"):
        fails(LINES, "checkpoint", [note])


def test_the_stores_own_head_is_compared():
    head = Head()
    for seq, line in enumerate(LINES):
        head = head.append(line, START + timedelta(seconds=seq))
    assert verify(LINES, NOTES, head=head).events == 30
    fails(LINES[:29], "event 29: it is missing: the state store counts 30 events", head=head)
    more = [*LINES, event(30, hash_of(LINES[-1]))]
    fails(more, "event 30: it was not appended by the engine", head=head)
    fails(edited(29, data={}), "event 29: its content is not what the state store's head row says", head=head)


def test_a_file_is_read_line_by_line_and_a_torn_one_is_named():
    whole = b"".join(line + b"\n" for line in LINES)
    assert verify(read_lines(io.BytesIO(whole)), NOTES).events == 30
    with pytest.raises(LedgerError, match="event 29: the line is torn"):
        verify(read_lines(io.BytesIO(whole[:-1])), NOTES)
    with pytest.raises(LedgerError, match="event 30: the line is torn"):
        verify(read_lines(io.BytesIO(whole + b"{")), NOTES)


def test_a_line_of_ten_megabytes_is_refused_without_reading_it_whole():
    stream = io.BytesIO(LINES[0] + b"\n" + b"x" * 10_000_000 + b"\n")
    with pytest.raises(LedgerError, match="event 1: the line is longer"):
        verify(read_lines(stream), NOTES)
    assert stream.tell() < 1_100_000
    fails([LINES[0], b"x" * 10_000_000], "event 1: the line is longer")


def test_memory_does_not_grow_with_the_number_of_events():
    def peak(count):
        def endless():
            prev = FIRST_PREV
            for seq in range(count):
                line = event(seq, prev)
                prev = hash_of(line)
                yield line

        tracemalloc.start()
        with pytest.raises(LedgerError, match="no signed checkpoint"):
            verify(endless(), [])
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(4000) < peak(400) + 20_000


@given(st.data())
def test_whatever_is_done_to_the_lines_below_a_checkpoint_is_found(data):
    size = data.draw(st.integers(1, 30))
    lines = LINES[:size]
    notes = [sign(LINES, data.draw(st.integers(1, size))), sign(LINES, size)]
    place = data.draw(st.integers(0, size - 1))
    changed = list(lines)
    match data.draw(st.sampled_from(["byte", "cut", "drop", "double", "swap", "insert", "replace"])):
        case "byte":
            line = bytearray(changed[place])
            line[data.draw(st.integers(0, len(line) - 1))] ^= data.draw(st.integers(1, 255))
            changed[place] = bytes(line)
        case "cut":
            del changed[place:]
        case "drop":
            del changed[place]
        case "double":
            changed.insert(data.draw(st.integers(0, size - 1)), changed[place])
        case "swap":
            other = data.draw(st.integers(0, size - 1))
            changed[place], changed[other] = changed[other], changed[place]
        case "insert":
            prev = hash_of(changed[place - 1]) if place else FIRST_PREV
            changed.insert(place, event(place, prev, data={"forged": 1}))
        case "replace":
            prev = hash_of(changed[place - 1]) if place else FIRST_PREV
            changed[place] = event(place, prev, data={"forged": 1})
            if data.draw(st.booleans()):
                changed = rechained(changed, place + 1)
    if changed == lines:
        assert verify(changed, notes).events == size
        return
    with pytest.raises(LedgerError, match=r"^event \d+: ") as error:
        verify(changed, notes)
    assert "Traceback" not in str(error.value)
