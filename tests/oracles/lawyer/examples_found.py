"""What companies from seeds found, in the engine or in the evaluator: each made small, and what is right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from tests.oracles.lawyer.actions import REDACTED
from tests.oracles.lawyer.examples_actions import ANN, MARKED, OLD, chained
from tests.oracles.lawyer.examples_time import one
from tests.oracles.lawyer.examples_vaults import INSIDE, OUTSIDE, members
from tests.oracles.lawyer.shapes import FIELDS, SHAPES
from tests.oracles.lawyer.situations import Situation, at, column, on, rule, situation
from tests.oracles.lawyer.world import NO_DAY, Hold, Telling

BUYS = SHAPES["shop"].tables["orders"].references[0]
CLAIM = SHAPES["shop"].tables["claims"].references[0]
CALLED = SHAPES["vaults"].tables["calls"].references[0]
LINE = SHAPES["shop"].tables["order_lines"].references[0]
QUOTED = SHAPES["threads"].tables["quotes"].references[0]
SEEN_AT_A_CALL: dict[str, Any] = {
    "spelt": {
        "anonymize": {"name": "redact"},
        "events": {
            "booked": (column("d"),),
            "closed": (column("t"),),
            "seen": (column("d", path=((CALLED, True),)),),
        },
    },
    "spelt_there": {
        "anonymize": {"name": "redact"},
        "events": {"booked": (column("d"),), "closed": (column("t"),), "seen": (column("z"),)},
    },
    "datasets": {"calls": {}},
}
"""Members are seen when they call; in their vault by a column of their own."""
NO_DATES = ("20240101", "2024-W01-1", "2024-01-01T12", "2024-01-01Z", "20240101Z", "no day at allZ")
TEXT = {"orders": {"events": {"closed": (column("s"),), "booked": (column("d"),)}}}


def examples() -> Iterator[Situation]:
    yield from instants_in_texts()
    yield from fractions_in_texts()
    yield from what_nobody_told()
    yield from whom_it_concerns()
    yield from removed_under_it()
    yield held_by_way_of_a_part()
    yield from not_held_by_way_of_a_row_that_is_no_record()
    yield from demands_that_nobody_made()
    yield from for_another_record_of_its_own()
    yield two_steps_away()
    yield spelt_otherwise()
    yield who_led_there_is_gone()
    yield from clear_in_one_zone()
    yield from not_on_the_day_of_its_arrival()
    yield from by_what_another_job_removes_first()
    yield from map(by_a_call_or_by_itself, ("restrict", "delete", "pseudonymize"))
    yield from no_longer_put_off_by_a_call_that_goes_first()
    yield from not_what_was_just_left_there()
    yield from the_first_in_the_files()
    yield a_date_as_no_database_writes_it()
    yield what_itself_needs()
    yield from not_what_a_later_job_deletes()
    yield from a_slice_before_its_row()
    yield what_arrives_in_a_vault_stays_for_now()
    yield restricted_as_one_of_two_records()
    yield from left_to_the_other_by_both()
    yield not_held_by_somebody_who_is_no_record()
    yield from kept_by_another_rule_no_more()
    yield kept_from_being_deleted_all_the_same()
    yield no_day_that_is_never_null()
    yield not_what_was_kept_for_what_has_gone()
    yield rewritten_though_it_could_be_moved_now()
    yield from told_when_the_period_was_over()


def instants_in_texts() -> Iterator[Situation]:
    """Read without the fraction of its second, what lies a microsecond ahead had happened."""
    until = {"until": ("closed",), "start": None}
    for text, expected in (
        ("2024-03-01T12:00:00.000001Z", "not_due"),
        ("2024-03-01T12:00:00.0000009Z", "due"),
        ("2024-03-01 13:00:00.000000+01:00", "due"),
        ("2024-03-01 13:00:00.1+01:00", "not_due"),
        ("2024-03-01T12:00Z", "due"),
        ("2024-03-01T12:01Z", "not_due"),
    ):
        yield one(
            f"as of noon, {text} is {expected}",
            "2024-03-01T12:00:00",
            until,
            {"s": text},
            expected,
            datasets=TEXT,
        )


def fractions_in_texts() -> Iterator[Situation]:
    """A text and a timestamp, neither with a zone. Read without the fraction of its second, or with it rounded, a text
    was earlier or later than what happened in the same second: kept for ever, or gone by an end that does not count."""
    noon = datetime(2025, 2, 28, 11, 59, 59, 999999)
    for start, until, text, t, expected in (
        ("seen", "closed", "2025-02-28 11:59:59.999999", noon, "due late"),
        ("seen", "closed", "2025-02-28T11:59:59.999998", noon, "not_due"),
        ("closed", "seen", "2025-02-28T11:59:59.9", noon.replace(microsecond=500_000), "not_due"),
        ("closed", "seen", "2025-02-28 11:59:59.9999999", noon, "due late"),
        ("closed", "seen", "2025-02-28 11:59:59.9999999Z", noon, "due late"),
        ("closed", "seen", "2025-02-28 12:00", noon, "not_due"),
    ):
        yield one(
            f"from {start} until {until}, {text} and {t:%H:%M:%S.%f}: {expected}",
            "2026-01-01",
            {"start": start, "until": (until,)},
            {"s": text, "t": t},
            expected,
            datasets={"orders": {"events": {"closed": (column("s"),), "seen": (column("t"),)}}},
        )


def what_nobody_told() -> Iterator[Situation]:
    """Where `from` is told, and nobody has told anything, an event that a column tells ends the clock all the same."""
    keys = {"start": "asked", "until": ("closed",)}
    day = at("2023-06-01")
    telling = Telling(event="asked", identifiers=(("customer", "7"),), at=day, told_at=day)
    for name, row, tellings, expected in (
        ("nobody told the beginning", {"t": datetime(2023, 5, 31)}, (), "due late"),
        ("nobody told the beginning, and the end is unclear", {"t": datetime(1971, 1, 1)}, (), "unclear"),
        ("nobody told the beginning, and the end lies ahead", {"t": datetime(2030, 1, 1)}, (), "not_due"),
        ("the beginning was told, and is later", {"t": datetime(2023, 5, 31)}, (telling,), "not_due"),
        ("the beginning was told, and is at once", {"t": datetime(2023, 6, 1)}, (telling,), "due late"),
        (
            "the beginning was told, of whom is unclear",
            {"t": datetime(2023, 6, 2), "z": None},
            (telling,),
            "unclear",
        ),
    ):
        yield one(
            name,
            "2024-01-01",
            keys,
            {"customer_id": 7, "z": at("2020-01-01"), **row},
            expected,
            told={"asked": ("customer",)},
            tellings=tellings,
        )


def whom_it_concerns() -> Iterator[Situation]:
    """A telling that is earlier than `from` does not count, though nobody knows whether it concerns the record; and
    when a record began is a day of the rule's zone: the first that is not "unknown" begins earlier in the east."""
    day = at("2023-06-01")
    telling = Telling(event="asked", identifiers=(("customer", "7"),), at=day, told_at=day)
    edge = at("1971-01-01T23:00:00")
    for name, row, zone, expected in (
        (
            "earlier than `from`, of a record that began nobody knows when",
            {"d": on("2023-06-02")},
            "UTC",
            "not_due",
        ),
        ("not earlier than `from`, of such a record", {"d": on("2023-06-01")}, "UTC", "unclear"),
        ("began on the second of January, in Oslo", {"z": edge}, "Europe/Oslo", "due late"),
        ("began on the first of January, in UTC", {"z": edge}, "UTC", "unclear"),
    ):
        yield one(
            name,
            "2024-01-01",
            {"start": "booked", "until": ("asked",), "zone": zone},
            {"customer_id": 7, **row},
            expected,
            told={"asked": ("customer",)},
            tellings=(telling,),
        )


