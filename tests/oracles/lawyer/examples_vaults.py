"""The worked examples of vaults, and of columns of parts that are rewritten (DESIGN §4, §5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from tests.oracles.lawyer.actions import HASHED, REDACTED
from tests.oracles.lawyer.examples_actions import ANN, LINE, NEW, OLD, TODAY, chained, keep
from tests.oracles.lawyer.shapes import SHAPES
from tests.oracles.lawyer.situations import Situation, at, column, on, rule, situation
from tests.oracles.lawyer.world import RESTRICTED, SINCE, Hold, InTheVault, Value

FEE, KEPT_FEE = (SHAPES["vaults"].tables[name].references[0] for name in ("fees", "kept_fees"))
EVENTS = {"booked": (column("d"),), "closed": (column("t"),)}
OUTSIDE: dict[str, Any] = {
    "vault": "kept",
    "parts": (FEE,),
    "events": {**EVENTS, RESTRICTED: ()},
    "facts": {"open": Value(column="active"), RESTRICTED: InTheVault(inside=False)},
}
INSIDE: dict[str, Any] = {
    "data": "members",
    "vault_of": "members",
    "parts": (KEPT_FEE,),
    "events": {**EVENTS, RESTRICTED: (column(SINCE),)},
    "facts": {"open": Value(column="active"), RESTRICTED: InTheVault(inside=True)},
}


def examples() -> Iterator[Situation]:
    yield from moved()
    yield from what_goes_with_it()
    yield from what_refers()
    yield from in_the_vault()
    yield from what_it_will_need()
    yield from parts()
    yield from parts_that_others_keep()
    yield from parts_that_are_needed()
    yield from of_two_records()


def members(name: str, rules: Any, rows: Any, expected: Mapping[str, str], **more: Any) -> Situation:
    """Members, who can be moved to a vault."""
    outside = {**OUTSIDE, **more.pop("spelt", {})}
    inside = {**INSIDE, **more.pop("spelt_there", {})}
    datasets = {"members": outside, "kept": inside, **more.pop("datasets", {})}
    return situation(name, TODAY, rules, rows, expected, shape="vaults", datasets=datasets, **more)


def moved() -> Iterator[Situation]:
    away = chained("away", "members", "restrict")
    one = {"members": [{"id": 1, **OLD, **ANN}], "fees": [{"id": 1, "member_id": 1}]}
    yield members(
        "a record is moved to its vault, with its parts, as it is",
        [away],
        one,
        {"away members 1": "due late"},
        does={"away members": {"restrict": 1}, "away kept": {}},
        left={"members": [], "fees": [], "kept_members": [1], "kept_fees": [1]},
        then={"kept_members 1": {**ANN, SINCE: at(TODAY)}},
    )
    yield members(
        "a hold on the dataset leaves it where it is, and covers the vault",
        [away, keep("gone", "members", keep="2 years")],
        {**one, "kept_members": [{"id": 51, **OLD}]},
        {"away members 1": "held", "gone kept 51": "held"},
        holds=[Hold(on="dataset", what="members")],
        left={"members": [1], "kept_members": [51]},
    )
    yield members(
        "what restricts goes before what deletes",
        [chained("gone", "members", "delete"), away],
        one,
        {"away members 1": "due late", "gone members 1": "elsewhere"},
        left={"members": [], "kept_members": [1]},
    )
    yield members(
        "what is kept, and needed, is moved all the same",
        [away, keep("books", "members", keep="20 years")],
        one,
        {"away members 1": "due late"},
        left={"members": [], "kept_members": [1]},
    )
    yield members(
        "what it refers to stays for it",
        [away, chained("clubs", "clubs", "delete")],
        {"members": [{"id": 1, **OLD, "club_id": 1}], "clubs": [{"id": 1, **OLD}]},
        {"away members 1": "due late", "clubs clubs 1": "referenced late"},
        datasets={"clubs": {}},
        left={"clubs": [1], "kept_members": [1]},
    )


def what_goes_with_it() -> Iterator[Situation]:
    """A fee that is a record of its own, too, goes to the vault as it is; there its own rules reach it."""
    fees = {"anonymize": {"name": "redact"}}
    data = {"datasets": {"fees": fees, "kept-fees": {**fees, "data": "fees"}}}
    away, out = chained("away", "members", "restrict"), chained("out", "fees", "pseudonymize")
    for order in ([away, out], [out, away]):
        yield members(
            f"a part that is a record of its own goes with what is moved, {order[0].name} first",
            order,
            {"members": [{"id": 1, **OLD}], "fees": [{"id": 1, "member_id": 1, **OLD, **ANN}]},
            {"away members 1": "due late", "out fees 1": "elsewhere"},
            left={"members": [], "fees": [], "kept_members": [1], "kept_fees": [1]},
            then={"kept_fees 1": ANN},
            **data,
        )


def what_refers() -> Iterator[Situation]:
    """Rows outside the record that stay keep it out of the vault; those that go first do not."""
    calls: dict[str, Any] = {"datasets": {"calls": {}}, "spelt": {"anonymize": {"name": "redact"}}}
    calls["spelt_there"] = calls["spelt"]
    for name, call, first, expected, left in (
        ("stays", NEW, "restrict", "referenced late", [1]),
        ("stays, and the next action is possible", NEW, "pseudonymize", "due late", [1]),
        ("goes first", OLD, "restrict", "due late", []),
    ):
        otherwise = () if first == "restrict" else (first,)
        yield members(
            f"a call that refers to the record {name}",
            [
                chained("away", "members", "restrict", *otherwise),
                chained("calls", "calls", "delete"),
            ],
            {"members": [{"id": 1, **OLD, **ANN}], "calls": [{"id": 1, **call, "member_id": 1}]},
            {"away members 1": expected},
            left={"members": left, "calls": left},
            then={"members 1": {"name": REDACTED}} if otherwise else {},
            **calls,
        )


def in_the_vault() -> Iterator[Situation]:
    law = keep("law", "members", keep="5 years", basis="legal obligation")
    asked = rule("asked", "members", upon=("closed",), action="delete", otherwise=("restrict",))
    closed = {"t": at("2025-12-15").replace(tzinfo=None)}
    yield members(
        "restriction is done there, and what a law had stopped is tried again",
        [asked, law],
        {
            "members": [{"id": 1, **NEW, **closed}],
            "kept_members": [{"id": 51, **NEW, **closed}, {"id": 52, **OLD, **closed}],
        },
        {
            "asked members 1": "due",
            "asked kept 51": "done",
            "asked kept 52": "due",
            "law kept 52": "elsewhere",
        },
        does={"asked members": {"restrict": 1}, "asked kept": {"delete": 1}},
        left={"members": [], "kept_members": [51, 1]},
    )
    kept = rule("kept", "members", keep="3 years", start=RESTRICTED, where=("true", RESTRICTED))
    yield members(
        "a rule counts from the restriction",
        [kept],
        {
            "members": [{"id": 1, **OLD}],
            "kept_members": [
                {"id": 51, SINCE: at("2022-12-31")},
                {"id": 52, SINCE: at("2023-01-01")},
                {"id": 53},
            ],
        },
        {
            "kept members 1": "out_of_scope",
            "kept kept 51": "due",
            "kept kept 52": "not_due",
            "kept kept 53": "undated",
        },
        left={"members": [1], "kept_members": [52, 53]},
    )


def what_it_will_need() -> Iterator[Situation]:
    """What is restricted today is under the rules of where it is then: what they need is left as it is today."""
    away = chained("away", "members", "restrict", start="closed")
    out = chained("out", "clubs", "pseudonymize")
    claims = rule(
        "claims",
        "members",
        keep="3 years",
        start=RESTRICTED,
        where=("true", RESTRICTED),
        needs={"clubs": ("name",)},
    )
    other = keep("other", "members", keep="5 years", start="seen", needs={"clubs": ("name",)})
    clubs: dict[str, Any] = {"datasets": {"clubs": {"anonymize": {"name": "redact", "phone": "null"}}}}
    alone: dict[str, Any] = {"datasets": {"clubs": {"anonymize": {"name": "redact"}}}}
    one = {
        "members": [{"id": 1, **OLD, "t": datetime(2020, 1, 1), "club_id": 1}],
        "clubs": [{"id": 1, **OLD, **ANN}],
    }
    moved = {"away members 1": "due late", "out clubs 1": "due late"}
    for order in ([away, out], [out, away]):
        yield members(
            f"the vault's rule will need the name of the club, {order[0].name} first",
            [*order, claims],
            one,
            {**moved, "claims members 1": "out_of_scope"},
            left={"members": [], "kept_members": [1]},
            then={"clubs 1": {"name": ANN["name"], "phone": None}},
            **clubs,
        )
    yield members(
        "the vault's clock is another column",
        [out, away, other],
        {**one, "members": [{"id": 1, **OLD, "t": datetime(2020, 1, 1), "s": "2025-12-01", "club_id": 1}]},
        {"away members 1": "due late", "other members 1": "elsewhere", "out clubs 1": "retained"},
        spelt={"events": {**OUTSIDE["events"], "seen": (column("d"),)}},
        spelt_there={"events": {**INSIDE["events"], "seen": (column("s"),)}},
        then={"clubs 1": ANN},
        **alone,
    )
    until = {
        "start": "booked",
        "until": (RESTRICTED,),
        "where": ("true", RESTRICTED),
        "needs": {"clubs": ("name",)},
    }
    for day, name in (("2020-01-01", REDACTED), ("2026-01-02", ANN["name"])):
        yield members(
            f"the restriction itself ends the vault's rule, which began on {day}",
            [out, away, rule("ends", "members", **until)],
            {**one, "members": [{"id": 1, "d": on(day), "t": datetime(2020, 1, 1), "club_id": 1}]},
            {"away members 1": "due late", "out clubs 1": "due late"},
            then={"clubs 1": {"name": name, "phone": None}},
            **clubs,
        )
    yield members(
        "what can't be moved today needs what it needs now",
        [out, away, claims],
        {**one, "calls": [{"id": 1, **NEW, "member_id": 1}]},
        {"away members 1": "referenced late", "out clubs 1": "due late"},
        then={"clubs 1": {"name": REDACTED, "phone": None}},
        **clubs,
    )
    all_of_it = rule(
        "claims", "members", keep="3 years", start=RESTRICTED, where=("true", RESTRICTED),
        needs={"clubs": ("name", "reach")},
    )  # fmt: skip
    yield members(
        "nothing is left to rewrite",
        [out, away, all_of_it],
        one,
        {"away members 1": "due late", "out clubs 1": "retained"},
        then={"clubs 1": ANN},
        **alone,
    )


# --- columns of parts ---------------------------------------------------------------------------


def orders(name: str, rules: Any, lines: Any, expected: Mapping[str, str], **more: Any) -> Situation:
    """One order; of its own columns the name is rewritten, and of its lines' the name and the telephone."""
    spelt = {"name": "redact", "order_lines.name": "redact", "order_lines.phone": "hash"}
    special = {"parts": (LINE,), "anonymize": spelt, **more.pop("spelt", {})}
    rows = {
        "orders": [{"id": 1, **OLD, **ANN, **more.pop("row", {})}],
        "order_lines": [{"id": number, "order_id": 1, **line} for number, line in enumerate(lines, 1)],
        **more.pop("rows", {}),
    }
    datasets = {"orders": special, **more.pop("datasets", {})}
    return situation(name, TODAY, rules, rows, expected, datasets=datasets, **more)


