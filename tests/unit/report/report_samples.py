"""A record of every kind, and streams to show them on."""

import dataclasses
import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from retention.errors import Problem
from retention.model.audit import Verification
from retention.model.explanation import (
    CheckReport,
    Component,
    ConditionView,
    Explanation,
    FactView,
    HoldView,
    LimbView,
    RuleView,
    Stopper,
)
from retention.model.outcome import ApprovalLine, CheckpointRef, JobOutcome, RunOutcome, Skipped
from retention.model.plan import (
    FATES,
    Cutoff,
    JobPlan,
    JobStatus,
    KeptElsewhere,
    Plan,
    PlanLine,
    Statement,
)
from retention.model.status import NextLine, OverdueLine, RunLine, Status, WaitingLine

OSLO = ZoneInfo("Europe/Oslo")
DAY = datetime(2026, 3, 1, tzinfo=OSLO)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True


def fates(**counts):
    return dict.fromkeys(FATES, 0) | counts


ORDERS = JobPlan(
    rule="orders",
    connector="shop",
    dataset="orders",
    promise="Orders: five years after the accounting year",
    action="delete",
    total=46_203,
    fates=fates(due=1_200, not_due=44_000, retained=800, referenced=200, unclear=3),
    overdue=10,
    rows={"orders": 1_200, "order_lines": 4_478},
    cutoffs=(
        Cutoff(when="company = 'GmbH'", cutoff=datetime(2018, 1, 1, tzinfo=OSLO)),
        Cutoff(when="always", cutoff=datetime(2021, 1, 1, tzinfo=OSLO)),
    ),
    oldest="2014-02-03",
    referenced_by={"invoices": 150, "shipments": 50},
    status=JobStatus.AWAITING,
    reason="the rule has changed since it was approved",
)
ACCOUNTS = JobPlan(
    rule="inactive-accounts",
    connector="shop",
    dataset="accounts",
    promise="Accounts: 24 months of inactivity",
    action="delete",
    total=47,
    fates=fates(due=34, undated=12, elsewhere=1),
    rows={"customers": 34},
)
PLAN = Plan(
    id="p-7f3a",
    digest="9b2c" * 16,
    as_of=DAY,
    policy="41aa" * 16,
    jobs=(ORDERS, ACCOUNTS),
    kept_elsewhere=(KeptElsewhere(rule="backups", promise="Backups: 35 days", kept_by="operations"),),
    stored=True,
    notes=("the role cannot see triggers",),
)
RUN = RunOutcome(
    id="r-1",
    as_of=DAY,
    status="partial",
    jobs=(
        JobOutcome(
            rule="orders",
            connector="shop",
            dataset="orders",
            status=JobStatus.PARTIAL,
            reason="the time was up",
            planned=1_200,
            done=1_000,
            skipped=Skipped(changed=3, locked=1),
            set_aside=1,
            left=195,
            rows={"orders": 1_000, "order_lines": 3_900},
            batches=4,
            seconds=12.25,
        ),
    ),
    checkpoint=CheckpointRef(size=1_234, root="q9Zk=="),
    notes=("a note",),
)
APPROVALS = (ApprovalLine(rule="orders", connector="shop", dataset="orders", records=1_200, over_limit=True),)
CHECK = CheckReport(
    problems=(
        Problem(file="connectors/shop.toml", key="datasets.orders.tabel", found="unknown", write="table"),
        Problem(file="shop (live schema)", key="order_lines", found="no index", write="CREATE INDEX"),
        Problem(file="policies.toml", key="rules.orders.keep", found='"5 yeers"', write='"5 years"'),
    ),
    warnings=("a warning",),
    checked=("shop.orders: orders with order_lines",),
)
STATUS = Status(
    now=datetime(2026, 3, 1, 12, 5, tzinfo=UTC),
    runs=(
        RunLine(id="r-1", as_of=DAY, started=DAY, ended=None, status="running", by="alice", done=9, left=2),
    ),
    next=(NextLine(rule="orders", schedule="0 2 * * *", at=DAY, waits="approval of p-7f3a"),),
    overdue=(
        OverdueLine(
            rule="orders", connector="shop", dataset="orders", overdue=10, undated=7, unclear=3, as_of=DAY
        ),
    ),
    waiting=(WaitingLine(plan="p-7f3a", rule="orders", records=1_200, reason="the rule has changed"),),
    in_doubt=1,
    set_aside=2,
    events=12_345,
)
EXPLANATION = Explanation(
    connector="shop",
    dataset="orders",
    key="4711",
    as_of=DAY,
    parts={"order_lines": 3},
    set_aside="it kept failing",
    holds=(HoldView(id="h-1", reason="litigation", review="2027-01-01", through=True),),
    rules=(
        RuleView(
            rule="orders",
            promise="Orders: five years after the accounting year",
            fate="referenced",
            action="delete",
            overdue=True,
            event_name="booked",
            components=(
                Component(column="created_at", value="2019-05-01", state="past"),
                Component(column="credit_notes.issued_at", value=None, state="missing"),
            ),
            event="2019-05-04",
            due_on="2025-01-01",
            ended="2025-01-01",
            overdue_on="2025-02-01",
            at_most="2026-01-01",
            keep="5 years",
            timezone="Europe/Oslo",
            stopped_by=(
                Stopper(
                    action="delete", kind="referenced", by="invoices.order_id", count=12, rows=("88", "89")
                ),
                Stopper(action="delete", kind="retained", by="tax"),
                Stopper(
                    action="delete",
                    kind="retained",
                    by="claims",
                    dataset="shop.claims",
                    how="needs",
                    count=7,
                    rows=("1",),
                    until="2031-01-01",
                ),
                Stopper(action="delete", kind="held", by="h-1", reason="litigation", review="2027-01-01"),
                Stopper(
                    action="delete",
                    kind="shared",
                    by="pages",
                    dataset="shop.cases",
                    how="shares",
                    count=1,
                    rows=("7",),
                ),
                Stopper(kind="elsewhere", by="files", dataset="shop.files", count=1, rows=("3",)),
            ),
            because="Twelve invoices refer to it.",
            changes="It stays while twelve invoices refer to it.",
            changes_on="2026-05-01",
            defers_until="2025-12-01",
            exception="company = 'GmbH'",
            limbs=(
                LimbView(
                    kind="keep",
                    event="booked",
                    state="come",
                    day="2019-05-04",
                    due_on="2025-01-01",
                    ended="2024-12-31",
                    overdue_on="2025-02-01",
                ),
                LimbView(kind="until", event="cancelled", state="earlier", day="2018-01-01"),
            ),
            conditions=(
                ConditionView(key="exceptions[1].when", text="company = 'GmbH'", state="true"),
                ConditionView(key="defer_while", text="disputed", state="unknown"),
            ),
            facts=(FactView(name="company", value="GmbH"), FactView(name="disputed", value="unknown")),
        ),
    ),
)
VERIFICATION = Verification(
    source="state.db",
    origin="shop.example",
    events=1_234,
    size=1_230,
    root="q9Z=",
    checkpoints=3,
    unsigned_tail=4,
    last_at="2026-03-01T02:00:03Z",
    notes=("a note",),
)
PLAN_LINES = (PlanLine(id="p-7f3a", as_of=DAY, created=DAY, due=1_234, approved="no", used=False),)
STATEMENTS = (
    Statement(rule="orders", connector="shop", dataset="orders", purpose="find", sql="SELECT 1\nFROM t"),
    Statement(
        rule="orders",
        connector="shop",
        dataset="orders",
        purpose="find",
        sql="SELECT 2\nFROM t",
        together=("orders", "returns"),
    ),
)


def poisoned(value, canary, name=""):
    """The same record with `canary` in every text; the names of fates stay, they are the engine's own."""
    if dataclasses.is_dataclass(value):
        fields = {f.name: poisoned(getattr(value, f.name), canary, f.name) for f in dataclasses.fields(value)}
        return type(value)(**fields)
    if isinstance(value, str):
        return canary
    if isinstance(value, dict) and name != "fates":
        return {canary: max(value.values())} if value else {}
    if isinstance(value, tuple):
        return tuple(poisoned(each, canary) for each in value)
    return value