def removed_under_it() -> Iterator[Situation]:
    """What a record counts from is not removed under it. A customer counts from the last order, whose own rule is
    shorter: planned as due, and not undated for ever once the order is gone; or kept, and not due in the very run."""
    days = [{"id": n, "d": on(day), "customer_id": n} for n, day in ((1, "2025-06-01"), (2, "2001-01-01"))]
    people = [{"id": n, "d": on("2001-01-01")} for n in (1, 2)]
    last, own = column("d", path=((BUYS, True),)), column("d")
    for name, keep, dates, expected, left in (
        ("its own period is as short", "1 month", (last,), "due late", []),
        ("its own period is longer", "5 years", (own, last), "not_due", [1]),
    ):
        yield situation(
            f"counting from what goes: {name}",
            "2026-01-01",
            [
                rule("orders", "orders", keep="1 month", start="booked"),
                rule("people", "customers", keep=keep, start="booked"),
            ],
            {"orders": days, "customers": people},
            {"orders orders 1": "due late", "people customers 1": expected, "people customers 2": "due late"},
            datasets={"orders": {}, "customers": {"events": {"booked": dates}}},
            left={"orders": [], "customers": left},
        )


def ring_of_one() -> Situation:
    """1 refers to 2, and both go with 3: in batches of one record, 2 after 1 and none instead of another."""
    rows = [{"id": n, "d": on("2001-01-01"), "next_id": 2 if n == 1 else None} for n in (1, 2, 3)]
    return situation(
        "a record that waits for one of its own dataset takes nobody's place",
        "2026-01-01",
        rule("orders", "orders", keep="1 year", start="booked"),
        {"orders": rows},
        {f"orders orders {n}": "due late" for n in (1, 2, 3)},
        left={"orders": []},
    )


def held_by_way_of_a_part() -> Situation:
    """A hold on all order lines holds the order of which one is a part, and what that refers to in turn."""
    rows = [{"id": n, "d": on("2001-01-01"), "next_id": n - 1 or None} for n in (1, 2, 3)]
    return situation(
        "held by way of a part, and what that refers to in its own dataset",
        "2026-01-01",
        rule("orders", "orders", keep="1 year", start="booked"),
        {"orders": rows, "order_lines": [{"id": 1, "order_id": 2}]},
        {"orders orders 1": "held", "orders orders 2": "held", "orders orders 3": "due late"},
        datasets={"orders": {"parts": (LINE,)}, "lines": {}},
        holds=[Hold(on="dataset", what="lines")],
        left={"orders": [1, 2]},
    )


