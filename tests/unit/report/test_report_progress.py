"""Progress is cheap, ends cleanly and harms no work."""

import io
import time

from report_samples import Terminal

from retention.report.progress import TerminalProgress, ToldProgress, progress_on


class Closed(io.StringIO):
    """A stream whose reader has gone."""

    def write(self, text):
        raise BrokenPipeError

    def isatty(self):
        return True


def test_without_a_terminal_only_what_is_told_is_written():
    stream = io.StringIO()
    progress = progress_on(stream)
    progress.start("counting", 10)
    progress.advance(10)
    progress.say("waiting for the replica\x1b[2J")
    progress.finish()
    assert isinstance(progress, ToldProgress)
    assert stream.getvalue() == "waiting for the replica\\x1b[2J\n"


def test_on_a_terminal_there_is_a_bar_with_its_label_escaped():
    stream = Terminal()
    progress = progress_on(stream)
    progress.start("counting \u202e[bold]shop", 2_000)
    progress.advance(1_000)
    progress.finish()
    assert isinstance(progress, TerminalProgress)
    assert "counting \\u202e[bold]shop" in stream.getvalue()
    assert "of 2,000" in stream.getvalue()


def test_a_hundred_thousand_steps_cost_next_to_nothing():
    progress = TerminalProgress(Terminal())
    progress.start("counting", 100_000)
    began = time.process_time()
    for _ in range(100_000):
        progress.advance(1)
    spent = time.process_time() - began
    progress.finish()
    assert spent < 1


def test_every_step_is_counted_though_few_are_drawn():
    progress = TerminalProgress(Terminal())
    progress.start("counting", None)
    for _ in range(1_000):
        progress.advance(3)
    bar = progress._bar
    progress.finish()
    assert bar.tasks[0].completed == 3_000


def test_steps_before_a_bar_belong_to_none():
    progress = TerminalProgress(Terminal())
    progress.advance(500)
    progress.start("counting", 10)
    bar = progress._bar
    progress.finish()
    assert bar.tasks[0].completed == 0


def test_a_reader_who_leaves_does_not_stop_the_work():
    for progress in (TerminalProgress(Closed()), ToldProgress(Closed())):
        progress.start("counting", 10)
        progress.advance(1)
        progress.say("still here")
        progress.finish()


def test_finish_may_come_twice_or_alone():
    progress = TerminalProgress(Terminal())
    progress.finish()
    progress.start("a", 1)
    progress.finish()
    progress.finish()
