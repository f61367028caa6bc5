"""Nothing that comes from a database acts on a terminal."""

import io
import json
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import (
    APPROVALS,
    CHECK,
    EXPLANATION,
    PLAN,
    PLAN_LINES,
    RUN,
    STATEMENTS,
    STATUS,
    VERIFICATION,
    Terminal,
    poisoned,
)

from retention.report.console import console_on
from retention.report.demo import TextScreen
from retention.report.escape import UNSEEN, shown, shown_json, shown_lines
from retention.report.explanation import show_explanation
from retention.report.ledger import show_log, show_verification
from retention.report.outcome import question, show_approvals, show_outcome
from retention.report.plan import show_plan, show_plans, show_statements
from retention.report.problems import show_check
from retention.report.status import show_status

MARKUP = "[bold red]e[/] :smile: [link=x]f"
CANARY = "a\x1b[2J\x9b31m\u202eb\u2066c\r\n\td\x00\x7f\u200b\ufeff\u2028\U000e0041\ud800" + MARKUP
OUR_COLOUR = re.compile(r"\x1b\[[0-9;]*m")

SCREENS = {
    "plan": lambda c, k: show_plan(c, poisoned(PLAN, k)),
    "plans": lambda c, k: show_plans(c, poisoned(PLAN_LINES, k)),
    "statements": lambda c, k: show_statements(c, poisoned(STATEMENTS, k)),
    "outcome": lambda c, k: show_outcome(c, poisoned(RUN, k)),
    "approvals": lambda c, k: show_approvals(c, k, k, poisoned(APPROVALS, k)),
    "check": lambda c, k: show_check(c, poisoned(CHECK, k)),
    "status": lambda c, k: show_status(c, poisoned(STATUS, k)),
    "explanation": lambda c, k: show_explanation(c, poisoned(EXPLANATION, k)),
    "verification": lambda c, k: show_verification(c, poisoned(VERIFICATION, k)),
    "log, a line that is no event": lambda c, k: show_log(c, [k]),
    "log": lambda c, k: show_log(c, log_lines(k)),
    "demo": lambda c, k: demo_in(TextScreen(c), k),
}


def log_lines(canary):
    kinds = ["batch.committed", "batch.reconciled", "plan.created", "approval.granted", "error", canary]
    data = {"run": canary, "job": canary, "batch": canary, "count": 1, "rows": {canary: 2}, "outcome": canary}
    data |= {"plan": canary, "by": canary, "code": canary, "late": {canary: 3}, "more": [canary]}
    for kind in kinds:
        yield json.dumps({"at": canary, "data": data, "prev": canary, "seq": canary, "type": kind})


def demo_in(screen, canary):
    screen.heading(canary)
    screen.text(canary)
    screen.commands([canary])


def harmful(text):
    return {c for c in text if unicodedata.category(c) in UNSEEN}


@given(st.text())
def test_what_is_shown_has_no_character_that_acts(text):
    assert not harmful(shown(text))


@given(st.text(alphabet=st.characters(exclude_categories=sorted(UNSEEN))))
def test_what_is_visible_is_shown_as_it_is(text):
    assert shown(text) == text


@pytest.mark.parametrize(
    ("character", "escape"),
    [
        ("\x1b", "\\x1b"),
        ("\n", "\\n"),
        ("\u202e", "\\u202e"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
    ],
)
def test_an_escape_is_visible(character, escape):
    assert shown(f"a{character}b") == f"a{escape}b"


def test_lines_of_a_statement_cannot_pose_as_a_heading():
    assert (
        shown_lines("SELECT 1\n-- orders: all approved\x1b[2J")
        == "  SELECT 1\n  -- orders: all approved\\x1b[2J"
    )


@given(st.dictionaries(st.text(), st.text()))
def test_a_json_line_escaped_for_a_terminal_means_the_same(value):
    line = json.dumps(value, ensure_ascii=False)
    assert json.loads(shown_json(line)) == value
    assert not harmful(shown_json(line))


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("width", [40, 80, 140])
def test_no_report_on_a_terminal_lets_a_hostile_name_act(screen, width):
    stream = Terminal()
    SCREENS[screen](console_on(stream, width=width), CANARY)
    assert harmful(OUR_COLOUR.sub("", stream.getvalue())) <= {"\n"}


@pytest.mark.parametrize("screen", SCREENS)
def test_no_report_in_a_pipe_lets_a_hostile_name_act(screen):
    stream = io.StringIO()
    SCREENS[screen](console_on(stream, width=400), CANARY)
    assert harmful(stream.getvalue()) <= {"\n"}
    assert "\\x1b[2J" in stream.getvalue()


@pytest.mark.parametrize("screen", [name for name in SCREENS if name != "demo"])
def test_markup_and_emoji_codes_are_shown_and_not_obeyed(screen):
    stream = io.StringIO()
    SCREENS[screen](console_on(stream, width=4000), MARKUP)
    assert MARKUP in stream.getvalue()


def test_the_question_before_a_run_is_escaped():
    assert not harmful("".join(question(poisoned(PLAN, CANARY), CANARY)))


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=30))
def test_no_text_at_all_acts_in_a_plan(text):
    stream = io.StringIO()
    show_plan(console_on(stream), poisoned(PLAN, text))
    assert harmful(stream.getvalue()) <= {"\n"}