def demands_that_nobody_made() -> Iterator[Situation]:
    """They keep nothing, though they would be put off, and though nobody knows whether they speak of the record. What
    was demanded, and is put off, is kept, though nobody knows that either: unknown never deletes."""
    off = {"defer_while": ("true", "open"), "at_most": "none", "basis": "legal claims"}
    for name, words, row, fates in (
        ("would be put off", off, {"active": True}, ("due late", "out_of_scope")),
        (
            "would be put off, and nobody knows when it came",
            off,
            {"active": True, "t": datetime(1971, 1, 1)},
            ("due late", "unclear"),
        ),
        (
            "was made, and is put off",
            off,
            {"active": True, "t": datetime(2023, 1, 1)},
            ("retained", "deferred"),
        ),
        ("may not speak of the record", {"where": ("true", "open")}, {}, ("due late", "unclear")),
        (
            "was made, is put off, and may not speak of the record",
            {**off, "where": ("true", "open"), "defer_while": ("true", "big")},
            {"amount": 3, "t": datetime(2023, 1, 1)},
            ("retained", "unclear"),
        ),
        (
            "was made, is not put off, and may not speak of the record",
            {**off, "where": ("true", "open"), "defer_while": ("true", "big")},
            {"amount": 1, "t": datetime(2023, 1, 1)},
            ("due late", "unclear"),
        ),
    ):
        yield situation(
            f"a demand that {name}",
            "2024-01-01",
            [
                rule("r", "orders", keep="1 year", start="booked"),
                rule("u", "orders", upon=("closed",), **words),
            ],
            {"orders": [{"id": 1, "d": on("2020-01-01"), **row}]},
            {"r orders 1": fates[0], "u orders 1": fates[1]},
        )


def for_another_record_of_its_own() -> Iterator[Situation]:
    """A rule keeps from itself what another record that it keeps needs, whomever it yields to."""
    rows = [{"id": 1, "d": on("2001-01-01")}, {"id": 2, "d": on("2025-12-31"), "next_id": 1}]
    for name, words in (
        ("it yields to all", {}),
        ("it yields to others alone", {"basis": "contract", "yields_to": ("legal claims",)}),
    ):
        yield situation(
            f"needed by a later record of the same rule: {name}",
            "2026-01-01",
            rule("r", "orders", keep="1 year", start="booked", needs={"orders": ("name",)}, **words),
            {"orders": rows},
            {"r orders 1": "retained", "r orders 2": "not_due"},
        )


def not_held_by_way_of_a_row_that_is_no_record() -> Iterator[Situation]:
    """Of the same records, whether claims are held as a whole or each by its key: an order that the dataset's `where`
    leaves out is held by nothing. It stays, and what it refers to with it."""
    rows = [{"id": 1, "d": on("2001-01-01"), "status": "paid"}, {"id": 2, "status": "open", "next_id": 1}]
    for hold in (Hold(on="data", what="claims"), Hold(on="key", what=("claims", (1,)))):
        yield situation(
            f"by way of a row that is no record: a hold on {hold.on}",
            "2026-01-01",
            rule("orders", "orders", keep="1 year", start="booked"),
            {"orders": rows, "claims": [{"id": 1, "order_id": 2}]},
            {"orders orders 1": "referenced late"},
            datasets={"orders": {"where": ("=", "status", "paid")}, "claims": {}},
            holds=[hold],
            left={"orders": [1, 2]},
        )


def two_steps_away() -> Situation:
    """By references upward."""
    return situation(
        "counted from a row two steps away",
        "2026-01-01",
        rule("r", "lines", keep="1 year", start="booked"),
        {
            "customers": [{"id": 1, "d": on("2025-06-01")}],
            "orders": [{"id": 1, "customer_id": 1}],
            "order_lines": [{"id": 1, "order_id": 1}],
        },
        {"r lines 1": "not_due"},
        datasets={"lines": {"events": {"booked": (column("d", path=((LINE, False), (BUYS, False))),)}}},
    )


def spelt_otherwise() -> Situation:
    """As `[identifiers]` says."""
    day = at("2024-01-01")
    return situation(
        "who asked is spelt otherwise",
        "2024-01-02",
        rule("r", "customers", upon=("asked",)),
        {"customers": [{"id": 1, "email": " A@X.org", "z": at("2023-01-01")}]},
        {"r customers 1": "due"},
        told={"asked": ("email",)},
        identifiers={"email": ("trim", "lower")},
        tellings=[Telling(event="asked", identifiers=(("email", "a@x.org"),), at=day, told_at=day)],
    )


def who_led_there_is_gone() -> Situation:
    """What one account told reached another by the e-mail of both, and goes on reaching it when the first has gone:
    the plan after the run told apart by whom the evaluator found then."""
    day = at("2024-01-01")
    row = {"email": "a@x.org", "z": at("2023-01-01")}
    return situation(
        "reached by what an account knew that has gone",
        "2024-01-02",
        rule(
            "r",
            "customers",
            until=("asked",),
            defer_while=("true", "big"),
            at_most="none",
            basis="legal claims",
        ),
        {"customers": [{"id": 1, **row, "amount": 1}, {"id": 2, **row, "amount": 3}]},
        {"r customers 1": "due", "r customers 2": "deferred"},
        told={"asked": ("customer", "email")},
        tellings=[Telling(event="asked", identifiers=(("customer", "1"),), at=day, told_at=day)],
        left={"customers": [2]},
    )


