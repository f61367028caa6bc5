"""What a person reads."""

import dataclasses
import functools
import io
import json
import re
from datetime import UTC, datetime

import pytest
from report_samples import (
    ACCOUNTS,
    APPROVALS,
    CHECK,
    EXPLANATION,
    ORDERS,
    PLAN,
    PLAN_LINES,
    RUN,
    STATUS,
    VERIFICATION,
    Terminal,
    fates,
)

from retention.errors import Problem
from retention.model.coverage import ReachLine, ToldLine, ToldOutcome, ToldState
from retention.model.explanation import CheckReport, Stopper
from retention.model.overview import SetUp, TableLine
from retention.model.plan import FATES, JobStatus
from retention.report.console import console_on
from retention.report.explanation import FATE_WORDS, show_explanation
from retention.report.ledger import sentence, show_verification
from retention.report.outcome import question, show_approvals, show_outcome
from retention.report.plan import STATUS_STYLE, headline, show_plan, show_plans
from retention.report.problems import in_order, show_check
from retention.report.set_up import show_set_up
from retention.report.status import show_status
from retention.report.told import show_told
from retention.report.words import KEPT_BECAUSE, NOT_KEPT, by_table, counted, duration, listed, moment
from retention.safety.approvals import more_than_approved

OUR_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def text_of(show, *records, width=None, stream=None):
    stream = stream or io.StringIO()
    show(console_on(stream, width=width), *records)
    return stream.getvalue()


def plan_with(*jobs, **changes):
    return dataclasses.replace(PLAN, jobs=jobs, **changes)


@pytest.mark.parametrize("width", [80, 100, 120])
def test_a_plan_fits_its_terminal_without_blanks_at_line_ends(width):
    text = text_of(show_plan, PLAN, width=width)
    assert max(map(len, text.splitlines())) <= width
    assert not [line for line in text.splitlines() if line.endswith(" ")]


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
@pytest.mark.parametrize("rule", ["orders", "a-rule-with-a-rather-long-name"])
def test_large_numbers_squeeze_neither_names_nor_status_away(stream, rule):
    large = dataclasses.replace(
        ORDERS,
        total=90_000_000,
        fates=fates(due=1_200_000, not_due=88_800_000),
        overdue=100_000,
        exact=False,
        rule=rule,
    )
    text = text_of(show_plan, plan_with(large), width=80, stream=stream())
    table = OUR_COLOUR.sub("", text[: text.index("Orders: five")])
    assert max(map(len, table.splitlines())) <= 80
    for word in ("awaiting", "approval", "shop.orders", "~1,200,000", "100,000", "88,800,000"):
        assert word in table


def test_in_a_pipe_there_is_neither_colour_nor_frame():
    text = text_of(show_plan, PLAN) + text_of(show_outcome, RUN) + text_of(show_status, STATUS)
    assert text.isascii()
    assert "\x1b" not in text


def test_on_a_terminal_there_is_colour():
    assert "\x1b[" in text_of(show_plan, PLAN, stream=Terminal())