def parts() -> Iterator[Situation]:
    out = chained("out", "orders", "pseudonymize")
    gone = {"name": REDACTED, "phone": f"{HASHED}555", "born": ANN["born"]}
    yield orders(
        "columns of parts are rewritten with the record, in each row",
        [out],
        [ANN, {**ANN, "phone": None}],
        {"out orders 1": "due late"},
        does={"out orders": {"pseudonymize": 1}},
        then={
            "orders 1": {"name": REDACTED},
            "order_lines 1": gone,
            "order_lines 2": {**gone, "phone": None},
        },
    )
    hashed = HASHED + "a" * 26
    done = {"name": REDACTED, "phone": hashed}
    yield orders(
        "a row that came later makes the record due, and no hash is hashed",
        [out],
        [done, ANN],
        {"out orders 1": "due late"},
        row=done,
        then={"order_lines 1": done, "order_lines 2": gone},
    )
    yield orders(
        "done in every row is done",
        [out],
        [done, done],
        {"out orders 1": "done"},
        row=done,
        left={"orders": [1]},
    )
    yield orders(
        "done where there is no row of a part",
        [out],
        [],
        {"out orders 1": "done"},
        row=done,
        left={"orders": [1]},
    )
    marker = {"anonymize": {"order_lines.name": "mask"}, "done": "done_at"}
    for name, when, expected in (
        ("was never set", {}, "due late"),
        ("is older than the event", {"done_at": at("2019-12-31")}, "due late"),
        ("is later", {"done_at": at("2020-02-01")}, "done"),
    ):
        yield orders(
            f"for what no value tells of a part the record's marker speaks, which {name}",
            [out],
            [ANN],
            {"out orders 1": expected},
            row=when,
            spelt=marker,
            then={"order_lines 1": {"name": "Ann Lee" if expected == "done" else "A***"}},
        )