def clear_in_one_zone() -> Iterator[Situation]:
    """The first hour of 1971-01-02 in UTC is still the day before in St. John's: there nobody knows whether what people
    told is earlier. Read in the zone of whichever rule comes first, the record was gone, or stayed."""
    said, first = at("2023-06-01T12:00:00"), at("1971-01-02T01:00:00")
    zones = {"utc": "UTC", "west": "America/St_Johns"}
    for order in (("utc", "west"), ("west", "utc")):
        yield situation(
            f"a date that is clear in one zone, and another rule's zone is {order[1]}",
            "2024-01-01",
            [rule(name, "orders", start="seen", until=("asked",), zone=zones[name]) for name in order],
            {
                "orders": [
                    {"id": 1, "customer_id": 7, "d": on("1990-01-01"), "z": first},
                    {"id": 2, "customer_id": 7, "d": on("1990-01-01"), "z": at("1971-01-02T04:00:00")},
                ]
            },
            {
                "utc orders 1": "retained",
                "west orders 1": "unclear",
                f"{order[0]} orders 2": "due late",
                f"{order[1]} orders 2": "elsewhere",
            },
            datasets={"orders": {"began": column("d")}},
            told={"asked": ("customer",)},
            tellings=[Telling(event="asked", identifiers=(("customer", "7"),), at=said, told_at=said)],
            left={"orders": [1]},
        )


def not_on_the_day_of_its_arrival() -> Iterator[Situation]:
    """What a run moves to a vault is the next run's there, though its events are read otherwise: it was gone unplanned,
    and what was planned stayed in its place."""
    for name, end, there, then in (
        ("deleted", "delete", [1], {}),
        ("rewritten", "pseudonymize", [51, 1], {"kept_members 51": {"name": REDACTED}}),
    ):
        yield members(
            f"not {name} in the vault by the run that moves it there",
            [
                chained("away", "members", "restrict"),
                rule("out", "members", keep="1 year", start="closed", action=end),
            ],
            {
                "members": [{"id": 1, **ANN, "d": on("2001-01-01"), "t": datetime(2025, 12, 31)}],
                "kept_members": [{"id": 51, **ANN, "d": on("2001-01-01")}],
            },
            {"away members 1": "due late", "out members 1": "not_due", "out kept 51": "due late"},
            spelt={"anonymize": {"name": "redact"}},
            spelt_there={
                "anonymize": {"name": "redact"},
                "events": {"booked": (column("d"),), "closed": (column("d"),)},
            },
            left={"members": [], "kept_members": there},
            then={"kept_members 1": ANN, **then},
        )


def by_what_another_job_removes_first() -> Iterator[Situation]:
    """A member was due by a call, though its period is not over, or nobody knows another end. The call goes first: the
    member stayed, with what had ended its clock gone."""
    for name, words, row in (
        ("its own period is not over", {"until": ("seen",)}, {}),
        ("another end is unclear", {"until": ("seen", "closed")}, {"t": datetime(1971, 1, 1)}),
    ):
        for action in ("restrict", "delete", "pseudonymize"):
            yield members(
                f"due by a call that goes first, and {name}: {action}",
                [
                    rule("calls", "calls", keep="1 month", start="booked"),
                    rule("r", "members", keep="9 years", start="booked", action=action, **words),
                ],
                {
                    "members": [{"id": 1, **ANN, "d": on("2020-01-01"), **row}],
                    "calls": [{"id": 1, "member_id": 1, "d": on("2021-01-01")}],
                },
                {"calls calls 1": "due late", "r members 1": "due late"},
                **SEEN_AT_A_CALL,
                left={
                    "calls": [],
                    "members": [1] if action == "pseudonymize" else [],
                    "kept_members": [1] if action == "restrict" else [],
                },
                then={"members 1": {"name": REDACTED}} if action == "pseudonymize" else {},
            )


def by_a_call_or_by_itself(action: str) -> Situation:
    """1 is due by a call, which goes first; 2 by its own beginning; 3 by its own end, though its period is not over."""
    rows = [
        {"id": 1, **ANN, "d": on("2020-01-01")},
        {"id": 2, **ANN, "d": on("2001-01-01")},
        {"id": 3, **ANN, "d": on("2020-01-01"), "t": datetime(2021, 1, 1)},
    ]
    done = action == "pseudonymize"
    return members(
        f"due by a call that goes first, by its own beginning, or by its own end: {action}",
        [
            rule("calls", "calls", keep="1 month", start="booked"),
            rule("r", "members", keep="9 years", start="booked", action=action, until=("seen", "closed")),
        ],
        {"members": rows, "calls": [{"id": 1, "member_id": 1, "d": on("2021-01-01")}]},
        {"calls calls 1": "due late", **{f"r members {n}": "due late" for n in (1, 2, 3)}},
        left={
            "calls": [],
            "members": [1, 2, 3] if done else [],
            "kept_members": [1, 2, 3] if action == "restrict" else [],
        },
        then={f"members {n}": {"name": REDACTED} for n in (1, 2, 3)} if done else {},
        **SEEN_AT_A_CALL,
    )


