"""A real process: signals, a reader who leaves, a person at a terminal."""

import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def read_until(descriptor, text, seconds=20):
    """What a terminal shows, up to `text`."""
    seen = b""
    end = time.monotonic() + seconds
    while text not in seen and time.monotonic() < end:
        ready, _, _ = select.select([descriptor], [], [], 0.1)
        if ready:
            try:
                piece = os.read(descriptor, 65536)
            except OSError:
                break
            if not piece:
                break
            seen += piece
    assert text in seen, seen.decode(errors="replace")
    return seen.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_ends_a_run_after_its_batch(process, number):
    running = process("works", "run", "--format", "json")
    assert running.stderr.readline() == b"working\n"
    running.send_signal(number)
    out, err = running.communicate(timeout=20)
    assert running.returncode == 130
    assert b"Stopping after this batch" in err
    assert b'"status": "interrupted"' in out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_ends_it_at_once(process, number):
    running = process("stubborn", "run", "--format", "json")
    assert running.stderr.readline() == b"working\n"
    running.send_signal(number)
    assert running.stderr.readline() == b"\n"
    assert running.stderr.readline().startswith(b"Stopping after this batch")
    running.send_signal(number)
    out, _ = running.communicate(timeout=20)
    assert running.returncode == 130
    assert b'"code": "interrupted"' in out


def test_a_signal_that_was_ignored_from_the_start_stays_ignored(process):
    running = process("works", "run", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    assert running.stderr.readline() == b"working\n"
    running.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert running.poll() is None
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=20) == 130


@pytest.mark.parametrize("words", [["audit", "log"], ["audit", "log", "--format", "json"]], ids=" ".join)
def test_a_reader_who_leaves_is_no_error(process, words):
    running = process("log", *words)
    assert running.stdout.readline()
    running.stdout.close()
    assert running.wait(timeout=30) == 0
    assert running.stderr.read() == b""


@pytest.mark.parametrize(
    "words", [["run", "--yes"], ["plan", "--exit-code"], ["plan", "--exit-code", "--format", "json"]]
)
def test_a_reader_who_never_was_changes_no_exit_code(process, words):
    reading, writing = os.pipe()
    os.close(reading)
    running = process("usual", *words, stdout=writing)
    os.close(writing)
    assert running.wait(timeout=20) == (7 if "--exit-code" in words else 0)
    assert running.stderr.read() == b""


def test_help_for_a_reader_who_left_is_quiet(process):
    reading, writing = os.pipe()
    os.close(reading)
    running = process("usual", "--help", stdout=writing)
    os.close(writing)
    assert running.wait(timeout=20) == 0
    assert running.stderr.read() == b""


def test_a_broken_pipe_of_a_database_is_an_error(process):
    running = process("lost", "status")
    _, err = running.communicate(timeout=20)
    assert running.returncode == 1
    assert b"Unexpected" in err


@pytest.fixture
def terminal():
    person, program = pty.openpty()
    yield person, program
    for descriptor in (person, program):
        with contextlib.suppress(OSError):
            os.close(descriptor)


QUESTION = b"Delete 6 records (6 rows) for good? [y/N] "


@pytest.mark.parametrize(
    ("reply", "code"),
    [(b"y\n", 0), (b"YES\n", 0), (b"n\n", 4), (b"\n", 4), (b"yep\n", 4), (b"yes please\n", 4), (b"\x04", 4)],
)
def test_anything_but_a_yes_is_a_no(process, terminal, reply, code):
    person, program = terminal
    running = process("asks", "run", stdin=program, stdout=program, stderr=program)
    shown = read_until(person, QUESTION)
    assert "accounts on shop.orders (3 records)" in shown
    assert "A yes also approves, in the name of" in shown
    os.write(person, reply)
    assert "dry run" not in shown
    after = read_until(person, b"Run r-1" if code == 0 else b"nothing was deleted")
    assert running.wait(timeout=20) == code
    assert ("deleting" in after) is (code == 0)
    assert "Nothing was changed" not in after  # one line says it


def test_under_json_the_question_stays_out_of_the_document(process, terminal):
    person, program = terminal
    running = process("asks", "run", "--format", "json", stdin=program, stderr=program)
    read_until(person, QUESTION)
    os.write(person, b"y\n")
    out, _ = running.communicate(timeout=20)
    assert running.returncode == 0
    assert out.startswith(b'{\n  "format": "retention.run/1"')


def test_a_yes_that_was_typed_before_the_question_does_not_count(process, terminal):
    person, program = terminal
    os.write(person, b"y\n")
    running = process("asks", "run", stdin=program, stdout=program, stderr=program)
    read_until(person, QUESTION)
    time.sleep(0.3)
    assert running.poll() is None
    os.write(person, b"n\n")
    read_until(person, b"nothing was deleted")
    assert running.wait(timeout=20) == 4


def test_a_signal_at_the_question_ends_at_once(process, terminal):
    person, program = terminal
    running = process("asks", "run", stdin=program, stdout=program, stderr=program)
    read_until(person, QUESTION)
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=20) == 130


def test_yes_on_the_line_is_not_asked_and_approves_nothing(process, terminal):
    person, program = terminal
    running = process("asks", "run", "--yes", stdin=program, stdout=program, stderr=program)
    assert "deleting, asked: False" in read_until(person, b"Run r-1")
    assert running.wait(timeout=20) == 0


def test_without_a_terminal_nobody_is_asked(process):
    running = process("asks", "run")
    _, err = running.communicate(timeout=20)
    assert b"deleting, asked: False" in err
    assert running.returncode == 0


def test_a_person_who_would_not_see_the_question_is_not_passed_over(process, terminal):
    _, program = terminal
    running = process("asks", "run", "--format", "json", stdin=program)
    out, err = running.communicate(timeout=20)
    assert running.returncode == 2
    assert b"--yes" in out
    assert b"deleting" not in err


LEAVES_EARLY = """
import sys
from retention.cli.answers import stdout_is_broken
try:
    while True:
        sys.stdout.write("x" * 300_000)
except BrokenPipeError:
    sys.stderr.write(str(stdout_is_broken()))
    sys.stdout = None
"""


def test_a_reader_who_left_is_known_though_nothing_is_left_to_write():
    process = subprocess.Popen(
        [sys.executable, "-c", LEAVES_EARLY],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read().startswith("True")
    process.stderr.close()
    process.wait()


@pytest.mark.heavy
def test_an_interrupt_that_falls_into_a_finaliser_is_not_lost():
    """`Exception ignored in: … KeyboardInterrupt`, and the demo went on to its end."""
    code = (
        "import time\nfrom retention.cli.stopping import lose_no_interrupt\nlose_no_interrupt()\n"
        "class Thing:\n    def __del__(self): raise KeyboardInterrupt\n"
        "thing = Thing()\n"
        "try:\n    del thing\n    time.sleep(20)\n    print('lost')\nexcept KeyboardInterrupt:\n    print('came')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("came\n", "")