def parts_that_others_keep() -> Iterator[Situation]:
    out = chained("out", "orders", "pseudonymize")
    lines = keep("lines", "lines", keep="5 years")
    yield orders(
        "a line that its own rule keeps leaves its columns in all lines of the order",
        [out, lines],
        [{**ANN, **NEW}, {**ANN, "d": at("2001-01-01").date()}],
        {"out orders 1": "due late", "lines lines 1": "not_due", "lines lines 2": "referenced late"},
        datasets={"lines": {}},
        does={"out orders": {"pseudonymize": 1}},
        then={"orders 1": {"name": REDACTED}, "order_lines 1": ANN, "order_lines 2": ANN},
    )
    alone = {"anonymize": {"order_lines.name": "redact"}}
    yield orders(
        "it is retained where nothing else is left",
        [out, lines],
        [{**ANN, **NEW}],
        {"out orders 1": "retained"},
        spelt=alone,
        datasets={"lines": {}},
        then={"order_lines 1": ANN},
    )
    for lines_of in ([], [ANN]):
        yield orders(
            f"a rule that keeps the order keeps its part, of which it has {len(lines_of)} rows",
            [out, keep("law", "orders", keep="20 years")],
            lines_of,
            {"out orders 1": "retained"},
            spelt=alone,
            left={"orders": [1]},
        )