def no_longer_put_off_by_a_call_that_goes_first() -> Iterator[Situation]:
    for action in ("restrict", "delete", "pseudonymize"):
        for by in ("itself", "another rule"):
            yield put_off_no_longer(action, by)


def put_off_no_longer(action: str, by: str, *, at_most: str = "2 years", active: bool = True) -> Situation:
    """The longest that a member may be put off is over, by a call. The call goes first: the member stayed, as one that
    is put off for want of a date, by the very rule or by another one."""
    window = {"keep": "1 year", "start": "seen", "at_most": at_most, "defer_while": ("true", "open")}
    rules = [rule("r", "members", action=action, **window)]
    if by != "itself":
        rules = [
            rule("r", "members", keep="1 year", start="booked", action=action),
            rule("window", "members", action="delete", **window),
        ]
    acts = "r" if by == "itself" or action == "restrict" else "window"
    goes = acts == "window" or action == "delete"
    return members(
        f"put off no longer by a call that goes first, by {by}: {action}",
        [rule("calls", "calls", keep="1 month", start="booked"), *rules],
        {
            "members": [{"id": 1, **ANN, "d": on("2020-01-01"), "active": active}],
            "calls": [{"id": 1, "member_id": 1, "d": on("2020-06-01")}],
        },
        {"calls calls 1": "due late", f"{acts} members 1": "due late"},
        left={
            "calls": [],
            "members": [] if goes or action == "restrict" else [1],
            "kept_members": [1] if action == "restrict" else [],
        },
        then={} if goes or action == "restrict" else {"members 1": {"name": REDACTED}},
        **SEEN_AT_A_CALL,
    )


def not_what_was_just_left_there() -> Iterator[Situation]:
    """1 is to be restricted by one rule, 2 to be deleted or rewritten by another, which would act on 1 some day. It
    acted on 1 at once, a moment after it had been locked away, and not on 2."""
    for action, left, then in (
        ("delete", [1], {}),
        ("pseudonymize", [1, 2], {"customers 2": {**ANN, "name": REDACTED}}),
    ):
        yield situation(
            f"what has just been restricted is not taken in the place of another: {action}",
            "2026-01-01",
            [
                chained("apart", "customers", "restrict", keep="2 years"),
                chained("then", "customers", action, "restrict"),
            ],
            {
                "customers": [
                    {"id": 1, **OLD, **ANN},
                    {"id": 2, **OLD, **ANN, "restricted_at": at("2025-12-01")},
                ]
            },
            {
                "apart customers 1": "due late",
                "apart customers 2": "done",
                "then customers 1": "elsewhere",
                "then customers 2": "due late",
            },
            datasets={"customers": {**MARKED, "anonymize": {"name": "redact"}, "fields": FIELDS}},
            left={"customers": left},
            then={"customers 1": {**ANN, "restricted_at": at("2026-01-01")}, **then},
        )


def the_first_in_the_files() -> Iterator[Situation]:
    """One rule on two datasets that are the same row, and ends for both on one day. The first by name acted."""
    for first, then in (("questions", "answers"), ("answers", "questions")):
        yield situation(
            f"of two that end on one day the first in the files acts: {first}",
            "2026-01-01",
            rule("gone", ["questions", "answers"], keep="1 month", start="booked"),
            {"tickets": [{"id": 1, "d": on("2020-01-01"), "status": "open"}]},
            {f"gone {first} 1": "due late", f"gone {then} 1": "elsewhere"},
            shape="tenants",
            datasets={first: {"where": None}, then: {"where": None}},
            left={"tickets": []},
        )


def not_what_a_later_job_deletes() -> Iterator[Situation]:
    """1 refers to 2 and 2 to 1, or 1 to itself, and a later job deletes them. 3 stays, since 4 refers to it, and an
    earlier job rewrites it. It took 1 in its place: in its batch it did not see that only the ring refers to 1."""
    for ring, follows in (("itself", {1: 1}), ("each other", {1: 2, 2: 1})):
        for chain in (("delete",), ("delete", "pseudonymize")):
            going = range(1, len(follows) + 1)
            yield situation(
                f"what refers to {ring} is not rewritten by the job before that which does {' or '.join(chain)}",
                "2026-01-01",
                [
                    chained("first", "orders", "pseudonymize", keep="2 years"),
                    chained("then", "orders", *chain),
                ],
                {
                    "orders": [
                        *({"id": n, **OLD, **ANN, "next_id": follows[n]} for n in going),
                        {"id": 3, **OLD, **ANN, "next_id": 4},
                        {"id": 4, "next_id": 3},
                    ]
                },
                {
                    **{f"first orders {n}": "elsewhere" for n in going},
                    **{f"then orders {n}": "due late" for n in going},
                    "first orders 3": "due late",
                    "then orders 3": "referenced late" if len(chain) == 1 else "elsewhere",
                },
                datasets={"orders": {"anonymize": {"name": "redact"}, "fields": FIELDS}},
                left={"orders": [3, 4]},
                then={"orders 3": {"name": REDACTED}},
            )