def test_no_color_takes_every_colour_away(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    text = text_of(show_plan, PLAN, stream=Terminal())
    assert "\x1b[3" not in text.replace("\x1b[3m", "")


def test_a_dumb_terminal_gets_plain_text(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in text_of(show_plan, PLAN, stream=Terminal())


def test_a_plan_says_what_goes_and_why_the_rest_stays():
    text = text_of(show_plan, PLAN)
    for expected in (
        "Orders: five years after the accounting year",
        "awaiting approval: the rule has changed since it was approved",
        "1,200 of 46,203 records: 1,200 rows of orders and 4,478 of order_lines",
        "due if before 2018-01-01 (Europe/Oslo), where company = 'GmbH'",
        "due if before 2021-01-01 (Europe/Oslo), otherwise",
        "2014-02-03",
        "44,000 not due yet",
        "800 still kept by another rule",
        "200 referred to by rows that stay: 150 by invoices and 50 by shipments",
        "3 unclear",
        "12 undated",
        "1 record goes under another rule",
        "Backups: 35 days",
        "kept by operations",
        "the role cannot see triggers",
        "This is a dry run: nothing has been changed.",
    ):
        assert expected in text


def test_undated_and_unclear_stand_wherever_overdue_does():
    assert headline(PLAN).endswith("Overdue: 10; undated: 12; unclear: 3.")
    text = text_of(show_plan, PLAN)
    assert "10; undated 0; unclear 3" in text
    assert "overdue  undated  unclear" in text
    status = next(line for line in text_of(show_status, STATUS).splitlines() if "shop.orders" in line)
    assert status.split()[2:5] == ["10", "7", "3"]


def test_a_plan_names_the_commands_that_follow():
    text = text_of(show_plan, PLAN)
    assert "retention approve p-7f3a" in text
    assert "retention run --plan p-7f3a" in text


def test_a_plan_that_is_not_stored_says_so_and_how_to_change_that():
    text = text_of(show_plan, dataclasses.replace(PLAN, stored=False))
    assert "not stored" in text
    assert "retention init" in text
    assert "retention approve" not in text


def test_an_estimate_is_not_shown_as_a_count():
    text = text_of(show_plan, plan_with(dataclasses.replace(ORDERS, exact=False)))
    assert "~1,200" in text
    assert "of about 46,203 records, estimated" in text


def test_nothing_due_is_said_plainly():
    text = text_of(show_plan, plan_with(dataclasses.replace(ACCOUNTS, fates=fates(not_due=47))))
    assert "Nothing is due among 47 records." in text
    commands = [line.strip() for line in text.splitlines() if line.strip().startswith("retention ")]
    assert commands == ["retention plan --as-of 2027-03-01"]


def test_records_that_wait_or_are_refused_are_told_from_those_that_go():
    refused = dataclasses.replace(ACCOUNTS, status=JobStatus.REFUSED)
    text = text_of(show_plan, plan_with(ORDERS, refused))
    assert "Of these, 1,234 records would stay for now: 1,200 awaiting approval and 34 refused." in text


def test_every_fate_and_every_status_has_its_words():
    assert {*KEPT_BECAUSE, *NOT_KEPT, "due"} == set(FATES)
    assert set(FATE_WORDS) == set(FATES)
    assert set(STATUS_STYLE) == set(JobStatus)


def test_the_question_counts_what_would_go_and_names_what_it_approves():
    assert question(PLAN, "alice") == (
        "A yes also approves, in the name of alice: orders on shop.orders (1,200 records).",
        "Delete 1,234 records (5,712 rows) for good?",
    )


def test_the_question_of_a_canary_counts_what_it_would_take():
    """`Carry this out for 827 records (3,171 rows) for good?`, of a run that takes ten."""
    assert question(PLAN, "alice", 5)[-1] == "Delete 10 of 1,234 records, at most 5 a job, for good?"
    assert question(PLAN, "alice", 5_000) == question(PLAN, "alice")


def test_the_question_leaves_out_what_is_refused():
    refused = dataclasses.replace(ORDERS, status=JobStatus.REFUSED)
    one = dataclasses.replace(ACCOUNTS, fates=fates(due=1), rows={"customers": 1})
    assert question(plan_with(refused, one), "alice") == ("Delete 1 record (1 row) for good?",)


def test_a_run_tells_every_record_that_was_planned():
    text = text_of(show_outcome, RUN)
    for expected in (
        "Done: 1,000 records of 1,200 planned (4,900 rows).",
        "3 not due any more and 1 locked by others",
        "1 record set aside",
        "195 records still to do",
        "in 4 batches, 12 s",
        "Ledger checkpoint: 1,234 events, root q9Zk==",
        "the time was up",
    ):
        assert expected in text


def test_an_approval_says_who_what_and_above_which_limits():
    text = text_of(show_approvals, "p-7f3a", "alice", APPROVALS)
    assert "Approved by alice: up to 1,200 records of plan p-7f3a." in text
    assert "above its limits, approved" in text
    assert "Nothing in plan p-7f3a waits" in text_of(show_approvals, "p-7f3a", "alice", ())


def test_problems_come_file_by_file_the_policy_first_the_live_schema_last():
    assert [file for file, _ in in_order(CHECK.problems)] == [
        "policies.toml",
        "connectors/shop.toml",
        "shop (live schema)",
    ]
    text = text_of(show_check, CHECK)
    assert "3 problems to mend before anything runs" in text
    assert "1. rules.orders.keep" in text
    assert '     found "5 yeers"\n     help  "5 years"' in text
    assert "1 warning to read" in text


def test_problems_of_one_file_keep_the_order_in_which_they_stand_in_it():
    late_then_early = tuple(Problem(file="policies.toml", key=key, found="f", write="w") for key in "zam")
    assert [each.key for each in in_order(late_then_early)[0][1]] == ["z", "a", "m"]


def test_a_check_without_problems_says_so():
    text = text_of(show_check, CheckReport(problems=(), warnings=(), checked=("shop.orders",)))
    assert text.startswith("No problems found.")


def test_an_explanation_reads_from_event_to_obstacle():
    unwrapped = " ".join(text_of(show_explanation, EXPLANATION).split())
    for expected in (
        "Record 4711 of shop.orders, as of 2026-03-01 (Europe/Oslo)",
        "Its parts: 3 rows of order_lines.",
        "Set aside by an earlier run: it kept failing",
        "kept, because rows that stay refer to it; overdue",
        "booked: on 2019-05-04 (Europe/Oslo)",
        "created_at = 2019-05-01  before the cutoff",
        "credit_notes.issued_at = none  no value: not happened",
        "until 2026-01-01",
        "from 2025-02-01 on",
        "12 rows refer to it by invoices.order_id (88, 89 and more)",
        "the rule tax still keeps it",
        "the rule claims still keeps records 1 and more of shop.claims, which need it, until 2031-01-01",
        "hold h-1 (litigation) covers it, review on 2027-01-01",
        "Hold h-1 (litigation) covers it through a record that refers to it or shares rows with it",
        "record 7 of shop.cases, which stays, shares rows of pages with it",
        "it is a row of record 3 of shop.files",
        "Exception the one for company = 'GmbH'",
        "cancelled: on 2018-01-01, earlier than the clock counts from: it does not end it",
        "defer_while: disputed  neither true nor false",
        "company = GmbH",
        "ends on 2025-12-01 at the latest",
        "It stays while twelve invoices refer to it.",
    ):
        assert " ".join(expected.split()) in unwrapped


def test_a_record_that_no_rule_speaks_of_is_said_to_be_kept():
    assert "No rule speaks of this record" in text_of(
        show_explanation, dataclasses.replace(EXPLANATION, rules=())
    )


def test_a_status_puts_doubt_and_waiting_first():
    text = text_of(show_status, STATUS)
    assert "1 batch is in doubt" in text
    assert (
        text.index("in doubt") < text.index("Waits for approval") < text.index("Overdue") < text.index("Runs")
    )
    assert "running, not ended" in text
    assert "retention approve p-7f3a" in text


def test_a_verification_says_what_no_checkpoint_covers():
    text = text_of(show_verification, VERIFICATION)
    assert "The ledger verifies: 1,234 events." in text
    assert "4 events after the newest checkpoint" in text
    unsigned = dataclasses.replace(VERIFICATION, checkpoints=0)
    assert "no checkpoint yet" in text_of(show_verification, unsigned)


def event(kind, **data):
    return json.dumps({"at": "2026-03-01T02:00:03Z", "data": data, "prev": "0", "seq": 12, "type": kind})


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            event(
                "batch.committed", run="r-1", job="orders", batch=4, count=2, rows={"orders": 2, "lines": 7}
            ),
            "batch 4 of orders, run r-1, committed: 2 records (2 of orders and 7 of lines)",
        ),
        (
            event(
                "batch.committed",
                run="r-1",
                job="orders/shop/orders",
                batch=1,
                count=11,
                late={"in_time": 1, "overdue": 10},
            ),
            "batch 1 of orders (shop.orders), run r-1, committed: 11 records; 1 in time and 10 overdue",
        ),
        (
            event("error", what="backup restored", connector="shop", records=4),
            "shop was restored from a backup: 4 records that had been deleted may be back",
        ),
        (event("error", what="a fault", where="x"), "error: a fault: where x"),
        (
            event("batch.reconciled", run="r-1", job="orders", batch=4, outcome="aborted"),
            "batch 4 of orders, run r-1, is settled: it had not been committed and never will be",
        ),
        (event("approval.granted", by="alice", plan="p-1"), "approval given by alice: plan p-1"),
        (
            event(
                "plan.created",
                plan="p-1",
                digest="d" * 64,
                jobs=[{"rule": "orders", "connector": "shop", "dataset": "orders", "due": 1200}],
            ),
            "plan p-1 made: orders (shop.orders) 1,200 due",
        ),
        (
            event("policy.changed", policy="f" * 64, before=None, difference=[{"path": "x"}] * 40),
            "the policy was seen for the first time: ffffffffffff",
        ),
        (
            event(
                "policy.changed",
                policy="f" * 64,
                before="e" * 64,
                difference=[{"path": f"rules.r{n}.keep.months", "old": 60, "new": 48} for n in range(5)],
            ),
            "the policy changed, now ffffffffffff: rules.r0.keep.months 60 → 48, rules.r1.keep.months 60 → 48,"
            " rules.r2.keep.months 60 → 48 and 2 more",
        ),
        (
            event("run.started", run="r-1", by="alice", plan="p-1", as_of="2026-03-01T02:00:00Z"),
            "run r-1 started by alice: plan p-1, as of 2026-03-01T02:00:00Z",
        ),
        (
            event(
                "run.ended",
                run="r-1",
                status="partial",
                jobs=[
                    {
                        "rule": "orders",
                        "connector": "shop",
                        "dataset": "orders",
                        "status": "partial",
                        "planned": 9,
                        "done": 5,
                        "changed": 1,
                        "held": 0,
                        "locked": 1,
                        "set_aside": 0,
                        "left": 2,
                    }
                ],
            ),
            "run r-1 ended, partial: orders (shop.orders) partial, 5 of 9 records, 2 left, 2 skipped",
        ),
        (event("something.new", x=[1]), "something.new: x [1]"),
        (event("batch.committed"), "not an event"),
        ("nonsense", "not an event: nonsense"),
        ("[]", "not an event: []"),
    ],
)
def test_an_event_of_the_ledger_is_a_sentence(line, told):
    assert told in sentence(line).plain


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (counted(1, "record"), "1 record"),
        (counted(0, "record"), "0 records"),
        (counted(1234, "batch", "batches"), "1,234 batches"),
        (listed([]), ""),
        (listed(["a"]), "a"),
        (listed(["a", "b", "c"]), "a, b and c"),
        (by_table({"a": 1, "b": 0, "c": 2}), "1 row of a and 2 of c"),
        (duration(0.44), "0.4 s"),
        (duration(59.7), "1 min 0 s"),
        (duration(3725), "1 h 2 min"),
        (moment(datetime(2026, 3, 1, tzinfo=UTC)), "2026-03-01 (UTC)"),
        (moment(datetime.fromisoformat("2026-03-01T14:05:09+01:00")), "2026-03-01 14:05:09 (UTC+01:00)"),
    ],
)
def test_numbers_and_days_in_words(got, expected):
    assert got == expected


