"""The worked examples of actions: chains, what is needed, what is done, slices, what is restricted (DESIGN §4, §5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.oracles.lawyer.actions import REDACTED
from tests.oracles.lawyer.shapes import FIELDS, SHAPES
from tests.oracles.lawyer.situations import Situation, at, on, rule, says, situation
from tests.oracles.lawyer.world import ANY, Hold, Rule, Telling

TODAY = "2026-01-01"
NEW, OLD = {"d": on("2025-12-01")}, {"d": on("2020-01-01")}
ANN = {"name": "Ann Lee", "phone": "555", "born": on("1984-05-06")}
GONE = {"name": REDACTED, "phone": None, "born": on("1984-01-01")}
WHOLE = {"name": "redact", "phone": "null", "born": "year"}
SPELT: dict[str, Any] = {"anonymize": WHOLE, "fields": FIELDS}
MARKED: dict[str, Any] = {"mark": "restricted_at"}
LINE = SHAPES["shop"].tables["order_lines"].references[0]


def keep(name: str, data: Any, **keys: Any) -> Rule:
    return rule(name, data, **{"keep": "1 year", "start": "booked", **keys})


def chained(name: str, data: Any, action: str, *otherwise: str, **keys: Any) -> Rule:
    return keep(name, data, **{"action": action, "otherwise": otherwise, "keep": "1 month", **keys})


def examples() -> Iterator[Situation]:
    yield from accounts_and_orders()
    yield from needs()
    yield from done()
    yield from done_by_marker()
    yield from slices()
    yield from restricted()
    yield from who_acts()
    yield from any_data()


def people(
    name: str, rules: Any, row: Mapping[str, Any], expected: Mapping[str, str], **more: Any
) -> Situation:
    """One customer; `orders`: those of the customer."""
    orders = [{"customer_id": 1, **order} for order in more.pop("orders", ())]
    special = {**SPELT, **more.pop("spelt", {})}
    datasets = {"customers": special, **more.pop("datasets", {}), "orders": more.pop("order", {})}
    rows = {"customers": [{"id": 1, **row}], "orders": orders, **more.pop("rows", {})}
    if "hold" in more:
        more["holds"] = [more.pop("hold")]
    return situation(name, TODAY, rules, rows, expected, datasets=datasets, **more)


def accounts_and_orders() -> Iterator[Situation]:
    inactive = chained("inactive", "customers", "delete", "pseudonymize")
    books = keep("books", "orders", keep="5 years")
    order = [{"id": 1, **NEW}]
    yield people(
        "an account without orders is deleted",
        [inactive, books],
        {**OLD, **ANN},
        {"inactive customers 1": "due late"},
        does={"inactive customers": {"delete": 1}},
        left={"customers": []},
    )
    yield people(
        "one with an order that stays is rewritten",
        [inactive, books],
        {**OLD, **ANN},
        {"inactive customers 1": "due late", "books orders 1": "not_due"},
        orders=order,
        does={"inactive customers": {"pseudonymize": 1}},
        left={"customers": [1], "orders": [1]},
        then={"customers 1": GONE},
    )
    yield people(
        "and once is enough",
        [inactive, books],
        {**OLD, **GONE},
        {"inactive customers 1": "done"},
        orders=order,
        does={"inactive customers": {}},
    )
    yield people(
        "when the last order goes, it goes in the same run",
        [inactive, books],
        {**OLD, **GONE},
        {"inactive customers 1": "due late", "books orders 1": "due late"},
        orders=[{"id": 1, **OLD}],
        does={"inactive customers": {"delete": 1}},
        left={"customers": [], "orders": []},
    )
    yield people(
        "of two orders one stays",
        [inactive, books],
        {**OLD, **ANN},
        {"inactive customers 1": "due late"},
        orders=[{"id": 1, **OLD}, {"id": 2, **NEW}],
        does={"inactive customers": {"pseudonymize": 1}},
        left={"customers": [1], "orders": [2]},
    )
    young = {"d": on("2025-12-20"), **ANN}
    yield people("not before its day", [inactive, books], young, {"inactive customers 1": "not_due"})
    yield people(
        "a hold ends the chain",
        [inactive, books],
        {**OLD, **ANN},
        {"inactive customers 1": "held"},
        orders=order,
        then={"customers 1": ANN},
        hold=Hold(on="key", what=("customers", (1,))),
    )
    last = chained("inactive", "customers", "delete", "pseudonymize", "restrict")
    yield people(
        "what was rewritten is restricted no more",
        [last, books],
        {**OLD, **ANN},
        {"inactive customers 1": "due late"},
        orders=order,
        spelt=MARKED,
        does={"inactive customers": {"pseudonymize": 1}},
    )


def needs() -> Iterator[Situation]:
    inactive = chained("inactive", "customers", "delete", "pseudonymize")
    only = chained("inactive", "customers", "pseudonymize")
    order = [{"id": 1, **NEW}]
    name = keep("books", "orders", keep="5 years", needs={"customers": ("name",)})
    every = keep("books", "orders", keep="5 years", needs={"customers": ("name", "reach")})
    yield people(
        "the name stays readable while the order stays",
        [inactive, name],
        {**OLD, **ANN},
        {"inactive customers 1": "due late"},
        orders=order,
        does={"inactive customers": {"pseudonymize": 1}},
        then={"customers 1": {**GONE, "name": "Ann Lee"}},
    )
    yield people(
        "the rest was rewritten before",
        [inactive, name],
        {**OLD, **GONE, "name": "Ann Lee"},
        {"inactive customers 1": "done"},
        orders=order,
    )
    yield people(
        "no longer needed: due again",
        [only, name],
        {**OLD, **GONE, "name": "Ann Lee"},
        {"inactive customers 1": "due late"},
        orders=[{"id": 1, **OLD}],
        then={"customers 1": GONE},
    )
    yield people(
        "all is needed: retained",
        [inactive, every],
        {**OLD, **ANN},
        {"inactive customers 1": "retained"},
        orders=order,
        does={"inactive customers": {}},
        then={"customers 1": ANN},
    )
    yield people(
        "retained by needing, though a restriction would be none",
        [chained("inactive", "customers", "delete", "pseudonymize", "restrict"), every],
        {**OLD, **ANN},
        {"inactive customers 1": "due late"},
        orders=order,
        spelt=MARKED,
        does={"inactive customers": {"restrict": 1}},
        then={"customers 1": {**ANN, "restricted_at": at(TODAY)}},
    )
    law = keep("law", "customers", keep="9 years")
    yield people(
        "who keeps the account keeps all of it",
        [inactive, law],
        {**OLD, **ANN},
        {"inactive customers 1": "retained", "law customers 1": "not_due"},
    )
    some = keep("law", "customers", keep="9 years", needs={"customers": ("name",)})
    yield people(
        "or what it says that it needs",
        [inactive, some],
        {**OLD, **ANN},
        {"inactive customers 1": "due late"},
        does={"inactive customers": {"pseudonymize": 1}},
        then={"customers 1": {**GONE, "name": "Ann Lee"}},
    )
    giving = chained("inactive", "customers", "delete", "pseudonymize", yields_to=("legal obligation",))
    yield people(
        "the needs of a rule that it does not give way to are none",
        [giving, every],
        {**OLD, **ANN},
        {"inactive customers 1": "due late"},
        orders=order,
        does={"inactive customers": {"pseudonymize": 1}},
        then={"customers 1": GONE},
    )
    forced = chained("inactive", "customers", "delete", "pseudonymize", at_most="3 years")
    yield people(
        "past at_most all that is kept is a conflict",
        [forced, every],
        {**OLD, **ANN},
        {"inactive customers 1": "conflict late"},
        orders=order,
    )
    tried = chained("inactive", "customers", "pseudonymize", "delete", "restrict")
    yield people(
        "the fate is that of the first action",
        [chained("inactive", "customers", "delete", "pseudonymize"), law],
        {**OLD, **ANN},
        {"inactive customers 1": "retained"},
        orders=order,
    )
    yield people(
        "stronger after weaker is tried in the order of the rule",
        [tried, keep("books", "orders", keep="5 years")],
        {**OLD, **ANN},
        {"inactive customers 1": "due late"},
        orders=order,
        spelt=MARKED,
        does={"inactive customers": {"pseudonymize": 1}},
    )


def done() -> Iterator[Situation]:
    only = chained("r", "customers", "pseudonymize")
    for column, value in ANN.items():
        yield people(
            f"{column} is left: due",
            only,
            {**OLD, **GONE, column: value},
            {"r customers 1": "due late"},
            then={"customers 1": GONE},
        )
    nothing = dict.fromkeys(ANN)
    yield people("NULL stays NULL, and is done", only, {**OLD, **nothing}, {"r customers 1": "done"})
    yield people(
        "a hash is told by its beginning",
        only,
        {**OLD, "name": "rh1-" + "a" * 26},
        {"r customers 1": "done"},
        spelt={"anonymize": {"name": "hash"}},
    )


def done_by_marker() -> Iterator[Situation]:
    spelt = {"anonymize": {"name": "mask"}, "done": "done_at"}
    only = chained("r", "customers", "pseudonymize", start="seen")
    seen = {"z": at("2025-03-01")}

    def marked(name: str, when: Any, expected: str, **more: Any) -> Situation:
        row = {**seen, "name": "A***", "done_at": when, **more.pop("row", {})}
        return people(name, more.pop("rules", only), row, {"r customers 1": expected}, spelt=spelt, **more)

    yield marked(
        "a mask without a marker is not done", None, "due late", then={"customers 1": {"done_at": at(TODAY)}}
    )
    yield marked("one that was marked later is", at("2025-04-02"), "done")
    yield marked("at that very instant too", at("2025-03-01"), "done")
    yield marked("one marked earlier is due again", at("2025-02-28"), "due late")
    yield marked("a marker of long ago tells nothing", at("1970-01-01"), "due late")
    yield marked("a name that is not there needs none", None, "done", row={"name": None})
    days = chained("r", "customers", "pseudonymize")
    day = {"d": on("2025-03-01")}
    yield marked("by days the same day is not earlier", at("2025-03-01"), "done", rules=days, row=day)
    yield marked("the day before is", at("2025-02-28"), "due late", rules=days, row=day)
    until = rule("r", "customers", until=("seen", "closed"), start="booked", action="pseudonymize")
    both = {"d": on("2025-01-01"), "z": at("2025-02-01"), "t": at("2025-05-01").replace(tzinfo=None)}
    yield marked("a second opt-out after the first", at("2025-03-01"), "due late", rules=until, row=both)
    yield marked("marked after both", at("2025-05-01"), "done", rules=until, row=both)
    asked = rule("r", "customers", upon=("asked",), action="pseudonymize")
    told = {"asked": ("customer",)}

    def telling(when: str) -> Telling:
        return Telling(event="asked", identifiers=(("customer", "1"),), at=at(when), told_at=at(when))

    yield marked(
        "asked for, and done after it",
        at("2025-04-01"),
        "done",
        rules=asked,
        told=told,
        tellings=[telling("2025-03-05")],
    )
    yield marked(
        "asked for once more",
        at("2025-04-01"),
        "due late",
        rules=asked,
        told=told,
        tellings=[telling("2025-03-05"), telling("2025-04-02")],
    )


def slices() -> Iterator[Situation]:
    reach: dict[str, Any] = {
        "seat": "customers",
        "columns": ("phone", "born"),
        "anonymize": {"phone": "null", "born": "year"},
        "fields": FIELDS,
    }

    def sliced(name: str, rules: Any, expected: Mapping[str, str], row: Any = None, **more: Any) -> Situation:
        return people(name, rules, {**OLD, **ANN, **(row or {})}, expected, datasets={"reach": reach}, **more)

    profile = chained("profile", "reach", "pseudonymize")
    law = keep("law", "customers", keep="9 years")
    yield sliced(
        "a rule on the whole row does not keep a slice",
        [profile, law],
        {"profile reach 1": "due late", "law customers 1": "not_due"},
        then={"customers 1": {**GONE, "name": "Ann Lee"}},
    )
    inactive = chained("inactive", "customers", "delete", "pseudonymize")
    lasting = keep("profile", "reach", keep="9 years", action="pseudonymize")
    yield sliced(
        "a rule on a slice keeps the row, and its own columns",
        [inactive, lasting],
        {"inactive customers 1": "due late", "profile reach 1": "not_due"},
        does={"inactive customers": {"pseudonymize": 1}},
        then={"customers 1": {**ANN, "name": REDACTED}},
    )
    yield sliced(
        "the slice goes with its row",
        [inactive, profile],
        {"inactive customers 1": "due late", "profile reach 1": "elsewhere"},
        left={"customers": []},
    )
    only = chained("inactive", "customers", "pseudonymize")
    yield sliced(
        "a slice waits where its row is rewritten",
        [only, profile],
        {"inactive customers 1": "due late", "profile reach 1": "elsewhere"},
        then={"customers 1": GONE},
    )
    yield sliced(
        "and not where that is done",
        [chained("inactive", "customers", "pseudonymize"), profile],
        {"inactive customers 1": "done", "profile reach 1": "due late"},
        {"name": REDACTED},
        spelt={"anonymize": {"name": "redact"}},
        then={"customers 1": GONE},
    )
    yield sliced(
        "nor where it is restricted in place",
        [chained("inactive", "customers", "restrict"), profile],
        {"inactive customers 1": "due late", "profile reach 1": "due late"},
        spelt=MARKED,
        then={"customers 1": {**GONE, "name": "Ann Lee", "restricted_at": at(TODAY)}},
    )
    needing = keep("books", "orders", keep="5 years", needs={"customers": ("reach",)})
    yield sliced(
        "what a kept order needs of the row stays in the slice, too",
        [profile, needing],
        {"profile reach 1": "retained"},
        orders=[{"id": 1, **NEW}],
        then={"customers 1": ANN},
    )
    yield sliced(
        "a hold on the row covers its slices",
        [profile],
        {"profile reach 1": "held"},
        hold=Hold(on="key", what=("customers", (1,))),
    )


def restricted() -> Iterator[Situation]:
    erase = rule("erase", "customers", upon=("closed",), action="delete", otherwise=("restrict",))
    books = keep("books", "orders", keep="5 years", needs={"customers": ("name", "reach")})
    closed = {**ANN, "t": at("2025-12-15").replace(tzinfo=None)}
    order = [{"id": 1, **NEW}]
    yield people(
        "what can't be deleted is restricted",
        [erase, books],
        closed,
        {"erase customers 1": "due"},
        orders=order,
        spelt=MARKED,
        does={"erase customers": {"restrict": 1}},
        then={"customers 1": {"restricted_at": at(TODAY)}},
    )
    yield people(
        "and stays restricted",
        [erase, books],
        {**closed, "restricted_at": at("2020-01-01")},
        {"erase customers 1": "done"},
        orders=order,
        spelt=MARKED,
    )
    yield people(
        "the stronger action is tried again",
        [erase, books],
        {**closed, "restricted_at": at("2025-12-16")},
        {"erase customers 1": "due"},
        spelt=MARKED,
        does={"erase customers": {"delete": 1}},
        left={"customers": []},
    )
    yield people(
        "nothing but a hold stops a restriction",
        [chained("r", "customers", "restrict"), keep("law", "customers", keep="9 years")],
        {**OLD, **ANN},
        {"r customers 1": "due late"},
        orders=order,
        spelt=MARKED,
    )


def who_acts() -> Iterator[Situation]:
    delete = chained("delete", "customers", "delete", keep="1 month")
    rewrite = chained("rewrite", "customers", "pseudonymize", keep="2 years")
    restrict = chained("restrict", "customers", "restrict", keep="3 months")
    yield people(
        "deleting goes before rewriting, whichever ended last",
        [rewrite, delete],
        {**OLD, **ANN},
        {"delete customers 1": "due late", "rewrite customers 1": "elsewhere"},
        left={"customers": []},
    )
    yield people(
        "restricting goes before both",
        [rewrite, delete, restrict],
        {**OLD, **ANN},
        {
            "restrict customers 1": "due late",
            "delete customers 1": "elsewhere",
            "rewrite customers 1": "elsewhere",
        },
        spelt=MARKED,
        left={"customers": [1]},
        then={"customers 1": ANN},
    )
    some = chained("restrict", "customers", "restrict", where=("=", "status", "paid"))
    two = [{"id": 1, **OLD, **ANN, "status": "paid"}, {"id": 2, **OLD, **ANN, "status": "open"}]
    for rules in ([some, rewrite], [rewrite, some]):
        yield people(
            f"one that the run restricts takes nobody's place in it, where {rules[0].name} is the first",
            rules,
            {},
            {
                "restrict customers 1": "due late",
                "rewrite customers 1": "elsewhere",
                "rewrite customers 2": "due late",
            },
            rows={"customers": two},
            spelt=MARKED,
            then={"customers 1": ANN, "customers 2": GONE},
        )
    yield people(
        "a restriction that is done is in nobody's way",
        [rewrite, delete, restrict],
        {**OLD, **ANN, "restricted_at": at("2025-12-01")},
        {"restrict customers 1": "done", "delete customers 1": "due late"},
        spelt=MARKED,
        left={"customers": []},
    )
    other = chained("other", "customers", "pseudonymize", keep="3 years")
    yield people(
        "of two that rewrite the one that ended last",
        [rewrite, other],
        {**OLD, **ANN},
        {"rewrite customers 1": "elsewhere", "other customers 1": "due late"},
    )
    yield people(
        "what was rewritten by one is done for both",
        [rewrite, other],
        {**OLD, **GONE},
        {"rewrite customers 1": "done", "other customers 1": "done"},
    )
    locked = chained("restrict", "orders", "restrict", keep="3 months")
    yield people(
        "what is restricted stays, and what it refers to waits",
        [delete, locked, keep("books", "orders")],
        {**OLD, **ANN},
        {
            "delete customers 1": "referenced late",
            "restrict orders 1": "due late",
            "books orders 1": "elsewhere",
        },
        orders=[{"id": 1, **OLD}],
        order=MARKED,
        left={"customers": [1], "orders": [1]},
    )
    yield people(
        "the run after, both go",
        [delete, locked, keep("books", "orders")],
        {**OLD, **ANN},
        {"delete customers 1": "due late", "restrict orders 1": "done", "books orders 1": "due late"},
        orders=[{"id": 1, **OLD, "restricted_at": at(TODAY)}],
        order=MARKED,
        left={"customers": [], "orders": []},
    )
    lines = {"order_lines": [{"id": 1, "order_id": 1, **OLD, **ANN}]}
    yield situation(
        "a part is not rewritten where its record goes",
        TODAY,
        [keep("orders", "orders", keep="1 month"), chained("lines", "lines", "pseudonymize")],
        {"orders": [{"id": 1, **OLD}], **lines},
        {"orders orders 1": "due late", "lines lines 1": "elsewhere"},
        datasets={"orders": {"parts": (LINE,)}, "lines": SPELT},
        left={"order_lines": []},
    )


def any_data() -> Iterator[Situation]:
    every = rule("every", ANY, upon=("closed",), action="delete", otherwise=("pseudonymize", "restrict"))
    books = keep("books", "orders", keep="5 years", needs={"customers": ("name", "reach")})
    closed = {**ANN, "t": at("2025-12-15").replace(tzinfo=None)}
    order = [{"id": 1, **NEW}]
    yield people(
        "a rule on any data skips what is not spelt out",
        [every, books],
        closed,
        {"every customers 1": "retained", "every orders 1": "out_of_scope"},
        orders=order,
        spelt={"anonymize": {}},
    )
    yield people(
        "and goes on to what is",
        [every, books],
        closed,
        {"every customers 1": "due"},
        orders=order,
        spelt={"anonymize": {}, **MARKED},
        does={"every customers": {"restrict": 1}},
    )
    rewriting = rule(
        "every",
        ANY,
        upon=("closed",),
        action="pseudonymize",
        exceptions=[says(when=("=", "status", "x"), action="restrict")],
    )
    yield people(
        "where nothing is spelt out it has nothing to do",
        [rewriting],
        {**closed, "status": "y"},
        {"every customers 1": "out_of_scope"},
        spelt={"anonymize": {}, **MARKED},
        left={"customers": [1]},
    )