def a_slice_before_its_row() -> Iterator[Situation]:
    """Of a row with parts, which its slice has not. What is restricted in place counts as deleted by the next run, and
    what is rewritten whole as done: the slice was passed over, or rewritten in the place of another."""
    spelt = {**MARKED, "parts": (LINE,), "anonymize": {"name": "redact"}, "fields": FIELDS}
    reach = {
        "seat": "orders",
        "columns": ("phone",),
        "anonymize": {"phone": "null"},
        "fields": FIELDS,
        "where": ("=", "status", "paid"),
    }
    row = {**OLD, **ANN, "status": "paid"}
    profile = chained("profile", "reach", "pseudonymize")
    yield situation(
        "of what is restricted in place the slice is rewritten, though the record is to be deleted some day",
        "2026-01-01",
        [
            profile,
            chained("inactive", "orders", "delete"),
            chained("apart", "orders", "restrict", keep="2 years"),
        ],
        {"orders": [{"id": 1, **row}], "order_lines": [{"id": 1, "order_id": 1}]},
        {"profile reach 1": "due late", "inactive orders 1": "elsewhere", "apart orders 1": "due late"},
        datasets={"reach": reach, "orders": spelt},
        then={"orders 1": {**ANN, "phone": None, "restricted_at": at("2026-01-01")}},
    )
    yield situation(
        "a slice is not rewritten in the place of another, where its row has just been",
        "2026-01-01",
        [chained("whole", "orders", "pseudonymize"), profile],
        {"orders": [{"id": 1, **row}, {"id": 2, **row, "name": REDACTED}]},
        {
            "whole orders 1": "due late",
            "whole orders 2": "done",
            "profile reach 1": "elsewhere",
            "profile reach 2": "due late",
        },
        datasets={"reach": reach, "orders": spelt},
        then={"orders 1": {**ANN, "name": REDACTED}, "orders 2": {**ANN, "name": REDACTED, "phone": None}},
    )


def a_date_as_no_database_writes_it() -> Situation:
    """Where two dates are held against each other Python, on SQLite, and PostgreSQL read what no rule can count from:
    nobody knew the record's beginning, and its end was passed over as if it came before. At the last PostgreSQL gave
    up."""
    return situation(
        "what begins at 20240101 begins nobody knows when",
        "2026-01-01",
        rule("r", "orders", start="booked", keep=None, until=("closed",)),
        {
            "orders": [{"id": n, "s": text, "t": datetime(2000, 1, 1)} for n, text in enumerate(NO_DATES, 1)]
            + [{"id": 99, "s": "2024-01-01", "t": datetime(2000, 1, 1)}]
        },
        {f"r orders {n}": "unclear" for n in range(1, len(NO_DATES) + 1)} | {"r orders 99": "not_due"},
        datasets={"orders": {"events": {"booked": (column("s"),), "closed": (column("t"),)}}},
    )


def what_itself_needs() -> Situation:
    """An order that is kept needs the phone of the orders that it refers to: 1 refers to itself, 2 to none."""
    return situation(
        "what a kept record needs of those that it refers to it needs of itself, where it does",
        "2026-01-01",
        [
            rule("books", "orders", keep="20 years", start="booked", needs={"orders": ("reach",)}),
            chained("profile", "reach", "pseudonymize"),
        ],
        {"orders": [{"id": 1, **OLD, **ANN, "next_id": 1}, {"id": 2, **OLD, **ANN}]},
        {"profile reach 1": "retained", "profile reach 2": "due late"},
        datasets={
            "orders": {"fields": {"reach": ("phone",)}},
            "reach": {
                "seat": "orders",
                "columns": ("phone",),
                "anonymize": {"phone": "null"},
                "fields": {"reach": ("phone",)},
            },
        },
        then={"orders 1": ANN, "orders 2": {**ANN, "phone": None}},
    )


def what_arrives_in_a_vault_stays_for_now() -> Situation:
    """A club stays for a member that is moved to the vault, and is rewritten instead. By the dates that count there the
    member is due at once, and goes with the next run. Taken for what goes before the club, it left that as it was."""
    return members(
        "what a member refers to is rewritten, though the member is due in the vault to which it has just been moved",
        [
            chained("apart", "members", "restrict"),
            chained("gone", "members", "delete", start="closed"),
            chained("clubs", "clubs", "delete", "pseudonymize"),
        ],
        {"clubs": [{"id": 1, **OLD, **ANN}], "members": [{"id": 1, **OLD, "club_id": 1}]},
        {"apart members 1": "due late", "gone members 1": "undated", "clubs clubs 1": "due late"},
        spelt={"events": {"booked": (column("d"),), "closed": (column("t"),)}},
        spelt_there={"events": {"booked": (column("d"),), "closed": (column("d"),)}},
        datasets={"clubs": {"anonymize": {"name": "redact"}}},
        left={"clubs": [1], "members": [], "kept_members": [1]},
        then={"clubs 1": {"name": REDACTED}},
    )


def restricted_as_one_of_two_records() -> Situation:
    """The same rows are records of two datasets, of which one has parts. What that marks as restricted was rewritten as
    a record of the other, in the place of what was marked long ago: it waited for parts, but none goes with a mark."""
    rows = [{"id": 1, **OLD, **ANN}, {"id": 2, **OLD, **ANN, "restricted_at": at("2025-01-01")}]
    return situation(
        "what is restricted in place by one dataset is not rewritten by another in the place of a planned record",
        "2026-01-01",
        [
            chained("apart", "orders", "restrict"),
            chained("again", "again", "pseudonymize", keep="2 years"),
        ],
        {"orders": rows},
        {
            "apart orders 1": "due late",
            "apart orders 2": "done",
            "again again 1": "elsewhere",
            "again again 2": "due late",
        },
        datasets={
            "orders": {**MARKED, "parts": (LINE,)},
            "again": {"seat": "orders", "anonymize": {"name": "redact"}, "fields": FIELDS},
        },
        then={"orders 1": {**ANN, "restricted_at": at("2026-01-01")}, "orders 2": {**ANN, "name": REDACTED}},
    )


