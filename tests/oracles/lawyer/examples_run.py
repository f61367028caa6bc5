"""What a run itself would blur: records that were due when it began, and of which other jobs changed what told so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from tests.oracles.lawyer.actions import REDACTED
from tests.oracles.lawyer.examples_actions import ANN, MARKED, OLD, chained
from tests.oracles.lawyer.examples_vaults import members
from tests.oracles.lawyer.shapes import FIELDS, SHAPES
from tests.oracles.lawyer.situations import Situation, at, column, on, rule, says, situation
from tests.oracles.lawyer.world import Some, Telling, Value

CLAIM = ((SHAPES["shop"].tables["claims"].references[0], True),)


def examples() -> Iterator[Situation]:
    yield referred_to_by_what_is_marked_first()
    yield rewritten_for_a_rule_that_keeps_nothing_else()
    yield from ended_by_what_goes_first()
    yield from told_by_what_goes_first()
    yield asked_for_beside_what_goes_first()


def referred_to_by_what_is_marked_first() -> Situation:
    """A member can't be moved to the vault, since a call stays that is restricted in place, and is rewritten instead.
    With its mark the call is the next plan's to delete: the member waited for that, and was left as it was."""
    return members(
        "rewritten instead, for a call that is marked as restricted first and goes the next time",
        [
            chained("apart", "calls", "restrict"),
            chained("gone", "calls", "delete"),
            chained("r", "members", "restrict", "pseudonymize"),
        ],
        {"members": [{"id": 1, **OLD, **ANN}], "calls": [{"id": 1, "member_id": 1, **OLD}]},
        {"apart calls 1": "due late", "gone calls 1": "elsewhere", "r members 1": "due late"},
        spelt={"anonymize": {"name": "redact"}},
        spelt_there={"anonymize": {"name": "redact"}},
        datasets={"calls": MARKED},
        left={"members": [1], "calls": [1], "kept_members": []},
        then={"members 1": {"name": REDACTED}},
    )


def rewritten_for_a_rule_that_keeps_nothing_else() -> Situation:
    """An order is rewritten, and not deleted, for a claim that stays. Another rule on it has ended by a claim, which
    goes first: then it seemed to need all that was to be rewritten, and the order was left as it was."""
    return situation(
        "rewritten instead of deleted, though what ended the other rule on it goes first",
        "2026-01-01",
        [
            rule("claims", "claims", keep="1 month", start="booked"),
            rule("both", "orders", keep="1 year", start="seen"),
            chained("r", "orders", "delete", "pseudonymize", start="booked"),
        ],
        {
            "orders": [{"id": 1, **OLD, **ANN}],
            "claims": [
                {"id": 1, "order_id": 1, "status": "paid", "d": on("2021-01-01")},
                {"id": 2, "order_id": 1, "status": "open", "d": on("2026-01-01")},
            ],
        },
        {"claims claims 1": "due late", "both orders 1": "referenced late", "r orders 1": "due late"},
        datasets={
            "claims": {},
            "orders": {
                "events": {
                    "booked": (column("d"),),
                    "seen": (column("d", path=CLAIM, where=("<>", "status", "open")),),
                },
                "anonymize": {"name": "redact", "phone": "null"},
                "fields": FIELDS,
            },
        },
        left={"claims": [2], "orders": [1]},
        then={"orders 1": {"name": REDACTED, "phone": None}},
    )


