"""The worked examples of DESIGN §3, and ten nasty ones: time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from tests.oracles.lawyer.shapes import SHAPES, TENANT
from tests.oracles.lawyer.situations import Situation, at, column, on, rule, says, situation
from tests.oracles.lawyer.world import INSTRUCTED, Instruction, Telling

LINES = SHAPES["shop"].tables["order_lines"].references[0]
RELATED = {"orders": {"events": {"booked": (column("d"), column("d", path=((LINES, True),)))}}}


def one(
    name: str, as_of: str, keys: dict[str, object], row: dict[str, object], expected: str, **more: object
) -> Situation:
    """One rule on one order."""
    keys = {"start": "booked", **keys} if "upon" not in keys else keys
    return situation(
        name,
        as_of,
        rule("r", "orders", **keys),
        {"orders": [{"id": 1, **row}]},
        {"r orders 1": expected},
        **more,
    )


def examples() -> Iterator[Situation]:
    yield from calendar_law()
    yield from zones()
    yield from unknown()
    yield from several_dates()
    yield from until_and_from()
    yield from longest()
    yield from told()
    yield from nasty()


def calendar_law() -> Iterator[Situation]:
    august = {"d": on("2024-08-31")}
    yield one(
        "31 August, six months: not on 28 February", "2025-02-28", {"keep": "6 months"}, august, "not_due"
    )
    yield one("31 August, six months: on 1 March", "2025-03-01", {"keep": "6 months"}, august, "due")
    year = {"keep": "5 years", "starts": "after fiscal year"}
    march = {"d": on("2021-03-01")}
    yield one("five years after the year: not on its last day", "2026-12-31", year, march, "not_due")
    yield one("five years after the year: on New Year's Day", "2027-01-01", year, march, "due")
    june = {"keep": "42 months", "starts": "after fiscal year", "fiscal_year_end": (6, 30)}
    yield one("42 months after 30 June: the day before", "2024-12-31", june, march, "not_due")
    yield one("42 months after 30 June", "2025-01-01", june, march, "due")
    yield one(
        "0 days: not on the day itself", "2024-03-01", {"keep": "0 days"}, {"d": on("2024-03-01")}, "not_due"
    )
    yield one("0 days: on the next", "2024-03-02", {"keep": "0 days"}, {"d": on("2024-03-01")}, "due")
    mixed = {"keep": "1 month 1 day"}
    yield one("months first, then days: kept", "2024-03-01", mixed, {"d": on("2024-01-30")}, "not_due")
    yield one("months first, then days: due", "2024-03-02", mixed, {"d": on("2024-01-30")}, "due")
    yield one("a month to carry it out", "2024-04-02", mixed, {"d": on("2024-01-30")}, "due late")
    yield one("a month to carry it out: its last day", "2024-04-01", mixed, {"d": on("2024-01-30")}, "due")


def zones() -> Iterator[Situation]:
    oslo = {"keep": "1 day", "zone": "Europe/Oslo"}
    seen = {**oslo, "start": "seen"}
    late = {"z": datetime.fromisoformat("2024-03-31T22:30:00+00:00")}  # 00:30 on 1 April in Oslo's summer
    yield one("the day is that of the rule's zone: kept", "2024-04-02T21:59:59", seen, late, "not_due")
    yield one("the day is that of the rule's zone: due", "2024-04-02T22:00:00", seen, late, "due")
    wall = {"t": datetime(2024, 10, 27, 23, 30)}
    zone = {"zones": {"shop": "America/St_Johns", "crm": "UTC"}}
    closed = {**oslo, "start": "closed"}
    yield one(
        "a wall clock of the connector's zone: kept", "2024-10-29T22:59:59", closed, wall, "not_due", **zone
    )
    yield one("a wall clock of the connector's zone: due", "2024-10-29T23:00:00", closed, wall, "due", **zone)
    day = {"d": on("2024-03-31")}
    yield one("a DATE is never moved: kept", "2024-04-01T21:59:59", oslo, day, "not_due", **zone)
    yield one("a DATE is never moved: due", "2024-04-01T22:00:00", oslo, day, "due", **zone)


def unknown() -> Iterator[Situation]:
    keep = {"keep": "1 year"}
    yield one("a future event", "2024-01-01", keep, {"d": on("2030-01-01")}, "not_due")
    yield one("no date", "2024-01-01", keep, {}, "undated")
    yield one("a zero date", "2024-01-01", keep, {"d": on("1971-01-01")}, "unclear")
    yield one("the first day that is none", "2024-01-01", keep, {"d": on("1971-01-02")}, "due late")
    text = {"orders": {"events": {"booked": (column("s"),)}}}
    yield one("can't be read", "2024-01-01", keep, {"s": "2020-02-30"}, "unclear", datasets=text)
    yield one("can be read", "2024-01-01", keep, {"s": "2020-02-29"}, "due late", datasets=text)
    seconds = {"orders": {"events": {"booked": (column("n", unit="s"),)}}}
    never = {"orders": {"events": {"booked": (column("n", unit="s", never=(0,)),)}}}
    yield one("epoch 0", "2024-01-01", keep, {"n": 0}, "unclear", datasets=seconds)
    yield one("epoch 0, declared", "2024-01-01", keep, {"n": 0}, "undated", datasets=never)
    old = {"d": on("2020-01-01")}
    scope = {**keep, "where": ("=", "status", "paid")}
    yield one("`where` is true", "2024-01-01", scope, {**old, "status": "paid"}, "due late")
    yield one("`where` is false", "2024-01-01", scope, {**old, "status": "open"}, "out_of_scope")
    yield one("`where` is neither", "2024-01-01", scope, old, "unclear")
    several = {**keep, "where": ("and", ("=", "status", "paid"), ("true", "big"))}
    yield one("unknown and false is false", "2024-01-01", several, {**old, "amount": 0}, "out_of_scope")
    yield one("unknown and true is neither", "2024-01-01", several, {**old, "amount": 3}, "unclear")
    several = {**keep, "where": ("or", ("=", "status", "paid"), ("true", "big"))}
    yield one("unknown or true is true", "2024-01-01", several, {**old, "amount": 3}, "due late")
    where = {"orders": {"where": ("=", "status", "paid")}}
    yield one(
        "the dataset's `where` is false",
        "2024-01-01",
        keep,
        {**old, "status": "x"},
        "no record",
        datasets=where,
    )
    yield one("the dataset's `where` is neither", "2024-01-01", keep, old, "unclear", datasets=where)
    longer = {**keep, "exceptions": [says(when=("=", "status", "GmbH"), keep="8 years")]}
    yield one("no exception", "2024-01-01", longer, {**old, "status": "AG"}, "due late")
    yield one("an exception", "2024-01-01", longer, {**old, "status": "GmbH"}, "not_due")
    yield one("an exception that can't be told", "2024-01-01", longer, old, "unclear")
    ended = {"orders": {"events": {"booked": (column("d", where=("=", "status", "ended")),)}}}
    yield one(
        "an event's `where` is false", "2024-01-01", keep, {**old, "status": "x"}, "undated", datasets=ended
    )
    yield one("an event's `where` is neither", "2024-01-01", keep, old, "unclear", datasets=ended)
    defer = {**keep, "at_most": "6 years", "defer_while": ("true", "open")}
    yield one("an unknown defer_while defers", "2024-01-01", defer, old, "deferred")
    yield one("a false defer_while does not", "2024-01-01", defer, {**old, "active": False}, "due")


def several_dates() -> Iterator[Situation]:
    def lines(name: str, own: str | None, days: list[str | None], expected: str) -> Situation:
        rows = [{"id": n, "order_id": 1, "d": None if d is None else on(d)} for n, d in enumerate(days)]
        return situation(
            name,
            "2024-01-01",
            rule("r", "orders", keep="1 year", start="booked"),
            {"orders": [{"id": 1, "d": None if own is None else on(own)}], "order_lines": rows},
            {"r orders 1": expected},
            datasets={"orders": {**RELATED["orders"], "parts": (LINES,)}},
        )

    yield lines("the latest of related rows: long ago", "2020-01-01", ["2022-12-31", "2021-01-01"], "due")
    yield lines(
        "the latest of related rows: too recent", "2020-01-01", ["2023-12-31", "2021-01-01"], "not_due"
    )
    yield lines("one of them lies ahead", "2020-01-01", ["2030-01-01"], "not_due")
    yield lines("NULL in the own row is skipped", None, ["2020-01-01"], "due late")
    yield lines("NULL in a related row is unclear", "2020-01-01", ["2020-01-01", None], "unclear")
    yield lines("but for another that is too recent", "2023-12-31", [None], "not_due")
    yield lines("none at all", None, [], "undated")


def until_and_from() -> Iterator[Situation]:
    until = {"until": ("closed",)}  # from = booked, a day; closed, a wall clock
    yield one(
        "unsubscribed", "2024-01-01", until, {"d": on("2022-01-01"), "t": datetime(2023, 12, 31, 23)}, "due"
    )
    yield one("not unsubscribed", "2024-01-01", until, {"d": on("2022-01-01")}, "not_due")
    yield one(
        "in the future",
        "2024-01-01",
        until,
        {"d": on("2022-01-01"), "t": datetime(2024, 1, 1, 0, 0, 1)},
        "not_due",
    )
    yield one(
        "at this very instant", "2024-01-01", until, {"d": on("2022-01-01"), "t": datetime(2024, 1, 1)}, "due"
    )
    yield one(
        "subscribed again", "2024-01-01", until, {"d": on("2023-06-02"), "t": datetime(2023, 6, 1)}, "not_due"
    )
    yield one(
        "the same day is not earlier",
        "2024-01-01",
        until,
        {"d": on("2023-06-01"), "t": datetime(2023, 6, 1)},
        "due late",
    )
    yield one("never subscribed", "2024-01-01", until, {"t": datetime(2023, 6, 1)}, "due late")
    yield one(
        "`from` is unclear",
        "2024-01-01",
        until,
        {"d": on("1971-01-01"), "t": datetime(2023, 6, 1)},
        "unclear",
    )
    yield one(
        "`until` alone",
        "2024-01-01",
        {"until": ("closed",), "start": None},
        {"t": datetime(2023, 6, 1)},
        "due late",
    )
    both = {"keep": "1 year", "until": ("closed",)}
    yield one(
        "keep has come, until is unclear",
        "2024-01-01",
        both,
        {"d": on("2022-01-01"), "t": datetime(1970, 1, 1)},
        "due late",
    )
    yield one(
        "keep has not come, until is unclear",
        "2024-01-01",
        both,
        {"d": on("2023-06-01"), "t": datetime(1970, 1, 1)},
        "unclear",
    )
    yield one("keep and until: undated is not said", "2024-01-01", both, {}, "not_due")
    instants = {"start": "seen", "until": ("closed",)}
    noon = at("2023-06-01T12:00:00")
    yield one(
        "two instants: earlier by a second",
        "2024-01-01",
        instants,
        {"z": noon, "t": datetime(2023, 6, 1, 11, 59, 59)},
        "not_due",
    )
    yield one(
        "two instants: at once",
        "2024-01-01",
        instants,
        {"z": noon, "t": datetime(2023, 6, 1, 12)},
        "due late",
    )


def longest() -> Iterator[Situation]:
    window = {"keep": "12 months", "at_most": "36 months", "defer_while": ("true", "open")}
    disputed = {"d": on("2021-01-15"), "active": True}
    yield one("in between, it stays", "2023-06-01", window, disputed, "deferred")
    yield one("a month before the end it does not", "2023-12-15", window, disputed, "due")
    yield one("a month and a day before the end it does", "2023-12-14", window, disputed, "deferred")
    yield one("the last day", "2024-01-15", window, disputed, "due")
    yield one("past the end", "2024-01-16", window, disputed, "due late")
    yield one("not before its time", "2022-01-15", window, disputed, "not_due")
    endless = {"keep": "1 year", "at_most": "none", "defer_while": ("true", "open"), "basis": "legal claims"}
    yield one(
        "a law without an end", "2026-01-01", endless, {"d": on("2001-01-01"), "active": True}, "deferred"
    )
    yield one(
        "and when that is over", "2026-01-01", endless, {"d": on("2001-01-01"), "active": False}, "due late"
    )
    until = {**window, "until": ("closed",)}
    yield one(
        "no date for the longest",
        "2026-01-01",
        until,
        {"t": datetime(2020, 1, 1), "active": True},
        "deferred",
    )


def told() -> Iterator[Situation]:
    def asked(
        name: str, as_of: str, began: str | None, when: str, told_at: str, expected: str, **keys: object
    ) -> Situation:
        telling = Telling(
            event="asked",
            identifiers=(("customer", "7"),),
            at=at(when),
            told_at=at(told_at),
            withdrawn=bool(keys.pop("withdrawn", False)),
        )
        row = {"customer_id": 7, "z": None if began is None else at(began)}
        return one(
            name,
            as_of,
            {"upon": ("asked",), **keys},
            row,
            expected,
            told={"asked": ("customer",)},
            tellings=[telling],
        )

    yield asked("erased on request", "2024-01-02", "2023-01-01", "2024-01-01", "2024-01-01", "due")
    yield asked(
        "began after the request", "2024-03-01", "2024-02-01", "2024-01-01", "2024-01-01", "out_of_scope"
    )
    yield asked("began nobody knows when", "2024-03-01", None, "2024-01-01", "2024-01-01", "unclear")
    yield asked(
        "taken back", "2024-03-01", "2023-01-01", "2024-01-01", "2024-01-01", "out_of_scope", withdrawn=True
    )
    yield asked(
        "asked later than the day", "2024-01-02", "2023-01-01", "2024-01-03", "2024-01-03", "out_of_scope"
    )
    yield asked(
        "a month from the telling", "2024-02-01", "2023-01-01", "2022-01-01", "2024-01-01", "out_of_scope"
    )
    yield asked("the month is not over", "2024-02-01", "2021-01-01", "2022-01-01", "2024-01-01", "due")
    yield asked("the month is over", "2024-02-02", "2021-01-01", "2022-01-01", "2024-01-01", "due late")


def nasty() -> Iterator[Situation]:
    leap = {"keep": "1 year"}
    yield one("29 February, a year", "2025-02-28", leap, {"d": on("2024-02-29")}, "not_due")
    yield one("29 February, a year: 1 March", "2025-03-01", leap, {"d": on("2024-02-29")}, "due")
    apia = {"keep": "0 days", "zone": "Pacific/Apia", "start": "seen"}
    yield one(
        "the day that Samoa left out", "2011-12-30T10:00:00", apia, {"z": at("2011-12-30T09:59:59")}, "due"
    )
    yield one(
        "the day before, there", "2011-12-30T09:59:59", apia, {"z": at("2011-12-30T09:00:00")}, "not_due"
    )
    feb = {"keep": "1 month", "starts": "after fiscal year", "fiscal_year_end": (2, 28)}
    yield one("02-28 is the last of February: kept", "2024-03-31", feb, {"d": on("2024-02-29")}, "not_due")
    yield one("02-28 is the last of February: due", "2024-04-01", feb, {"d": on("2024-02-29")}, "due")
    exceptions = [says(when=("=", "status", "x"), keep="1 day"), says(when=("true", "open"), keep="9 years")]
    several = {"keep": "1 year", "exceptions": exceptions}
    row = {"d": on("2023-01-15"), "status": "x"}
    yield one("the first match decides, though one after it can't be told", "2023-02-01", several, row, "due")
    row = {"d": on("2020-01-15"), "active": True}
    yield one("one before the match can't be told", "2023-02-01", several, row, "unclear")
    slow = {"keep": "1 year", "within": "3 days"}
    yield one("three days to carry it out", "2024-01-04", slow, {"d": on("2023-01-01")}, "due")
    yield one("three days to carry it out: over", "2024-01-05", slow, {"d": on("2023-01-01")}, "due late")
    kept = {
        "documents": {"instructed": Instruction(column="kept", unit="days", between=(30, 365), path=TENANT)}
    }
    for name, number, expected in (
        ("a tenant's thirty days", 30, "due"),
        ("a tenant's year", 365, "not_due"),
        ("a tenant who never said", None, "unclear"),
        ("a tenant below the bounds", 29, "unclear"),
        ("a tenant above the bounds", 366, "unclear"),
    ):
        yield situation(
            name,
            "2024-02-01",
            rule("r", "documents", keep=INSTRUCTED, start="booked"),
            {
                "tenants": [{"id": 1, "kept": number}],
                "documents": [{"id": 1, "tenant_id": 1, "d": on("2024-01-01")}],
            },
            {"r documents 1": expected},
            shape="tenants",
            datasets=kept,
        )
    twice = [
        Telling(event="asked", identifiers=(("customer", "7"),), at=on(day), told_at=at(day))
        for day in ("2023-01-01", "2024-01-31")
    ]
    yield one(
        "asked twice, the first before it began",
        "2024-02-01",
        {"upon": ("asked",)},
        {"customer_id": 7, "z": at("2023-01-01T12:00:00")},
        "due",
        told={"asked": ("customer",)},
        tellings=twice,
    )
    yield one(
        "told as `from`: the latest counts",
        "2024-02-01",
        {"keep": "1 month", "start": "asked"},
        {"customer_id": 7, "z": at("2022-01-01")},
        "not_due",
        told={"asked": ("customer",)},
        tellings=twice,
    )