def left_to_the_other_by_both() -> Iterator[Situation]:
    """2 is to be deleted by one rule, moved to a vault by another, or else rewritten, and 1, which stays, answers it.
    Moved first, it was not among what could be deleted, nor what 1 keeps: either rule left it to the other."""
    delete, move = {"action": "delete"}, {"action": "restrict"}
    for name, rules, gone, expected, name_left in (
        (
            "moved first, or else rewritten",
            (delete, {**move, "otherwise": ("pseudonymize",)}),
            1,
            "due late",
            REDACTED,
        ),
        ("moved first, and nothing else", (delete, move), 1, "referenced late", ANN["name"]),
        ("moved, or else deleted", ({**move, "otherwise": ("delete",)},), 0, "referenced late", ANN["name"]),
    ):
        every = [
            rule(f"r{n}", "posts", keep="1 year", start="booked", **each) for n, each in enumerate(rules)
        ]
        fates = {f"r{gone} posts 2": expected}
        fates |= {"r0 posts 2": "referenced late"} if gone else {}
        yield situation(
            f"answered by one that stays, {name}",
            "2026-01-01",
            every,
            {
                "posts": [
                    {"id": 1, **ANN, "d": on("2025-12-01"), "answers_id": 2},
                    {"id": 2, **ANN, "d": on("2001-01-01")},
                ]
            },
            fates,
            shape="threads",
            datasets={
                "posts": {**OUTSIDE, "parts": (), "anonymize": {"name": "redact"}},
                "kept": {
                    **INSIDE,
                    "data": "posts",
                    "vault_of": "posts",
                    "parts": (),
                    "anonymize": {"name": "redact"},
                },
            },
            left={"posts": [1, 2], "kept_posts": []},
            then={"posts 2": {"name": name_left}},
        )


def not_held_by_somebody_who_is_no_record() -> Situation:
    """A hold on the house of 1, whom the dataset's `where` leaves out: what 1 refers to besides is held by nothing."""
    home, work = (SHAPES["homes"].tables["people"].references[n] for n in (0, 1))
    return situation(
        "a hold on a shared row holds nothing by way of a row that is no record",
        "2026-01-01",
        rule("gone", "towns", keep="1 year", start="booked"),
        {
            "towns": [{"id": 1, **OLD}],
            "houses": [{"id": 1, "town_id": 1}, {"id": 2}],
            "people": [{"id": 1, "home_id": 1, "work_id": 2, "status": "open"}],
        },
        {"gone towns 1": "referenced late"},
        shape="homes",
        datasets={
            "towns": {},
            "houses": {},
            "people": {"shared": (home, work), "where": ("=", "status", "paid")},
        },
        holds=[Hold(on="key", what=("houses", (2,)))],
        left={"towns": [1]},
    )


def kept_by_another_rule_no_more() -> Iterator[Situation]:
    """By a claim, which goes first, another rule on the order, or on the same row as a record of another dataset, had
    ended. With nothing left that told when, it kept the order: in this run and, by want of a date, in every other."""
    until = {"start": "booked", "keep": "30 years", "until": ("seen",)}
    for name, words, row in (
        ("a period", {"keep": "1 month", "start": "seen"}, {}),
        ("an end", until, {}),
        ("one of two ends", {**until, "until": ("seen", "closed")}, {"t": datetime(2021, 3, 1)}),
    ):
        for where in ("again", "orders", "a slice"):
            yield kept_by_another_rule(name, where, words, row)


def kept_by_another_rule(
    name: str, where: str, words: Mapping[str, Any], row: Mapping[str, Any]
) -> Situation:
    """`words`: what the rule says; `where`: the dataset that it is on; `row`: what the order is besides."""
    seen = {"seen": (column("d", path=((CLAIM, True),)),), "closed": (column("t"),), "booked": (column("d"),)}
    special: dict[str, Any] = {}
    if where == "a slice":
        special = {"columns": ("phone",), "anonymize": {"phone": "null"}, "fields": FIELDS}
        words = {**words, "action": "pseudonymize"}
    again = {"again": {"seat": "orders", "events": seen, **special}} if where != "orders" else {}
    return situation(
        f"kept by another rule on {where} no more, by {name} that a claim told which goes first",
        "2026-01-01",
        [
            rule("claims", "claims", keep="1 month", start="booked"),
            rule("r", "orders", keep="24 years", start="booked"),
            rule("s", "again" if again else "orders", **words),
        ],
        {
            "orders": [{"id": 1, **ANN, "d": on("2001-01-01"), **row}],
            "claims": [{"id": 1, "order_id": 1, "d": on("2021-01-01")}],
        },
        {"claims claims 1": "due late", "r orders 1": "due late"},
        datasets={"claims": {}, "orders": {"events": seen}, **again},
        left={"claims": [], "orders": []},
    )