def ended_by_what_goes_first() -> Iterator[Situation]:
    """What another rule keeps, by the last claim, is restricted instead of deleted, or rewritten. The claim goes first:
    then the other rule had ended, would have done as much itself, and last; and the order was left as it was."""
    phone = {"orders": ("reach",)}
    for action, name in (("restrict", ANN["name"]), ("pseudonymize", REDACTED)):
        yield situation(
            f"what another rule kept by a claim that goes first: {action}",
            "2026-01-01",
            [
                rule("claims", "claims", keep="1 month", start="booked"),
                chained("keeper", "orders", "delete", action, keep="2 years", start="seen", needs=phone),
                chained("books", "orders", "delete", keep="30 years", needs=phone),
                chained("r", "orders", "delete", action, keep="1 year"),
            ],
            {
                "orders": [{"id": 1, **OLD, **ANN, "t": datetime(2022, 1, 1)}],
                "claims": [{"id": 1, "order_id": 1, **OLD, "t": datetime(2025, 6, 1)}],
            },
            {
                "claims claims 1": "due late",
                "keeper orders 1": "not_due",
                "r orders 1": "due late",
            },
            datasets={
                "claims": {},
                "orders": {
                    "events": {"booked": (column("d"),), "seen": (column("t"), column("t", path=CLAIM))},
                    **MARKED,
                    "anonymize": {"name": "redact"},
                    "fields": FIELDS,
                },
            },
            left={"claims": [], "orders": [1]},
            then={"orders 1": {**ANN, "name": name}},
        )


def told_by_what_goes_first() -> Iterator[Situation]:
    """By its claims an order is in a rule's scope, or follows an exception, or is put off by another rule no longer.
    They go first: then the rule spoke of it no more, or otherwise, and the order stayed."""
    short, long = {"keep": "1 year", "start": "booked"}, {"keep": "30 years", "start": "booked"}
    claimed, free = ("true", "open"), ("not", ("true", "open"))
    for name, rules in (
        ("its scope", [rule("r", "orders", where=claimed, **short)]),
        (
            "its scope and its own column",
            [rule("r", "orders", where=("and", claimed, ("is null", "status")), **short)],
        ),
        ("an exception", [rule("r", "orders", [says(when=claimed, keep="1 year")], **long)]),
        ("that no exception holds", [rule("r", "orders", [says(when=free, keep="30 years")], **short)]),
        (
            "the scope of another",
            [rule("r", "orders", **short), rule("s", "orders", where=free, **long)],
        ),
        (
            "an exception of another",
            [rule("r", "orders", **short), rule("s", "orders", [says(when=claimed, keep="1 year")], **long)],
        ),
        (
            "that another is put off no more",
            [
                rule("r", "orders", **short),
                rule("s", "orders", keep="2 years", start="booked", at_most="40 years", defer_while=free),
            ],
        ),
    ):
        yield situation(
            f"an order that goes by {name}, as a claim tells that goes first",
            "2026-01-01",
            [rule("claims", "claims", keep="1 month", start="booked"), *rules],
            {
                "orders": [{"id": 1, **OLD, **ANN}, {"id": 2, "d": on("2025-12-01"), **ANN}],
                "claims": [{"id": n, "order_id": n, **OLD} for n in (1, 2)],
            },
            {"claims claims 1": "due late", "r orders 2": "not_due"},
            datasets={
                "claims": {},
                "orders": {"facts": {"open": Some(path=CLAIM), "status": Value(column="status")}},
            },
            left={"claims": [], "orders": [2]},
        )


def asked_for_beside_what_goes_first() -> Situation:
    """An order goes since a customer asked for it, which people told, and its claims say that it may. These go first.
    What was told of an order that was written down was not looked up again: it stayed."""
    day = at("2025-06-01")
    claimed = says(when=("true", "open"), upon=("asked",))
    return situation(
        "what was asked for goes, though its exception is told by a claim that goes first",
        "2026-01-01",
        [
            rule("claims", "claims", keep="1 month", start="booked"),
            rule("r", "orders", [claimed], upon=("closed",)),
        ],
        {
            "orders": [{"id": 1, "customer_id": 7, "z": at("2024-01-01"), **ANN}],
            "claims": [{"id": 1, "order_id": 1, "d": on("2025-11-01")}],
            "customers": [{"id": 7}],
        },
        {"claims claims 1": "due", "r orders 1": "due late"},
        told={"asked": ("customer",)},
        tellings=[Telling(event="asked", identifiers=(("customer", "7"),), at=day, told_at=day)],
        datasets={"claims": {}, "orders": {"facts": {"open": Some(path=CLAIM)}}},
        left={"claims": [], "orders": []},
    )
