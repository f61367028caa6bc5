"""Verbs that do as a test says, in place of the engine's; and, as a script, scenes for a real process.

`python cli_stand_ins.py SCENE ARGUMENT…` runs the command line over the verbs of SCENE.
"""

import sys
import time
import types
from datetime import UTC, datetime

from retention.errors import SafetyRefusal
from retention.model.audit import Verification
from retention.model.explanation import CheckReport, Explanation
from retention.model.outcome import ApprovalLine, JobOutcome, RunOutcome
from retention.model.overview import SetUp, TableLine
from retention.model.plan import FATES, JobPlan, JobStatus, Plan, PlanLine, Statement
from retention.model.script import Script
from retention.model.status import Status
from retention.model.switch import Resumed, Stop, Stopped

DAY = datetime(2026, 3, 1, tzinfo=UTC)
MODULES = (
    "check",
    "plan",
    "statements",
    "approve",
    "run",
    "status",
    "schedule",
    "daemon",
    "switch",
    "explain",
    "audit",
    "init",
    "introduce",
    "ddl",
    "demo",
    "output",
)


def job(status=JobStatus.READY, due=3, rule="orders"):
    fates = dict.fromkeys(FATES, 0) | {"due": due, "not_due": 10 - due}
    return JobPlan(
        rule=rule,
        connector="shop",
        dataset="orders",
        promise="Orders: five years",
        action="delete",
        total=10,
        fates=fates,
        rows={"orders": due},
        status=status,
    )


def plan(*jobs):
    return Plan(id="p-1", digest="d" * 64, as_of=DAY, policy="f" * 64, jobs=jobs or (job(),), stored=True)


def outcome(status="done", *statuses):
    jobs = tuple(
        JobOutcome(rule="orders", connector="shop", dataset="orders", status=each, planned=3, done=3)
        for each in statuses
    )
    return RunOutcome(id="r-1", as_of=DAY, status=status, jobs=jobs)


VERIFICATION = Verification(
    source="s", origin="o", events=1, size=1, root="r", checkpoints=1, unsigned_tail=0, last_at=None
)
STATUS = Status(now=DAY, runs=(), next=(), overdue=(), waiting=(), in_doubt=0, set_aside=0, events=0)
STOP = Stop(at=DAY, by="ida", reason="wrong rows")
TABLE = TableLine(
    table="orders", rows=3, exactness="about", dates=("at",), people=(), refers_to=(), referred_by=()
)
SCRIPT = Script(
    database="shop",
    where="env:SHOP",
    family="sqlite",
    notes=("Run it.",),
    statements=("SELECT\n1",),
    grants=("G",),
)
EXPLANATION = Explanation(connector="shop", dataset="orders", key="7,3", as_of=DAY, rules=())


def show_demo(folder, *, show, **_):
    show.heading("A small company")
    show.text("It sells things.")
    show.plan(plan())
    show.outcome(outcome("done", JobStatus.DONE))
    show.verification(VERIFICATION)
    show.explanation(EXPLANATION)
    show.commands(["retention plan"])


EVENT = '{"at":"2026-01-01T00:00:00.000000Z","data":{},"prev":"0","seq":%d,"type":"x"}'


def usual():
    """Every verb, answering something."""
    return {
        "check.check": lambda place, **_: CheckReport(problems=(), warnings=(), checked=("shop.orders",)),
        "plan.plan": lambda place, **_: plan(),
        "statements.statements": lambda place, **_: (
            Statement(rule="orders", connector="shop", dataset="orders", purpose="find", sql="SELECT 1"),
        ),
        "output.refuse_output": lambda place, output: None,
        "plan.listed": lambda place: (
            PlanLine(id="p-1", as_of=DAY, created=DAY, due=3, approved="no", used=False),
        ),
        "plan.stored": lambda place, id: plan(),
        "approve.approve": lambda place, plan_id, **_: (
            ApprovalLine(rule="orders", connector="shop", dataset="orders", records=3),
        ),
        "run.run": lambda place, **_: outcome("done", JobStatus.DONE),
        "status.status": lambda place, **_: STATUS,
        "switch.stop": lambda place, **_: Stopped(stop=STOP, new=True),
        "switch.resume": lambda place, **_: Resumed(at=DAY, by="ida", over=(STOP,)),
        "daemon.daemon": lambda place, **_: None,
        "schedule.print_schedule": lambda place, **_: (),
        "explain.explain": lambda place, **_: EXPLANATION,
        "audit.log": lambda place, **_: iter([EVENT % 1]),
        "audit.zone": lambda place: ("UTC", "store.example/retention"),
        "audit.verify": lambda place, **_: VERIFICATION,
        "init.init": lambda folder, place, **_: SetUp(lines=("made policies.toml",)),
        "introduce.introduce": lambda place, **_: SetUp(lines=(), tables=(TABLE,), command="retention init"),
        "ddl.ddl": lambda place: (SCRIPT,),
        "demo.demo": show_demo,
    }


def modules_of(verbs):
    """`retention.verbs.*` made of the given functions, by name "module.function"."""
    made = {"retention.verbs": types.ModuleType("retention.verbs")}
    for name in MODULES:
        made[f"retention.verbs.{name}"] = types.ModuleType(f"retention.verbs.{name}")
    for path, function in verbs.items():
        module, _, name = path.partition(".")
        setattr(made[f"retention.verbs.{module}"], name, function)
    return made


def asks(place, *, confirm, by, **_):
    """A run that asks as the engine does."""
    awaiting = job(JobStatus.AWAITING, rule="accounts")
    go = confirm is not None and confirm(plan(job(), awaiting))
    if confirm is None or go:
        sys.stderr.write(f"deleting, asked: {confirm is not None}\n")
        return outcome("done", JobStatus.DONE)
    raise SafetyRefusal("not confirmed: nothing was deleted")


def works_until_told_to_stop(place, *, stop, **_):
    sys.stderr.write("working\n")
    sys.stderr.flush()
    while not stop():
        time.sleep(0.01)
    return outcome("interrupted", JobStatus.STOPPED)


def works_on_regardless(place, *, stop, **_):
    sys.stderr.write("working\n")
    sys.stderr.flush()
    time.sleep(60)


def endless_log(place, **_):
    for seq in range(1_000_000):
        yield EVENT % seq


def loses_its_database(place, **_):
    raise BrokenPipeError("the database went away")


SCENES = {
    "usual": {},
    "asks": {"run.run": asks},
    "works": {"run.run": works_until_told_to_stop},
    "stubborn": {"run.run": works_on_regardless},
    "log": {"audit.log": endless_log},
    "lost": {"status.status": loses_its_database},
}


if __name__ == "__main__":
    from retention.cli import main

    sys.modules.update(modules_of(usual() | SCENES[sys.argv.pop(1)]))
    main()