def kept_from_being_deleted_all_the_same() -> Situation:
    """What is moved since another rule keeps it from being deleted. That one's end was not counted, as it came before
    its beginning; with the call that told it gone, too, nothing seemed to keep the member, who stayed."""
    return members(
        "kept from being deleted by a rule of which the end has gone, and so moved to a vault",
        [
            rule("calls", "calls", keep="1 month", start="booked"),
            rule("keeper", "members", start="booked", until=("seen",), action="pseudonymize"),
            rule("r", "members", keep="9 years", start="closed", otherwise=("restrict",), until=("seen",)),
        ],
        {
            "members": [{"id": 1, **ANN, "d": on("2026-06-01"), "t": datetime(2025, 1, 1)}],
            "calls": [{"id": 1, "member_id": 1, "d": on("2025-06-01")}],
        },
        {"calls calls 1": "due late", "keeper members 1": "not_due", "r members 1": "due late"},
        **SEEN_AT_A_CALL,
        left={"calls": [], "members": [], "kept_members": [1]},
    )


def no_day_that_is_never_null() -> Situation:
    """MariaDB gives out such a date as it is where a query reads it from another: it was later than 1999, and so what
    had ended a contract had come before that began."""
    return situation(
        "a date that is no day is unclear in a column that is never NULL",
        "2026-03-08",
        rule("r", "posts", start="booked", until=("seen", "closed"), otherwise=("pseudonymize",)),
        {"posts": [{"id": 1, "d": NO_DAY, "t": datetime(1999, 5, 5, 12)}]},
        {"r posts 1": "unclear"},
        shape="threads",
        dated=True,
        datasets={
            "posts": {
                "anonymize": {"name": "redact"},
                "events": {
                    "booked": (column("d"),),
                    "closed": (column("t"),),
                    "seen": (column("d", path=((QUOTED, True),)),),
                },
            }
        },
        left={"posts": [1]},
    )


def not_what_was_kept_for_what_has_gone() -> Situation:
    """1 is kept for an order that another rule would keep, and that goes by one that does not yield to it. Then nothing
    keeps 1 any more: it was rewritten in the place of 2, which the plan had counted."""
    return situation(
        "what is no longer kept is not taken in the place of a planned record",
        "2026-01-01",
        [
            rule(
                "books",
                "orders",
                keep="30 years",
                start="booked",
                basis="contract",
                needs={"customers": ("name",)},
            ),
            rule("gone", "orders", keep="1 month", start="booked", yields_to=("legal claims",)),
            chained("r", "customers", "pseudonymize"),
        ],
        {
            "customers": [{"id": 1, **ANN, "d": on("2001-01-01")}, {"id": 2, **ANN, **OLD}],
            "orders": [{"id": 1, "customer_id": 1, **OLD}],
        },
        {"r customers 1": "retained", "r customers 2": "due late", "gone orders 1": "due late"},
        datasets={"orders": {}, "customers": {"anonymize": {"name": "redact"}, "fields": FIELDS}},
        left={"orders": [], "customers": [1, 2]},
        then={"customers 1": ANN, "customers 2": {"name": REDACTED}},
    )


def rewritten_though_it_could_be_moved_now() -> Situation:
    """2 answers 1 and is moved by one rule; then nothing kept another from moving 1, and a third, which was to rewrite
    it, left it as it was."""
    threads: dict[str, Any] = {"parts": (), "anonymize": {"name": "redact"}}
    return situation(
        "what is to be rewritten is, though what kept it from its vault has been moved",
        "2026-01-01",
        [
            chained("away", "posts", "restrict", start="closed", where=("true", "open")),
            chained("also", "posts", "restrict"),
            chained("out", "posts", "pseudonymize"),
        ],
        {
            "posts": [
                {"id": 1, **ANN, **OLD, "active": False},
                {
                    "id": 2,
                    "active": True,
                    "d": on("2025-12-15"),
                    "t": datetime(2020, 1, 1),
                    "answers_id": 1,
                },
            ]
        },
        {
            "away posts 1": "out_of_scope",
            "also posts 1": "referenced late",
            "out posts 1": "due late",
            "away posts 2": "due late",
        },
        shape="threads",
        datasets={
            "posts": {**OUTSIDE, **threads},
            "kept": {**INSIDE, **threads, "data": "posts", "vault_of": "posts"},
        },
        left={"posts": [1], "kept_posts": [2]},
        then={"posts 1": {"name": REDACTED}},
    )


def told_when_the_period_was_over() -> Iterator[Situation]:
    """`within` counts from the telling, also of the begin of a period: it was late before anybody could know."""
    for told_at, late in (("2025-11-30", " late"), ("2025-12-01", "")):
        yield situation(
            f"the begin of a period was told on {told_at}, when it was over",
            "2026-01-01",
            rule("r", "customers", keep="1 month", start="ended"),
            {"customers": [{"id": 1, "z": at("2020-01-01")}]},
            {"r customers 1": f"due{late}"},
            told={"ended": ("customer",)},
            tellings=[
                Telling(
                    event="ended", identifiers=(("customer", "1"),), at=on("2025-01-01"), told_at=at(told_at)
                )
            ],
            left={"customers": []},
        )