def parts_that_are_needed() -> Iterator[Situation]:
    out = chained("out", "orders", "pseudonymize")
    words = {"name": ("order_lines.name",), "reach": ("name",)}
    spelt = {"fields": words}
    yield orders(
        "a rule that keeps the order needs a column of its lines",
        [out, keep("law", "orders", keep="20 years", needs={"orders": ("name",)})],
        [ANN],
        {"out orders 1": "due late"},
        spelt=spelt,
        then={"orders 1": {"name": REDACTED}, "order_lines 1": {"name": "Ann Lee", "phone": f"{HASHED}555"}},
    )
    yield orders(
        "a claim that stays needs a column of the lines of its order",
        [out, keep("claims", "claims", keep="5 years", needs={"orders": ("name",)})],
        [ANN],
        {"out orders 1": "due late"},
        spelt=spelt,
        rows={"claims": [{"id": 1, "order_id": 1, **NEW}]},
        datasets={"claims": {}},
        then={"orders 1": {"name": REDACTED}, "order_lines 1": {"name": "Ann Lee", "phone": f"{HASHED}555"}},
    )
    yield orders(
        "a line that stays needs a column of its order",
        [out, keep("law", "lines", keep="5 years", needs={"orders": ("name",)})],
        [{**ANN, **NEW}],
        {"out orders 1": "due late", "law lines 1": "not_due"},
        spelt={"anonymize": {"name": "redact", "phone": "null"}, "fields": {"name": ("name",)}},
        datasets={"lines": {}},
        row=ANN,
        then={"orders 1": {"name": "Ann Lee", "phone": None}, "order_lines 1": ANN},
    )
    yield orders(
        "it is needed of a line that is rewritten as a record of its own, too",
        [
            chained("lines", "lines", "pseudonymize"),
            keep("law", "orders", keep="20 years", needs={"orders": ("name",)}),
        ],
        [{**OLD, **ANN}],
        {"lines lines 1": "due late"},
        spelt={**spelt, "anonymize": {}},
        datasets={"lines": {"anonymize": {"name": "redact", "phone": "null"}}},
        then={"order_lines 1": {"name": "Ann Lee", "phone": None}},
    )