def test_what_keeps_records_is_counted_by_each_reference_and_says_so_where_that_is_more():
    referenced = dataclasses.replace(
        PLAN.jobs[0],
        fates={**PLAN.jobs[0].fates, "referenced": 2},
        referenced_by={"Tickets.Cust": 2, "x.Cust": 2},
    )
    text = " ".join(text_of(show_plan, dataclasses.replace(PLAN, jobs=(referenced,))).split())
    assert "2 referred to by rows that stay: 2 by Tickets.Cust and 2 by x.Cust (some by both)" in text


def test_a_wrapped_reason_does_not_fall_back_under_its_number():
    lines = text_of(show_plan, PLAN, width=60).splitlines()
    start = next(at for at, each in enumerate(lines) if "undated: the event has not" in each)
    column = lines[start].index("undated:")
    assert lines[start + 1][:column].strip() == ""
    assert lines[start + 1][column] != " "


def test_a_pipe_is_as_wide_as_columns_asks_for(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert console_on(io.StringIO()).width == 100
    for asked, width in (("72", 72), ("200", 200), ("5", 100), ("wide", 100), ("", 100)):
        monkeypatch.setenv("COLUMNS", asked)
        assert console_on(io.StringIO()).width == width


def test_a_list_of_plans_fits_in_a_hundred_columns_and_names_its_zone_once():
    text = text_of(show_plans, PLAN_LINES * 3, width=100)
    assert text.count("Times are those of") == 1
    assert text.count("(") == 0
    assert len(text.strip().splitlines()) == 2 + 3


def test_a_time_of_day_always_has_its_seconds():
    assert moment(datetime(2026, 3, 1, 14, 5, tzinfo=UTC)) == "2026-03-01 14:05:00 (UTC)"
    assert moment(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01 (UTC)"


@pytest.mark.parametrize("width", [60, 100, 300])
def test_the_tables_of_a_database_are_shown_with_whole_names(width):
    """In columns that are too narrow for them they were cut in the middle of a word."""
    names = (
        "customer_support_conversations",
        "last_customer_message_at",
        "customer_email_address",
        "support_ratings",
    )
    table, date, person, other = names
    line = TableLine(
        table=table, rows=12345, exactness="about", dates=("created_at", date), people=(person, person[:-1], "a", "b"),
        refers_to=(), referred_by=(other, "customer_support_attachments"),
    )  # fmt: skip
    stream = io.StringIO()
    show_set_up(console_on(stream, width=width), SetUp(lines=(), tables=(line,), command="retention init"))
    words = stream.getvalue().replace(",", " ").split()
    assert {*names, "customer_support_attachments", "~12", "345", "+1"} <= set(words)


def test_a_long_word_of_an_action_is_not_cut_off():
    job = dataclasses.replace(PLAN.jobs[0], action="pseudonymize", by_action={})
    text = text_of(show_plan, dataclasses.replace(PLAN, jobs=(job,)))
    assert "Pseudonymize 1,200 of 46,203 records" in text
    assert "800 still kept by another rule (retention explain" in text


def test_what_is_missing_reads_as_a_sentence():
    problem = Problem(file="connectors/db.toml", key="datasets.a.began", found="is missing", write="write it")
    report = CheckReport(problems=(problem,), warnings=(), checked=())
    assert "found nothing: it is missing" in " ".join(text_of(show_check, report).split())


def test_one_of_several_that_reach_nobody_reaches_nobody():
    lines = tuple(
        ToldLine(line=at, state=ToldState.TOLD, event="asked", id=f"t{at}", records=at) for at in range(3)
    )
    reach = (ReachLine(connector="db", dataset="accounts", records=3),)
    told = show_told, ToldOutcome(lines=lines, reach=reach)
    assert "1 of them reaches no record now" in text_of(functools.partial(told[0], asked=True), told[1])


def test_numbers_of_a_refusal_agree_with_their_words():
    refused = more_than_approved(dataclasses.replace(PLAN.jobs[0], fates={**fates(), "due": 2}), 1)
    assert "2 records are due now, and 1 was in the plan that was approved" in str(refused.reason)


def test_wrapped_warnings_and_checked_datasets_stand_apart_from_the_next():
    report = CheckReport(
        problems=(),
        warnings=("a warning " * 12, "short"),
        checked=("shop.orders: orders with " + "lines, " * 20,),
    )
    lines = text_of(show_check, report, width=80).splitlines()
    for first in ("  - a warning", "  shop.orders"):
        at = next(at for at, each in enumerate(lines) if each.startswith(first))
        assert lines[at + 1].startswith("    ")
        assert lines[at + 1][4] != " "
    assert "  - short" in lines


def test_until_when_rows_refer_is_told_of_those_that_stay():
    """`3 more by it go in the same run, first, until 2029-01-01`"""
    stopper = Stopper(
        action="delete",
        kind="referenced",
        by="invoices.id",
        count=4,
        rows=("8", "9"),
        going=3,
        until="2029-01-01",
    )
    rule = dataclasses.replace(EXPLANATION.rules[0], stopped_by=(stopper,))
    text = " ".join(text_of(show_explanation, dataclasses.replace(EXPLANATION, rules=(rule,))).split())
    assert "invoices.id (8, 9 and more), until 2029-01-01; 3 more by it go in the same run, first" in text


def test_whom_a_silent_database_may_know_is_not_said_to_be_nobody():
    line = ToldLine(line=1, state=ToldState.TOLD, event="asked", id="t", records=0)
    reach = (ReachLine(connector="db", dataset="accounts", because="connector `db` can't be reached"),)
    show = functools.partial(show_told, asked=True)
    text = " ".join(text_of(show, ToldOutcome(lines=(line,), reach=reach)).split())
    assert "It reaches no record now: tell it again when every database answers" in text
    assert "is that the person's identifier" not in text


def test_a_folder_that_is_wrong_is_called_no_file():
    problem = Problem(file="connectors", key="", found="the folder of connectors is not there", write="w")
    text = text_of(show_check, CheckReport(problems=(problem,), warnings=(), checked=()))
    assert "1. as a whole" in text
    assert "file" not in text