def of_two_records() -> Iterator[Situation]:
    """Its order's rule and its own would rewrite the line: the order's does it, and its own the rest at another run."""
    out, lines = chained("out", "orders", "pseudonymize"), chained("lines", "lines", "pseudonymize")
    redacted = {"name": "redact"}
    left = {"orders": {"name": REDACTED}, "lines": {"name": REDACTED, "phone": f"{HASHED}555"}}
    for name, rules in (
        ("its order's rule is the first", [out, lines]),
        ("its own is the first", [lines, out]),
    ):
        yield orders(
            f"a line that its order's rule rewrites, and its own: {name}",
            rules,
            [{**OLD, **ANN}],
            {"out orders 1": "due late", "lines lines 1": "elsewhere"},
            datasets={"lines": {"anonymize": redacted}},
            then={"orders 1": left["orders"], "order_lines 1": left["lines"]},
        )
        yield orders(
            f"of which its own has more to rewrite: {name}",
            rules,
            [{**OLD, **ANN}],
            {"out orders 1": "due late", "lines lines 1": "elsewhere"},
            datasets={"lines": {"anonymize": {**redacted, "born": "year"}}},
            then={"order_lines 1": {**left["lines"], "born": ANN["born"]}},
        )
    yield orders(
        "a line of which the order's rule has nothing to rewrite is rewritten by its own",
        [out, lines],
        [{**OLD, **ANN, "name": REDACTED, "phone": None}, {**OLD, **ANN}],
        {"out orders 1": "due late", "lines lines 1": "due late", "lines lines 2": "elsewhere"},
        datasets={"lines": {"anonymize": {**redacted, "born": "year"}}},
        then={
            "order_lines 1": {"name": REDACTED, "born": at("1984-01-01").date()},
            "order_lines 2": {"born": ANN["born"]},
        },
    )
    yield orders(
        "a line whose order is kept is rewritten by nobody",
        [chained("out", "orders", "pseudonymize", keep="20 years"), lines],
        [{**OLD, **ANN}],
        {"out orders 1": "not_due", "lines lines 1": "retained"},
        datasets={"lines": {"anonymize": redacted}},
        then={"order_lines 1": ANN},
    )
    yield orders(
        "a line that is deleted with its order is rewritten by nobody",
        [chained("out", "orders", "delete"), lines],
        [{**OLD, **ANN}],
        {"out orders 1": "due late", "lines lines 1": "elsewhere"},
        datasets={"lines": {"anonymize": redacted}},
        left={"orders": [], "order_lines": []},
    )
